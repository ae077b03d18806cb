"""What waits to be sent to another node, and in which order it goes.

Small messages go in the order they came. A large one is cut, and its sender's next messages wait behind it, nobody
else's: each batch has one fragment of one of the large ones, and room for the small ones.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable
from typing import Any, Final, TypeAlias

#: Bytes of a payload in one fragment: about as many as the system takes ahead of what it can send.
FRAGMENT: Final = (1 << 18) - 16

#: Bytes of small frames that leave together.
BATCH: Final = 1 << 16

#: The first byte of a fragment: one that begins no msgpack object.
FRAGMENT_MARK: Final = 0xC1

_FRAGMENT: Final = struct.Struct(">IBI")


class Large:
    """A payload of its own, under the number that the frame before it announces; its parts are not copied."""

    __slots__ = ("_parts", "left", "length", "number")

    def __init__(self, number: int, parts: Iterable[bytes]) -> None:
        self.number = number
        self._parts = deque(memoryview(part) for part in parts if part)
        #: bytes in all, and those that have not left
        self.length = self.left = sum(map(len, self._parts))

    def fragment(self) -> list[Buffer]:
        """Take the next fragment: its head and its bytes."""
        room = size = min(FRAGMENT, self.left)
        pieces: list[Buffer] = [_FRAGMENT.pack(_FRAGMENT.size - 4 + size, FRAGMENT_MARK, self.number)]
        while room:
            part = self._parts.popleft()
            if len(part) > room:
                self._parts.appendleft(part[room:])
                part = part[:room]
            pieces.append(part)
            room -= len(part)
        self.left -= size
        return pieces


class _Lane:
    """A large payload under way, and what its sender has sent after it."""

    __slots__ = ("behind", "large")

    def __init__(self, large: Large) -> None:
        self.large = large
        self.behind: list[_Item] = []


_Item: TypeAlias = tuple[Any, bytes, Large | None]
Buffer: TypeAlias = bytes | memoryview


class Outbox:
    """Any thread puts in; one at a time takes out."""

    __slots__ = ("_queue", "lanes", "larges", "size")

    def __init__(self) -> None:
        self._queue: deque[_Item] = deque()
        #: large payloads under way, by sender, the one whose turn is next first
        self.lanes: dict[Any, _Lane] = {}  # with this or some size there is something to take
        #: by sender, what has not left of its large payloads; while there is none, it does not matter who sends
        self.larges: dict[Any, deque[Large]] = {}
        #: bytes of the small ones
        self.size = 0

    def put(self, sender: Any, frame: bytes, large: Large | None = None) -> None:
        """Add a frame, which begins with its length, and the payload that it announces."""
        length = len(frame)
        self.size += length  # with no call in between, which is where threads take turns: no thread's sum is lost
        if large is not None:
            self.larges.setdefault(sender, deque()).append(large)
        self._queue.append((sender, frame, large))

    def waiting_of(self, sender: Any) -> int:
        """Bytes that wait and are this sender's business: the small ones of all, and its own large ones."""
        larges = self.larges.get(sender)
        return self.size + (sum(large.left for large in list(larges)) if larges else 0)

    def batch(self) -> list[Buffer]:
        """Take what is to leave next; empty when there is nothing."""
        queue, lanes = self._queue, self.lanes
        small: list[bytes] = []
        room = BATCH
        while queue and room > 0:
            item = queue.popleft()
            sender, frame, large = item
            if lanes and sender in lanes:
                lanes[sender].behind.append(item)
                continue
            small.append(frame)
            room -= len(frame)
            if large is not None:
                lanes[sender] = _Lane(large)
        self.size -= BATCH - room
        parts: list[Buffer] = [b"".join(small)] if len(small) > 1 else [*small]
        if lanes:
            parts += self._fragment(next(iter(lanes)))
        return parts

    def _fragment(self, sender: Any) -> list[Buffer]:
        lane = self.lanes.pop(sender)
        parts = lane.large.fragment()
        if lane.large.left:
            self.lanes[sender] = lane  # behind the others
            return parts
        self._queue.extendleft(reversed(lane.behind))
        larges = self.larges.get(sender)
        if larges:
            larges.popleft()
            if not larges:
                del self.larges[sender]
        return parts

    def __bool__(self) -> bool:
        return bool(self._queue or self.lanes)

    def clear(self) -> None:
        """Forget all of it."""
        self._queue.clear()
        self.lanes.clear()
        self.larges.clear()
        self.size = 0


def drop(parts: list[Buffer], count: int) -> None:
    """Take the first bytes away."""
    while parts and count >= len(parts[0]):
        count -= len(parts[0])
        del parts[0]
    if count:
        parts[0] = memoryview(parts[0])[count:]
