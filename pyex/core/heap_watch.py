"""Watches the memory of processes that have a limit, and ends those that hold more.

Nothing is paid in a process's turns. The monitor reads, at its looks, by how much the whole program has grown; when
that could have taken a process with a limit to it, the process is walked, on its own scheduler, in portions between
the turns of others. One that computes on and on is also measured where it is interrupted, on its own stack: there it
is known what it has used up by itself.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Final

from pyex.core.heap_limit import HeapLimit, Reading, between, read, resident
from pyex.core.ids import Key
from pyex.core.memory import Walk
from pyex.core.options import Limits, max_heap_size_of
from pyex.core.process import ControlBlock, processes
from pyex.core.reports import describe
from pyex.core.scheduler import Scheduler
from pyex.core.signals import HANDLERS, doom

log = logging.getLogger("pyex.process")

WALK: Final = 103  # (walk,): within a node only, from the monitor

#: The program's growth, as a part of the smallest limit, after which the processes are looked through again; and the
#: seconds after which they are anyway.
GROWTH: Final = 1 / 8
ANYWAY: Final = 1.0

#: Objects of a walk between two looks at the clock, and seconds that it may hold up the others.
PORTION: Final = 1000
TURN: Final = 0.003


#: The processes that are being walked, and how many messages those walked before had.
_walked: Final[set[Key]] = set()
_queued: Final[dict[Key, int]] = {}


class HeapWatch:
    """What the monitor knows of the program's growth."""

    def __init__(self) -> None:
        self._resident = 0
        self._grown = 0
        self._looked = 0.0
        self._limited = 0

    def look(self, now: float, *, quiet: bool = False) -> None:
        """In the monitor, at each of its looks: find the processes that may have come to their limits.

        ``quiet``: nothing goes on any more, and what has been received is looked at, however little the program grew:
        a message can hold what its sender has already.
        """
        if not Limits.smallest:
            return
        size = resident() or 0
        self._grown += max(0, size - self._resident) if self._resident else 0
        self._resident = size
        if self._grown < Limits.smallest * GROWTH and now - self._looked < ANYWAY and not quiet:
            return
        # Who of them has run, and for how long, nobody has counted: they share the time, so that all the walks of
        # the node together stay a small part of it.
        seconds = (now - self._looked) / max(1, self._limited)
        self._limited = 0
        for process in [*processes.values()]:
            heap = heap_of(process)
            if heap is not None:
                self._limited += 1
                queued = len(process.mailbox or ())
                due = heap.charge(self._grown, 0, seconds, queued=queued, waits=process.waiting)
                due |= quiet and queued != _queued.get(process.pid.key, 0)
                if due and process.pid.key not in _walked:
                    _walked.add(process.pid.key)
                    _begin(process)
        _walked.intersection_update([*processes])
        for key in _queued.keys() - processes.keys():
            del _queued[key]
        self._grown, self._looked = 0, now


def heap_of(process: ControlBlock) -> HeapLimit | None:
    """What is known of the size of a process; None if it has no limit."""
    limit = max_heap_size_of(process)
    if limit is None:
        return None
    relations = process.relate()
    heap: HeapLimit | None = relations.heap
    if heap is None or heap.limit != limit:
        heap = relations.heap = HeapLimit(limit)
    return heap


def begin_turn(process: ControlBlock) -> None:
    """An interrupted process goes on: what is used from here on is its own."""
    if process.relations is not None and process.relations.heap is not None:
        process.relations.turn = (read(), time.monotonic())


def end_turn(process: ControlBlock) -> None:
    """In a process, where it is interrupted: end it if it holds too much."""
    relations = process.relations
    if relations is None or relations.heap is None or process.exiting is not None:
        return
    heap: HeapLimit = relations.heap
    turn: tuple[Reading, float] | None = relations.turn
    growth, own, seconds = 0, 0, 0.0
    if turn is not None:
        growth, own = between(turn[0], read())
        seconds = time.monotonic() - turn[1]
        relations.turn = None
    if heap.charge(growth, own, seconds, queued=len(process.mailbox or ())):
        begun = time.monotonic()
        walk = Walk(process)
        walk.advance(1 << 30)
        _judge(process, heap, walk, time.monotonic() - begun)


def _begin(process: ControlBlock) -> None:
    """Walk a process in its owner; one that has a thread beside it: its owner is a lock, for which the thread would wait."""
    if isinstance(process.owner, Scheduler):
        process.owner.post(process, WALK, (None,))
        return
    try:
        threading.Thread(target=_walk_beside, args=(process,), daemon=True).start()
    except RuntimeError:  # the system has no more threads, or the interpreter ends
        _walked.discard(process.pid.key)


def _walk_beside(process: ControlBlock) -> None:
    start = time.monotonic()
    walk = Walk(process)
    walk.advance(1 << 30)
    process.owner.post(process, WALK, ((walk, time.monotonic() - start),))


def _on_walk(process: ControlBlock, args: tuple[Any]) -> None:
    """In its owner: walk the process, for a while; the rest later."""
    heap = heap_of(process)
    if heap is None or process.exiting is not None:
        _walked.discard(process.pid.key)
        return
    (begun,) = args
    walk, spent = begun or (Walk(process), 0.0)
    start = now = time.monotonic()
    done = walk.advance(PORTION)
    while not done:
        now = time.monotonic()
        if now - start > TURN and isinstance(process.owner, Scheduler):
            process.owner.loop.call_soon(process.owner.post, process, WALK, ((walk, spent + now - start),))
            return
        done = walk.advance(PORTION, at_once=True)
    _judge(process, heap, walk, spent + time.monotonic() - start)


def _judge(process: ControlBlock, heap: HeapLimit, walk: Walk, seconds: float) -> None:
    _walked.discard(process.pid.key)
    queued = _queued[process.pid.key] = len(process.mailbox or ())
    if heap.walked(walk.size, queued, hidden=walk.hidden, seconds=seconds):
        log.error(
            "%s is killed: it holds %s bytes, more than its max_heap_size of %s",
            describe(process), f"{heap.held:,}", f"{heap.limit:,}", extra={"pid": process.pid},
        )  # fmt: skip
        doom(process, "killed")


HANDLERS[WALK] = _on_walk
