"""Frames over a TCP connection: four bytes of length, then that many bytes; a tick is a frame of none.

No frame is longer than one fragment. A message that is longer follows the frame that announces it in pieces, between
which others find room: those of other senders, and ticks. What one process sends stays in its order.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from pyex.core.ids import Pid, Ref
from pyex.core.signals import answer
from pyex.distribution.inflow import BESIDE, Inflow, MalformedError
from pyex.distribution.outbox import BATCH, Buffer, Large, Outbox, drop

#: Before the other side has proved who it is, no frame is longer than this.
HANDSHAKE_LIMIT: Final = 4096

#: Afterwards: one fragment, and what says whose it is.
LIMIT: Final = 1 << 18

#: Bytes that wait to be sent, from which on senders are suspended (as by Erlang's dist_buf_busy); and those at which
#: they go on.
BUSY: Final = 1 << 20
ROOM: Final = BUSY // 2

#: Bytes that the system takes ahead of what it can send.
UNSENT: Final = 1 << 18

#: Batches that are sent in one go, before the loop has a turn at something else.
BATCHES: Final = 8

#: Seconds after which what another thread writes is no part of a flood, and leaves at once.
LULL: Final = 0.00005

#: Seconds that a closed connection gets to send what was written.
LINGER: Final = 5.0

_LENGTH: Final = struct.Struct(">I")
_NOT_NOW: tuple[type[OSError], ...] = (BlockingIOError, InterruptedError)

TICK: Final = _LENGTH.pack(0)


class Turns(Protocol):
    """What runs, in turns of the loop, what has come: a scheduler."""

    #: a turn is sure to come; whoever sets it sees to that
    slice_due: bool

    def run_slice(self) -> None:
        """Take one."""


class Channel:
    """One TCP connection, cut into frames.

    During the handshake frames are read one by one; then a receiver takes each as it comes. The first that is written in
    a turn of the loop leaves at once, what follows together. Reading, opening and closing happen on the loop; any thread may write.
    """

    #: what the line is, as the handshake proves it: nothing, if anybody can listen
    binding: bytes = b""

    def __init__(self, sock: Any, loop: asyncio.AbstractEventLoop) -> None:
        sock.setblocking(False)
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if hasattr(socket, "TCP_NOTSENT_LOWAT"):
                # What lies in the system's buffer cannot be overtaken any more.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
        self._sock = sock
        self._loop = loop
        self._thread = threading.get_ident()
        self._own, self._peer = sock.getsockname(), sock.getpeername()
        # Reading
        self.inflow = Inflow(HANDSHAKE_LIMIT)
        #: of the handshake, and not read yet
        self._frame: bytes | None = None
        self._reader: asyncio.Future[None] | None = None
        self._receiver: Callable[[memoryview], None] = self._keep
        #: told why what came is malformed
        self.on_malformed: Callable[[MalformedError], None] | None = None
        self._turns: Turns | None = None
        self._on_close: Callable[[], None] | None = None
        # Writing
        self.outbox = Outbox()
        #: what the system has not taken of a batch
        self._unsent: list[Buffer] = []
        #: whoever takes from the outbox, or writes to the socket, holds it
        self._writing = threading.Lock()
        #: the loop will call ``flush``
        self._flush_due = False
        #: what came is being handed on; and nothing has been written meanwhile
        self._in_turn = self._fresh = False
        #: when another thread has last sent something at once
        self._sent_outside = 0.0
        self._writer_added = False
        self._watch_due = False
        self._waiting_for_room: list[tuple[Pid, Ref]] = []
        #: how often something was received, and sent: what the ticks look at
        self.receipts = 0
        self.sendings = 0
        self._closing = False
        self.closed = False
        loop.add_reader(sock, self._readable)

    # Reading

    def _readable(self) -> None:
        """Bytes came: hand on the frames that are whole, and send what is answered at once."""
        turns = self._turns
        if turns is None:
            self._receive()
            return
        self._in_turn = self._fresh = True
        try:
            if turns.slice_due:
                self._receive()
            else:
                # Whoever is woken by what comes runs now, not in another turn of the loop.
                turns.slice_due = True
                try:
                    self._receive()
                finally:
                    turns.run_slice()
        finally:
            self._in_turn = self._fresh = False
            if self._unsent or self.outbox.size or self.outbox.lanes:
                self.flush()

    def _receive(self) -> None:
        inflow = self.inflow
        rest = inflow.rest
        try:
            if rest is None:
                count = self._read_into(inflow.buffer[inflow.filled :])
            else:
                count = self._read_through(rest, inflow.buffer[:BESIDE])
        except _NOT_NOW:
            return
        except OSError:
            count = 0
        if not count:
            self._end()
            return
        self.receipts += 1
        self._hand_on(count)

    def _hand_on(self, count: int) -> None:
        """So many bytes came, and perhaps whole frames; whoever is given one and raises can make no sense of it."""
        try:
            self.inflow.take(count, self._receiver)
        except Exception as error:
            self._malformed(error if isinstance(error, MalformedError) else MalformedError(repr(error)))

    def _read_into(self, buffer: memoryview) -> int:
        return self._sock.recv_into(buffer)  # type: ignore[no-any-return]

    def _read_through(self, rest: memoryview, beside: memoryview) -> int:
        """Into the rest of a fragment, and what follows beside it."""
        return self._sock.recvmsg_into((rest, beside))[0]  # type: ignore[no-any-return]

    def _keep(self, frame: memoryview) -> None:
        """A frame of the handshake. Until it was read, nothing more is taken from a side that may be anybody."""
        self._frame = bytes(frame)
        self.inflow.over = True
        self._loop.remove_reader(self._sock)
        self._wake_reader()

    def _go_on(self) -> None:
        """Take frames again: those that came behind the last one, and what will come."""
        self.inflow.over = False
        self._hand_on(0)
        if not (self.inflow.over or self._closing or self.closed):
            self._loop.add_reader(self._sock, self._readable)

    def _malformed(self, error: MalformedError) -> None:
        if self.on_malformed is not None:
            self.on_malformed(error)
        self.close()

    async def read(self) -> bytes:
        """For the handshake: the next frame; raises ``ConnectionError`` when there will be none."""
        while self._frame is None:
            if self.closed:
                raise ConnectionResetError("the other side closed the connection")
            if self.inflow.over:
                self._go_on()
                continue
            self._reader = self._loop.create_future()
            await self._reader
        frame, self._frame = self._frame, None
        return frame

    def _wake_reader(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def address(self, end: str) -> tuple[str, int]:
        """The address of this end (``sockname``) or the other one (``peername``)."""
        host, port, *_ = self._own if end == "sockname" else self._peer
        return host, port

    def open(self, receiver: Callable[[memoryview], None], on_close: Callable[[], None], turns: Turns) -> None:
        """From now on ``receiver`` takes the frames, on the loop; what it raises means that one is malformed."""
        self.inflow.widen(LIMIT)
        self._receiver, self._on_close, self._turns = receiver, on_close, turns
        if self.closed:
            on_close()
        elif self.inflow.over:
            self._go_on()

    # Writing

    def write(self, frame: bytes, sender: Any = None, large: Large | None = None) -> None:
        """From any thread: send a frame, and the payload that it announces, after what the sender has sent before."""
        self.put(_LENGTH.pack(len(frame)) + frame, sender, large)

    def put(self, frame: bytes, sender: Any = None, large: Large | None = None) -> None:
        """The same, for a frame that begins with its length."""
        outbox = self.outbox
        here = threading.get_ident() == self._thread
        urgent = large is not None or outbox.size > BATCH
        if here:
            if self._fresh:
                self._fresh = False
                urgent = True
            elif not self._in_turn and not self._flush_due:
                self._flush_due = urgent = True
                self._loop.call_soon(self.flush)
        elif not urgent:
            now = time.monotonic()
            if now - self._sent_outside >= LULL:
                self._sent_outside = now
                urgent = True
        if urgent and self._writing.acquire(blocking=False):
            try:
                if large is None and not (outbox.size or outbox.lanes or self._unsent):
                    # Nothing is before it.
                    self._unsent.append(frame)
                else:
                    outbox.put(sender, frame, large)
                self._send()
            finally:
                self._writing.release()
            self._sent()
            return
        outbox.put(sender, frame, large)
        if not here:
            self._flush_soon()

    def _flush_soon(self) -> None:
        if not self._flush_due:
            self._flush_due = True
            self._loop.call_soon_threadsafe(self.flush)

    def flush(self) -> None:
        """On the loop: send what is written."""
        self._flush_due = False  # before looking: what is written from now on schedules another flush
        with self._writing:
            self._send()
        self._sent()

    def flush_from_outside(self, *, tick: bool) -> None:
        """From another thread, while that of the loop is held: the same; a tick at least, if one is asked for."""
        if self.closed or not self._writing.acquire(blocking=False):
            return
        try:
            before = self.sendings
            self._send()
            if tick and self.sendings == before and not self._unsent:
                self._unsent.append(TICK)
                self._send()
        finally:
            self._writing.release()
        self._sent()

    def tick(self) -> None:
        """On the loop: send a tick, if nothing else waits to be sent."""
        with self._writing:
            if not self._unsent and not self.outbox:
                self._unsent.append(TICK)
            self._send()
        self._sent()

    def busy_for(self, sender: Any) -> bool:
        """Whether so much waits to be sent that this sender has to wait; a large message is its own sender's business."""
        return self.outbox.waiting_of(sender) > BUSY

    def wait_for_room(self, asker: Pid, alias: Ref) -> None:
        """From any thread: answer an alias when there is room for more, or the connection is gone."""
        with self._writing:
            if self.busy_for(asker.key) and not self._closing and not self.closed:
                self._waiting_for_room.append((asker, alias))
                return
        answer(asker, alias, True)

    def _send(self) -> None:
        """Under the lock: give the system what it takes."""
        if self.closed:
            return
        for _ in range(BATCHES):
            if not self._unsent:
                if not (self.outbox.size or self.outbox.lanes):
                    return
                self._unsent = self.outbox.batch()
                if not self._unsent:
                    return  # a thread is just putting it in
            try:
                count = self._write_out(self._unsent)
            except _NOT_NOW:
                return
            except OSError:
                # The loop finds out why; nobody is to wait for room on it meanwhile.
                self._unsent.clear()
                self.outbox.clear()
                return
            self.sendings += 1
            if len(self._unsent) == 1 and count == len(self._unsent[0]):
                self._unsent = []
            else:
                drop(self._unsent, count)

    def _write_out(self, parts: list[Buffer]) -> int:
        return self._sock.send(parts[0]) if len(parts) == 1 else self._sock.sendmsg(parts)  # type: ignore[no-any-return]

    def _sent(self) -> None:
        """After a flush, by the same thread: wake those that wait for room, and see to the rest."""
        if self._waiting_for_room and self.outbox.size <= ROOM:
            with self._writing:
                waiting, self._waiting_for_room = self._waiting_for_room, []
                go_on = [one for one in waiting if self.outbox.waiting_of(one[0].key) <= ROOM]
                self._waiting_for_room = [one for one in waiting if one not in go_on]
            for asker, alias in go_on:
                answer(asker, alias, True)
        more = bool(self._unsent or self.outbox.size or self.outbox.lanes)
        if more != self._writer_added or (self._closing and not more):
            if threading.get_ident() == self._thread:
                self._watch()
            elif not self._watch_due:
                self._watch_due = True
                self._loop.call_soon_threadsafe(self._watch)

    def _watch(self) -> None:
        """On the loop: let it tell when the system takes more, as long as there is more."""
        self._watch_due = False
        with self._writing:  # or a thread that writes meanwhile takes the writer that is just removed for there
            if self.closed:
                return
            more = bool(self._unsent or self.outbox)
            if more and not self._writer_added:
                self._loop.add_writer(self._sock, self.flush)
            elif not more and self._writer_added:
                self._loop.remove_writer(self._sock)
            self._writer_added = more
        if self._closing and not more:
            self._end()

    # The end

    def close(self) -> None:
        """On the loop: send what is written, take no more, and close."""
        if self._closing or self.closed:
            return
        self._closing = True
        self._loop.remove_reader(self._sock)
        self._loop.call_later(LINGER, self._end)
        self._let_all_go_on()
        self.flush()

    def abort(self) -> None:
        """On the loop: close without waiting for what is not sent."""
        self._end()

    def _end(self) -> None:
        if self.closed:
            return
        with self._writing:
            self.closed = self.inflow.over = True
            self._loop.remove_reader(self._sock)
            self._loop.remove_writer(self._sock)
            self._sock.close()
        self._let_all_go_on()
        self._wake_reader()
        if self._on_close is not None:
            self._loop.call_soon(self._on_close)

    def _let_all_go_on(self) -> None:
        with self._writing:
            waiting, self._waiting_for_room = self._waiting_for_room, []
        for asker, alias in waiting:
            answer(asker, alias, True)
