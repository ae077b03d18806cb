"""Frames over a TCP connection: four bytes of length, then that many bytes."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import Final

#: Before the other side has proved who it is, no frame is longer than this.
HANDSHAKE_LIMIT: Final = 4096

#: Afterwards.
LIMIT: Final = (1 << 32) - 1

_LENGTH: Final = struct.Struct(">I")


class MalformedError(Exception):
    """What came is not what the protocol says."""


class Channel(asyncio.Protocol):
    """One TCP connection, cut into frames.

    During the handshake frames are read one by one; then a receiver takes each as it comes. ``write`` may
    be called from any thread; what is written in one turn of the loop leaves together.
    """

    def __init__(self, accepted: Callable[[Channel], None] | None = None) -> None:
        self._accepted = accepted
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._limit = HANDSHAKE_LIMIT
        self._frames: deque[bytes] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._receiver: Callable[[bytes], None] | None = None
        self._on_close: Callable[[], None] | None = None
        self._outbox: deque[bytes] = deque()
        self._flush_due = False
        self.closed = False

    # As asyncio sees it

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._accepted is not None:
            self._accepted(self)

    def data_received(self, data: bytes) -> None:
        """Bytes came: hand on the frames that are whole."""
        buffer = self._buffer
        buffer += data
        start = 0
        while len(buffer) - start >= 4:
            (length,) = _LENGTH.unpack_from(buffer, start)
            if length > self._limit:
                self.close()
                return
            end = start + 4 + length
            if len(buffer) < end:
                break
            frame = bytes(memoryview(buffer)[start + 4 : end])
            start = end
            if self._receiver is not None:
                try:
                    self._receiver(frame)
                except MalformedError:
                    self.close()
                    return
            else:
                self._frames.append(frame)
                self._wake_reader()
        del buffer[:start]

    def eof_received(self) -> None:
        """The other side has closed: so do we."""

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        self.closed = True
        self._wake_reader()
        if self._on_close is not None:
            self._on_close()

    # For the handshake

    async def read(self) -> bytes:
        """The next frame; raises ``ConnectionError`` when there will be none."""
        while not self._frames:
            if self.closed:
                raise ConnectionResetError("the other side closed the connection")
            self._reader = self._loop.create_future()
            await self._reader
        return self._frames.popleft()

    def _wake_reader(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def address(self, end: str) -> tuple[str, int]:
        """The address of this end (``sockname``) or the other one (``peername``)."""
        assert self._transport is not None
        host, port, *_ = self._transport.get_extra_info(end) or ("", 0)
        return host, port

    # For the time after it

    def open(self, receiver: Callable[[bytes], None], on_close: Callable[[], None]) -> None:
        """From now on ``receiver`` takes the frames, on the loop; it may raise ``MalformedError``."""
        self._limit = LIMIT
        self._receiver = receiver
        self._on_close = on_close
        while self._frames:
            receiver(self._frames.popleft())
        if self.closed:
            on_close()

    def write(self, frame: bytes) -> None:
        """From any thread: send a frame, after those written before."""
        self._outbox.append(frame)
        if not self._flush_due:
            self._flush_due = True
            self._loop.call_soon_threadsafe(self._flush)

    def write_soon(self, frame: bytes) -> None:
        """On the loop's thread: the same, without waking the loop, which is awake."""
        self._outbox.append(frame)
        if not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_due = False  # before looking: what is appended from now on schedules another flush
        outbox = self._outbox
        parts = []
        while outbox:
            frame = outbox.popleft()
            parts.append(_LENGTH.pack(len(frame)))
            parts.append(frame)
        if self._transport is not None and not self.closed:
            self._transport.write(b"".join(parts))

    def close(self) -> None:
        """On the loop: send what is written and close."""
        self._flush()
        if self._transport is not None:
            self._transport.close()
