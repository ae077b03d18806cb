"""The processes behind ports.

A port is a process of the runtime's own: its code is :func:`_serve`, its identifier a ``Port``. So links, monitors,
exit signals and order are those of every process. It lives on its owner's scheduler, where the loop reads
from the program and writes to it; the process itself only takes the port's messages.

Nothing grows without end. Towards the owner a port has a credit of :data:`UNREAD` bytes; when it is used up, the
port looks how much of it lies unread in the owner's mailbox and reads on when that is less than half. So
``receive`` pays nothing for it, what else is in the mailbox does not count, and looking costs little per
byte. Towards the program, whoever has written while :data:`BUSY` bytes wait asks the port for room, and waits until
the port answers. An owner that waits so cannot read: it is delivered more, for as long as the program goes on taking
its input, or the two would wait for each other.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import Any, Final, cast

from pyex.core.errors import Exit
from pyex.core.ids import Pid, Port, Ref, new_port
from pyex.core.messages import Down, Exited
from pyex.core.messaging import receive, select, send
from pyex.core.patterns import ANY
from pyex.core.process import ControlBlock, processes
from pyex.core.process_api import Process
from pyex.core.program import Program
from pyex.core.scheduler import Scheduler
from pyex.core.signals import EXIT2, LINK, SEND, signal
from pyex.core.threads import process_here
from pyex.core.waiting import about_to_wait, can_wait

#: Bytes that may lie unread in the owner's mailbox before no more is read, and what a message counts besides
#: its data.
UNREAD: Final = 1 << 20
PER_MESSAGE: Final = 160

#: Seconds until a port that has stopped reading looks again; twice as many each time, up to the latter.
LOOK_AGAIN: Final = 0.002
LOOK_AGAIN_AT_MOST: Final = 0.05

#: Bytes that may wait to be written before those who write have to wait.
BUSY: Final = 65536

#: Lines delivered before the loop turns to others.
LINES_PER_TURN: Final = 500

#: A line longer than this comes in pieces.
LONGEST_LINE: Final = 1 << 20


@dataclass(frozen=True)
class PortInfo:
    """What a port is at: see ``Port.info``."""

    name: str
    argv: tuple[str | bytes, ...]
    os_pid: int
    connected: Pid
    links: tuple[Pid | Port, ...]
    input: int
    output: int


@dataclass(frozen=True)
class _Command:
    """Data for the program, already counted as waiting."""

    data: bytes


@dataclass(frozen=True)
class Request:
    """Something that the port answers, ``(ref, answer)`` to the alias that ``ref`` is."""

    what: str
    ref: Ref
    asker: Pid


@dataclass(frozen=True)
class _Finished:
    """The program has ended, and its owner has been told."""


class PortBlock(ControlBlock):
    """A port: a process, and what else it has. Its buffers belong to its scheduler's thread."""

    __slots__ = (
        "_buffer", "_credit", "_input", "_lines", "_output", "_searched", "_seekers", "_taken", "_taken_at_credit",
        "_waiting", "_waiting_lock", "argv", "connected", "program",
    )  # fmt: skip

    owner: Scheduler
    program: Program

    def __init__(self, owner: Scheduler, connected: Pid, argv: tuple[str | bytes, ...], lines: bool) -> None:
        port = cast("Pid", new_port())  # in signals and tables a port is what a pid can be
        self.set_up(port, owner, (_serve, (self,)), connected, None)
        self.relate().trap_exit = True  # exits take their turn behind the commands sent before
        self.connected = connected
        self.argv = argv
        #: cut the output into lines; what is not delivered yet, and how far it is known to have no newline
        self._lines = lines
        self._buffer = bytearray()
        self._searched = 0
        #: bytes that may still be delivered before looking how many lie unread
        self._credit = UNREAD
        #: bytes read from and for the program, ever
        self._input = self._output = 0
        #: bytes commanded but not written yet; whoever commands adds to it, on any thread
        self._waiting = 0
        self._waiting_lock = threading.Lock()
        #: those who wait for room
        self._seekers: list[Request] = []
        #: bytes the program has taken, ever, and when an owner that waits for room was last given credit
        self._taken = 0
        self._taken_at_credit = -1

    # From the program

    def on_output(self, data: bytes) -> None:
        """Deliver what the program has written, or the lines in it."""
        self._input += len(data)
        if self._lines:
            self._buffer += data
        else:
            self._deliver(data)
        self._regulate(LOOK_AGAIN)

    def on_end(self, status: int) -> None:
        """Tell the owner that the program has ended, and the port itself."""
        if self._buffer:
            self._deliver(bytes(self._buffer))
        self._tell(("exit_status", status))
        signal(self.pid, SEND, _Finished())

    def _regulate(self, next_look: float) -> None:
        """Deliver the lines there are, and have the program read on, if the owner keeps up; else look again."""
        if processes.get(self.pid.key) is not self:
            return
        loop = self.owner.loop
        for _ in range(LINES_PER_TURN):
            if self._credit <= 0:
                began = loop.time()
                unread = self._unread()
                if unread > UNREAD // 2 and self._owner_gets_on_without_more():
                    self.program.pause()
                    wait = max(next_look, 10 * (loop.time() - began))  # a long mailbox is not looked at all the time
                    loop.call_later(wait, self._regulate, min(next_look * 2, LOOK_AGAIN_AT_MOST))
                    return
                self._credit = max(UNREAD - unread, UNREAD // 2)
            line = self._next_line()
            if line is None:
                self.program.resume()
                return
            self._deliver(line)
        self.program.pause()
        loop.call_soon(self._regulate, LOOK_AGAIN)

    def _next_line(self) -> bytes | None:
        """Take a line out of the buffer, if it has a whole one (or a piece of a very long one)."""
        buffer = self._buffer
        end = buffer.find(b"\n", self._searched)
        if end < 0 and len(buffer) < LONGEST_LINE:
            self._searched = len(buffer)
            return None
        piece = end if 0 <= end < LONGEST_LINE else LONGEST_LINE
        line = bytes(buffer[:piece])
        del buffer[: piece + (piece == end)]
        self._searched = 0
        return line

    def _deliver(self, data: bytes) -> None:
        self._tell(("data", data))
        self._credit -= len(data) + PER_MESSAGE

    def _tell(self, what: Any) -> None:
        signal(self.connected, SEND, (self.pid, what))

    def _unread(self) -> int:
        """What lies unread of this port's in the owner's mailbox."""
        owner = processes.get(self.connected.key)
        messages: tuple[Any, ...] = ()
        while owner is not None:
            try:
                messages = tuple(owner.mailbox or ())
                break
            except RuntimeError:
                pass  # an owner on a thread of its own has taken one meanwhile
        return sum([len(message[1][1]) + PER_MESSAGE for message in messages if self._is_data(message)])

    def _is_data(self, message: Any) -> bool:
        if type(message) is not tuple or len(message) != 2 or message[0] is not self.pid:
            return False
        what = message[1]
        return type(what) is tuple and len(what) == 2 and type(what[1]) is bytes

    def _owner_gets_on_without_more(self) -> bool:
        if self._taken == self._taken_at_credit or self.connected not in [seeker.asker for seeker in self._seekers]:
            return True
        self._taken_at_credit = self._taken
        return False

    # To the program

    def command(self, data: bytes) -> None:
        """From any process: have data written, and wait while too much does wait already."""
        with self._waiting_lock:
            self._waiting += len(data)
        signal(self.pid, SEND, _Command(data))
        if self._waiting >= BUSY and _can_wait():
            ask(self.pid, "room")

    @property
    def port(self) -> Port:
        """Its identifier, which is one."""
        return cast("Port", self.pid)

    def write(self, data: bytes) -> None:
        """In the port: hand data to the program."""
        self._output += len(data)
        self.program.write(data)

    def on_written(self, size: int) -> None:
        """So much waits no more."""
        with self._waiting_lock:
            self._waiting -= size
        self._taken += size
        if self._seekers and self._waiting < BUSY // 2:
            seekers, self._seekers = self._seekers, []
            for seeker in seekers:
                send(seeker.ref, (seeker.ref, True))

    # In the port

    def answer(self, request: Request) -> None:
        """Answer a request, or see to it that it is."""
        if request.what == "info":
            send(request.ref, (request.ref, self._info()))
        elif self._waiting >= BUSY:
            self._seekers.append(request)
        else:
            send(request.ref, (request.ref, True))

    def _info(self) -> PortInfo:
        links = tuple([peer for peer, unlinking in (self.links or {}).items() if unlinking is None])
        return PortInfo(
            os.fsdecode(self.argv[0]), self.argv, self.program.os_pid, self.connected, links, self._input, self._output
        )  # fmt: skip


def _serve(port: PortBlock) -> None:
    """The life of a port, as a process."""
    opening = receive(Request)
    try:
        port.program = Program(port.argv, port.owner.loop, port.on_output, port.on_written, port.on_end)
    except (OSError, ValueError) as error:
        send(opening.ref, (opening.ref, error))
        return
    try:
        port.link_to(port.connected)
        signal(port.connected, LINK, (port.pid,))
        ending = Process.monitor(port.connected)  # by the link it could be unlinked from
        send(opening.ref, (opening.ref, None))
        while _serves(port, receive(), ending):
            pass
    finally:
        port.program.let_go()
        del port.program  # which knows the port: together they would wait for the collector


def _serves(port: PortBlock, message: Any, ending: Ref) -> bool:
    """Take a message; whether the port goes on. Exit signals end it by an exception."""
    owner = port.connected
    match message:
        case _Command(data):
            port.write(data)
        case Request("close") | _Finished():
            return False
        case Request():
            port.answer(message)
        case Exited(pid, reason):
            if pid == owner or reason != "normal":
                raise Exit(reason)
        case Down(ref) if ref == ending:
            return False
        case (pid, "close") if pid == owner:
            signal(owner, SEND, (port.pid, "closed"))
            return False
        case _:
            signal(owner, EXIT2, (port.pid, "badsig"))
    return True


def ask(port: Pid, what: str, start: PortBlock | None = None) -> Any:
    """Ask a port, behind all that this process has sent it; the answer, or the reason if it ends instead."""
    here = about_to_wait("To wait for a port", "`await asyncio.to_thread(...)`, or a process of its own")
    ref = Process.monitor(port, alias="reply_demonitor")
    try:
        signal(port, SEND, Request(what, ref, here.pid))
        if start is not None:
            start.owner.start(start)
        answer = select(here, ((ref, ANY), Down(ref)), None, None)
    except BaseException:
        Process.demonitor(ref, flush=True)
        if here.exiting is None:
            select(here, ((ref, ANY),), 0, None)  # an answer that was in before the interrupt
        raise
    return answer.reason if isinstance(answer, Down) else answer[1]


def _can_wait() -> bool:
    here = process_here()
    return can_wait() and (here is None or here.exiting is None)  # a callback of the loop cannot, nor a coroutine
