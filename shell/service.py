"""``pyex module:tree``: a supervision tree of a module, or a function, perhaps one that makes a tree, run as a program."""

from __future__ import annotations

import difflib
import importlib
import re
import sys
from collections.abc import Callable
from typing import Any, Final

import pyex
from pyex import ChildSpec, Exit, Pid, Process, PyexError, SupervisorSpec, run
from shell import display
from shell.evaluator import INTERRUPTED
from shell.script import log_to_stderr

#: ``shop.main:tree``, or an attribute of an attribute of the module.
_TARGET: Final = re.compile(r"([^\W\d]\w*(?:\.[^\W\d]\w*)*):([^\W\d]\w*(?:\.[^\W\d]\w*)*)")


class NoSuchTree(Exception):
    """The module has nothing of that name; the text says what it has."""


def is_service(target: str) -> bool:
    """Whether a command line names something in a module rather than a file."""
    return _TARGET.fullmatch(target) is not None


def run_service(target: str, args: list[str], start: Callable[[], None]) -> int:
    """Import the module, from the working folder if it is there, run what is named, and return the exit status.

    0 when a signal has stopped it in order, or it has ended normally; 1 when it could not be started or has ended
    otherwise. ``start`` is called first, in the same process. Raises ``NoSuchTree``.
    """
    sys.argv = [target, *args]
    if not sys.flags.safe_path:
        sys.path[0:1] = [""]
    program = _Program(target, start)
    log_to_stderr(lambda: program.pid)
    try:
        run(program)
    except KeyboardInterrupt:
        print("KeyboardInterrupt", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if not program.begun or isinstance(error, NoSuchTree):
            raise
        if isinstance(error, Exit) and error.message is None:
            print(f"pyex: {target} was ended: {display.brief(error.reason)}", file=sys.stderr)
        elif program.running and isinstance(error, PyexError):
            print(f"pyex: {error}", file=sys.stderr)  # the crash itself has been reported
        else:
            print(display.error(error, colour=False), end="", file=sys.stderr)
        return 1
    return 0


class _Program:
    """The process on the main thread: it starts the node, then imports the module and runs what is named."""

    def __init__(self, target: str, start: Callable[[], None]) -> None:
        self._target = target
        self._start = start
        self.pid: pyex.Pid | None = None
        self.begun = self.running = False

    def __call__(self) -> None:
        self.pid = pyex.self()
        self._start()
        self.begun = True
        module, _, path = self._target.partition(":")
        found: Any = _module(module)
        for name in path.split("."):
            found = _attribute(found, name, self._target)
        self.running = True
        made = run(found)
        if isinstance(made, Pid) and Process.alive(made):
            raise NoSuchTree(
                f"{self._target} has started {made!r} itself, which ends with this program. Let it return what is to be "
                "started, a list of children or SupervisorSpec([...]), or name the class"
            )
        if isinstance(made, SupervisorSpec | ChildSpec | list | tuple) or hasattr(made, "child_spec"):
            run(made)


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # it is there, and imports what is not
        if name.endswith(".py"):
            raise NoSuchTree(f"a module is named without .py: pyex {name.removesuffix('.py')}:...") from None
        raise NoSuchTree(
            f"there is no module {error.name!r} here. Run this in the folder of {name.partition('.')[0]}.py, or install it"
        ) from None


def _attribute(thing: Any, name: str, target: str) -> Any:
    try:
        return getattr(thing, name)
    except AttributeError:
        names = [one for one, value in getattr(thing, "__dict__", {}).items() if _is_own(value, one, thing)]
        near = difflib.get_close_matches(name, names, n=1)
        hint = f". Did you mean {near[0]!r}?" if near else ", neither a tree nor a function"
        raise NoSuchTree(f"{target.partition(':')[0]} has no {name!r}{hint}") from None


def _is_own(value: Any, name: str, module: Any) -> bool:
    """Whether it may be what was meant: not what the module has by ``from pyex import *``."""
    return not name.startswith("_") and getattr(pyex, name, None) is not value and value is not module
