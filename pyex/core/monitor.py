"""The monitor: a thread that watches the schedulers while they are at work.

It looks at each of them every few milliseconds. One that has not switched between two looks is held by one
process, which is then interrupted (``pyex.core.preemption``); or, where nothing can be interrupted because C
code runs, reported. While no scheduler has had anything to do for a while, it sleeps.
"""

from __future__ import annotations

import dis
import logging
import sys
import threading
import time
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from pyex.core.holding import report_held
from pyex.core.moving import has_not_begun, move_waiting
from pyex.core.preemption import hunted, is_wanted, load, make_interrupter
from pyex.core.safe_points import collecting, process_of, processes_part, runtime_module, stack_of, watch_the_collector

log = logging.getLogger("pyex.scheduler")

if TYPE_CHECKING:
    from pyex.core.preemption import Interrupter
    from pyex.core.scheduler import Scheduler
    from pyex.core.threads import ThreadOwner

#: Seconds between two looks: when nobody has held a scheduler lately, when somebody has, and when somebody has just
#: been interrupted (to see whose turn begins then), or is to be.
TICK: Final = 0.01
QUICK_TICK: Final = 0.005
NEXT_TURN: Final = 0.001
LATELY: Final = 1.0

#: Reductions per second of running time: Erlang's unit of work, of which its processes do some 4,000 in a turn of a
#: millisecond.
REDUCTIONS: Final = 4_000_000

#: Looks in a row at which no scheduler was at work, before the monitor sleeps.
QUIET_LOOKS: Final = 20

#: Seconds of one call of foreign code after which processes that have not begun leave its scheduler.
MOVE_AFTER: Final = 0.03

#: Seconds between two looks at threads that are to end, while the monitor sleeps: they are in foreign code.
HUNT: Final = 0.25

#: Seconds after which a scheduler that is held is reported.
REPORT_AFTER: Final = 0.1

#: Looks in a row that must have found it so: where threads compete, the monitor has its turn as seldom as the others.
REPORT_LOOKS: Final = 15

#: Frames of a stack that are armed, from the innermost on.
ARMED_FRAMES: Final = 30

#: Seconds for which a thread may keep the interpreter while others want it, as long as schedulers are at work. One
#: releases it at every turn of its loop and takes it again at once; a thread that wants it is served only once it
#: has waited so long in one piece. With Python's own 5 ms it could wait for seconds.
SWITCH_INTERVAL: Final = 0.0005


#: Instructions that call nothing, and modules of the runtime that call no foreign code: what stays there waits for its turn
#: with the interpreter.
_NO_CALLS: Final = frozenset(
    code for name, code in dis.opmap.items() if name.startswith(("JUMP", "NOP", "POP_JUMP", "RESUME"))
)
_OWN_WORK: Final = frozenset(
    f"pyex.core.{name}" for name in ("expecting", "messaging", "requests", "scheduler", "signals", "waiting")
)


class _Watch:
    """What the monitor remembers of one scheduler."""

    __slots__ = ("armed", "looks", "place", "reported", "since", "state", "stuck_since")

    def __init__(self) -> None:
        #: its slice and what is left of it, and since when that is so
        self.state: Any = None
        self.since = 0.0
        #: the instruction it was at, and since when: in one call of foreign code, if that is long
        self.place: Any = None
        self.stuck_since = 0.0
        #: looks since then
        self.looks = 0
        self.armed = False
        self.reported = False


