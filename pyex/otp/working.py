"""The process of a task: how it is started and given its work, and what it does with the value."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from pyex import (
    Down,
    Pid,
    Process,
    Ref,
    Template,
    exit,
    expect_plain,
    receive,
    self,
    send,
    set_initial_call,
    share,
    snapshot_call,
    spawn_link,
    spawn_monitor,
)
from pyex.otp.child_spec import ChildSpec, Shutdown
from pyex.otp.references import Server, whereis
from pyex.otp.supervising import ask

#: What a task has to compute. A function, since functions are handed on as they are: what it carries was copied once, and
#: what was shared with it on purpose cannot be copied again.
Work: TypeAlias = Callable[[], Any]


def expect_function(what: str, fn: Any, keywords: dict[str, Any] | None = None) -> None:
    """Refuse what cannot be a task's work."""
    if keywords:
        name = next(iter(keywords))
        raise TypeError(f"{what} has no {name!r}; for a keyword of the function write {what}(lambda: fn({name}=...))")
    if not callable(fn):
        raise TypeError(f"{what} takes a function to run and its arguments, not {fn!r}. Write {what}(lambda: ...)")
    expect_plain(what, fn)


def prepared(fn: Callable[..., Any], args: tuple[Any, ...], supervisor: Server | None = None) -> Work:
    """The call as a process gets it that is spawned now, here or where a supervisor is."""
    if supervisor is not None and _is_elsewhere(supervisor):
        return partial(fn, *args)  # copied on its way
    fn, args = snapshot_call(fn, args)

    def work() -> Any:
        return fn(*args)

    work.__qualname__ = getattr(fn, "__qualname__", work.__qualname__)
    work.__module__ = getattr(fn, "__module__", work.__module__)
    return work


# Tasks of an owner who waits: the reference is a monitor of the process and an alias of his, under which the value comes.


def start_linked(work: Work) -> tuple[Pid, Ref]:
    """Start a task, linked to this process: its process, and the reference its value comes by."""
    pid = spawn_link(_answer_to_come, self(), work)
    try:
        ref = Process.monitor(pid, alias="demonitor")
        send(pid, (self(), ref))
    except BaseException:  # an interrupt
        _give_up(pid)
        raise
    return pid, ref


def start_supervised(supervisor: Server, shutdown: Shutdown, linked: bool, work: Work) -> tuple[Pid, Ref]:
    """Likewise, as a child of a supervisor."""
    pid = _start_waiting(supervisor, shutdown)
    try:
        if linked:
            Process.link(pid)
        ref = Process.monitor(pid, alias="demonitor")
        send(pid, (self(), _later(pid, _answer, ref, work)))
    except BaseException:  # an interrupt, or work that cannot be sent
        _give_up(pid)
        raise
    return pid, ref


# Tasks of a stream: the reference is a monitor; the value comes to the stream's process, by its tag and the task's number.


def stream_linked(tag: Ref, number: int, work: Work) -> tuple[Pid, Ref]:
    """Start a task of the stream whose process this is, linked to it: its process, and a monitor of that."""
    return spawn_monitor(_report, self(), tag, number, work, link=True)


def stream_supervised(
    supervisor: Server, shutdown: Shutdown, linked: bool, tag: Ref, number: int, work: Work
) -> tuple[Pid, Ref]:
    """Likewise, as a child of a supervisor."""
    pid = _start_waiting(supervisor, shutdown)
    try:
        if linked:
            Process.link(pid)
        ref = Process.monitor(pid)
        send(pid, (self(), _later(pid, _report, self(), tag, number, work)))
    except BaseException:
        _give_up(pid)
        raise
    return pid, ref


def child_work(fn: Callable[..., Any], args: tuple[Any, ...], supervisor: Server) -> Work:
    """The call as a child of the supervisor, which may be started more than once."""
    if _is_elsewhere(supervisor):
        return partial(fn, *args)
    # Copied in each of them, and not on the way: what was shared on purpose still is.
    template: Any = share(Template(args))

    def work() -> Any:
        set_initial_call(fn)
        return fn(*template.copy())

    return work


def _answer_to_come(owner: Pid, work: Work) -> None:
    _answer(receive((owner, Ref))[1], work)


def _answer(ref: Ref, work: Work) -> None:
    set_initial_call(work)
    send(ref, (ref, work()))


def _report(stream: Pid, tag: Ref, number: int, work: Work) -> None:
    set_initial_call(work)
    send(stream, (tag, number, work()))


def _start_waiting(supervisor: Server, shutdown: Shutdown) -> Pid:
    spec = ChildSpec("task", (spawn_link, (work_to_come, self())), restart="temporary", shutdown=shutdown)
    pid: Pid = ask(supervisor, ("start_child", spec))
    return pid


def work_to_come(owner: Pid) -> None:
    """The function of a process that a supervisor starts for ``owner``, who then sends it its work."""
    watch = Process.monitor(owner)
    message = receive((owner, callable), Down(watch))
    if type(message) is Down:
        exit(("shutdown", message.reason))
    Process.demonitor(watch, flush=True)
    message[1]()


def _later(pid: Pid, fn: Callable[..., Any], *args: Any) -> Work:
    """The call, to be sent to a process: as a function on this node, to another one in its parts."""
    return (lambda: fn(*args)) if type(pid.key) is int else partial(fn, *args)


def _give_up(pid: Pid) -> None:
    """Nobody will ever tell a process what it waits for."""
    Process.unlink(pid)
    Process.exit(pid, "kill")


def _is_elsewhere(supervisor: Server) -> bool:
    where = whereis(supervisor)
    return isinstance(where, tuple) or (where is not None and type(where.key) is not int)
