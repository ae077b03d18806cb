"""``Process.info``: what a process is doing, as a frozen snapshot."""

from __future__ import annotations

import itertools
import time
import types
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, NamedTuple

from greenlet import getcurrent

from pyex.core.carrier import Parcel
from pyex.core.crash import is_runtime
from pyex.core.frames import top_frame
from pyex.core.ids import Pid, Ref
from pyex.core.isolation import brief, snapshot_or_text
from pyex.core.lifecycle import BOTTOM
from pyex.core.marks import is_mark
from pyex.core.memory import measure
from pyex.core.monitor import REDUCTIONS
from pyex.core.options import max_heap_size_of, priority_of
from pyex.core.process import ControlBlock, processes
from pyex.core.reports import function_name
from pyex.core.scheduler import Scheduler
from pyex.core.signals import HANDLERS, INFO, answer, failed
from pyex.core.threads import ThreadOwner, this_process

#: Messages of a mailbox that are shown.
MESSAGES: Final = 10

#: Objects that are looked at for the memory of a process: a tenth of a second's work, for its scheduler does nothing else.
MEASURED: Final = 200_000


class Place(NamedTuple):
    """A line of code that a stack is at."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.function} ({self.file}:{self.line})"


@dataclass(frozen=True)
class ProcessInfo:
    """What was known of a process at one moment; ``print`` shows it as a table."""

    pid: Pid
    registered_name: str | None
    #: ``running``, ``runnable`` (waits for its turn), ``waiting`` (for a message or a time)
    status: str
    initial_call: str | None
    #: the function its own code is in, and the lines that led there, the innermost last
    current_function: str | None
    current_stacktrace: tuple[Place, ...] = field(repr=False)
    message_queue_len: int
    #: the first of the messages; ``...`` for one of another node that has not been decoded yet
    messages: tuple[Any, ...] = field(repr=False)
    links: tuple[Pid, ...]
    #: what it monitors: pids, or (name, node)
    monitors: tuple[Any, ...]
    monitored_by: tuple[Pid, ...]
    trap_exit: bool
    dictionary: dict[Any, Any]
    #: bytes: what its stack, its state, its mailbox and its dictionary hold; not code, nor what others hold too. Of a
    #: process that holds some 200,000 objects and more: at least these
    memory: int
    #: the bytes it may hold; None for no limit
    max_heap_size: int | None
    priority: str
    #: the work of computing, in Erlang's unit (some 4,000 a millisecond), by samples: it grows while the process runs
    #: for 10 milliseconds and more without giving way (on a thread of its own, whenever it runs)
    reductions: int
    group_leader: Pid | None
    parent: Pid | None
    #: the number of its scheduler, or ``"thread"`` for a process that has a thread of its own
    scheduler: int | str

    def __str__(self) -> str:
        width = max(len(one.name) for one in fields(self))
        return "\n".join(f"{one.name:<{width}}  {_text(getattr(self, one.name))}" for one in fields(self))


def info_of(process: ControlBlock, *, measured: bool = True) -> ProcessInfo:
    """In its owner: the snapshot; without its memory, if that is to be ``measured`` by somebody else."""
    relations = process.relations
    places = _stack(process)
    return ProcessInfo(
        pid=process.pid,
        registered_name=relations.name if relations is not None else None,
        status=_status(process),
        initial_call=function_name(process.initial_call) if process.initial_call is not None else None,
        current_function=places[-1].function if places else None,
        current_stacktrace=places,
        message_queue_len=len(process.mailbox or ()) - (relations.marks if relations is not None else 0),
        messages=_messages(process),
        links=tuple(pid for pid, unlinking in [*(process.links or {}).items()] if unlinking is None),
        monitors=tuple(watched for _, watched in [*(process.monitors or {}).values()]),
        monitored_by=tuple(pid for pid, _, _ in [*(process.watchers or {}).values()]),
        trap_exit=relations is not None and relations.trap_exit,
        dictionary=_shown(relations.dictionary) if relations is not None and relations.dictionary else {},
        memory=measure(process, MEASURED) if measured else 0,
        max_heap_size=max_heap_size_of(process),
        priority=priority_of(process),
        reductions=_reductions(process),
        group_leader=process.leader,
        parent=process.parent,
        scheduler=process.owner.number if isinstance(process.owner, Scheduler) else "thread",
    )


def asked(process: ControlBlock, info: ProcessInfo | None) -> ProcessInfo | None:
    """In the process that has asked: the snapshot, complete.

    Who has a thread is measured here: its owner is a lock, for which that thread would wait meanwhile.
    """
    if info is None or isinstance(process.owner, Scheduler):
        return info
    return replace(info, memory=measure(process, MEASURED))


def held_at(pid: Pid) -> Place | None:
    """Where a process of this node is that holds its scheduler, and so cannot be asked for its info."""
    process = processes.get(pid.key)
    frame = top_frame(process) if process is not None else None
    # Its callers are not looked at: it may go on at any moment.
    return Place(frame.f_code.co_filename, frame.f_lineno or 0, _qualified(frame)) if frame is not None else None


def set_initial_call(fn: Callable[..., Any]) -> None:
    """Let this process show another function as the one it was started with: what a behaviour runs, say."""
    this_process().initial_call = fn


def _messages(process: ControlBlock) -> tuple[Any, ...]:
    try:
        first = [*itertools.islice(process.mailbox or (), MESSAGES)]
    except RuntimeError:  # its own thread takes one just now
        return ()
    return tuple(... if type(one) is Parcel else snapshot_or_text(one) for one in first if not is_mark(one))


def _reductions(process: ControlBlock) -> int:
    owner = process.owner
    if isinstance(owner, ThreadOwner) and owner.thread_id is not None and hasattr(time, "pthread_getcpuclockid"):
        try:
            seconds = time.clock_gettime(time.pthread_getcpuclockid(owner.thread_id))
        except OSError:  # the thread has just ended
            return 0
        return round(seconds * REDUCTIONS)
    return process.relations.reductions if process.relations is not None else 0


def _status(process: ControlBlock) -> str:
    if process.waiting:
        return "waiting"
    if isinstance(process.owner, ThreadOwner) or getcurrent() is process.greenlet:
        return "running"
    return "runnable"


def _stack(process: ControlBlock) -> tuple[Place, ...]:
    return tuple(reversed(_places(top_frame(process))))


def _places(frame: types.FrameType | None) -> list[Place]:
    """The lines of a stack that are the process's own, the innermost first."""
    places = []
    while frame is not None:
        if not is_runtime(frame) and frame.f_globals.get("__name__") != "threading":
            places.append(Place(frame.f_code.co_filename, frame.f_lineno, _qualified(frame)))
        elif frame.f_code in BOTTOM:
            break
        frame = frame.f_back
    return places


def _qualified(frame: types.FrameType) -> str:
    return f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}"


def _shown(dictionary: dict[Any, Any]) -> dict[Any, Any]:
    """The dictionary as it can leave the process: a value that cannot is shown by its text."""
    copy = {}
    for key, value in [*dictionary.items()]:  # the process may have a thread of its own, and go on
        shown = snapshot_or_text(value)
        try:
            copy[snapshot_or_text(key)] = shown
        except Exception:  # the key's hash is code of its own
            copy[brief(key)] = shown
    return copy


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        texts = [str(one) if isinstance(one, Place) else repr(one) for one in value]
        return ", ".join(texts[:20]) + (f" ... {len(texts) - 20} more" if len(texts) > 20 else "")
    if value is None:
        return "-"
    return value if isinstance(value, str) else repr(value)


def _on_info(process: ControlBlock, args: tuple[Pid, Ref]) -> None:
    info = None
    try:
        if process.exiting is None:
            info = info_of(process, measured=isinstance(process.owner, Scheduler))
    except Exception as error:  # whatever it is, somebody waits for the answer
        failed(process, error)
    answer(args[0], args[1], info)


HANDLERS[INFO] = _on_info
