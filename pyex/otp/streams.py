"""Streams of tasks, as the process sees them that asks for the values.

A stream has a process of its own, which starts the tasks and watches over them and over who asks. It is asked, whenever
a value is wanted, for what is done, and told at once what is to be done next. So nothing of a stream is in the mailbox
of who uses it, except while he waits for a value.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, Final

from pyex import Down, Exited, Process, PyexError, Ref, Terminated, receive, request, send, spawn
from pyex import self as here
from pyex.otp.progress import with_bar
from pyex.otp.references import Server
from pyex.otp.stream_server import FAILED, OVERDUE, REFUSED, VALUE, Result, Start, serve
from pyex.otp.task_errors import TaskTimeout, failure, task_down
from pyex.otp.working import Work, expect_function, prepared

#: Seconds that a stream which is left early gets to end its tasks before its user goes on without having seen it.
END: Final = 5


class Options:
    """The options of a stream, checked."""

    __slots__ = ("max_concurrency", "on_timeout", "ordered", "progress", "timeout")

    def __init__(
        self, max_concurrency: int | None, ordered: bool, timeout: float | None, on_timeout: str, progress: bool | str
    ) -> None:
        if max_concurrency is None:
            max_concurrency = os.cpu_count() or 1
        if isinstance(max_concurrency, bool) or not isinstance(max_concurrency, int) or max_concurrency < 1:
            raise ValueError(f"max_concurrency is the number of tasks at a time, 1 or more, not {max_concurrency!r}")
        if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, int | float)):
            raise TypeError(f"timeout is the seconds a task may take, or None for no limit, not {timeout!r}")
        if timeout is not None and not 0 <= timeout < math.inf:
            raise ValueError(f"timeout is the seconds a task may take, or None for no limit, not {timeout!r}")
        if on_timeout not in ("exit", "kill_task"):
            raise ValueError(f"on_timeout is 'exit' or 'kill_task', not {on_timeout!r}")
        self.max_concurrency = max_concurrency
        self.ordered = ordered
        self.timeout = timeout
        self.on_timeout = on_timeout
        self.progress = progress


def stream(
    what: str,
    start: Start,
    fn: Callable[[Any], Any],
    iterable: Iterable[Any],
    options: Options,
    supervisor: Server | None = None,
    *,
    linked: bool,
) -> Iterator[Any]:
    """The values of ``fn(item)`` for each item; ``start`` starts the process of a task, in that of the stream.

    With ``linked`` the failure of a task is the user's, unless he traps exits.
    """
    expect_function(what, fn)
    try:
        items = iter(iterable)
    except TypeError:
        raise TypeError(f"{what} takes a function and what it is called with in turn, not {iterable!r}") from None
    values = _values(start, fn, items, options, supervisor, linked)
    if options.progress is False:
        return values
    return with_bar(values, iterable, "" if options.progress is True else options.progress)


def _values(
    start: Start,
    fn: Callable[[Any], Any],
    items: Iterator[Any],
    options: Options,
    supervisor: Server | None,
    linked: bool,
) -> Generator[Any, None, None]:
    """The generator; the process of the stream begins with it, and ends with it."""
    server = _Server(start, options.timeout, linked)
    given = running = 0  # values given, tasks not known to be done
    done: dict[int, Any] = {}
    more = True
    try:
        while True:
            work: list[Work] = []
            while more and running < options.max_concurrency:
                try:
                    item = next(items)
                except StopIteration:
                    more = False
                else:
                    work.append(prepared(fn, (item,), supervisor))
                    running += 1
            if not done or (options.ordered and given not in done):
                if not running:
                    return
                for number, kind, value in server.ask(work):
                    running -= 1
                    if kind == OVERDUE and options.on_timeout == "exit":
                        raise TaskTimeout(message=f"a task of the stream was not done within {options.timeout} s")
                    if kind == REFUSED:
                        raise value
                    done[number] = value if kind == VALUE else failure("timeout" if kind == OVERDUE else value)
                if options.ordered and given not in done:
                    continue
            elif work:
                server.tell(work)
            yield done.pop(given if options.ordered else next(iter(done)))
            given += 1
    finally:
        server.end()


class _Server:
    """The process of a stream, for its user."""

    __slots__ = ("_linked", "_pid", "_tag", "_user")

    def __init__(self, start: Start, timeout: float | None, linked: bool) -> None:
        self._user = here()
        self._tag = Ref()
        self._linked = linked
        self._pid = spawn(serve, self._user, self._tag, start, timeout, linked)

    def tell(self, work: list[Work]) -> None:
        """Have tasks started."""
        send(self._pid, (self._tag, "work", tuple(work)))

    def ask(self, work: list[Work]) -> list[Result]:
        """Likewise, and wait until some are done."""
        answer = request(self._pid, self._tag, tuple(work), None)
        if type(answer) is Down:
            raise task_down(self._pid, answer.reason)
        results: list[Result] = answer[1]
        if self._linked:
            for _, kind, _ in results:
                if kind == FAILED:  # this process traps exits, or it would not be here
                    receive(Exited(self._pid), timeout=0, default=None)
        return results

    def end(self) -> None:
        """End it, and its tasks with it; they have ended on return, if this is where one can wait for that."""
        send(self._pid, (self._tag, "end"))
        try:
            if here() != self._user:
                return  # a generator that was left is closed wherever the collector finds it
            watch = Process.monitor(self._pid)
            try:
                receive(Down(watch), timeout=END, default=None)
            finally:
                Process.demonitor(watch, flush=True)
        except (PyexError, Terminated):
            pass  # a finalizer cannot wait, nor can a process that ends; which is told so again wherever it waits next
