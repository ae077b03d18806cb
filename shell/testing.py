"""``capture_shell``: a whole shell in this interpreter, text in, text out."""

from __future__ import annotations

import io
import sys

from pyex import Down, Process, receive
from shell.evaluator import play
from shell.lines import LineReader
from shell.screen import Screen
from shell.state import Shell


def capture_shell(text: str) -> str:
    """Type ``text`` into a shell without a terminal, and return all it prints: results, output, errors, reports.

    It runs on this thread, without a node, and leaves at the end of the text. What other processes print is
    in its place if the text waits for it (``receive()``, say). Processes that are left then are killed.

    >>> print(capture_shell("1 + 1"))
    2
    """
    source, printed = io.StringIO(text), io.StringIO()
    before = set(Process.list())
    stdin, sys.stdin = sys.stdin, source
    try:
        play(Shell(LineReader(source), Screen(printed, printed, terminal=False, colour=False)))
    finally:
        sys.stdin = stdin
        left = {Process.monitor(pid): pid for pid in set(Process.list()) - before}
        for pid in left.values():
            Process.exit(pid, "kill")
        for ref in left:  # and with them their names
            receive(Down(ref), timeout=10, default=None)
    return printed.getvalue()
