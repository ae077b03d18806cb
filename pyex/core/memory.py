"""What a process holds, in bytes: a walk over all that can be reached from its stack, its state and its mailbox.

Counted are the values of its stack's variables, and those its frames have under construction; the function it runs,
with closure and arguments; its mailbox, its process dictionary and its context variables; and what these
refer to, each object once. Not counted are modules, classes, code and what stands in the modules' variables
(everybody's), what ``share`` has shared, and the runtime's own things.

The measure is what ``sys.getsizeof`` says, so what C libraries allocate out of its sight is not in it, nor what a
C function builds that is under way (``list(generator)``): see :mod:`pyex.core.heap_limit`.
"""

from __future__ import annotations

import contextvars
import gc
import sys
from collections import deque
from collections.abc import Collection, Iterator
from itertools import compress, islice
from threading import get_ident
from types import FrameType
from typing import Any, Final

from greenlet import getcurrent

from pyex.core import kinds, sharing
from pyex.core.frames import calls_through_c, top_frame, values_of
from pyex.core.kinds import EVERYDAY, Kind
from pyex.core.lifecycle import BOTTOM
from pyex.core.process import ControlBlock

#: So many objects are looked at in one go, inside C functions.
_BULK: Final = 2000

#: Of fewer than so many, each is looked at by itself.
_FEW: Final = 16

#: A container with more in it, which has more bytes than so, is looked at piece by piece.
_MANY: Final = 10_000
_LONG: Final = 80_000

#: The types of which that can be (dicts apart).
_SEQUENCES: Final = frozenset(map(id, (list, tuple, set, frozenset, deque)))

#: Beyond so many objects a walk asks itself whether there can be so many.
_VERY_MANY: Final = 1 << 20

#: The objects of which CPython has one each.
_EVERYBODYS: Final = frozenset(
    map(id, (None, True, False, ..., NotImplemented, (), "", b"", frozenset(), *range(-5, 257), *map(chr, range(256))))
)

_getrefcount: Final = sys.getrefcount
_getsizeof: Final = sys.getsizeof
_get_referents: Final = gc.get_referents


def _count_here() -> int:
    """What ``getrefcount`` says of a local variable's object that one other place holds."""
    holder = [object()]
    one = holder[0]
    return _getrefcount(one)


#: The number of references that an object has while it is looked at, when it was found at the only place that holds
#: it: so it need not be remembered. (A set of all ids would cost more than everything else.) That is so as long as
#: nothing changes: of a cycle each part has one holder, once all that held it from outside have let go of it.
ONE_HOLDER: Final = next(map(_getrefcount, [object()])) + 1
_ONE_HOLDER_HERE: Final = _count_here()


class _Long:
    """A container that is looked at piece by piece."""

    __slots__ = ("_all", "_rest", "_taken")

    def __init__(self, all: Collection[Any]) -> None:
        self._all = all
        self._rest: Iterator[Any] = iter(all)
        self._taken = 0

    def take(self, many: int) -> list[Any]:
        """The next piece; a shorter one is the last."""
        try:
            piece = [*islice(self._rest, many)]
        except RuntimeError:  # it has changed meanwhile
            self._rest = iter([*islice(self._all, self._taken, None)])
            piece = [*islice(self._rest, many)]
        self._taken += len(piece)
        return piece