class Monitor:
    """See the module's docstring; there is one."""

    def __init__(self) -> None:
        #: whoever finds it asleep and has work wakes it
        self.asleep = True
        self.schedulers: list[Scheduler] = []
        #: called at each look, in the monitor's thread, for a scheduler that one process has: what its loop would
        #: have done, as far as another thread can do it
        self.while_held: list[Callable[[Scheduler, float], None]] = []
        self._another: Callable[[Scheduler], Scheduler]
        self._interrupter: Interrupter | None = None
        self._watches: dict[Scheduler, _Watch] = {}
        self._work = threading.Semaphore(0)
        self._thread: threading.Thread | None = None
        self._closing = False
        self._held_lately = 0.0
        self._looked = 0.0
        self._pause = TICK
        #: the interval to put back
        self._interval = 0.0
        self._changing = threading.Lock()

    def start(self, schedulers: list[Scheduler], another: Callable[[Scheduler], Scheduler]) -> None:
        """Watch the schedulers of this list, which may grow; ``another`` gives one but for one that is held."""
        self.schedulers, self._another = schedulers, another
        self._closing = False
        # Here, not in the thread: some module among these evaluates a string, which makes Python forget that a Ctrl-C
        # of the same moment is to end the program.
        load()
        self._thread = threading.Thread(target=self._main, name="pyex-monitor", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Interrupt nobody any more, and end."""
        self._closing = True
        self._work.release()
        if self._thread is not None:
            self._thread.join(1.0)
        if self._interrupter is not None:
            self._interrupter.close()
        self._rest()

    def forget(self) -> None:
        """In the child of a fork: its thread is not there any more."""
        self._changing = threading.Lock()
        self._work = threading.Semaphore(0)
        self.schedulers, self._watches, self._thread = [], {}, None
        self.while_held = []
        if self._interrupter is not None:
            self._interrupter.forget()
        self._rest()

    def hunt(self, owner: ThreadOwner) -> None:
        """A process is to end whose thread runs code of its own: raise its exit there, once that is possible."""
        if owner.thread_id is not None:
            hunted[owner.thread_id] = owner
            self.wake()

    def wake(self) -> None:
        """From a scheduler that has work."""
        with self._changing:
            if not self.asleep or self._thread is None:  # there is nobody to wake: only threads have become processes
                return
            self.asleep = False
            interval = sys.getswitchinterval()
            if interval > SWITCH_INTERVAL:  # a shorter one is somebody's who will put back what there was
                self._interval = interval
                sys.setswitchinterval(SWITCH_INTERVAL)
        self._work.release()

    def _rest(self) -> None:
        with self._changing:
            self.asleep = True
            if sys.getswitchinterval() == SWITCH_INTERVAL and self._interval:  # else somebody else has set it
                sys.setswitchinterval(self._interval)

    def _main(self) -> None:
        from pyex.core.heap_watch import HeapWatch

        sys.settrace(None)  # a debugger, or a measurement of coverage, has nothing to see here
        watch_the_collector()
        self._interrupter = self._interrupter or make_interrupter()
        if self._interrupter is None:
            log.warning(
                "Processes cannot be interrupted in this Python (it has no way, or other tools have taken it): "
                "one that computes for long without a receive() or sleep() keeps its scheduler to itself"
            )
        heaps = HeapWatch()
        while True:
            while not self._work.acquire(timeout=HUNT if hunted else None):
                self._hunt()
            quiet = slices = 0
            while quiet < QUIET_LOOKS:
                if self._closing:
                    return
                time.sleep(self._pause)
                self._pause = QUICK_TICK if time.monotonic() - self._held_lately < LATELY else TICK
                slices = self._slices()
                try:
                    quiet = 0 if self._look_at_all() else quiet + 1
                    heaps.look(time.monotonic(), quiet=quiet == QUIET_LOOKS)
                except Exception as error:  # without it no process would be interrupted any more
                    log.error("Looking after the schedulers failed: %r", error, exc_info=error)
            self._rest()
            if self._look_at_all() or self._slices() != slices:
                self.wake()  # work that came between the last look and going to sleep woke nobody

    def _slices(self) -> int:
        """How many there have been: what has come and gone between two looks shows in it."""
        return sum(scheduler.slices for scheduler in [*self.schedulers])

    def _look_at_all(self) -> bool:
        now = time.monotonic()
        busy = False
        for scheduler in [*self.schedulers]:
            watch = self._watches.get(scheduler)
            if watch is None:
                watch = self._watches[scheduler] = _Watch()
            busy |= scheduler.in_slice
            self._look(scheduler, watch, now)
        if len(self._watches) > len(self.schedulers):  # some have left
            self._watches = {
                scheduler: self._watches[scheduler] for scheduler in [*self.schedulers] if scheduler in self._watches
            }
        self._looked = now
        self._hunt()
        return busy

    def _hunt(self) -> None:
        """Where a process with a thread of its own is to end, or to be interrupted, raise that."""
        for thread_id, owner in [*hunted.items()]:
            if owner.thread_id != thread_id or not is_wanted(owner):
                del hunted[thread_id]
                if self._interrupter is not None:
                    self._interrupter.disarm(thread_id)
            elif self._interrupter is not None:
                stack = stack_of(thread_id)
                frames = processes_part(stack)[:ARMED_FRAMES]
                if frames:
                    self._interrupter.arm(owner, frames, stack[0])

    def _look(self, scheduler: Scheduler, watch: _Watch, now: float) -> None:
        state = (scheduler.slices, scheduler.budget) if scheduler.in_slice else None
        if state is None and scheduler.ready and not scheduler.slice_due:
            scheduler.run_on_loop(scheduler.run_slice)  # woken from another thread, just when it was moving
        if state is None or state != watch.state:
            if watch.armed and self._interrupter is not None:
                self._interrupter.disarm(scheduler.thread_id or 0)
            watch.armed = watch.reported = False
            watch.looks = 0
            watch.place = None
            scheduler.refused = False
            if state is not None and watch.state is not None and state[0] == watch.state[0]:
                scheduler.budget = 0  # the slice goes on for long, of many processes: let the loop have its turn
                state = (state[0], 0)
            watch.state, watch.since = state, now
            return
        if not watch.armed:
            scheduler.held_since = watch.since
        self._held_lately = now
        watch.looks += 1
        self._hold(scheduler, watch, now)

    def _hold(self, scheduler: Scheduler, watch: _Watch, now: float) -> None:
        """One process has the scheduler."""
        for stand_in in [*self.while_held]:
            stand_in(scheduler, now)
        if scheduler.thread_id is None or scheduler.thread_id in collecting:
            return  # Python collects garbage there; that takes the time it takes
        stack = stack_of(scheduler.thread_id)
        frames = processes_part(stack)[:ARMED_FRAMES] if self._interrupter is not None else []
        if frames and self._interrupter is not None:
            watch.armed = self._interrupter.arm(scheduler, frames, stack[0])
            if not runtime_module(stack[0]):
                self._pause = NEXT_TURN
        process = process_of(stack)
        if process is not None:
            process.relate().reductions += round((now - self._looked) * REDUCTIONS)
        place = (id(stack[0]), stack[0].f_lasti) if stack else None
        if place != watch.place or (stack and _waits_for_its_turn(stack[0])):
            watch.place, watch.stuck_since = place, now
        if now - watch.stuck_since > MOVE_AFTER and (scheduler.inbox or any(map(has_not_begun, [*scheduler.ready]))):
            try:
                move_waiting(scheduler, self._another(scheduler))
            except RuntimeError:
                pass  # there are no more threads to be had: the interpreter ends
        begun = watch.since if scheduler.refused else watch.stuck_since
        if now - begun > REPORT_AFTER and watch.looks >= REPORT_LOOKS and not watch.reported:
            watch.reported = True
            report_held(stack)


def _waits_for_its_turn(frame: types.FrameType) -> bool:
    """Whether another thread that stays at this place can be in no call of foreign code."""
    return frame.f_code.co_code[frame.f_lasti] in _NO_CALLS or frame.f_globals.get("__name__") in _OWN_WORK


monitor = Monitor()
