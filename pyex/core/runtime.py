"""The schedulers of this interpreter: started on first use, stopped with the interpreter."""

from __future__ import annotations

import asyncio
import atexit
import itertools
import os
import sys
import threading
import time
from typing import Final

from greenlet import getcurrent

from pyex.core.ids import Pid
from pyex.core.interrupts import interrupts
from pyex.core.monitor import monitor
from pyex.core.process import ControlBlock, processes
from pyex.core.reports import Leaving
from pyex.core.scheduler import Scheduler
from pyex.core.signals import EXIT2, signal
from pyex.core.threads import ThreadOwner, leave

#: The schedulers there may be while none is held. With the GIL more do not compute faster; they keep one that is
#: held by foreign code from stopping everything. And those there may be when all are held.
USUAL_SCHEDULERS: Final = max(2, min(4, os.cpu_count() or 2))
MOST_SCHEDULERS: Final = 64

#: Seconds of one slice after which a scheduler may be held, and gets no new processes from elsewhere.
PERHAPS_HELD: Final = 0.05

#: Seconds that a scheduler more than usual is kept without processes, and then is no longer given any before it goes.
UNUSED: Final = 10.0
LEAVING: Final = 1.0

#: Seconds that processes get to end in an orderly way at exit, and those killed to end at all.
ORDERLY_EXIT: Final = 1.0
KILLED_EXIT: Final = 1.0

#: Seconds that a scheduler which nothing holds gets to stop; on a busy machine that can take a while.
UNHURRIED_EXIT: Final = 10.0


class Runtime:
    """The set of schedulers."""

    def __init__(self) -> None:
        self.schedulers: list[Scheduler] = []
        #: how many there may be while none is held
        self.usual = USUAL_SCHEDULERS
        #: the operating system's process that they run in; a fork of it has none
        self.interpreter = 0
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def first(self) -> Scheduler:
        """The scheduler that is always there; connections live on its loop."""
        schedulers = self.schedulers
        return schedulers[0] if schedulers else self._grow()

    def scheduler(self) -> Scheduler:
        """Where to start a new process: here, if this is a scheduler; else where least is to be done."""
        owner = getattr(getcurrent(), "owner", None)
        if owner is not None:
            return owner  # type: ignore[no-any-return]
        self.first()
        return self.another()

    def another(self, held: Scheduler | None = None) -> Scheduler:
        """The one where least is to be done, but for one that is held; a new one, if all have something to do."""
        now = time.monotonic()
        schedulers = [scheduler for scheduler in self.schedulers if not scheduler.leaving and scheduler is not held]
        if not schedulers:
            return self._grow()
        least = min(schedulers, key=lambda scheduler: _load(scheduler, now))
        load = _load(least, now)
        if load and len(schedulers) < (MOST_SCHEDULERS if load >= _HELD else self.usual):
            return self._grow()
        return least

    def forget(self) -> None:
        """In the child of a fork: there are no schedulers; the next use starts some."""
        atexit.unregister(shutdown)
        self.schedulers = []
        self.interpreter = 0
        self._lock = threading.Lock()

    def _grow(self) -> Scheduler:
        with self._lock:
            if not self.schedulers:
                # After the threads that are waited for, before the interpreter is taken down: a thread
                # that ran greenlets then would crash it.
                atexit.register(shutdown)
                self.interpreter = os.getpid()
                monitor.start(self.schedulers, self.another)
                interrupts.install()
            scheduler = Scheduler(next(self._numbers))
            self.schedulers.append(scheduler)
        if len(self.schedulers) > self.usual:
            scheduler.run_on_loop(scheduler.loop.call_later, UNUSED, self._leave_when_unused, scheduler)
        return scheduler

    def _leave_when_unused(self, scheduler: Scheduler) -> None:
        """On its loop, from time to time: stop a scheduler that was needed only while others were held."""
        unused = not _is_used(scheduler)
        if unused and scheduler.leaving:
            with self._lock:
                self.schedulers.remove(scheduler)
            scheduler.loop.stop()
            return
        scheduler.leaving = unused and scheduler.slices == scheduler.slices_seen
        scheduler.slices_seen = scheduler.slices
        scheduler.loop.call_later(LEAVING if scheduler.leaving else UNUSED, self._leave_when_unused, scheduler)


def _is_used(scheduler: Scheduler) -> bool:
    """On its loop: whether it has processes, or what some that have ended left there to go on."""
    from pyex.core.timers import timers  # which live on the schedulers of this module

    return bool(
        scheduler.abandoned
        or asyncio.all_tasks(scheduler.loop)
        or any(timer.scheduler is scheduler for timer in [*timers.values()])
        or any(process.owner is scheduler for process in [*processes.values()])
    )


#: The load of a scheduler that may be held.
_HELD: Final = 1_000_000


def _load(scheduler: Scheduler, now: float) -> int:
    load = len(scheduler.ready) + len(scheduler.inbox) + len(scheduler.interrupted) + scheduler.in_slice
    return load + _HELD if scheduler.in_slice and now - scheduler.slice_begun > PERHAPS_HELD else load


runtime = Runtime()


def shutdown() -> None:
    """End every process and stop the schedulers: politely, then by force, then without them.

    Called at the end of the interpreter. A scheduler that is stuck in foreign code cannot be stopped;
    the interpreter then leaves without its usual clean-up, after the output has been flushed.
    """
    if runtime.interpreter != os.getpid():
        return  # a fork: it has the memory of the processes, not their threads
    leave()
    interrupts.forget()
    asker = Pid("0.0.0")
    threads = set()
    for reason, seconds in (("shutdown", ORDERLY_EXIT), ("kill", KILLED_EXIT)):
        Leaving.now = reason == "kill"
        for process in _processes():
            if isinstance(process.owner, ThreadOwner):
                threads.add(process.owner.thread)
            signal(process.pid, EXIT2, (asker, reason))
        _wait_until_ended(seconds)
    monitor.close()  # not before: what does not give way is ended by an interruption
    for process in _processes():
        if isinstance(process.owner, ThreadOwner):
            threads.discard(process.owner.thread)  # in foreign code: it stays behind, as a daemon
    deadline = time.monotonic() + KILLED_EXIT
    for thread in threads:  # of a process that was ended while busy, the code may still run
        if thread is not None and thread.ident is not None:
            thread.join(max(0.0, deadline - time.monotonic()))
    stuck = False
    for scheduler in runtime.schedulers:
        scheduler.run_on_loop(scheduler.loop.stop)
    for scheduler in runtime.schedulers:
        scheduler.thread.join(KILLED_EXIT if scheduler.in_slice else UNHURRIED_EXIT)
        stuck = stuck or scheduler.thread.is_alive()
    if stuck:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (AttributeError, OSError, ValueError):
                pass  # closed, or nobody there: nothing left to lose
        os._exit(1 if getattr(sys, "last_value", None) is not None else 0)


def _processes() -> list[ControlBlock]:
    """Those that the runtime runs; other threads' end with their threads."""
    return [
        process
        for process in list(processes.values())
        if isinstance(process.owner, Scheduler) or (isinstance(process.owner, ThreadOwner) and process.owner.thread)
    ]


def _wait_until_ended(seconds: float) -> None:
    looked = time.monotonic()
    deadline = looked + seconds
    while _processes() and time.monotonic() < deadline:
        # Looking through very many of them is work too, and takes the interpreter from those that end.
        time.sleep(max(0.002, 4 * (time.monotonic() - looked)))
        looked = time.monotonic()
