"""What ends a wait when its time has come."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pyex.core.process import ControlBlock

if TYPE_CHECKING:
    from pyex.core.scheduler import Scheduler


class LoopAlarm:
    """Wakes a process of a scheduler at a given time."""

    __slots__ = ("fired", "handle", "process")

    def __init__(self, scheduler: Scheduler, process: ControlBlock, seconds: float) -> None:
        self.fired = False
        self.process = process
        self.handle = scheduler.loop.call_later(seconds, self._fire)

    def _fire(self) -> None:
        self.fired = True
        if self.process.waiting:
            self.process.owner.wake(self.process)

    def cancel(self) -> None:
        """Forget it."""
        self.handle.cancel()


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
