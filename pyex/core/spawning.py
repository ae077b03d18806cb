"""Starting processes."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

from greenlet import getcurrent

from pyex.core.carried import snapshot_call
from pyex.core.errors import NameTaken
from pyex.core.expecting import RUNS_NOTHING, expect_plain
from pyex.core.ids import Pid, Ref, new_pid, new_ref
from pyex.core.marks import mark
from pyex.core.options import Priority, give_options
from pyex.core.process import ControlBlock, Owner, names, naming, processes
from pyex.core.runtime import runtime
from pyex.core.scheduler import Scheduler
from pyex.core.signals import end
from pyex.core.threads import ThreadOwner, border, process_here, this_process

#: Whether ``spawn`` may put a process into the run queue of its own scheduler by hand; not while somebody is traced.
short_way = True


def spawn(
    fn: Callable[..., Any],
    *args: Any,
    name: str | None = None,
    priority: Priority = "normal",
    max_heap_size: int | None = None,
    thread: bool = False,
) -> Pid:
    """Start a process that runs ``fn(*args)``, and return its pid at once.

    Any function will do. What it carries (arguments, closure, defaults) is a snapshot. ``name`` registers
    the process before it runs; ``thread=True`` gives it an OS thread of its own, for code that blocks. The
    process ends when ``fn`` returns, with reason ``normal``; what ``fn`` raises ends it with a ``Crash``.

    ``priority`` is ``"low"``, ``"normal"`` or ``"high"``. ``max_heap_size`` is how many bytes it may hold, None for
    as many as the node allows; one that holds more is killed.

    Raises ``NameTaken`` (a ``ValueError``), ``NotSendable`` (a ``TypeError``), and ``ValueError`` or ``TypeError`` for a
    priority or a size that there is not.

    >>> parent = self()
    >>> spawn(lambda: send(parent, "hello"))
    """
    try:
        here: ControlBlock | None = getcurrent().process  # type: ignore[attr-defined]
        quick = short_way
    except AttributeError:  # a thread, perhaps the main one
        border()
        here = process_here()
        quick = False
    process = create(fn, args, here, name, thread)
    if max_heap_size is not None or priority != "normal":
        give_options(process, priority, max_heap_size)
    if quick and not thread:
        process.queue.append(process)
    else:
        process.owner.start(process)
    return process.pid


def spawn_link(
    fn: Callable[..., Any],
    *args: Any,
    name: str | None = None,
    priority: Priority = "normal",
    max_heap_size: int | None = None,
    thread: bool = False,
) -> Pid:
    """Like :func:`spawn`, linked to this process from the first moment on.

    >>> spawn_link(lambda: exit("boom"))    # ends this process too, unless it traps exits
    """
    here = this_process()
    process = create(fn, args, here, name, thread)
    if max_heap_size is not None or priority != "normal":
        give_options(process, priority, max_heap_size)
    process.link_to(here.pid)
    here.link_to(process.pid)
    process.owner.start(process)
    return process.pid


def spawn_monitor(
    fn: Callable[..., Any],
    *args: Any,
    name: str | None = None,
    priority: Priority = "normal",
    max_heap_size: int | None = None,
    thread: bool = False,
    link: bool = False,
) -> tuple[Pid, Ref]:
    """Like :func:`spawn`, monitored by this process; returns ``(pid, ref)``. ``link=True`` links it too.

    >>> pid, ref = spawn_monitor(lambda: exit("done"))
    >>> receive(Down(ref)).reason
    'done'
    """
    try:
        here: ControlBlock = getcurrent().process  # type: ignore[attr-defined]
        quick = short_way
    except AttributeError:
        here = this_process()
        quick = False
    process = create(fn, args, here, name, thread)
    if max_heap_size is not None or priority != "normal":
        give_options(process, priority, max_heap_size)
    ref = new_ref()
    if here.mailbox:
        mark(here, ref)
    process.watchers = {ref.key: (here.pid, ref, process.pid)}
    if here.monitors is None:
        here.monitors = {ref.key: (ref, process.pid)}
    else:
        here.monitors[ref.key] = ref, process.pid
    if link:
        process.link_to(here.pid)
        here.link_to(process.pid)
    if quick and not thread:
        process.queue.append(process)
    else:
        process.owner.start(process)
    return process.pid, ref


def create(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    parent: ControlBlock | None = None,
    name: str | None = None,
    thread: bool = False,
    leader: Pid | None = None,
    scheduler: Scheduler | None = None,
    system: bool = False,
) -> ControlBlock:
    """A new process, in the table but not running yet; what must hold from its first moment is set now."""
    if type(fn) is not FunctionType or fn.__code__.co_flags & RUNS_NOTHING:
        _expect_function(fn)
    call = snapshot_call(fn, args)
    owner: Owner
    if parent is not None and not thread and scheduler is None and type(parent.owner) is Scheduler:
        owner = parent.owner  # here
    elif thread:
        runtime.first()  # which sees to the end of them all, and watches over them
        owner = ThreadOwner()
    else:
        owner = scheduler or runtime.scheduler()
    pid = new_pid(system)
    if parent is not None:
        process = ControlBlock().set_up(pid, owner, call, parent.pid, leader or parent.leader)
    else:
        process = ControlBlock().set_up(pid, owner, call, None, leader)
    if thread:
        owner.process = process  # type: ignore[union-attr]
    processes[pid.key] = process
    if name is not None:
        try:
            give_name(process, name)
        except BaseException:
            end(process, "normal")
            raise
    return process


def _expect_function(fn: Callable[..., Any]) -> None:
    if not callable(fn):
        raise TypeError(f"spawn takes a function to run and its arguments, not {fn!r}")
    expect_plain("spawn", fn)


def start(process: ControlBlock) -> ControlBlock:
    """Let a created process run."""
    process.owner.start(process)
    return process


def give_name(process: ControlBlock, name: str) -> None:
    """Register a process under a name; the caller sees to it that the process is alive."""
    if not isinstance(name, str) or not name:
        raise TypeError(f"a process's name is a str that is not empty, not {name!r}")
    with naming:
        relations = process.relate()
        if relations.name is not None:
            raise NameTaken(f"{process.pid!r} is registered already, as {relations.name!r}")
        holder = names.setdefault(name, process)
        if holder is not process:
            raise NameTaken(f"the name {name!r} is taken, by {holder.pid!r}")
        relations.name = name
