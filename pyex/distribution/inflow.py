"""What comes over a connection, cut into frames; the fragments of large payloads are read straight to their places."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

from pyex.distribution.outbox import FRAGMENT_MARK

#: Bytes that are read beside the rest of a fragment.
BESIDE: Final = 1 << 12

#: How many times what has come of a payload is reserved for it; never more than was announced.
AHEAD: Final = 16

_LENGTH: Final = struct.Struct(">I")
_HEAD: Final = struct.Struct(">IBI")


class MalformedError(Exception):
    """What came is not what the protocol says."""


class _Payload:
    """One that was announced: what has come of it, and who takes it when it is whole."""

    __slots__ = ("buffer", "filled", "length", "then")

    def __init__(self, length: int, then: Callable[[bytearray], None]) -> None:
        self.length = length
        self.then = then
        self.buffer = bytearray()
        self.filled = 0


class Inflow:
    """Where to read to, and the frames that are whole.

    What is read goes to ``buffer`` from ``filled`` on; or first to ``rest``, if that is not None, and then to the
    beginning of the buffer.
    """

    __slots__ = ("_limit", "_payload", "_payloads", "buffer", "filled", "over", "rest")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.buffer = memoryview(bytearray(4 + limit))
        self.filled = 0
        #: where the rest of the fragment goes that is just coming
        self.rest: memoryview | None = None
        #: by their numbers; and the one whose fragment is just coming
        self._payloads: dict[int, _Payload] = {}
        self._payload: _Payload | None = None
        #: no more frames are wanted, for now or for ever
        self.over = False

    def widen(self, limit: int) -> None:
        """From now on frames may be longer."""
        came = self.buffer[: self.filled]
        self._limit = limit
        self.buffer = memoryview(bytearray(4 + limit))
        self.buffer[: len(came)] = came

    def expect(self, number: Any, length: Any, then: Callable[[bytearray], None]) -> None:
        """A payload is announced; ``then`` takes it."""
        if type(number) is not int or type(length) is not int or length <= 0 or number in self._payloads:
            raise MalformedError(f"a payload announced as {(number, length)!r}")
        self._payloads[number] = _Payload(length, then)

    def take(self, count: int, receiver: Callable[[memoryview], None]) -> None:
        """So many bytes were read: hand on the frames that are whole, while they are wanted; raises ``MalformedError``."""
        if self.rest is not None:
            there = min(count, len(self.rest))
            count -= there
            self._came(there)
        buffer = self.buffer
        filled = self.filled + count
        start = 0
        while filled - start >= 4 and not self.over:
            (length,) = _LENGTH.unpack_from(buffer, start)
            if length > self._limit:
                raise MalformedError(f"a frame of {length} bytes")
            end = start + 4 + length
            if length and filled - start >= 9 and buffer[start + 4] == FRAGMENT_MARK:
                end = min(end, filled)
                self._take_fragment(buffer[start:end], length)
            elif filled < end:
                break
            elif length:
                receiver(buffer[start + 4 : end])
            start = end
        if start and start < filled:
            buffer[: filled - start] = buffer[start:filled]
        self.filled = filled - start

    def _take_fragment(self, frame: memoryview, length: int) -> None:
        """A fragment begins: copy what has come of it, and let the rest be read to where it belongs."""
        _, _, number = _HEAD.unpack_from(frame)
        length -= _HEAD.size - 4
        payload = self._payloads.get(number)
        if payload is None or not 0 < length <= payload.length - payload.filled:
            raise MalformedError("a fragment of nothing that was announced")
        end = payload.filled + length
        if end > len(payload.buffer):
            larger = bytearray(min(payload.length, end * AHEAD))
            larger[: payload.filled] = memoryview(payload.buffer)[: payload.filled]
            payload.buffer = larger
        self.rest = memoryview(payload.buffer)[payload.filled : end]
        self._payload = payload
        payload.filled = end
        if end == payload.length:
            del self._payloads[number]
        came = frame[_HEAD.size :]
        self.rest[: len(came)] = came
        self._came(len(came))

    def _came(self, count: int) -> None:
        """So many bytes of the rest are there; with the last of a payload it is handed on."""
        assert self.rest is not None
        self.rest = self.rest[count:]
        if not self.rest:
            payload, self.rest, self._payload = self._payload, None, None
            if payload is not None and payload.filled == payload.length:
                payload.then(payload.buffer)
