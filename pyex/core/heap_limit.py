"""When a process holds more than its ``max_heap_size``: what is measured, and what follows from it.

Walking all that a process holds is dear (see :mod:`pyex.core.memory`). So the growth of the whole program's resident
memory during the slices of a process that has a limit is charged to it, and only when that charge could have taken it
to its limit is a walk due. The walk decides, and its size is what counts::

    before = read()
    ...                                    # a slice of the process
    growth, own = between(before, read())
    if limit.charge(growth, own, seconds, queued=len(mailbox), waits=process.waiting):
        walk = Walk(process)               # walk.advance(1000) until True
        if limit.walked(walk.size, len(mailbox), hidden=walk.hidden, seconds=...):
            ...                            # kill it: it holds limit.held bytes

A process without a limit has none of this.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Final, NamedTuple

#: Growth that a walk does not find is believed from here on: less may be the allocator's, or freshly compiled code.
UNEXPLAINED: Final = 16 << 20

#: A process is walked for at most one part in so many of the time it runs, as long as it does not grow much.
SHARE: Final = 10

#: However little it grows, it is walked now and then: memory that others have freed is used without any growth. One
#: part in so many of the time it runs, and not before it has run so many seconds.
NOW_AND_THEN: Final = 100
FIRST: Final = 1.0

#: Fewer messages than so many are not looked at for being many.
FEW_MESSAGES: Final = 64


class HeapLimit:
    """What is known of the size of one process that has a limit; bytes, and seconds of its running time.

    The rule: a process is over its limit when a walk finds more than ``limit`` bytes. There is one more case, that of a
    call carried out by C code (``list(generator)``, ``sorted(..., key=...)``): what that is building no walk can find.
    While such a call is under way, growth counts that the walk does not explain, if all of these hold:

    - it was this process's own: what other threads can have brought into memory meanwhile has been taken off;
    - it grew since the process last waited, so it may belong to that call;
    - and it is more than ``UNEXPLAINED``.

    So neighbours on the same scheduler, other threads, and what was charged in the past for memory long freed, or for
    caches and modules, make a walk due at worst, and never end a process.

    Messages from others need no running time of the process that gets them: a walk is also due when twice as
    many are queued as at the last walk, which ``charge`` is told at each slice (a message makes a process run).

    >>> limit = HeapLimit(100_000_000)
    >>> limit.walked(2_000_000, queued=0)
    False
    >>> limit.charge(50_000_000, own=50_000_000, seconds=0.01), limit.charge(50_000_000, own=50_000_000, seconds=0.01)
    (False, True)
    >>> limit.walked(101_000_000, queued=0)
    True
    """

    __slots__ = ("_cost", "_grown", "_known", "_own", "_queue", "_ran", "_size", "held", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        #: bytes it holds as far as is known; what a report says
        self.held = 0
        self._known = False
        #: what the last walk found
        self._size = 0
        #: growth during its slices since then, whoever's it was
        self._grown = 0
        #: the part of it that is surely its own, and came since it last waited
        self._own = 0
        #: seconds it has run since then, and how many the walk took
        self._ran = 0.0
        self._cost = 0.0
        #: with so many messages queued a walk is due
        self._queue = FEW_MESSAGES

    def charge(self, growth: int, own: int, seconds: float, *, queued: int = 0, waits: bool = False) -> bool:
        """A slice is over, or a part of one: whether a walk is due.

        ``growth`` is by how many bytes the program's resident memory grew meanwhile (it may be negative), ``own``
        how many of these are surely this process's; see :func:`between`. ``waits``: it has ended its slice by itself.
        """
        self._grown = max(0, self._grown + growth)
        self._own = 0 if waits else max(0, self._own + own)
        self._ran += seconds
        return self._is_due(queued)

    def _is_due(self, queued: int) -> bool:
        if not self._known or queued >= self._queue:
            return True
        room = self.limit - self.held
        if self._grown >= room and (self._ran >= self._cost * SHARE or self._grown >= room + self.limit // 4):
            return True
        return self._ran >= max(FIRST, self._cost * NOW_AND_THEN)

    def walked(self, size: int, queued: int = 0, *, hidden: bool = False, seconds: float = 0.0) -> bool:
        """A walk has found ``size`` bytes: whether the process is over its limit.

        ``queued`` messages were in its mailbox, ``hidden`` is the walk's word for a call carried out by C code, and
        ``seconds`` is what the walk took.
        """
        unexplained = self._own - max(0, size - self._size) if hidden else 0
        # What this walk has explained is not to be explained again; what it has not, the next one may.
        self._own = max(0, unexplained)
        self.held = size + (unexplained if unexplained > UNEXPLAINED else 0)
        self._known, self._size = True, size
        self._grown, self._ran, self._cost = 0, 0.0, seconds
        self._queue = max(FEW_MESSAGES, 2 * queued)
        return self.held > self.limit


class Reading(NamedTuple):
    """What the system says of the program and of the calling thread at one moment; None where it does not."""

    #: bytes resident
    resident: int | None
    #: pages that all other threads have brought into memory, ever
    others: int | None


def read() -> Reading:
    """A reading, in some 3 microseconds; a slice's two are to be taken on the thread that runs it."""
    return Reading(resident(), _others())


