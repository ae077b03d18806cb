"""What ends a wait when its time has come."""

from __future__ import annotations

import time
from asyncio import AbstractEventLoop, TimerHandle
from typing import TYPE_CHECKING, Final

from pyex.core.process import ControlBlock

if TYPE_CHECKING:
    from pyex.core.process import Alarm

#: Whole seconds, up to so many, are what most waits are limited to; and most limits are never reached.
USUAL: Final = 60

_now = time.monotonic


class LoopAlarm:
    """Wakes a process of a scheduler at a given time."""

    __slots__ = ("_handle", "_process", "fired")

    def __init__(self, loop: AbstractEventLoop, process: ControlBlock, seconds: float) -> None:
        self.fired = False
        self._process = process
        self._handle: TimerHandle = loop.call_later(seconds, self._fire)

    def _fire(self) -> None:
        self.fired = True
        _wake(self._process)

    def cancel(self) -> None:
        """Forget it."""
        self._handle.cancel()


class Alarms:
    """The alarms of one length, on one scheduler: they become due in the order in which they are set.

    So they need one timer of the loop, for the first of them, and to set one more, or to cancel it, costs next to nothing.
    """

    __slots__ = ("_armed", "_loop", "pending", "seconds")

    def __init__(self, loop: AbstractEventLoop, seconds: float) -> None:
        self._loop = loop
        self._armed = False
        self.seconds = seconds
        #: the next one first: whose it is, and when it is due. A process has one itself while it waits for an answer
        self.pending: dict[QueuedAlarm | ControlBlock, float] = {}

    def set(self, who: QueuedAlarm | ControlBlock) -> None:
        """One more. It has fired, or was cancelled, when it is not pending any more."""
        self.pending[who] = _now() + self.seconds
        if not self._armed:
            self._armed = True
            self._loop.call_later(self.seconds, self._fire)

    def _fire(self) -> None:
        now = _now()
        due = []
        for who, at in self.pending.items():
            if at > now:
                break
            due.append(who)
        for who in due:
            del self.pending[who]
            _wake(who.process if type(who) is QueuedAlarm else who)  # type: ignore[arg-type]
        self._armed = False
        for at in self.pending.values():
            self._armed = True
            self._loop.call_later(at - now, self._fire)
            break


class QueuedAlarm:
    """One of those alarms."""

    __slots__ = ("_pending", "process")

    def __init__(self, alarms: Alarms, process: ControlBlock) -> None:
        self.process = process
        self._pending = alarms.pending
        alarms.set(self)

    @property
    def fired(self) -> bool:
        """Whether the time has come."""
        return self not in self._pending

    def cancel(self) -> None:
        """Forget it."""
        self._pending.pop(self, None)


def alarm(queues: dict[float, Alarms], loop: AbstractEventLoop, process: ControlBlock, seconds: float) -> Alarm:
    """An alarm of a scheduler, which has this loop and these alarms of usual lengths."""
    if type(seconds) is int and 0 < seconds <= USUAL:
        return QueuedAlarm(queues.get(seconds) or usual(queues, loop, seconds), process)
    return LoopAlarm(loop, process, seconds)


def usual(queues: dict[float, Alarms], loop: AbstractEventLoop, seconds: int) -> Alarms:
    """The alarms of a length that none has had yet."""
    queues[seconds] = alarms = Alarms(loop, seconds)
    return alarms


def _wake(process: ControlBlock) -> None:
    if process.waiting:
        process.owner.wake(process)


class Deadline:
    """The alarm of a thread: it waits with a time limit instead."""

    __slots__ = ("at",)

    def __init__(self, seconds: float) -> None:
        self.at = time.monotonic() + seconds

    @property
    def fired(self) -> bool:
        """Whether the time has come."""
        return time.monotonic() >= self.at

    def remaining(self) -> float:
        """The seconds that are left."""
        return max(0.0, self.at - time.monotonic())

    def cancel(self) -> None:
        """There is nothing to forget."""
