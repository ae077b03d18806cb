"""TaskSupervisor: a supervisor of tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, ClassVar, Literal, TypeVar

from pyex import Pid, spawn_link
from pyex import self as here
from pyex.otp import streams
from pyex.otp.child_spec import ChildSpec, Restart, Shutdown
from pyex.otp.references import Server
from pyex.otp.supervising import ask
from pyex.otp.supervisor_base import SupervisorBase
from pyex.otp.supervisor_spec import DynamicSupervisorSpec
from pyex.otp.task import Task, new_task
from pyex.otp.working import child_work, expect_function, prepared, start_supervised, stream_supervised

T = TypeVar("T")


class TaskSupervisor(SupervisorBase):
    """A supervisor of tasks: they are started on request, and none outlives it.

    >>> from pyex import *
    >>> tasks = TaskSupervisor.start_link(name="tasks")
    >>> task = TaskSupervisor.async_nolink("tasks", lambda: 1 / 0)
    >>> task.yield_()
    ('exit', Crash(ZeroDivisionError('division by zero')))

    So a server can have dangerous work done without being in danger: its task is linked to the supervisor and not to
    the server, which gets ``(task.ref, value)`` or ``Down(task.ref)`` in its ``handle_info``. With ``async_`` the
    task is linked to both. ``start_child`` runs a function whose value nobody waits for:

    >>> pid = TaskSupervisor.start_child("tasks", sleep, 60)
    >>> pid in TaskSupervisor.children("tasks")
    True
    >>> TaskSupervisor.terminate_child("tasks", pid)

    Streams run their tasks here as well:

    >>> squares = TaskSupervisor.async_stream_nolink("tasks", lambda n: 100 // n, [0, 1, 2])
    >>> [value if isinstance(value, int) else "failed" for value in squares]
    ['failed', 100, 50]
    >>> TaskSupervisor.stop("tasks")

    Tasks are not restarted, if ``start_child`` does not say so. The supervisor may be on another node, named as
    ``("tasks", "bob@127.0.0.1")``: there the tasks run then.
    """

    __slots__ = ()

    _spec: ClassVar[Any] = DynamicSupervisorSpec

    @classmethod
    def start_link(cls, *args: Any, **options: Any) -> Pid | Any:
        """Start a supervisor without tasks, linked to this process; its pid.

        ``TaskSupervisor.start_link(max_children=None, max_restarts=3, max_seconds=5)``; further options are ``name``,
        ``timeout`` and those of ``spawn``. As a child of a supervisor: ``TaskSupervisor.child_spec(name="tasks")``.

        >>> pid = TaskSupervisor.start_link(name="tasks", max_children=1000)
        """
        return super().start_link(*args, **options)

    @staticmethod
    def async_(supervisor: Server, fn: Callable[..., T], *args: Any, shutdown: Shutdown = 5) -> Task[T]:
        """Run ``fn(*args)`` as a task under the supervisor, linked to this process too; see ``Task.async_``.

        ``shutdown``: the seconds it has to end when the supervisor stops, None, or ``"brutal_kill"``. Raises
        ``SupervisorError``, reason ``"max_children"``, if there are enough, and ``NoProcess`` if there is no supervisor.

        >>> TaskSupervisor.async_("tasks", sorted, "cab").await_()
        ['a', 'b', 'c']
        """
        return _start("TaskSupervisor.async_", supervisor, shutdown, True, fn, args)

    @staticmethod
    def async_nolink(supervisor: Server, fn: Callable[..., T], *args: Any, shutdown: Shutdown = 5) -> Task[T]:
        """Likewise, not linked to this process: neither ends with the other.

        >>> TaskSupervisor.async_nolink("tasks", exit, "bored").yield_()
        ('exit', 'bored')
        """
        return _start("TaskSupervisor.async_nolink", supervisor, shutdown, False, fn, args)

    @staticmethod
    def async_stream(
        supervisor: Server,
        fn: Callable[[Any], T],
        iterable: Iterable[Any],
        *,
        max_concurrency: int | None = None,
        ordered: bool = True,
        timeout: float | None = 5,
        on_timeout: Literal["exit", "kill_task"] = "exit",
        shutdown: Shutdown = 5,
        progress: bool | str = False,
    ) -> Iterator[T | Any]:
        """As ``Task.async_stream``, with the tasks under the supervisor.

        >>> list(TaskSupervisor.async_stream("tasks", len, ["one", "three"]))
        [3, 5]
        """
        options = streams.Options(max_concurrency, ordered, timeout, on_timeout, progress)
        start = partial(stream_supervised, supervisor, shutdown, True)
        return streams.stream("TaskSupervisor.async_stream", start, fn, iterable, options, supervisor, linked=True)

    @staticmethod
    def async_stream_nolink(
        supervisor: Server,
        fn: Callable[[Any], T],
        iterable: Iterable[Any],
        *,
        max_concurrency: int | None = None,
        ordered: bool = True,
        timeout: float | None = 5,
        on_timeout: Literal["exit", "kill_task"] = "exit",
        shutdown: Shutdown = 5,
        progress: bool | str = False,
    ) -> Iterator[T | Any]:
        """Likewise, with tasks that are not linked to this process: for one that fails its ``Exit`` stands in the stream.

        >>> list(TaskSupervisor.async_stream_nolink("tasks", exit, ["bored"]))
        [Exit('bored')]
        """
        options = streams.Options(max_concurrency, ordered, timeout, on_timeout, progress)
        start = partial(stream_supervised, supervisor, shutdown, False)
        return streams.stream(
            "TaskSupervisor.async_stream_nolink", start, fn, iterable, options, supervisor, linked=False
        )

    @staticmethod
    def start_child(
        supervisor: Server, fn: Callable[..., Any], *args: Any, restart: Restart = "temporary", shutdown: Shutdown = 5
    ) -> Pid:
        """Run ``fn(*args)`` under the supervisor, for its effect; the pid.

        With ``restart="transient"`` it is run again when it fails, with ``"permanent"`` whenever it ends. Raises what
        ``async_`` raises.

        >>> pid = TaskSupervisor.start_child("tasks", send, self(), "for its effect")
        >>> receive(timeout=5)
        'for its effect'
        """
        expect_function("TaskSupervisor.start_child", fn)
        spec = ChildSpec("task", (spawn_link, (child_work(fn, args, supervisor),)), restart=restart, shutdown=shutdown)
        pid: Pid = ask(supervisor, ("start_child", spec))
        return pid

    @staticmethod
    def children(supervisor: Server) -> list[Pid]:
        """The pids of the tasks that run.

        >>> TaskSupervisor.children("tasks")
        []
        """
        return [child.pid for child in SupervisorBase.which_children(supervisor) if isinstance(child.pid, Pid)]

    @staticmethod
    def terminate_child(supervisor: Server, pid: Pid) -> None:
        """Stop a task, and wait until it has ended. Raises ``SupervisorError``, reason ``"not_found"``."""
        ask(supervisor, ("terminate_child", pid))


def _start(
    what: str, supervisor: Server, shutdown: Shutdown, linked: bool, fn: Callable[..., Any], args: tuple[Any, ...]
) -> Task[Any]:
    expect_function(what, fn)
    return new_task(*start_supervised(supervisor, shutdown, linked, prepared(fn, args, supervisor)), here())
