"""``pyex script.py``: a script as ``__main__``, in a process on the main thread."""

from __future__ import annotations

import logging
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyex
from pyex import Exit, Pid, run
from shell import display
from shell.evaluator import INTERRUPTED


def run_script(path: Path, args: list[str], start: Callable[[], None]) -> int:
    """Run a script as Python itself would, and return its exit status.

    ``start`` is called first, in the same process. Raises OSError if the file cannot be read.
    """
    source = path.read_bytes()
    sys.argv = [str(path), *args]
    if not sys.flags.safe_path:
        sys.path[0:1] = [str(path.resolve().parent)]
    module = types.ModuleType("__main__")
    module.__file__ = str(path)
    sys.modules["__main__"] = module
    script = _Script(path, source, module, start)
    log_to_stderr(lambda: script.pid)
    try:
        run(script)
    except Exit as ended:
        return script.status(ended.reason)
    except KeyboardInterrupt:
        print("KeyboardInterrupt", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if not script.begun:
            raise
        print(display.error(error, colour=False), end="", file=sys.stderr)
        return 1
    return 0


def log_to_stderr(pid: Callable[[], Pid | None]) -> None:
    """Show what is logged, but for how the program's own process has ended: that is told once, at the end."""
    reports = logging.StreamHandler()
    reports.addFilter(lambda record: getattr(record, "pid", None) != pid())
    log = logging.getLogger("pyex")
    log.addHandler(reports)
    log.propagate = False


class _Script:
    """The script and how it ended, beyond the reason its process ended with."""

    def __init__(self, path: Path, source: bytes, module: types.ModuleType, start: Callable[[], None]) -> None:
        self._path = path
        self._source = source
        self._module = module
        self._start = start
        self._exit: SystemExit | None = None
        self.pid: Pid | None = None
        self.begun = False

    def __call__(self) -> None:
        """The script's process. Its uncaught exception is reported once, by ``run_script``."""
        self.pid = pyex.self()
        self._start()
        self.begun = True
        try:
            exec(compile(self._source, str(self._path), "exec", dont_inherit=True), vars(self._module))  # noqa: S102
        except SystemExit as leaving:
            self._exit = leaving
            raise

    def status(self, reason: Any) -> int:
        """The exit status for the reason the process ended with."""
        if self._exit is not None:
            code = self._exit.code
            if isinstance(code, int):
                return code
            print(code, file=sys.stderr)
        elif reason == "normal":
            return 0
        else:
            print(f"pyex: the script was ended: {display.brief(reason)}", file=sys.stderr)
        return 1
