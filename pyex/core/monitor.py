"""The monitor: a thread that watches the schedulers while they are at work.

It looks at each of them every few milliseconds. One that has not switched between two looks is held by one
process, which is then interrupted (``pyex.core.preemption``); or, where nothing can be interrupted because C
code runs, reported. While no scheduler has had anything to do for a while, it sleeps.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from pyex.core.holding import report_held
from pyex.core.safe_points import processes_part, stack_of, watch_the_collector

log = logging.getLogger("pyex.scheduler")

if TYPE_CHECKING:
    from pyex.core.preemption import Interrupter
    from pyex.core.scheduler import Scheduler

#: Seconds between two looks: when nobody has held a scheduler lately, when somebody has, and when somebody has just
#: been interrupted (to see whose turn begins then), or is to be.
TICK: Final = 0.01
QUICK_TICK: Final = 0.005
NEXT_TURN: Final = 0.001
LATELY: Final = 1.0

#: Looks in a row at which no scheduler was at work, before the monitor sleeps.
QUIET_LOOKS: Final = 20

#: Seconds after which a scheduler that is held is reported.
REPORT_AFTER: Final = 0.1

#: Frames of a stack that are armed, from the innermost on.
ARMED_FRAMES: Final = 30

#: Seconds for which a thread may keep the interpreter while others want it, as long as schedulers are at work. One
#: releases it at every turn of its loop and takes it again at once; a thread that wants it is served only once it
#: has waited so long in one piece. With Python's own 5 ms it could wait for seconds.
SWITCH_INTERVAL: Final = 0.0005


class _Watch:
    """What the monitor remembers of one scheduler."""

    __slots__ = ("armed", "reported", "since", "state")

    def __init__(self) -> None:
        self.state: Any = None
        self.since = 0.0
        self.armed = False
        self.reported = False


class Monitor:
    """See the module's docstring; there is one."""

    def __init__(self) -> None:
        #: whoever finds it asleep and has work wakes it
        self.asleep = True
        self.schedulers: list[Scheduler] = []
        self._interrupter: Interrupter | None = None
        self._watches: dict[Scheduler, _Watch] = {}
        self._work = threading.Semaphore(0)
        self._thread: threading.Thread | None = None
        self._closing = False
        self._held_lately = 0.0
        self._pause = TICK
        self._interval = 0.0
        self._changing = threading.Lock()

    def start(self, schedulers: list[Scheduler]) -> None:
        """Watch the schedulers of this list, which may grow."""
        self.schedulers = schedulers
        self._closing = False
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

    def wake(self) -> None:
        """From a scheduler that has work."""
        with self._changing:
            if not self.asleep:
                return
            self.asleep = False
            self._interval = sys.getswitchinterval()
            if self._interval > SWITCH_INTERVAL:
                sys.setswitchinterval(SWITCH_INTERVAL)
        self._work.release()

    def _rest(self) -> None:
        with self._changing:
            self.asleep = True
            if sys.getswitchinterval() == SWITCH_INTERVAL and self._interval:  # else somebody else has set it
                sys.setswitchinterval(self._interval)

    def _main(self) -> None:
        from pyex.core.preemption import make_interrupter  # which knows processes, as they know the schedulers

        sys.settrace(None)  # a debugger, or a measurement of coverage, has nothing to see here
        watch_the_collector()
        self._interrupter = make_interrupter()
        while True:
            self._work.acquire()
            quiet = 0
            while quiet < QUIET_LOOKS:
                if self._closing:
                    return
                time.sleep(self._pause)
                self._pause = QUICK_TICK if time.monotonic() - self._held_lately < LATELY else TICK
                try:
                    quiet = 0 if self._look_at_all() else quiet + 1
                except Exception as error:  # without it no process would be interrupted any more
                    log.error("Looking after the schedulers failed: %r", error, exc_info=error)
            self._rest()
            if self._look_at_all():  # work that came between the last look and going to sleep woke nobody
                self.wake()

    def _look_at_all(self) -> bool:
        now = time.monotonic()
        busy = False
        for scheduler in [*self.schedulers]:
            watch = self._watches.get(scheduler)
            if watch is None:
                watch = self._watches[scheduler] = _Watch()
            busy |= scheduler.in_slice
            self._look(scheduler, watch, now)
        return busy

    def _look(self, scheduler: Scheduler, watch: _Watch, now: float) -> None:
        state = (scheduler.slices, scheduler.budget) if scheduler.in_slice else None
        if state is None or state != watch.state:
            if watch.armed and self._interrupter is not None:
                self._interrupter.disarm(scheduler)
            watch.armed = watch.reported = False
            if state is not None and watch.state is not None and state[0] == watch.state[0]:
                scheduler.budget = 0  # the slice goes on for long, of many processes: let the loop have its turn
                state = (state[0], 0)
            watch.state, watch.since = state, now
            return
        if not watch.armed:
            scheduler.held_since = watch.since
        self._held_lately = now
        self._hold(scheduler, watch, now)

    def _hold(self, scheduler: Scheduler, watch: _Watch, now: float) -> None:
        """One process has the scheduler."""
        from pyex.core.preemption import BOTTOM

        stack = stack_of(scheduler.thread_id)
        frames = processes_part(stack, BOTTOM)[:ARMED_FRAMES] if self._interrupter is not None else []
        if frames and self._interrupter is not None:
            watch.armed = self._interrupter.arm(scheduler, frames)
            self._pause = NEXT_TURN
        if now - watch.since > REPORT_AFTER and not watch.reported:
            watch.reported = True
            report_held(stack, BOTTOM)


monitor = Monitor()
