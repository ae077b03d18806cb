"""Interrupting by ``sys.monitoring`` (3.12 and later): events of single code objects, switched on when needed."""

from __future__ import annotations

import sys
import threading
import types
from typing import TYPE_CHECKING, Any, Final

from pyex.core.preemption import consider

if TYPE_CHECKING:
    from pyex.core.scheduler import Scheduler

#: Tool numbers that are nobody's by convention.
_FREE_TOOLS: Final = (4, 3)

_get_ident = threading.get_ident


class EventInterrupter:
    """Arms the code objects on a stack; the event that comes first, a call or a jump back, is the interruption.

    Local events only: the global switch leaves slow code behind, misses stacks that were parked meanwhile, and
    overflows in the end.
    """

    def __init__(self) -> None:
        self._monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
        #: None when other tools have taken all there are
        self._tool: int | None = next(
            (number for number in _FREE_TOOLS if self._monitoring.get_tool(number) is None), None
        )
        #: what is armed for which thread
        self._armed: dict[int, list[types.CodeType]] = {}
        #: schedulers share code: for how many each code object is armed, by its identity (equal ones differ)
        self._counts: dict[int, int] = {}
        self._changing = threading.Lock()
        if self._tool is not None:
            events = self._monitoring.events
            self._events = events.PY_START | events.JUMP
            self._monitoring.use_tool_id(self._tool, "pyex")
            self._monitoring.register_callback(self._tool, events.PY_START, self._on_start)
            self._monitoring.register_callback(self._tool, events.JUMP, self._on_jump)

    def arm(self, scheduler: Scheduler, frames: list[types.FrameType]) -> bool:
        """Off, then on: only so places are heard again that have been found unsuitable before."""
        if self._tool is None:
            return False
        self.disarm(scheduler)
        with self._changing:
            codes = list({id(frame.f_code): frame.f_code for frame in frames}.values())
            self._armed[scheduler.thread_id] = codes
            for code in codes:
                count = self._counts.get(id(code), 0)
                self._counts[id(code)] = count + 1
                if count:
                    self._monitoring.set_local_events(self._tool, code, 0)
                self._monitoring.set_local_events(self._tool, code, self._events)
        return True

    def disarm(self, scheduler: Scheduler) -> None:
        """From any thread."""
        self._disarm(scheduler.thread_id)

    def _disarm(self, thread: int) -> None:
        if thread in self._armed:
            with self._changing:
                for code in self._armed.pop(thread, ()):
                    self._counts[id(code)] -= 1
                    if not self._counts[id(code)]:
                        del self._counts[id(code)]
                        self._monitoring.set_local_events(self._tool, code, 0)

    def forget(self) -> None:
        self._changing = threading.Lock()
        self.close()

    def close(self) -> None:
        for thread in list(self._armed):
            self._disarm(thread)

    def _on_start(self, code: types.CodeType, offset: int) -> Any:
        return self._reached() if _get_ident() in self._armed else None

    def _on_jump(self, code: types.CodeType, offset: int, target: int) -> Any:
        if target > offset:
            return self._monitoring.DISABLE
        return self._reached() if _get_ident() in self._armed else None

    def _reached(self) -> Any:
        try:
            action = consider(sys._getframe(2))
        except RecursionError:  # of ours: the process is as deep as it may be, and might have gone no deeper
            action = None
        if action is None:
            return self._monitoring.DISABLE  # here; the next arming asks again
        self._disarm(_get_ident())
        action()
        return None
