"""The shell's ``sys.stdin``: the evaluator reads the terminal itself, all others ask the shell for a line."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from typing import Any, TextIO

import pyex
from pyex import Pid
from shell.state import Shell


class ShellInput(pyex.ProcessInput):
    """A text stream that reads from ``real`` on the thread it was made on, when no question is on the screen."""

    def __init__(self, shell: Shell, real: TextIO) -> None:
        super().__init__(real)
        self._shell = shell
        self._thread = threading.get_ident()

    def leader(self) -> Pid | None:
        """The evaluator asks nobody; others their group leader, or the shell."""
        if threading.get_ident() == self._thread:
            return None
        return super().leader() or self._shell.leader

    def turn(self) -> AbstractContextManager[None]:
        """In the evaluator: no question is put to the person as long as this is entered."""
        return self._shell.questions.evaluator_reads()

    def __getattr__(self, name: str) -> Any:
        # buffer, reconfigure ...
        if name.startswith("_") or threading.get_ident() == self._thread:
            return super().__getattr__(name)
        raise RuntimeError(f"only the shell's own process has sys.stdin.{name}: others read lines, or call input()")
