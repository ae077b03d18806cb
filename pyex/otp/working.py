"""The process of a task: how it is given its work, and what it does with the value."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from pyex import (
    ANY,
    Down,
    Pid,
    Process,
    Ref,
    Template,
    exit,
    receive,
    self,
    send,
    set_initial_call,
    share,
    spawn_link,
)
from pyex.otp.child_spec import ChildSpec, Shutdown
from pyex.otp.references import Server
from pyex.otp.supervising import ask

#: A function and its arguments, as they were copied for a process: so they are handed on without another copy, which
#: could not be made of what was shared with it on purpose.
Call: TypeAlias = tuple[Callable[..., Any], tuple[Any, ...]]

_ASYNC: Final = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def expect_function(what: str, fn: Any, keywords: dict[str, Any] | None = None) -> None:
    """Refuse what cannot be a task's work."""
    if keywords:
        name = next(iter(keywords))
        raise TypeError(f"{what} has no {name!r}; for a keyword of the function write {what}(lambda: fn({name}=...))")
    if not callable(fn):
        raise TypeError(f"{what} takes a function to run and its arguments, not {fn!r}. Write {what}(lambda: ...)")
    code = getattr(fn, "__code__", None)
    flags = code.co_flags if inspect.iscode(code) else 0
    if flags & _ASYNC:
        raise TypeError(
            f"{fn!r} is async: calling it runs nothing. Write {what}(lambda: await_(...)), a plain function"
        )
    if flags & inspect.CO_GENERATOR:
        raise TypeError(f"{fn!r} is a generator: calling it runs nothing. Write {what}(lambda: list(...))")


def start_linked(call: Call) -> tuple[Pid, Ref]:
    """Start a task, linked to this process: its process, and the reference its value comes by."""
    owner = self()
    shared: Any = share(call)

    def work() -> None:
        ref = receive((owner, Ref))[1]
        _work(ref, shared)  # in that process it is the call itself

    pid = spawn_link(work)
    return pid, _hand_over(pid, ())


def start_supervised(supervisor: Server, shutdown: Shutdown, linked: bool, call: Call) -> tuple[Pid, Ref]:
    """Likewise, as a child of a supervisor."""
    spec = ChildSpec("task", (spawn_link, (work_to_come, self())), restart="temporary", shutdown=shutdown)
    pid = ask(supervisor, ("start_child", spec))
    work: Any = share(call) if type(pid.key) is int else call
    return pid, _hand_over(pid, (work,), link=linked)


def work_to_come(owner: Pid) -> None:
    """The function of a process that a supervisor starts for ``owner``, who then sends it its work."""
    watch = Process.monitor(owner)
    match receive((owner, Ref, (ANY, tuple)), Down(watch)):
        case Down(reason=reason):
            exit(("shutdown", reason))
        case (_, ref, call):
            Process.demonitor(watch, flush=True)
            _work(ref, call)


def child_work(fn: Callable[..., Any], args: tuple[Any, ...]) -> Callable[[], Any]:
    """A function without arguments for a process that may be started more than once."""
    # Copied in each of them, and not on the way: what was shared on purpose still is.
    template: Any = share(Template(args))

    def work() -> Any:
        set_initial_call(fn)
        return fn(*template.copy())

    return work


def _work(ref: Ref, call: Call) -> None:
    fn, args = call
    set_initial_call(fn)
    send(ref, (ref, fn(*args)))


def _hand_over(pid: Pid, work: tuple[Any, ...], *, link: bool = False) -> Ref:
    """Tell a process that waits for it where its value goes (and what its work is); the reference of both.

    It is a monitor and an alias: what comes by it is ``(ref, value)`` or ``Down(ref)``, and nothing once it has ended.
    """
    try:
        if link:
            Process.link(pid)
        ref = Process.monitor(pid, alias="demonitor")
        send(pid, (self(), ref, *work))
    except BaseException:  # an interrupt, or work that cannot be sent: nobody would ever tell it what to do
        Process.unlink(pid)
        Process.exit(pid, "kill")
        raise
    return ref
