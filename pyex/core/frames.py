"""What the frames of a process's stack hold: the values of their variables, and those under construction.

``frame.f_locals`` is not asked before Python 3.13: there it leaves a dictionary with the frame, which would keep alive
what the variables hold. What a frame has on its value stack (the list a comprehension is building, the
arguments of a call that is under way) Python does not tell at all. So the frame's memory is read, where
its layout is known.
"""

from __future__ import annotations

import ctypes
import sys
from types import CodeType, FrameType
from typing import Any, Final

from greenlet import getcurrent

from pyex.core.lifecycle import BOTTOM
from pyex.core.one_piece import frame_of
from pyex.core.process import ControlBlock
from pyex.core.scheduler import Scheduler
from pyex.core.threads import ThreadOwner

#: Where the pointer to the frame's memory lies in a frame object, behind the pointer to the caller.
_POINTER: Final = 16 + 8

#: There: how much of the value stack is in use (below zero while the frame runs, or calls through C), and the
#: values, the variables first. The same in 3.11, 3.12 and 3.13; ``_is_known`` tries it out.
_TOP: Final = 64
_VALUES: Final = 72

#: Where the code lies: words from the beginning.
_CODE: Final = {(3, 11): 4, (3, 12): 0, (3, 13): 0}


def top_frame(process: ControlBlock) -> FrameType | None:
    """The innermost frame of a process's stack; None if it has not begun, or just cannot be seen.

    Call it in the process's owner; of a process that runs, any thread may ask.
    """
    owner = process.owner
    if isinstance(owner, ThreadOwner):
        return frame_of(owner.thread_id or 0)
    stack = process.greenlet
    if stack is None:
        return None
    if getcurrent() is stack:
        return sys._getframe()
    frame: FrameType | None = stack.gr_frame
    if frame is None and isinstance(owner, Scheduler):  # it runs, on another thread than this one
        frame = frame_of(owner.thread_id or 0)
        return frame if _is_of(frame, process) else None
    return frame


def _is_of(frame: FrameType | None, process: ControlBlock) -> bool:
    """Whether that is the process's stack: its thread goes from one to the next."""
    while frame is not None and frame.f_code not in BOTTOM:
        frame = frame.f_back
    return frame is not None and any(value is process for value in values_of(frame))


def values_of(frame: FrameType) -> list[Any]:
    """What a frame refers to by its variables (for some, by their cells) and its value stack.

    From any thread, also when the frame runs in another one or ends meanwhile.
    """
    code = frame.f_code
    if not code.co_flags & _OPTIMIZED:  # a module or a class: its variables are a namespace of their own
        return [] if frame.f_locals is frame.f_globals else [frame.f_locals]
    if not KNOWN:
        return list(frame.f_locals.values())
    values = []
    variables = _variables(code)
    where = ctypes.c_void_p.from_address(id(frame) + _POINTER)
    start = where.value or 0
    top = ctypes.c_int.from_address(start + _TOP)
    for index in range(variables + code.co_stacksize):
        place = ctypes.py_object.from_address(start + _VALUES + 8 * index)
        try:
            # No call and no jump back between looking and reading: so no other thread runs in between, and
            # a frame that has ended meanwhile has taken its values to another place.
            if where.value == start and (index < variables or index < top.value):
                value = place.value
                values.append(value)
            elif index >= variables:
                break
        except ValueError:
            pass  # there is nothing in it
    return values


def calls_through_c(frame: FrameType) -> bool:
    """Whether a frame of a parked stack is in a call that C code carries out, such as ``sum`` or ``sorted``.

    What that call is building is in no variable, and nobody can see it.
    """
    if not KNOWN:
        return False
    start: int = ctypes.c_void_p.from_address(id(frame) + _POINTER).value or 0
    return ctypes.c_int.from_address(start + _TOP).value < 0


_OPTIMIZED: Final = 1


def _variables(code: CodeType) -> int:
    """How many places a frame has for variables: its own, those that inner functions use, and outer ones'."""
    own = code.co_varnames
    return len(own) + sum(name not in own for name in code.co_cellvars) + len(code.co_freevars)


def _is_known() -> bool:
    """Whether the memory of frames looks here as this module believes."""
    word = _CODE.get(sys.version_info[:2])
    if word is None or sys.implementation.name != "cpython" or object.__basicsize__ != 16 or sys.maxsize < 1 << 32:
        return False
    return _looks_right(word, [], object())


def _looks_right(word: int, first: list[Any], second: object) -> bool:
    frame = sys._getframe()
    start: int = ctypes.c_void_p.from_address(id(frame) + _POINTER).value or 0
    if ctypes.c_void_p.from_address(start + 8 * word).value != id(frame.f_code):
        return False
    places = [ctypes.c_void_p.from_address(start + _VALUES + 8 * index).value for index in range(3)]
    return places == [id(word), id(first), id(second)]


#: Whether the values of frames can be read.
KNOWN: Final = _is_known()
