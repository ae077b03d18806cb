"""Interrupting by the trace function of a thread (3.11), which another thread can set through the C API."""

from __future__ import annotations

import ctypes
import dis
import sys
import threading
import types
from typing import TYPE_CHECKING, Any, Final

from pyex.core.preemption import consider, due_end
from pyex.core.safe_points import runtime_module

if TYPE_CHECKING:
    from pyex.core.preemption import Target

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.py_object, ctypes.c_int, ctypes.c_void_p)

#: Events that one arming lasts: tracing is slow, and a long stretch of code that must not be interrupted is not to
#: be. The next arming looks again.
_PATIENCE: Final = 2000

_JUMPS_BACK: Final = frozenset(code for name, code in dis.opmap.items() if "JUMP_BACKWARD" in name)

#: What an event in the runtime counts for: it is walked through line by line there, on its way to user code.
_RUNTIMES: Final = 10

#: The module whose functions switch to other processes.
_SWITCHES: Final = "pyex.core.scheduler"

#: Words of a thread state in which its trace function may be found.
_STATE_WORDS: Final = 40


class TraceInterrupter:
    """Sets the trace function of a scheduler's thread, for as long as it takes to reach a suitable place.

    In two steps: exceptions raised in a function of ctypes are lost, so the one given to the C API only installs a
    trace function in Python, once user code goes on. Both are gone before its process gives way: the interpreter remembers for each
    stack whether it is traced, and would call, when that stack goes on, a function that is no longer there.
    """

    def __init__(self) -> None:
        self._set_trace = ctypes.pythonapi._PyEval_SetTrace
        self._set_trace.argtypes = (ctypes.c_void_p, _Callback, ctypes.c_void_p)
        self._install = _Callback(self._install_in_thread)
        self._tracer = self._trace  # one object, to be recognized
        self._word = _place_of_trace_function()
        #: the frames marked in a thread, and the events that it is traced for at most
        self._marked: dict[int, list[types.FrameType]] = {}
        self._left: dict[int, int] = {}

    def arm(self, target: Target, frames: list[types.FrameType]) -> bool:
        """Unless a debugger, or the like, traces that thread: its trace function is left alone."""
        thread, state = target.thread_id, target.thread_state
        if self._word is None or thread is None:
            return False
        if ctypes.c_void_p.from_address(state + self._word).value not in (None, id(self._tracer)):
            return False
        self._unmark(thread)
        self._marked[thread] = frames
        self._left[thread] = _PATIENCE
        for frame in frames:
            frame.f_trace = self._tracer
            frame.f_trace_lines = False
            frame.f_trace_opcodes = True  # a loop of one instruction has no other events
        self._set_trace(state, self._install, None)
        return True

    def disarm(self, target: Target) -> None:
        """From another thread: the trace function takes itself away at its next event."""
        if target.thread_id is not None:
            self._unmark(target.thread_id)
            self._left[target.thread_id] = 0

    def forget(self) -> None:
        for thread in list(self._marked):
            self._unmark(thread)

    def close(self) -> None:
        for thread in self._left:
            self._left[thread] = 0

    def _install_in_thread(self, _object: Any, frame: types.FrameType, _what: int, _arg: Any) -> int:
        thread = threading.get_ident()
        self._left[thread] = left = self._left.get(thread, 0) - _RUNTIMES
        if left < 0 or frame.f_globals.get("__name__") == _SWITCHES:
            sys.settrace(None)
        elif not runtime_module(frame):
            sys.settrace(self._tracer)
        return 0

    def _trace(self, frame: types.FrameType, event: str, _arg: Any) -> Any:
        thread = threading.get_ident()
        self._left[thread] = left = self._left.get(thread, 0) - 1
        place: types.FrameType | None = None
        if event == "call":
            calls_runtime = runtime_module(frame)
            place = frame.f_back if calls_runtime else frame
        elif event == "opcode" and frame.f_code.co_code[frame.f_lasti] in _JUMPS_BACK:
            calls_runtime = False
            place = frame
        else:
            return self._tracer
        action = consider(place) if place is not None and left >= 0 else None
        if action is not None or calls_runtime or left < 0:
            sys.settrace(None)
            self._unmark(thread)
            if action is not None and place is not None:
                action.run()
                action = due_end(place)
                if action is not None:
                    action.run()
            return None
        # Code called from here has only its calls traced: what hinders lies further out.
        return self._tracer if frame.f_trace is not None else None

    def _unmark(self, thread: int) -> None:
        for frame in self._marked.pop(thread, ()):
            frame.f_trace = None
            frame.f_trace_opcodes = False
            frame.f_trace_lines = True


def _place_of_trace_function() -> int | None:
    """Where a thread state holds its trace function's object: found by setting one, in a thread that has none."""

    def probe(*_: Any) -> None:
        return None

    state = ctypes.pythonapi.PyThreadState_Get()
    size = ctypes.sizeof(ctypes.c_void_p)
    sys.settrace(probe)
    words = [ctypes.c_void_p.from_address(state + place * size).value for place in range(_STATE_WORDS)]
    sys.settrace(None)
    return words.index(id(probe)) * size if id(probe) in words else None