def between(before: Reading, after: Reading) -> tuple[int, int]:
    """Two readings' growth in bytes, and how much of it was surely the calling thread's own.

    That is what is left when every page which another thread brought in is believed to have grown the program.
    """
    if before.resident is None or after.resident is None:
        return 0, 0
    growth = after.resident - before.resident
    if before.others is None or after.others is None:
        return growth, 0
    return growth, max(0, growth - (after.others - before.others) * _FAULT)


def _linux() -> int | None:
    global _statm
    try:
        if _statm is None:
            _statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        return int(os.pread(_statm, 64, 0).split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return None


def _forget() -> None:
    """In a child after a fork: the file is about the parent."""
    global _statm
    if _statm is not None:
        os.close(_statm)
        _statm = None


def _macos() -> int | None:
    """The largest there ever was: it tells of growth, if not of all."""
    return _resource.getrusage(_resource.RUSAGE_SELF).ru_maxrss  # type: ignore[no-any-return]


def _windows() -> int | None:
    counters = (_ctypes.c_size_t * 10)()  # PROCESS_MEMORY_COUNTERS; the working set is its third word
    here = _ctypes.c_void_p(-1)  # this very program
    if not _ctypes.windll.kernel32.K32GetProcessMemoryInfo(here, counters, _ctypes.sizeof(counters)):
        return None
    return int(counters[2])


def _others() -> int | None:
    """Pages brought into memory by threads other than the calling one."""
    if _THREAD is None:
        return None
    return _getrusage(_SELF).ru_minflt - _getrusage(_THREAD).ru_minflt  # type: ignore[no-any-return]


def _page_of_a_fault() -> int:
    """The most that one page fault brings in: 2 MiB where the kernel hands out huge pages unasked."""
    try:
        with open("/sys/kernel/mm/transparent_hugepage/enabled", encoding="ascii") as setting:  # noqa: PTH123
            return 2 << 20 if "[always]" in setting.read() else _PAGE
    except (OSError, ValueError):
        return _PAGE


_statm: int | None = None
_ctypes: Any = None
_resource: Any = None
_getrusage: Any = None
_SELF: Any = None
_THREAD: Any = None

if sys.platform == "win32":
    import ctypes as _ctypes

    _PAGE, resident = 4096, _windows
else:
    import resource as _resource

    _PAGE: int = _resource.getpagesize()
    _getrusage, _SELF = _resource.getrusage, _resource.RUSAGE_SELF
    _THREAD = getattr(_resource, "RUSAGE_THREAD", None)
    resident = _linux if sys.platform.startswith("linux") else _macos
    os.register_at_fork(after_in_child=_forget)

_FAULT: Final = _page_of_a_fault()
