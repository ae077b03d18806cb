"""Interrupting by ``sys.monitoring`` (3.12 and later): events of single code objects, switched on when needed."""

from __future__ import annotations

import sys
import threading
import types
from typing import TYPE_CHECKING, Any, Final

from pyex.core.preemption import Action, consider, due_end

if TYPE_CHECKING:
    from pyex.core.preemption import Target

#: Tool numbers that are nobody's by convention.
_FREE_TOOLS: Final = (4, 3)

_get_ident = threading.get_ident


class EventInterrupter:
    """Arms the code objects on a stack; the event that comes first, a call or a jump back, is the interruption.

    Local events only: the global switch leaves slow code behind, misses stacks that were parked meanwhile, and
    overflows in the end.
    """

    @classmethod
    def make(cls) -> EventInterrupter | None:
        """None if other tools have taken all there are."""
        monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
        tool = next((number for number in _FREE_TOOLS if monitoring.get_tool(number) is None), None)
        return cls(monitoring, tool) if tool is not None else None

    def __init__(self, monitoring: Any, tool: int) -> None:
        self._monitoring = monitoring
        self._tool = tool
        #: what is armed for which thread
        self._armed: dict[int, list[types.CodeType]] = {}
        #: schedulers share code: for how many each code object is armed, by its identity (equal ones differ)
        self._counts: dict[int, int] = {}
        #: the instruction at which an exit is to be raised in a thread
        self._ending: dict[int, tuple[types.CodeType, int]] = {}
        self._changing = threading.Lock()
        events = monitoring.events
        self._events = events.PY_START | events.JUMP
        monitoring.use_tool_id(tool, "pyex")
        monitoring.register_callback(tool, events.PY_START, self._on_start)
        monitoring.register_callback(tool, events.JUMP, self._on_jump)
        monitoring.register_callback(tool, events.INSTRUCTION, self._on_instruction)

    def arm(self, target: Target, frames: list[types.FrameType], top: types.FrameType) -> bool:
        """Off, then on: only so places are heard again that have been found unsuitable before."""
        thread = target.thread_id
        if thread is None:
            return False
        self.disarm(thread)
        with self._changing:
            codes = list({id(frame.f_code): frame.f_code for frame in frames}.values())
            self._armed[thread] = codes
            for code in codes:
                count = self._counts.get(id(code), 0)
                self._counts[id(code)] = count + 1
                if count:
                    self._monitoring.set_local_events(self._tool, code, 0)
                self._monitoring.set_local_events(self._tool, code, self._events)
        return True

    def disarm(self, thread: int) -> None:
        """From any thread."""
        if thread in self._armed:
            with self._changing:
                self._ending.pop(thread, None)
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
            self.disarm(thread)

    def _on_start(self, code: types.CodeType, offset: int) -> Any:
        return self._reached(code, None) if _get_ident() in self._armed else None

    def _on_jump(self, code: types.CodeType, offset: int, target: int) -> Any:
        if target > offset:
            return self._monitoring.DISABLE
        if _get_ident() not in self._armed:
            return None
        return self._reached(code, target)

    def _on_instruction(self, code: types.CodeType, offset: int) -> None:
        thread = _get_ident()
        if self._ending.get(thread) == (code, offset):
            self.disarm(thread)
            action = due_end(sys._getframe(1))
            if action is not None:
                action.run()

    def _reached(self, code: types.CodeType, target: int | None) -> Any:
        """At a place of an armed thread that may suit: a call, or a jump to ``target``."""
        frame = sys._getframe(2)
        try:
            action: Action | None = consider(frame)
        except RecursionError:  # of ours: the process is as deep as it may be, and might have gone no deeper
            action = None
        if action is None:
            return self._monitoring.DISABLE  # here; the next arming asks again
        self.disarm(_get_ident())
        if not action.raises:
            action.run()
            action = due_end(frame)
        if action is not None and target is None:
            action.run()
        elif action is not None and target is not None:
            self._end_at(code, target)
        return None

    def _end_at(self, code: types.CodeType, target: int) -> None:
        """Raise the exit one instruction later.

        For what the callback of a jump raises, Python (3.12.1, 3.13.0) looks for handlers in the wrong place:
        ``__exit__`` and ``finally`` would be left out.
        """
        thread = _get_ident()
        self.disarm(thread)  # the monitor may have armed it again meanwhile
        with self._changing:
            self._armed[thread] = [code]
            self._ending[thread] = (code, target)
            self._counts[id(code)] = self._counts.get(id(code), 0) + 1
            self._monitoring.set_local_events(self._tool, code, self._monitoring.events.INSTRUCTION)
