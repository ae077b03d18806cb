"""The schedulers of this interpreter: started on first use, stopped with the interpreter."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from typing import Final

from greenlet import getcurrent

from pyex.core.ids import Pid
from pyex.core.process import processes
from pyex.core.scheduler import Scheduler
from pyex.core.signals import EXIT2, signal

#: The schedulers there may be. With the GIL more do not compute faster; they keep one that is stuck in
#: foreign code from stopping everything.
MAX_SCHEDULERS: Final = max(2, min(4, os.cpu_count() or 2))

#: Seconds that processes get to end in an orderly way at exit, and those killed to end at all.
ORDERLY_EXIT: Final = 1.0
KILLED_EXIT: Final = 1.0


class Runtime:
    """The set of schedulers."""

    def __init__(self) -> None:
        self.schedulers: list[Scheduler] = []
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
        least = min(self.schedulers, key=_load)
        if _load(least) > 0 and len(self.schedulers) < MAX_SCHEDULERS:
            return self._grow()
        return least

    def _grow(self) -> Scheduler:
        with self._lock:
            number = len(self.schedulers) + 1
            if number == 1:
                # After the threads that are waited for, before the interpreter is taken down: a thread
                # that ran greenlets then would crash it.
                atexit.register(shutdown)
            if number > MAX_SCHEDULERS:
                return min(self.schedulers, key=_load)
            scheduler = Scheduler(number)
            self.schedulers.append(scheduler)
            return scheduler


def _load(scheduler: Scheduler) -> int:
    return len(scheduler.ready) + len(scheduler.inbox)


runtime = Runtime()


def shutdown() -> None:
    """End every process and stop the schedulers: politely, then by force, then without them.

    Called at the end of the interpreter. A scheduler that is stuck in foreign code cannot be stopped;
    the interpreter then leaves without its usual clean-up, after the output has been flushed.
    """
    own = os.getpid()
    asker = Pid("0.0.0")
    for reason, seconds in (("shutdown", ORDERLY_EXIT), ("kill", KILLED_EXIT)):
        green = _green_processes()
        for pid in green:
            signal(pid, EXIT2, (asker, reason))
        _wait_until_ended(seconds)
    stuck = False
    for scheduler in runtime.schedulers:
        scheduler.run_on_loop(scheduler.loop.stop)
    for scheduler in runtime.schedulers:
        scheduler.thread.join(KILLED_EXIT)
        stuck = stuck or scheduler.thread.is_alive()
    if stuck and own == os.getpid():
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (AttributeError, OSError, ValueError):
                pass  # closed, or nobody there: nothing left to lose
        os._exit(1 if getattr(sys, "last_value", None) is not None else 0)


def _green_processes() -> list[Pid]:
    schedulers = set(runtime.schedulers)
    return [process.pid for process in list(processes.values()) if process.owner in schedulers]


def _wait_until_ended(seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while _green_processes() and time.monotonic() < deadline:
        time.sleep(0.002)
