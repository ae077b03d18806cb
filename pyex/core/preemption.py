"""Preemption: a process that does not give way is interrupted in the midst of its code.

The monitor notices that a process holds its scheduler and arms an interruption; nothing is paid until then. The
interruption comes in the process's own thread, at the next backward jump or call, and what it does there is
decided here: nothing yet, let the others run first, or raise the exit that the process has been sent.
"""

from __future__ import annotations

import ctypes
import importlib
import sys
import time
import types
from collections.abc import Callable
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from greenlet import getcurrent

from pyex.core.lifecycle import conclude, raise_exit
from pyex.core.process import ControlBlock
from pyex.core.safe_points import verdict

if TYPE_CHECKING:
    from pyex.core.scheduler import Scheduler
    from pyex.core.threads import ThreadOwner

#: Seconds that an ending process's own code has to clean up before it is declared dead.
CLEAN_UP: Final = 5.0

#: Processes that have whole threads, and are to end while their code runs there, by their threads.
hunted: Final[dict[int, ThreadOwner]] = {}


class Action(NamedTuple):
    """What is to be done to a process at the place it is at."""

    run: Callable[[], None]
    #: it raises the exit of the process
    raises: bool = False


class Target(Protocol):
    """Whose thread is to be interrupted: a scheduler, or the owner of a process that has a thread."""

    #: None when it has ended, or not begun
    thread_id: int | None
    #: the C structure of the thread
    thread_state: int


class Interrupter(Protocol):
    """A way to interrupt code that runs in another thread."""

    def arm(self, target: Target, frames: list[types.FrameType], top: types.FrameType) -> bool:
        """Call :func:`consider` in that thread soon; False if that cannot be done.

        ``frames`` are what its process runs, the innermost first; ``top`` is what the thread is in: that, or what the
        runtime does for it.
        """

    def disarm(self, thread: int) -> None:
        """Not any more."""

    def forget(self) -> None:
        """In the child of a fork: there is nobody to interrupt."""

    def close(self) -> None:
        """At the end of the interpreter: interrupt nobody any more."""


def load() -> None:
    """Import what the monitor will need, and what knows the schedulers, which use this module."""
    ways = "interrupting_events" if sys.version_info >= (3, 12) else "interrupting_trace"
    for name in (ways, "heap_watch"):
        importlib.import_module(f"pyex.core.{name}")


def make_interrupter() -> Interrupter | None:
    """The way that this Python has; None if it has none, and processes must give way by themselves."""
    if sys.implementation.name != "cpython" or not hasattr(ctypes.pythonapi, "PyThreadState_LeaveTracing"):
        return None
    if sys.version_info >= (3, 12):
        from pyex.core.interrupting_events import EventInterrupter

        return EventInterrupter.make()
    from pyex.core.interrupting_trace import TraceInterrupter

    return TraceInterrupter.make()


def consider(frame: types.FrameType) -> Action | None:
    """In an armed thread, at a safe instruction of ``frame``: what is to be done, once disarmed; None: not here."""
    here = getcurrent()
    process: ControlBlock | None = getattr(here, "process", None)
    if process is None:
        owner_here = hunted.get(get_ident())
        if owner_here is None or owner_here.thread_id != get_ident():  # it has ended: this is another, of its number
            return Action(_nothing)
        return _consider_thread(owner_here, frame)
    owner: Scheduler = here.owner  # type: ignore[attr-defined]
    allowed = verdict(frame, time.monotonic() - owner.held_since)
    if allowed.look and not allowed.switch and owner.inbox:
        owner.drain()
    exiting = process.exiting
    if exiting is not None:
        if exiting.raised == 0:
            if allowed.end:
                return Action(lambda: raise_exit(process), raises=True)
        elif time.monotonic() - exiting.since > CLEAN_UP and allowed.look:
            return Action(lambda: _abandon(owner, process))
    if not allowed.switch:
        owner.refused = owner.refused or allowed.look  # else it is just a moment that does not suit
        return None
    return Action(lambda: _give_way(owner, process))


def is_wanted(owner: ThreadOwner) -> bool:
    """Whether an exit, or an interrupt, is to be raised in a process that has a thread of its own."""
    exiting = owner.process.exiting
    return owner.interrupted if exiting is None else not exiting.raised


def _consider_thread(owner: ThreadOwner, frame: types.FrameType) -> Action | None:
    """A thread has its own turns; all there is to do is to raise the exit of its process, or an interrupt."""
    if not is_wanted(owner):
        return Action(_nothing)
    if verdict(frame, CLEAN_UP).end:
        return Action(lambda: _raise_wanted(owner), raises=True)
    return None


def _raise_wanted(owner: ThreadOwner) -> None:
    if owner.process.exiting is not None:
        raise_exit(owner.process)
    owner.interrupted = False
    raise KeyboardInterrupt


def _nothing() -> None:
    """It was armed for a process that has given way meanwhile."""


def _give_way(owner: Scheduler, process: ControlBlock) -> None:
    """Let the others run."""
    from pyex.core import heap_watch  # which knows the schedulers, which use this

    exiting = process.exiting
    heap_watch.end_turn(process)
    if process.exiting is exiting:  # else it is over its limit of memory, and to end at once
        with _Untraced():
            owner.move_aside(process)
        heap_watch.begin_turn(process)


def _abandon(owner: Scheduler, process: ControlBlock) -> None:
    """Declare it dead."""
    with _Untraced():
        owner.abandon(process, conclude(process, None, swallowed=True))


def due_end(frame: types.FrameType) -> Action | None:
    """Of a process that has just been interrupted: the exit that has come meanwhile is to be raised here."""
    action = consider(frame)
    return action if action is not None and action.raises else None


class _Untraced:
    """Python counts, for the whole thread, how deep it is in tracing; other greenlets are not to inherit it."""

    def __enter__(self) -> None:
        _leave_tracing(thread_state())

    def __exit__(self, *_: object) -> None:
        _enter_tracing(thread_state())


def _function(name: str, *argtypes: Any, restype: Any = None) -> Any:
    function = getattr(ctypes.pythonapi, name, None)
    if function is not None:
        function.argtypes, function.restype = argtypes, restype
    return function


_leave_tracing = _function("PyThreadState_LeaveTracing", ctypes.c_void_p)
_enter_tracing = _function("PyThreadState_EnterTracing", ctypes.c_void_p)
#: The address of this thread's state, a structure in C.
thread_state = _function("PyThreadState_Get", restype=ctypes.c_void_p)