class Walk:
    """A walk over what a process holds, in portions: ``advance`` until it returns True, then look at ``size``.

    Begin and go on in the process's owner while the process does not run, or, of one that runs, anywhere: then the
    size is about right. It takes some 0.3 microseconds an object, or twice that from another thread than the process's.
    While it is under way it holds what it is still to look at; once it has finished, or been dropped, nothing. It ends,
    whatever is changed meanwhile. Nothing it meets is called.

    >>> walk = Walk(process)
    >>> while not walk.advance(1000): ...    # let others run
    >>> walk.size
    """

    def __init__(self, process: ControlBlock) -> None:
        #: bytes found so far
        self.size = 0
        #: objects looked at so far
        self.objects = 0
        #: a call that C code carries out is under way: what it builds is not in the size
        self.hidden = False
        self._importing = False
        self._seen = set(_EVERYBODYS)
        self._kinds: dict[int, Kind] = {}
        #: ids of the types that need no special treatment
        self._plain = set(EVERYDAY)
        #: ids of the types whose attributes lie beside the object -> about how many bytes they are
        self._beside: dict[int, int] = {}
        #: what has more references than so is remembered: everything, of a process that another thread may go on with
        self._once = ONE_HOLDER if process.owner.thread_id == get_ident() else 0
        #: with so many objects, see whether it goes round and round
        self._doubtful = _VERY_MANY
        #: containers that are too long for one portion
        self._long: list[_Long] = []
        self._frame = top_frame(process)
        self._pending: list[Any] = _roots(process)
        #: what was pending when this portion began, of which so many are left: all are held until it is over
        self._kept: list[Any] = []
        self._left = 0

    def advance(self, objects: int = 1000, *, at_once: bool = False) -> bool:
        """Look at about that many more objects; True when there are none left.

        ``at_once``: nobody has run since the last portion, which makes it a little cheaper.
        """
        if not at_once:
            self._keep()
        until = self.objects + objects
        while self.objects < until:
            if self.objects > self._doubtful:
                self._doubt()
            if self._frame is not None:  # first: what modules have in their variables is to be known
                self._look_at_frame(self._frame)
            elif len(self._pending) >= _FEW:
                many = min(_BULK, until - self.objects)
                found = self._pending[-many:]
                del self._pending[-many:]
                self._look_at_many(found)
            elif self._pending:
                self._look_at_few(until)
            elif self._left:
                end, self._left = self._left, max(0, self._left - min(_BULK, until - self.objects))
                self._pending = self._kept[self._left : end]
            elif self._long:
                self._take_piece(max(_FEW, until - self.objects))
            else:
                self.close()
                return True
        return False

    def close(self) -> None:
        """Let go of everything; what is left is the size so far."""
        self._frame = None
        self._pending, self._kept, self._left, self._long, self._seen, self._kinds = [], [], 0, [], set(), {}

    def _keep(self) -> None:
        """Since the last portion the process may have dropped anything: a cycle that is pending would be walked for ever.

        Kept, each entrance to one has two holders again, and is remembered.
        """
        del self._kept[self._left :]
        self._kept += self._pending
        self._pending, self._left = [], len(self._kept)

    def _doubt(self) -> None:
        """Other threads may have what the process has, and change it at any moment: never go round in it for ever."""
        if self.objects > self._doubtful > (there_are := 2 * sys.getallocatedblocks()):
            self._once, self._doubtful = 0, sys.maxsize
        else:
            self._doubtful = max(self._doubtful + 1, there_are)

    def _look_at_frame(self, frame: FrameType) -> None:
        self.objects += 1
        bottom = frame.f_code in BOTTOM
        if bottom or not kinds.is_runtime(frame):
            self._pending += values_of(frame)
        if bottom:
            self._frame = None
        else:
            if not kinds.is_runtime(frame):
                self._look_at_users_frame(frame)
            self._frame = frame.f_back
        if self._frame is None:
            self.hidden = self.hidden and not self._importing

    def _look_at_users_frame(self, frame: FrameType) -> None:
        self.size += _getsizeof(frame)
        code, names = frame.f_code, frame.f_globals
        self._seen.update(map(id, code.co_consts))
        if id(names) not in self._seen:
            self._seen.add(id(names))
            self._seen.update(map(id, names.values()))
        self.hidden = self.hidden or calls_through_c(frame)
        self._importing = self._importing or names.get("__name__") == "importlib._bootstrap"

    def _look_at_many(self, found: list[Any]) -> None:
        """Look at objects, with a number of C calls that does not depend on how many they are."""
        counts = [*map(_getrefcount, found)]
        once = self._once
        if max(counts) > once:
            often = [*compress(found, map(once.__lt__, counts))]
            found = [*compress(found, map(once.__ge__, counts)), *self._not_seen(often)]
        self.objects += max(1, len(found))
        types = [*map(id, map(type, found))]
        present = set(types)
        if not present <= self._plain:
            found = self._set_apart(found)
        elif self._beside and not present.isdisjoint(self._beside):
            self.size += sum(types.count(kind) * size for kind, size in self._beside.items() if kind in present)
        try:
            sizes = [*map(_getsizeof, found)]
        except Exception:  # some C code of somebody's
            sizes = [*map(_size_of, found)]
        self.size += sum(sizes)
        if sizes and max(sizes) > _LONG:
            found = [one for one in found if not self._is_long(one)]
        self._pending += _get_referents(*found)

    def _not_seen(self, found: list[Any]) -> Collection[Any]:
        """Which of these have not been counted; now they have. What has one holder is found once anyway."""
        fresh = dict(zip(map(id, found), found, strict=True))
        for key in fresh.keys() & self._seen:
            del fresh[key]
        for key in sharing.among_shared(fresh):
            del fresh[key]
        self._seen.update(fresh)
        return fresh.values()

    def _look_at_few(self, until: int) -> None:
        """Look at objects one by one: a long chain of them, say."""
        pending, seen, plain, beside = self._pending, self._seen, self._plain, self._beside
        size, objects = 0, self.objects
        once = self._once and _ONE_HOLDER_HERE
        one: Any = None
        while pending and objects < until:
            one = pending.pop()
            objects += 1
            key = id(one)
            if key in seen:
                continue
            kind = id(type(one))
            if kind not in plain or sharing.is_shared(one):
                self._look_at_many([one])
                continue
            if _getrefcount(one) > once:
                seen.add(key)
            try:
                own = _getsizeof(one)
            except Exception:  # as above
                own = _size_of(one)
            size += own + beside.get(kind, 0)
            if own < _LONG or not self._is_long(one):
                pending += _get_referents(one)
            if len(pending) >= _FEW:
                break
        self.size += size
        self.objects = objects

    def _is_long(self, one: Any) -> bool:
        """Whether it is a container to be looked at piece by piece; then that is seen to."""
        if type(one) is dict and len(one) > _MANY:
            self._long += [_Long(one.keys()), _Long(one.values())]
        elif id(type(one)) in _SEQUENCES and len(one) > _MANY:
            self._long.append(_Long(one))
        else:
            return False
        return True

    def _take_piece(self, many: int) -> None:
        piece = self._long[-1].take(many)
        if len(piece) < many:
            self._kept.append(self._long.pop())  # so long as its last piece is being looked at
        self._pending += piece

    def _set_apart(self, found: list[Any]) -> list[Any]:
        """Take out what is not to be counted, or is to be measured in a way of its own."""
        rest = []
        for one in found:
            of = id(type(one))
            if of not in EVERYDAY:
                kind = self._kinds.get(of) or self._learn(type(one), one)
                if not kind.counts:
                    continue
                self.size += self._beside.get(of, 0)
                if kind.measure is not None:
                    own, held = kind.measure(one)
                    self.size += own
                    self._pending += held
                    continue
            rest.append(one)
        return rest

    def _learn(self, of: type, example: Any) -> Kind:
        kind = self._kinds[id(of)] = Kind(of)
        if kind.counts and kind.attributes:
            self._beside[id(of)] = 8 * len(_get_referents(example))
        if kind.counts and kind.measure is None:
            self._plain.add(id(of))
        return kind


def measure(process: ControlBlock, most: int = 1 << 60) -> int:
    """The bytes a process holds, found out in one go; at least these, when it holds more than so many objects."""
    walk = Walk(process)
    while not walk.advance(10_000) and walk.objects < most:
        pass
    return walk.size


def _roots(process: ControlBlock) -> list[Any]:
    """What a process has besides its stack."""
    relations = process.relations
    roots: list[Any] = [process.start, process.initial_call, process.mailbox, _context(process)]
    if relations is not None:
        roots += [relations.dictionary, relations.text]
    return [root for root in roots if root is not None]


def _context(process: ControlBlock) -> contextvars.Context | None:
    stack = process.greenlet
    if stack is None:
        return getattr(process.relations, "context", None)  # it may hibernate
    if getcurrent() is stack:
        return contextvars.copy_context()
    try:
        return stack.gr_context
    except ValueError:  # it runs, on another thread
        return None


def _size_of(obj: Any) -> int:
    try:
        return _getsizeof(obj)
    except Exception:
        return object.__sizeof__(obj)
