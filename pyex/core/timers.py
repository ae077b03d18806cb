"""Messages that are sent later.

A timer lives on the loop of a scheduler: that of the process that started it, or the first one's for a
thread. It belongs to nobody and fires also when its maker has ended. With the process that it is for it ends; a name
is resolved when it fires.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any, Final

from greenlet import getcurrent

from pyex.core.errors import NoProcess
from pyex.core.expecting import call_hint
from pyex.core.ids import Key, Pid, Port, Ref
from pyex.core.isolation import Template, snapshot
from pyex.core.messaging import as_it_is, post
from pyex.core.process import processes
from pyex.core.runtime import runtime
from pyex.core.scheduler import Scheduler, scheduler_of_thread

log = logging.getLogger("pyex.timer")

#: Held while an interval is sent, and while the tables change: what has been cancelled is not sent afterwards.
turn: Final = threading.RLock()


class Timer:
    """One message to be sent, once or again and again.

    Whoever takes it out of the table, its firing or its cancelling, is the one that counts.
    """

    __slots__ = ("_handle", "_ref", "at", "dest", "every", "message", "scheduler")

    def __init__(self, scheduler: Scheduler, ref: Ref, dest: Any, message: Any, at: float, every: float | None) -> None:
        #: whose loop it lives on
        self.scheduler = scheduler
        self._ref = ref
        self.dest = dest
        self.message = message
        self.every = every
        self.at = at
        self._handle: asyncio.TimerHandle | None = None

    def arm(self) -> None:
        """On the loop: see to it that it fires."""
        if self._ref in timers:  # not cancelled meanwhile
            self._handle = self.scheduler.loop.call_at(self.at, self._fire)

    def disarm(self) -> None:
        """On the loop: forget it, rather than let it come in vain."""
        if self._handle is not None:
            self._handle.cancel()

    def cancel(self) -> float:
        """It was taken out of the table: the seconds that were left."""
        left = max(0.0, self.at - self.scheduler.loop.time())
        if scheduler_of_thread() is self.scheduler:
            self.disarm()
        else:
            self.scheduler.run_on_loop(self.disarm)
        return left

    def left(self) -> float:
        """The seconds until it fires."""
        return max(0.0, self.at - self.scheduler.loop.time())

    def _fire(self) -> None:
        try:
            if self.every is not None:
                self._fire_again(self.every)
            elif _take_out(self._ref) is not None:
                post(self.dest, self.message, as_it_is)
        except NoProcess:
            pass  # nobody has the name now
        except Exception as error:  # of the message's own code, or of the way to another node
            _take_out(self._ref)
            log.error("A timer's message to %r could not be sent: %s: %s", self.dest, type(error).__name__, error)

    def _fire_again(self, every: float) -> None:
        message = self.message.copy()
        with turn:
            if self._ref not in timers:
                return
            self.at += every  # of its own time, not of now: it does not drift
            self.arm()
            post(self.dest, message, as_it_is)


#: The timers that have not fired yet; and those of them that are for a process of this node, by its key.
timers: dict[Ref, Timer] = {}
for_process: dict[Key, set[Ref]] = {}


def start_timer(dest: Any, message: Any, seconds: float, every: float | None = None) -> Ref:
    """Have ``message`` sent to ``dest`` in ``seconds``, and then, if asked for, ``every`` so many seconds."""
    named = isinstance(dest, tuple) and len(dest) == 2 and all(isinstance(part, str) for part in dest)
    if not named and not isinstance(dest, Pid | Port | Ref | str):
        raise TypeError(
            f"a timer sends to a pid, a registered name, a port, an alias or (name, node), not to {dest!r}{call_hint(dest)}"
        )
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"a time is a number of seconds, not {seconds!r}")
    if not seconds >= 0 or (every is not None and not every > 0):
        raise ValueError(f"a timer cannot wait {seconds!r} seconds. Give 0 or more (an interval: more than 0)")
    owner = getattr(getcurrent(), "owner", None)
    scheduler = owner if isinstance(owner, Scheduler) else runtime.first()
    ref = Ref()
    kept = snapshot(message) if every is None else Template(message)
    timer = timers[ref] = Timer(scheduler, ref, dest, kept, scheduler.loop.time() + seconds, every)
    if type(dest) is Pid and type(dest.key) is int:
        _end_with(dest, ref)
    if scheduler_of_thread() is scheduler:
        timer.arm()
    else:
        scheduler.run_on_loop(timer.arm)
    return ref


def _end_with(pid: Pid, ref: Ref) -> None:
    """See to it that a timer ends with the process it is for: at once, if that has ended."""
    process = processes.get(pid.key)
    with turn:
        for_process.setdefault(pid.key, set()).add(ref)
    if process is not None:
        relations = process.relate()
        if _ended not in relations.on_end:
            relations.on_end += (_ended,)
    if pid.key not in processes:  # looked at afterwards: who ends a process takes it out of the table first
        _ended(pid)


def _ended(pid: Pid) -> None:
    for ref in [*for_process.get(pid.key, ())]:
        cancel_timer(ref)


def _take_out(ref: Ref) -> Timer | None:
    with turn:
        timer = timers.pop(ref, None)
        refs = for_process.get(timer.dest.key) if timer is not None and type(timer.dest) is Pid else None
        if timer is not None and refs is not None:
            refs.discard(ref)
            if not refs:
                del for_process[timer.dest.key]
    return timer


def cancel_timer(ref: Ref) -> float | None:
    """Cancel a timer; the seconds that were left, or None when it has fired (or is none)."""
    timer = _take_out(ref)
    return timer.cancel() if timer is not None else None


def read_timer(ref: Ref) -> float | None:
    """The seconds until a timer fires, or None when it has (or is none)."""
    timer = timers.get(ref)
    return timer.left() if timer is not None else None
