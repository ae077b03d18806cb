"""The ``input()`` and the ``sys.stdin`` of a program whose processes ask their group leaders.

A process with a group leader asks that one for a line, and waits as it does for any message. One without reads the
program's own standard input: on its own thread if it has one, else on a thread that reads for all of them in turn.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from queue import SimpleQueue
from typing import Any, Final, NoReturn, TextIO, TypeVar

from pyex.core import group_leader
from pyex.core.asking import ask
from pyex.core.ids import Pid, Ref
from pyex.core.interrupts import interrupts
from pyex.core.messages import Down
from pyex.core.messaging import select
from pyex.core.patterns import ANY
from pyex.core.process import aliases
from pyex.core.process_api import Process
from pyex.core.scheduler import Scheduler
from pyex.core.signals import answer
from pyex.core.threads import process_here
from pyex.core.waiting import about_to_wait

T = TypeVar("T")

_python_input: Final = builtins.input


def input(prompt: object = "", /) -> str:
    """Python's ``input``, in any process: the question goes to its group leader, which shows who asks.

    Only this process waits. Raises ``EOFError`` at the end of the input, and when the group leader is gone;
    ``KeyboardInterrupt`` if Ctrl-C is the answer.
    """
    stdin = sys.stdin
    return stdin.ask(prompt) if isinstance(stdin, ProcessInput) else _plain(_python_input, prompt)


class ProcessInput(io.TextIOBase):
    """A text stream whose lines a process gets from its group leader.

    What has no group leader reads ``own``, the stream this one stands for.
    """

    def __init__(self, own: TextIO) -> None:
        super().__init__()
        self.own = own

    def leader(self) -> Pid | None:
        """Whom the code that runs here asks for a line; None: it reads the own stream."""
        process = process_here()
        return None if process is None or process.leader == process.pid else process.leader

    def turn(self) -> AbstractContextManager[None]:
        """Entered while the code that runs here reads the own stream."""
        return contextlib.nullcontext()

    def ask(self, prompt: object) -> str:
        """What ``input(prompt)`` does."""
        leader = self.leader()
        if leader is not None:
            line = get_line(leader, str(prompt))
            if not line:
                raise EOFError("no more input")
            return line.removesuffix("\n")
        process = process_here()
        if process is not None and type(process.owner) is Scheduler:
            return _reader.ask(prompt)
        with self.turn():
            return _plain(_python_input, prompt)

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        """Read a line."""
        leader = self.leader()
        process = process_here()
        if leader is None and (process is None or type(process.owner) is not Scheduler):
            with self.turn():
                return _plain(self.own.readline, size)
        _expect_lines(size)
        try:
            return self.ask("") + "\n"
        except EOFError:
            return ""

    def read(self, size: int | None = -1, /) -> str:
        """Read up to ``size`` characters, or all there are; what asks a group leader reads all, or lines."""
        leader = self.leader()
        process = process_here()
        if leader is None and (process is None or type(process.owner) is not Scheduler):
            with self.turn():
                return _plain(self.own.read, -1 if size is None else size)
        _expect_lines(size)
        return "".join(self)

    def fileno(self) -> int:
        """As the stream this one stands for."""
        return self.own.fileno()

    def isatty(self) -> bool:
        """As the stream this one stands for."""
        return self.own.isatty()

    def readable(self) -> bool:
        """Always."""
        return True

    def close(self) -> None:
        """Nothing: the stream is not its own."""

    def __getattr__(self, name: str) -> Any:
        # buffer, reconfigure ...
        return getattr(self.own, name)

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a stream of the program is not copied")

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """As the own stream's."""
        return getattr(self.own, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """As the own stream's."""
        return getattr(self.own, "errors", None) or "strict"


def get_line(leader: Pid, prompt: str) -> str:
    """In a process: ask a group leader for a line; it ends with a newline, and is empty at the end of the input."""
    process = about_to_wait("input()", "`await asyncio.to_thread(input)`")
    prompt = group_leader.begun_line(process) + prompt
    alias = Process.monitor(leader, alias="reply_demonitor")
    try:
        group_leader.request(leader, process.pid, alias, ("get_line", prompt))
        reply = select(process, (("io_reply", alias, ANY), Down(alias)), None, None)
    except BaseException:
        Process.demonitor(alias)  # and with it the alias: no answer comes from now on
        group_leader.request(leader, process.pid, None, ("forget_line", alias))
        if process.exiting is None:
            select(process, (("io_reply", alias, ANY), Down(alias)), 0, None)
        raise
    if isinstance(reply, Down):
        return ""
    match reply[2]:
        case "eof":
            return ""
        case str(line):
            return line if line.endswith("\n") else line + "\n"
        case ("error", "interrupted"):
            raise KeyboardInterrupt
        case other:
            raise io.UnsupportedOperation(f"the group leader {leader!r} reads no lines; it answers {other!r}")


def _plain(fn: Callable[..., T], *args: object) -> T:
    """Call what waits for the terminal; Ctrl-C ends it here."""
    return fn(*args)


interrupts.waits.add(_plain.__code__)


def _expect_lines(size: int | None) -> None:
    if size is not None and size >= 0:
        raise io.UnsupportedOperation("a process reads lines, or all there is: readline(), read() or input()")


class _Reader:
    """A thread that reads lines for the processes of schedulers, one after the other."""

    def __init__(self) -> None:
        self._asked: SimpleQueue[tuple[Pid, Ref, object]] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def ask(self, prompt: object) -> str:
        """In a process: what ``input(prompt)`` gives, or raises."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="pyex-input", daemon=True)
                self._thread.start()
        value, error = ask(lambda process, alias: self._asked.put((process.pid, alias, prompt)))
        if error is not None:
            raise error
        return str(value)

    def _work(self) -> None:
        unclaimed: list[tuple[str | None, BaseException | None]] = []
        while True:
            asker, alias, prompt = self._asked.get()
            if alias.key not in aliases:
                continue  # it has ended, or given up
            outcome = unclaimed.pop() if unclaimed else _outcome(prompt)
            if alias.key in aliases:
                answer(asker, alias, outcome)
            elif not sys.stdin.isatty():
                unclaimed.append(outcome)  # the next one's; only what a person types is meant for the one who asked


def _outcome(prompt: object) -> tuple[str | None, BaseException | None]:
    try:
        return _python_input(prompt), None
    except BaseException as error:  # raised again in the process that asked
        return None, error


_reader: Final = _Reader()
