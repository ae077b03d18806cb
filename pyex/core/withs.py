"""What bytecode tells of ``with`` and ``finally``: whether a frame is inside one.

The exception table of a code object maps ranges of instructions to their handlers. The handler of a ``with``
calls ``__exit__``; that of a ``finally`` repeats the lines of its body and raises again.
"""

from __future__ import annotations

import contextlib
import ctypes
import dis
import inspect
import io
import sys
import threading
import types
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final, NamedTuple, cast

#: What is entered by ``with`` and is no lock.
_NO_LOCKS: Final = (io.IOBase, memoryview, contextlib.suppress, contextlib.redirect_stdout, contextlib.redirect_stderr)
_LOCKS: Final = (type(threading.Lock()), type(threading.RLock()), threading.Condition, threading.Semaphore)

#: Code objects whose analysis is kept.
_KEPT: Final = 2000

#: Instructions that load the first part of a context expression.
_LOADS: Final = frozenset(
    {"LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW", "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_NAME", "LOAD_GLOBAL"}
)
_ENTERS: Final = frozenset({"BEFORE_WITH", "LOAD_SPECIAL"})


class _Analysis(NamedTuple):
    code: types.CodeType  # kept alive, since its id is the key
    #: ranges of instructions with their handlers
    table: tuple[tuple[int, int, int], ...]
    #: the handler of each ``with``, and its context expression, if that is only names with dots
    withs: dict[int, tuple[str, ...]]
    #: the lines of its ``finally`` blocks
    cleanup: frozenset[int]
    #: where each jump back goes
    jumps: dict[int, int]

    def handlers(self, offset: int) -> Iterator[int]:
        """The handlers around an instruction, the innermost first."""
        inside = offset
        for _ in range(len(self.table)):  # a handler's own handler is the next one out
            target = next((target for start, end, target in self.table if start <= inside < end), None)
            if target is None:
                return
            yield target
            inside = target


_analyses: dict[int, _Analysis] = {}


def holds_lock(frame: types.FrameType, *, unknown: bool) -> bool:
    """Whether a frame is inside a ``with`` on a lock; ``unknown``: what to say of what cannot be told."""
    analysis = _analysis(frame.f_code)
    if analysis.withs:
        # The jump back at the end of a block is not in the range of that, though its target is.
        for handler in analysis.handlers(analysis.jumps.get(frame.f_lasti, frame.f_lasti)):
            if handler in analysis.withs:
                held = _value(frame, analysis.withs[handler])
                if isinstance(held, _LOCKS) or (unknown and not isinstance(held, _NO_LOCKS)):
                    return True
    return False


def cleanup_lines(code: types.CodeType) -> frozenset[int]:
    """The lines of the ``finally`` blocks of a code object."""
    return _analysis(code).cleanup


def _analysis(code: types.CodeType) -> _Analysis:
    known = _analyses.get(id(code))
    if known is None:
        if len(_analyses) >= _KEPT:
            _analyses.clear()
        known = _analyses[id(code)] = _analyse(code)
    return known


def _analyse(code: types.CodeType) -> _Analysis:
    entries = dis._parse_exception_table(code)  # type: ignore[attr-defined]
    table = tuple((entry.start, entry.end, entry.target) for entry in entries)
    instructions = [one for one in dis.get_instructions(code) if one.opname not in ("CACHE", "EXTENDED_ARG")]
    place = {one.offset: number for number, one in enumerate(instructions)}
    withs, cleanup = {}, set()
    for target in {target for _, _, target in table}:
        number = place.get(target)
        if number is None or instructions[number].opname != "PUSH_EXC_INFO":
            continue
        first = instructions[number + 1].opname
        if first == "WITH_EXCEPT_START":
            start = min(start for start, _, its in table if its == target)
            withs[target] = _expression(instructions, place[start])
        elif not _catches(instructions, number):
            cleanup |= _lines(instructions, number)
    jumps = {one.offset: one.argval for one in instructions if "JUMP_BACKWARD" in one.opname}
    return _Analysis(code, table, withs, frozenset(cleanup), jumps)


def _expression(instructions: list[dis.Instruction], number: int) -> tuple[str, ...]:
    """The dotted name before a ``with`` enters its block, which is there; empty if it is something else."""
    while number > 0 and instructions[number].opname not in _ENTERS:
        number -= 1
    while number > 0 and instructions[number].opname in _ENTERS | {"COPY", "SWAP"}:
        number -= 1
    names: list[str] = []
    while number >= 0 and instructions[number].opname == "LOAD_ATTR":
        names.insert(0, str(instructions[number].argval))
        number -= 1
    if number < 0 or instructions[number].opname not in _LOADS:
        return ()
    return str(instructions[number].argval), *names


def _catches(instructions: list[dis.Instruction], number: int) -> bool:
    """Whether the handler that begins there is an ``except`` (of any kind) rather than a ``finally``."""
    for one in instructions[number + 1 : number + 12]:
        if one.opname in ("CHECK_EXC_MATCH", "CHECK_EG_MATCH"):
            return True
    return instructions[number + 1].opname == "POP_TOP"  # a bare except drops what it caught


def _lines(instructions: list[dis.Instruction], number: int) -> set[int]:
    """The lines of a ``finally`` body, by its copy in the handler."""
    lines = set()
    for one in instructions[number + 1 :]:
        if one.opname == "RERAISE":
            break
        if one.positions is not None and one.positions.lineno is not None:
            lines.add(one.positions.lineno)
    return lines


def _value(frame: types.FrameType, expression: tuple[str, ...]) -> Any:
    """What a context expression stands for in a frame, without running anybody's code; None if unknown."""
    if not expression:
        return None
    name, *attributes = expression
    code = frame.f_code
    variables = code.co_varnames + code.co_cellvars + code.co_freevars
    is_global = bool(code.co_flags & inspect.CO_OPTIMIZED) and name not in variables
    for names in (frame.f_globals if is_global else locals_of(frame), frame.f_globals, frame.f_builtins):
        if name in names:
            value = names[name]
            break
    else:
        return None
    for attribute in attributes:
        try:
            value = inspect.getattr_static(value, attribute)
        except AttributeError:
            return None
        if isinstance(value, types.MemberDescriptorType):
            return None
    return value


def locals_of(frame: types.FrameType) -> Mapping[str, Any]:
    """The local variables of a frame.

    Before 3.13 a frame remembers that it was asked for them, and the next trace function to return writes them
    back: over what other threads have assigned to variables of closures meanwhile. So they are written back at
    once, in the same piece of C code.
    """
    if _write_back is None:
        return frame.f_locals
    values, _ = chain(map(getattr, (frame,), ("f_locals",)), map(_write_back, (frame,), (0,)))
    return cast("Mapping[str, Any]", values)


_write_back: Any = None
if sys.version_info < (3, 13) and hasattr(ctypes.pythonapi, "PyFrame_LocalsToFast"):
    _write_back = ctypes.pythonapi.PyFrame_LocalsToFast
    _write_back.argtypes, _write_back.restype = (ctypes.py_object, ctypes.c_int), None
