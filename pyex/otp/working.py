"""The process of a task: how it is given its work, and what it does with the value."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from pyex import ANY, Down, Pid, Process, Ref, exit, receive, self, send, share, spawn_link

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


def spawn_working(call: Call) -> Pid:
    """Start a process, linked to this one, that waits to be told where the value of its call goes."""
    owner = self()
    shared: Any = share(call)

    def work() -> None:
        ref = receive((owner, Ref))[1]
        fn, args = shared  # in that process it is the call itself
        send(ref, (ref, fn(*args)))

    _name_after(call[0], work)
    return spawn_link(work)


def spawn_linked(call: Call) -> tuple[Pid, Ref]:
    """Start the process of a task; it, and the reference its value comes by."""
    pid = spawn_working(call)
    return pid, hand_over(pid)


def work_to_come(owner: Pid) -> None:
    """The function of a process that a supervisor starts for ``owner``, who then sends it its work."""
    watch = Process.monitor(owner)
    match receive((owner, Ref, (ANY, tuple)), Down(watch)):
        case Down(reason=reason):
            exit(("shutdown", reason))
        case (_, ref, (fn, args)):
            Process.demonitor(watch, flush=True)
            send(ref, (ref, fn(*args)))


def hand_over(pid: Pid, call: Call | None = None) -> Ref:
    """Tell a process that waits for it where its value goes (and what its work is); the reference of both.

    It is a monitor and an alias: what comes by it is ``(ref, value)`` or ``Down(ref)``, and nothing once it has ended.
    """
    try:
        ref = Process.monitor(pid, alias="demonitor")
        if call is None:
            send(pid, (self(), ref))
        else:
            send(pid, (self(), ref, share(call) if type(pid.key) is int else call))
    except BaseException:  # an interrupt, or work that cannot be sent: nobody would ever tell it what to do
        Process.unlink(pid)
        Process.exit(pid, "kill")
        raise
    return ref


def _name_after(fn: Callable[..., Any], work: Callable[..., Any]) -> None:
    """Reports then name the function of the user."""
    name = getattr(fn, "__qualname__", None)
    if isinstance(name, str):
        work.__qualname__ = name
        work.__module__ = getattr(fn, "__module__", None) or work.__module__
