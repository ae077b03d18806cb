"""Task: a process that computes one value for the process that started it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, Literal, NoReturn, ParamSpec, TypeVar

from pyex import ANY, Down, Pid, Process, Ref, Terminated, receive, send, spawn, spawn_link
from pyex import self as here
from pyex.otp import streams
from pyex.otp.child_spec import ChildSpec, class_spec
from pyex.otp.task_answers import Outcome, answers, outcome
from pyex.otp.task_errors import NotOwner, TaskTimeout, task_down
from pyex.otp.working import expect_function, prepared, start_linked, stream_linked

T = TypeVar("T")
P = ParamSpec("P")


class Task(Generic[T]):
    """A process that computes one value for the process that started it.

    >>> from pyex import Task
    >>> task = Task.async_(lambda: 6 * 7)
    >>> task.await_()
    42

    ``Task.async_`` starts the function in a process of its own, beside this one, and ``await_`` waits for its value:

    >>> words = ["to", "be", "or", "not"]
    >>> tasks = [Task.async_(str.upper, word) for word in words]
    >>> Task.await_many(tasks)
    ['TO', 'BE', 'OR', 'NOT']

    For many values there is a stream, which runs some tasks at a time:

    >>> list(Task.async_stream(len, words, max_concurrency=2))
    [2, 2, 2, 3]

    A task is linked to its owner, the process that started it: when the task crashes the owner does too, unless it
    traps exits, and when the owner ends abnormally the task ends with it. Tasks of a ``TaskSupervisor`` need not be:
    ``async_nolink``. Only the owner can wait for a task, and only once: the value is a message to it. A ``GenServer``
    that does not want to wait gets it in ``handle_info``, as ``(task.ref, value)``, and ``Down(task.ref)`` if
    the task ends without one; ``Process.demonitor(task.ref, flush=True)`` when the value is there.

    Whose value nobody wants is started by ``Task.start``, or ``Task.start_link``; as a child of a supervisor, by
    ``(Task, fn, *args)``.

    The functions below are methods of a task too: ``task.await_()`` is ``Task.await_(task)``.
    """

    __slots__ = ("owner", "pid", "ref")

    #: the process that computes; None for one that was ``completed`` from the beginning
    pid: Pid | None
    #: what its messages carry: ``(ref, value)`` and ``Down(ref)``
    ref: Ref
    #: the process that started it
    owner: Pid

    def __new__(cls, *_args: Any, **_options: Any) -> Task[Any]:
        raise TypeError("a task is not made by calling the class: Task.async_(fn, *args) starts one")

    @staticmethod
    def async_(fn: Callable[P, T], *args: P.args, **keywords: P.kwargs) -> Task[T]:
        """Run ``fn(*args)`` in a process of its own, linked to this one, and return the task to wait for.

        What the function carries is a snapshot, as of any process that is spawned. Raises ``TypeError`` for what is no
        function, and ``NotSendable`` (a ``TypeError``) for what cannot be copied.

        >>> task = Task.async_(sorted, [3, 1, 2])
        >>> Task.await_(task, timeout=10)
        [1, 2, 3]
        """
        expect_function("Task.async_", fn, keywords)
        return new_task(*start_linked(prepared(fn, args)), here())

    @staticmethod
    def completed(value: T) -> Task[T]:
        """A task that is done already: there is no process, and ``await_`` gives ``value``.

        >>> Task.completed("from the cache").await_()
        'from the cache'
        """
        ref = Ref()
        send(here(), (ref, value))
        return new_task(None, ref, here())

    def await_(self, timeout: float | None = 5) -> T:
        """Wait for the value of a task, at most ``timeout`` seconds (None: as long as it takes).

        Raises ``TaskDown`` with the task's exit reason if it ends without a value, and ``TaskTimeout`` (a
        ``TimeoutError``) when the time is over: both are ``Exit`` and end the process if they are not caught. After a
        timeout the value is dropped, should it still come, but the task runs on: it is linked, so that it
        ends with this process. To give up and go on see ``yield_`` and ``shutdown``.

        Raises ``NotOwner`` (a ``ValueError``) in any process but the one that started the task.

        >>> Task.async_(lambda: "done").await_()
        'done'
        """
        _expect_own(self, "await_")
        ref = self.ref
        try:
            answer = receive((ref, ANY), Down(ref), timeout=timeout, default=None)
        except BaseException:
            self._forget()
            raise
        if answer is None:
            due = Process.demonitor(ref, info=True)
            answer = self._forget()
            if answer is None:
                raise TaskTimeout(
                    message=f"the task {self.pid!r} was not done within {timeout} s" if due
                    else f"the task {self.pid!r} has been waited for before: its value is given once, so keep that"
                )  # fmt: skip
        if type(answer) is Down:
            raise task_down(self.pid, answer.reason)
        Process.demonitor(ref, flush=True)
        return answer[1]  # type: ignore[no-any-return]

    @staticmethod
    def await_many(tasks: Iterable[Task[Any]], timeout: float | None = 5) -> list[Any]:
        """Wait for the values of several tasks, all of them within ``timeout`` seconds; a list in their order.

        Raises what ``await_`` raises as soon as one of them fails, or when the time is over; the values of the others
        are dropped then.

        >>> Task.await_many([Task.async_(pow, 2, n) for n in range(5)])
        [1, 2, 4, 8, 16]
        """
        tasks = _own("await_many", tasks)
        waiting = {task.ref: task for task in tasks}
        values = {}
        try:
            for task, answer in answers(waiting, timeout):
                if type(answer) is Down:
                    raise task_down(task.pid, answer.reason)
                values[task.ref] = answer[1]
            if waiting:
                late = ", ".join(repr(task.pid) for task in waiting.values())
                raise TaskTimeout(message=f"not all tasks were done within {timeout} s: {late} still run")
        finally:
            for task in waiting.values():
                task._forget()
        return [values[task.ref] for task in tasks]

    def yield_(self, timeout: float | None = 5) -> Outcome[T]:
        """Wait for a task a while: ``("ok", value)``, ``("exit", reason)``, or None if it still runs after ``timeout`` seconds.

        It can be waited for again then, or be shut down:

        >>> import time
        >>> task = Task.async_(lambda: time.sleep(0.05) or "slow")
        >>> task.yield_(0)
        >>> task.yield_(10)
        ('ok', 'slow')

        Raises ``NotOwner`` (a ``ValueError``), and ``TaskDown`` if the task's node was lost.
        """
        _expect_own(self, "yield_")
        ref = self.ref
        answer = receive((ref, ANY), Down(ref), timeout=timeout, default=None)
        if answer is not None and type(answer) is not Down:
            Process.demonitor(ref, flush=True)
        return outcome(self.pid, answer)

    @staticmethod
    def yield_many(
        tasks: Iterable[Task[Any]],
        timeout: float | None = 5,
        *,
        limit: int | None = None,
        on_timeout: Literal["nothing", "ignore", "kill_task"] = "nothing",
    ) -> list[tuple[Task[Any], Outcome[Any]]]:
        """Wait for several tasks a while: a list of ``(task, outcome)`` in their order, with ``yield_``'s outcomes.

        With ``limit`` it returns as soon as so many are done. What happens to those that still run when the time is
        over ``on_timeout`` says: ``"nothing"``, ``"ignore"`` (see ``ignore``) or ``"kill_task"``.

        >>> tasks = [Task.async_(lambda: "quick"), Task.async_(sleep, 60)]
        >>> [outcome for task, outcome in Task.yield_many(tasks, limit=1)]
        [('ok', 'quick'), None]
        >>> tasks[1].shutdown("brutal_kill")
        """
        tasks = _own("yield_many", tasks)
        if on_timeout not in ("nothing", "ignore", "kill_task"):
            raise ValueError(f"on_timeout is 'nothing', 'ignore' or 'kill_task', not {on_timeout!r}")
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
            raise ValueError(f"limit is the number of tasks to wait for, 1 or more, or None for all, not {limit!r}")
        waiting = {task.ref: task for task in tasks}
        outcomes: dict[Ref, Outcome[Any]] = {}
        for task, answer in answers(waiting, timeout):
            outcomes[task.ref] = outcome(task.pid, answer)
            if len(outcomes) == limit:
                break
        else:
            for task in waiting.values():
                if on_timeout == "ignore":
                    outcomes[task.ref] = task.ignore()
                elif on_timeout == "kill_task":
                    outcomes[task.ref] = task.shutdown("brutal_kill")
        return [(task, outcomes.get(task.ref)) for task in tasks]

    def shutdown(self, shutdown: float | Literal["brutal_kill"] | None = 5) -> Outcome[T]:
        """Unlink a task, end it and wait until it has: None, unless it was done before.

        It is asked to end, and killed after ``shutdown`` seconds (None: never); at once with ``"brutal_kill"``. If its
        value had come by then that is ``("ok", value)``, and ``("exit", reason)`` if it had ended in another way. The
        task cannot be waited for any more.

        >>> task = Task.async_(sleep, 60)
        >>> task.yield_(0.01) or task.shutdown()

        Raises ``NotOwner`` and, for a task that has no process, ``ValueError``.
        """
        _expect_own(self, "shutdown")
        pid = self._expect_process("shutdown")
        brutal = shutdown == "brutal_kill"
        seconds = None if isinstance(shutdown, str) else shutdown
        Process.unlink(pid)
        watch = Process.monitor(pid)
        try:
            Process.exit(pid, "kill" if brutal else "shutdown")
            down = receive(Down(watch), timeout=seconds, default=None)
            if down is None:
                Process.exit(pid, "kill")
                down = receive(Down(watch))
        finally:
            Process.demonitor(watch, flush=True)
        if down.reason == "noproc" and Process.unalias(self.ref):
            down = receive(Down(self.ref))  # it had ended before; the word of that, which knows why, is on its way
        answer = self._forget() or down
        if type(answer) is Down and answer.reason == ("killed" if brutal else "shutdown"):
            return None
        return outcome(self.pid, answer)

    def ignore(self) -> Outcome[T]:
        """Let a task run without waiting for it: it is unlinked, and its value dropped when it comes.

        Returns None, or how it went if it is done already: ``("ok", value)`` or ``("exit", reason)``. It cannot be
        waited for or shut down any more. Raises ``NotOwner`` and, for a task that has no process, ``ValueError``.

        >>> Task.async_(sleep, 0.1).ignore()
        """
        _expect_own(self, "ignore")
        Process.unlink(self._expect_process("ignore"))
        return outcome(self.pid, self._forget())

    @staticmethod
    def start(fn: Callable[..., Any], *args: Any) -> Pid:
        """Run ``fn(*args)`` in a process whose value nobody waits for, and which is linked to nobody; its pid.

        >>> parent = self()
        >>> pid = Task.start(lambda: send(parent, "for its effect"))
        >>> receive()
        'for its effect'
        """
        expect_function("Task.start", fn)
        return spawn(fn, *args)

    @staticmethod
    def start_link(fn: Callable[..., Any], *args: Any) -> Pid:
        """Likewise, linked to this process: what a supervisor starts for ``(Task, fn, *args)``.

        >>> pid = Task.start_link(sleep, 0.5)
        """
        expect_function("Task.start_link", fn)
        return spawn_link(fn, *args)

    @classmethod
    def child_spec(cls, fn: Callable[..., Any], *args: Any, **options: Any) -> ChildSpec:
        """How a supervisor starts ``fn(*args)`` as a task: a temporary child, which is not started again.

        ``options`` are those of a ``ChildSpec``.

        >>> Task.child_spec(print, "hello", restart="transient").restart
        'transient'
        """
        expect_function("Task.child_spec", fn)
        return class_spec(cls, (fn, *args), options, restart="temporary")

    @staticmethod
    def async_stream(
        fn: Callable[[Any], T],
        iterable: Iterable[Any],
        *,
        max_concurrency: int | None = None,
        ordered: bool = True,
        timeout: float | None = 5,
        on_timeout: Literal["exit", "kill_task"] = "exit",
        progress: bool | str = False,
    ) -> Iterator[T | Any]:
        """Run ``fn(item)`` for each item in a task of its own, some of them at a time; an iterator over their values.

        Nothing runs before the first value is asked for, and no more than ``max_concurrency`` tasks at once (None: as
        many as the machine has cores; what waits rather than computes wants more). The values come in the order
        of the items, or with ``ordered=False`` as they are done. ``iterable`` may be endless; it is asked for items in this
        process, and only as they are needed. A loop that is left early, and a process that ends, take the tasks with them.

        >>> for line in Task.async_stream(str.title, ["to be", "or not"], max_concurrency=10):
        ...     print(line)
        To Be
        Or Not

        A task that takes longer than ``timeout`` seconds (None: no limit) raises ``TaskTimeout`` here, or with
        ``on_timeout="kill_task"`` is killed, and ``Exit("timeout")`` stands in the place of its value:

        >>> list(Task.async_stream(sleep, [0, 60], timeout=0.2, on_timeout="kill_task"))
        [None, Exit('timeout')]

        Tasks are linked: when one crashes so does this process, unless it traps exits. Then, as in the
        streams of a ``TaskSupervisor`` that are not linked, an ``Exit`` with the reason stands in its place.

        ``progress=True``, or a text to put before it, draws a bar on standard error, if that is a terminal.

        Raises ``ValueError`` or ``TypeError`` for arguments that cannot be meant.
        """
        options = streams.Options(max_concurrency, ordered, timeout, on_timeout, progress)
        return streams.stream("Task.async_stream", stream_linked, fn, iterable, options, linked=True)

    def _expect_process(self, what: str) -> Pid:
        if self.pid is None:
            raise ValueError(f"{self!r} was completed from the beginning: it has no process for Task.{what}")
        return self.pid

    def _forget(self) -> Any:
        """From now on nothing comes of the task; what has come already, or None."""
        Process.demonitor(self.ref)
        try:
            value = receive((self.ref, ANY), timeout=0, default=None)
            down = receive(Down(self.ref), timeout=0, default=None)
        except Terminated:  # it has no messages any more, and is told so again wherever it waits next
            return None
        return value or down

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a Task is immutable")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a Task is immutable")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Task) and self.ref == other.ref

    def __hash__(self) -> int:
        return hash(self.ref)

    def __repr__(self) -> str:
        return f"<Task {self.pid!r}, owner {self.owner!r}, {self.ref!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return new_task, (self.pid, self.ref, self.owner)


def new_task(pid: Pid | None, ref: Ref, owner: Pid) -> Task[Any]:
    """The task with these."""
    task: Task[Any] = object.__new__(Task)
    for name, value in (("pid", pid), ("ref", ref), ("owner", owner)):
        object.__setattr__(task, name, value)
    return task


def _expect_own(task: Any, what: str) -> None:
    if not isinstance(task, Task):
        raise TypeError(f"Task.{what} takes a task, which Task.async_(fn) returns, not {task!r}")
    if task.owner != here():
        raise NotOwner(
            f"{task!r} belongs to {task.owner!r}, which started it: its value is a message to that process. "
            f"Only there can Task.{what} be called, not in {here()!r}"
        )


def _own(what: str, tasks: Iterable[Task[Any]]) -> list[Task[Any]]:
    """The tasks as a list, once it is clear that they are this process's."""
    if isinstance(tasks, Task):
        raise TypeError(f"Task.{what} takes a list of tasks; for one there is Task.{what.removesuffix('many')}")
    tasks = list(tasks)
    for task in tasks:
        _expect_own(task, what)
    return tasks
