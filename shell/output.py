"""The output process: the group leader of all that the shell starts, here and on other nodes.

Whatever is printed (results, errors, what processes and remote processes print, logs) is a message to it,
in the form of :mod:`pyex`'s I/O requests, and is written in the order of arrival.
"""

from __future__ import annotations

import io
import re
import threading
from typing import Any, Final, TextIO, cast

import pyex
from pyex import Pid, Ref, receive, send
from shell.screen import OUT, Screen

#: Requests written at once.
BATCH: Final = 1000

# In this order: colours (kept), strings for the terminal, control sequences, other escapes, control
# characters but for tab and newline.
_CONTROL: Final = re.compile(
    r"(\x1b\[[0-9;:]*m)"
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|\x1b[ -/]*[0-~]"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


def harmless(text: str) -> str:
    """Text of another node: it keeps its colours and loses what else would steer the terminal."""
    return _CONTROL.sub(lambda found: found[1] or "", text)


def write_requests(screen: Screen, tag: Ref) -> None:
    """The output process: write what is asked for, until told ``(tag, "stop")``."""
    here = pyex.self()
    more = True
    while more:
        pieces: list[tuple[str, str]] = []
        answers: list[tuple[Pid, Any]] = []
        message = receive()
        while message is not None:
            if message == (tag, "stop"):
                more = False
            else:
                _take(message, here, pieces, answers)
            message = receive(timeout=0, default=None) if len(pieces) < BATCH else None
        if pieces:
            screen.write(pieces)
        for sender, answer in answers:
            send(sender, answer)


def _take(message: Any, here: Pid, pieces: list[tuple[str, str]], answers: list[tuple[Pid, Any]]) -> None:
    match message:
        case ("io_request", sender, ref, ("put_chars" | "put_error" as stream, str(text))):
            if isinstance(sender, Pid) and sender.node != here.node:
                text = harmless(text)
            if text:
                pieces.append((stream, text))
            if isinstance(sender, Pid) and ref is not None:
                answers.append((sender, ("io_reply", ref, "ok")))
        case ("io_request", Pid() as sender, ref, _) if ref is not None:
            answers.append((sender, ("io_reply", ref, ("error", "request"))))


def put(leader: Pid, text: str, stream: str = OUT) -> None:
    """Have text written; from any thread, which does not become a process by it."""
    send(leader, ("io_request", None, None, (stream, text)))


class QueueStream(io.TextIOBase):
    """A text stream into the ordered output, for what has no group leader: threads, logging, stderr."""

    def __init__(self, leader: Pid, name: str, real: TextIO) -> None:
        super().__init__()
        self._leader = leader
        self._name = name
        self._real = real
        self._local = threading.local()  # the begun line of each thread

    def write(self, text: str) -> int:
        """Print; whole lines are sent on."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        whole, end, rest = (getattr(self._local, "line", "") + text).rpartition("\n")
        self._local.line = rest
        if end:
            put(self._leader, whole + end, self._name)
        return len(text)

    def flush(self) -> None:
        """Send on the begun line of this thread."""
        rest = getattr(self._local, "line", "")
        if rest:
            self._local.line = ""
            put(self._leader, rest, self._name)

    def close(self) -> None:
        """Nothing: the output goes on without this stream."""

    def isatty(self) -> bool:
        """As the stream this one stands for."""
        return self._real.isatty()

    def fileno(self) -> int:
        """As the stream this one stands for."""
        return self._real.fileno()

    def writable(self) -> bool:
        """Always."""
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """As the stream this one stands for."""
        return self._real.encoding or "utf-8"


class ShellOutput(pyex.ProcessOutput):
    """The shell's ``sys.stdout``; what the evaluator flushes is on the screen when ``flush`` returns.

    ``input()`` relies on that: it flushes, then writes its question past this stream.
    """

    def __init__(self, leader: Pid, real: TextIO) -> None:
        super().__init__(cast(TextIO, QueueStream(leader, OUT, real)))
        self._leader = leader
        self._thread = threading.get_ident()

    def flush(self) -> None:
        """Send on the begun line; in the evaluator, wait until it is written."""
        super().flush()
        if threading.get_ident() == self._thread:
            pyex.sync_output(self._leader)
