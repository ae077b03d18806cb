"""Interrupting by the trace function of a thread (3.11), which another thread can set through the C API."""

from __future__ import annotations

import ctypes
import dis
import operator
import sys
import threading
import types
from itertools import compress, starmap
from typing import TYPE_CHECKING, Any, Final

from pyex.core.one_piece import frames_of, in_one_piece
from pyex.core.preemption import consider, due_end
from pyex.core.safe_points import runtime_module

if TYPE_CHECKING:
    from pyex.core.preemption import Target

#: Events that one arming lasts: tracing is slow, and a long stretch of code that must not be interrupted is not to
#: be. The next arming looks again.
_PATIENCE: Final = 2000

_JUMPS_BACK: Final = frozenset(code for name, code in dis.opmap.items() if "JUMP_BACKWARD" in name)

#: Modules of the runtime that go back to user code, or call others of it, but switch to no other process.
_PASSING: Final = frozenset(
    f"pyex.core.{name}" for name in ("carried", "ids", "isolation", "marks", "messaging", "patterns")
)

#: Words of a thread state in which its trace function may be found.
_STATE_WORDS: Final = 40


class TraceInterrupter:
    """Sets the trace function of a scheduler's thread, for as long as it takes to reach a suitable place.

    It is gone before its process gives way: the interpreter remembers for each stack whether it is traced, and would
    call, when that stack goes on, a function that is no longer there. So it is set only while the thread is at work
    in user code, or a little above it, and the thread comes past a call into the runtime before it switches.
    """

    @classmethod
    def make(cls) -> TraceInterrupter | None:
        """None if this Python's thread states are not as expected."""
        word, trampoline = _trace_functions()
        return cls(word, trampoline) if word is not None and trampoline is not None else None

    def __init__(self, word: int, trampoline: int) -> None:
        self._set_trace = ctypes.pythonapi._PyEval_SetTrace
        self._set_trace.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.py_object)
        self._tracer = self._trace  # one object, to be recognized
        #: where a thread state has its trace function, and what Python puts beside it: its own function in C
        self._word, self._trampoline = word, trampoline
        #: the frames marked in a thread, and the events that it is traced for at most
        self._marked: dict[int, list[types.FrameType]] = {}
        self._left: dict[int, int] = {}

    def arm(self, target: Target, frames: list[types.FrameType], top: types.FrameType) -> bool:
        """Unless a debugger, or the like, traces that thread: its trace function is left alone."""
        thread, state = target.thread_id, target.thread_state
        if thread is None:
            return False
        if runtime_module(top) and top.f_globals["__name__"] not in _PASSING:
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
        if not self._set_if_still_at(top, thread, state):
            self._unmark(thread)
            return False
        return True

    def _set_if_still_at(self, top: types.FrameType, thread: int, state: int) -> bool:
        """Look and set in one piece of C code: between two steps of Python code the thread could go on."""
        still = map(operator.is_, frames_of(thread), [top])
        done: list[int] = []
        setting = starmap(self._set_trace, compress([(state, self._trampoline, self._tracer)], still))
        in_one_piece(map(done.append, setting))
        return bool(done)

    def disarm(self, thread: int) -> None:
        """From another thread: the trace function takes itself away at its next event."""
        self._unmark(thread)
        self._left[thread] = 0

    def forget(self) -> None:
        for thread in list(self._marked):
            self._unmark(thread)

    def close(self) -> None:
        for thread in self._left:
            self._left[thread] = 0

    def _trace(self, frame: types.FrameType, event: str, _arg: Any) -> Any:
        thread = threading.get_ident()
        self._left[thread] = left = self._left.get(thread, 0) - 1
        place: types.FrameType | None = None
        ends = left < 0
        if event == "call":
            if runtime_module(frame):
                ends = ends or frame.f_globals["__name__"] not in _PASSING
                caller = frame.f_back
                place = caller if caller is not None and not runtime_module(caller) else None
            else:
                place = frame
        elif event == "opcode" and frame.f_code.co_code[frame.f_lasti] in _JUMPS_BACK:
            place = frame
        try:
            action = consider(place) if place is not None and left >= 0 else None
        except RecursionError:  # of ours: the process is as deep as it may be, and might have gone no deeper
            action = None
        if action is not None or ends:
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


def _trace_functions() -> tuple[int | None, int | None]:
    """Where a thread state holds the object that traces, and the C function that calls it; (None, None) if unknown.

    Found by setting one, in a thread that has none.
    """

    def probe(*_: Any) -> None:
        return None

    state = ctypes.pythonapi.PyThreadState_Get()
    size = ctypes.sizeof(ctypes.c_void_p)

    def words() -> list[int | None]:
        return [ctypes.c_void_p.from_address(state + place * size).value for place in range(_STATE_WORDS)]

    before = words()
    sys.settrace(probe)
    after = words()
    sys.settrace(None)
    if id(probe) not in after:
        return None, None
    place = after.index(id(probe))
    function = place - 2  # the functions for profiling and tracing, then their objects
    if before[function] or not after[function]:
        return None, None
    return place * size, after[function]
