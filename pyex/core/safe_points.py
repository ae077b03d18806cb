"""Where a process that does not give way may be stopped: moved aside for others, or ended.

The rules are CPython's. A process that is moved aside inside ``with lock`` leaves the lock to block its whole
thread; a module that is entered again in the middle of its work breaks; a collection that is left half-way stays
switched off. And an exception that comes while a resource is being given back leaves it taken for ever.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import threading
import types
from asyncio import events
from itertools import chain, islice, repeat, starmap, takewhile
from typing import Any, Final, NamedTuple

from pyex.core import withs
from pyex.core.errors import PyexError
from pyex.core.lifecycle import BOTTOM
from pyex.core.one_piece import frames_of, in_one_piece

#: Modules that are not to be entered again while they are at work. (``threading`` and ``queue`` hold locks they
#: have not taken by ``with``.)
NOT_REENTRANT: Final = frozenset(
    {
        "_weakrefset", "asyncio", "concurrent", "importlib", "logging", "queue", "selectors", "socket", "ssl",
        "threading", "weakref", "zipimport",
    }
)  # fmt: skip

#: Seconds of a slice after which other modules of the standard library may be interrupted too.
WELL_OVERDUE: Final = 0.05

#: Seconds for which a ``with`` on something unknown counts as one on a lock.
BENEFIT_OF_DOUBT: Final = 0.1

#: Frames of another thread's stack that are looked at.
_DEEPEST: Final = 2000

#: Modules of the runtime that call user code, and are in order while they do.
_CALLERS: Final = frozenset(
    f"pyex.core.{name}"
    for name in (
        "blocking",
        "carried",
        "isolation",
        "lifecycle",
        "messaging",
        "patterns",
        "running",
        "scheduler",
        "spawning",
        "threads",
    )
)

#: The standard library.
_LIBRARY: Final = sys.stdlib_module_names - {"__main__"}

#: Those of an exit stack: what is entered by them is not yet in the stack that is to close it.
_STACKING: Final = frozenset(
    method.__code__
    for kind in (contextlib.ExitStack, contextlib.AsyncExitStack, *contextlib.ExitStack.__bases__)
    for name, method in vars(kind).items()
    if isinstance(method, types.FunctionType) and ("enter" in name or "push" in name or "callback" in name)
)

#: Methods that take and give back resources.
_KEEPERS: Final = frozenset({"__aenter__", "__aexit__", "__del__", "__enter__", "__exit__"})


class Verdict(NamedTuple):
    """What may be done to a process at one point of its code."""

    #: others may run in its place
    switch: bool
    #: its exit may be raised
    end: bool
    #: signals may be applied; an exit may be among them
    look: bool


_FREE: Final = Verdict(switch=True, end=True, look=True)
_NOTHING: Final = Verdict(switch=False, end=False, look=False)

#: The threads that run Python's garbage collector now.
collecting: Final[set[int]] = set()


def _on_collection(phase: str, _info: dict[str, int]) -> None:
    if phase == "start":
        collecting.add(threading.get_ident())
    else:
        collecting.discard(threading.get_ident())


def watch_the_collector() -> None:
    """From now on know when a collection is in progress."""
    if _on_collection not in gc.callbacks:
        gc.callbacks.append(_on_collection)


def in_collection() -> bool:
    """Whether this code runs under the garbage collector: a finalizer, or the callback of a weak reference."""
    return bool(collecting) and threading.get_ident() in collecting


def refuse_to_wait() -> None:
    """Raise, if this is where a process must not wait."""
    if in_collection():  # the collector would stay switched off meanwhile
        raise PyexError(
            "a process cannot wait in a finalizer that the garbage collector runs. "
            "Send a message there, and wait where it is received"
        )
    if events._get_running_loop() is not None:  # it would seem to run in the other processes of this thread
        raise PyexError(
            "to wait as a process does would stop the event loop that runs this coroutine. "
            "Use `await areceive(...)` and `await asyncio.sleep(...)` there"
        )


def verdict(frame: types.FrameType | None, overdue: float) -> Verdict:
    """What may be done to the process whose stack ends in ``frame``.

    ``overdue`` is for how many seconds it has been running.
    """
    if in_collection() or frame is None or runtime_module(frame):
        return _NOTHING
    switch = end = look = True
    library = False  # the frame before is the standard library's; called by the runtime it is at the runtime's work
    ending = withs.cleanup_lines
    while frame is not None and frame.f_code not in BOTTOM:
        module = str(frame.f_globals.get("__name__", ""))
        code = frame.f_code
        root = module.partition(".")[0]
        if root == "pyex" and runtime_module(frame):
            if library or module not in _CALLERS:
                return _NOTHING
        elif root in NOT_REENTRANT:
            switch = look = False
        elif switch and overdue < WELL_OVERDUE and root in _LIBRARY:
            switch = False
        if code.co_name in _KEEPERS:
            if code.co_name == "__del__":
                return _NOTHING
            end = False
        elif module == "contextlib" and code in _STACKING:
            end = False
        if code.co_exceptiontable:
            if switch and withs.holds_lock(frame, unknown=overdue < BENEFIT_OF_DOUBT):
                switch = False
            if end and frame.f_lineno in ending(code):
                end = False
        library = root in _LIBRARY
        frame = frame.f_back
    if switch and end:
        return _FREE
    return Verdict(switch, end, look)


def runtime_module(frame: types.FrameType) -> bool:
    """Whether a frame runs code of the core or of the distribution."""
    return str(frame.f_globals.get("__name__", "")).startswith(("pyex.core.", "pyex.distribution."))


def stack_of(thread_id: int) -> list[types.FrameType]:
    """The frames of another thread, the innermost first; none if there is no such thread.

    Between two steps of Python code the thread could go on: the process it ran is parked, or over, and a frame
    that is asked for its caller then looks where it no longer is.
    """
    frames: list[types.FrameType] = []
    callers = takewhile(bool, map(getattr, iter(frames), repeat("f_back"), repeat(None)))
    in_one_piece(starmap(frames.extend, [(islice(chain(frames_of(thread_id), callers), _DEEPEST),)]))
    return frames


def processes_part(stack: list[types.FrameType]) -> list[types.FrameType]:
    """The frames of a process's own code on a stack; none if it is no process's."""
    frames = list(takewhile(lambda frame: frame.f_code not in BOTTOM, stack))
    if len(frames) == len(stack) < _DEEPEST:  # one that is deeper can be nothing else
        return []
    return [frame for frame in frames if not runtime_module(frame)]


def process_of(stack: list[types.FrameType]) -> Any:
    """The process whose stack this is, by the frame at its bottom."""
    lowest = next((frame for frame in stack if frame.f_code in BOTTOM), None)
    return withs.locals_of(lowest).get("process") if lowest is not None else None
