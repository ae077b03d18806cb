"""uvloop's event loop, as schedulers need it: exact in its times, and known in what it watches. Imported if it is wanted."""

from __future__ import annotations

import heapq
import math
import time
from asyncio import Handle, TimerHandle
from collections.abc import Callable
from contextvars import Context
from typing import Any, Final

import uvloop

#: Cancelled timers that are kept until their time comes, unless they are more than half of all.
FORGET_AT: Final = 100


_Loop: Any = uvloop.Loop


class Loop(_Loop):  # type: ignore[misc]
    """Of itself it counts in whole milliseconds, from when its turn began: timers would be early, and out of order."""

    def __init__(self) -> None:
        super().__init__()
        #: the descriptors it watches: a child of a fork closes them
        self.watched: set[int] = set()
        self._timers: list[TimerHandle] = []
        self._cancelled = 0
        #: comes for the first of the timers
        self._alarm: Handle | None = None

    def time(self) -> float:
        """Now."""
        return time.monotonic()

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> TimerHandle:
        """As any loop does."""
        return self.call_at(time.monotonic() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> TimerHandle:
        """As any loop does."""
        timer: Any = TimerHandle(when, callback, args, self, context)
        timer._scheduled = True
        heapq.heappush(self._timers, timer)
        if self._timers[0] is timer:
            self._arm()
        handle: TimerHandle = timer
        return handle

    def _arm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        delay = max(0.0, self._timers[0].when() - time.monotonic())
        self._alarm = super().call_later(math.ceil(delay * 1000) / 1000, self._fire)

    def _fire(self) -> None:
        self._alarm = None
        now = time.monotonic()
        try:
            while self._timers and self._timers[0].when() <= now:
                timer: Any = heapq.heappop(self._timers)
                timer._scheduled = False
                if timer.cancelled():
                    self._cancelled -= 1
                else:
                    timer._run()
        finally:
            if self._timers:
                self._arm()

    def _timer_handle_cancelled(self, timer: Any) -> None:
        """Called by a timer that is cancelled."""
        if not timer._scheduled:
            return
        self._cancelled += 1
        if self._cancelled > max(FORGET_AT, len(self._timers) // 2):
            self._timers = [one for one in self._timers if not one.cancelled()]
            heapq.heapify(self._timers)
            self._cancelled = 0

    def add_reader(self, fd: Any, callback: Callable[..., object], *args: Any) -> None:
        """As any loop does."""
        super().add_reader(fd, callback, *args)
        self.watched.add(fd if isinstance(fd, int) else fd.fileno())

    def remove_reader(self, fd: Any) -> Any:
        """As any loop does."""
        self.watched.discard(fd if isinstance(fd, int) else fd.fileno())
        return super().remove_reader(fd)
