"""What waits to be sent to another node, and in which order it goes.

Small messages go in the order they came. A large one is cut, and its sender's next messages wait behind it, nobody
else's: each batch has one fragment of one of the large ones, and room for the small ones.
"""

from __future__ import annotations

import struct
from collections import deque
from typing import Any, Final, NamedTuple, TypeAlias

#: Bytes of a payload in one fragment.
FRAGMENT: Final = (1 << 16) - 16

#: Bytes of small frames that leave together.
BATCH: Final = 1 << 16

#: The first byte of a fragment: one that begins no msgpack object.
FRAGMENT_MARK: Final = 0xC1

_FRAGMENT: Final = struct.Struct(">IBI")
_LENGTH: Final = struct.Struct(">I")


class Large(NamedTuple):
    """A payload of more than one fragment, under the number that the frame before it announces."""

    number: int
    data: bytes


class _Lane:
    """A large payload under way, and what its sender has sent after it."""

    __slots__ = ("at", "behind", "number", "payload")

    def __init__(self, large: Large) -> None:
        self.number = large.number
        self.payload = memoryview(large.data)
        self.at = 0
        self.behind: list[_Item] = []


_Item: TypeAlias = tuple[Any, bytes, Large | None]


class Outbox:
    """Any thread puts in; one at a time takes out."""

    __slots__ = ("_lanes", "_queue", "size")

    def __init__(self) -> None:
        self._queue: deque[_Item] = deque()
        #: by sender, the one whose turn is next first
        self._lanes: dict[Any, _Lane] = {}
        #: bytes in it; when threads put in at the same moment it may be wrong, until it is empty
        self.size = 0

    def put(self, sender: Any, frame: bytes, large: Large | None) -> None:
        """Add a frame, and the payload that it announces."""
        self.size += len(frame) if large is None else len(frame) + len(large.data)
        self._queue.append((sender, frame, large))

    def batch(self) -> list[memoryview]:
        """Take what is to leave next; empty when there is nothing."""
        queue, lanes = self._queue, self._lanes
        small: list[bytes] = []
        room = BATCH
        while queue and room > 0:
            item = queue.popleft()
            sender, frame, large = item
            if sender in lanes:
                lanes[sender].behind.append(item)
                continue
            small += (_LENGTH.pack(len(frame)), frame)
            room -= len(frame)
            if large is not None:
                lanes[sender] = _Lane(large)
        self.size -= BATCH - room
        parts = [memoryview(b"".join(small))] if small else []
        if lanes:
            parts += self._fragment(next(iter(lanes)))
        elif not queue:
            self.size = 0
        return parts

    def _fragment(self, sender: Any) -> list[memoryview]:
        lane = self._lanes.pop(sender)
        piece = lane.payload[lane.at : lane.at + FRAGMENT]
        lane.at += len(piece)
        self.size -= len(piece)
        if lane.at < len(lane.payload):
            self._lanes[sender] = lane  # behind the others
        else:
            self._queue.extendleft(reversed(lane.behind))
        return [memoryview(_FRAGMENT.pack(_FRAGMENT.size - 4 + len(piece), FRAGMENT_MARK, lane.number)), piece]

    def __bool__(self) -> bool:
        return bool(self._queue or self._lanes)

    def clear(self) -> None:
        """Forget all of it."""
        self._queue.clear()
        self._lanes.clear()
        self.size = 0
