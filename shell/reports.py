"""Reports of the runtime and of processes, in the shell's ordered output."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

import pyex
from shell import display, output
from shell.screen import ERR
from shell.state import Shell


class ReportHandler(logging.Handler):
    """Writes what is logged under ``pyex``, but for an evaluator's own end, which the shell reports itself.

    What is logged in a process that another node has started goes there, to its group leader.
    """

    def __init__(self, shell: Shell) -> None:
        super().__init__()
        self._shell = shell

    def emit(self, record: logging.LogRecord) -> None:
        """From any thread; never raises."""
        shell = self._shell
        pid = getattr(record, "pid", None)
        if (pid is not None and pid == shell.evaluator) or getattr(record, "told", False):
            return
        try:
            leader = pyex.remote_leader()
            if leader is not None:
                output.put(leader, self.format(record) + "\n", ERR, pyex.self())
                return
            text = display.alert(self.format(record), colour=shell.screen.theme)
            if shell.leader is None:
                shell.screen.write([(ERR, text)])  # the node, which is starting
            else:
                output.overflow.put(shell.leader, text, ERR)
        except Exception:
            self.handleError(record)


@contextlib.contextmanager
def installed(handler: logging.Handler) -> Iterator[None]:
    """Have the handler take the reports, and nobody else, as long as the context lasts."""
    log = logging.getLogger("pyex")
    propagate = log.propagate
    log.addHandler(handler)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.propagate = propagate
