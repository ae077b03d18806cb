"""``await_``: a process waits for what asyncio can await.

A process of a scheduler has its coroutines run by that scheduler's own loop, while it waits like any other; one
that has a thread runs them there, on a loop of its own. Either way they are tasks whose context names the
process, so that their code is that process, and cannot block.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import time
from asyncio import AbstractEventLoop, Task, events
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias, TypeVar

from pyex.core.crash import user_part
from pyex.core.errors import AwaitTimeout
from pyex.core.ids import Key
from pyex.core.lifecycle import raise_exit
from pyex.core.messaging import expect_time
from pyex.core.own_loop import call_soon, cancel, interruptible
from pyex.core.process import ControlBlock
from pyex.core.scheduler import Scheduler
from pyex.core.threads import (
    ThreadOwner,
    awaiter,
    border,
    own_loop,
    this_process,
)
from pyex.core.waiting import refuse_to_wait

T = TypeVar("T")

#: Whether something succeeded, and its value or what it raised.
Outcome: TypeAlias = tuple[bool, Any]

#: What tells coroutines that wait for a message, each, to look again.
Listeners: TypeAlias = list[Callable[[], None]]

#: The processes of schedulers that wait in ``await_``, with those of their coroutines that wait for a message.
waiting_in_await: Final[dict[Key, Listeners]] = {}


def await_(awaitable: Awaitable[T], timeout: float | None = None) -> T:
    """Wait for what asyncio can await (a coroutine, a future), and return its value; other processes run on.

    It runs as a task on the event loop of the process's scheduler, or of the process itself where that has a thread of
    its own; all that one process awaits runs on the same loop. What it raises is raised here. It sees the context
    variables of the process, and it is the process: there ``self()``, ``send()`` and ``spawn()`` mean the same. What
    waits (``receive``, ``sleep``, ``blocking``, ``await_``) raises a ``PyexError`` there, since it would stop the loop:
    use ``await areceive()``, ``await asyncio.sleep()``, ``await asyncio.to_thread()``, ``await``.

    It is cancelled when the process is killed or exits, and when ``timeout`` seconds have passed, which raises
    ``AwaitTimeout`` (a ``TimeoutError``). Its cleaning up is not waited for on a scheduler; on a thread, whose loop
    runs only during ``await_``, for a second. Tasks that it starts and leaves behind go on, as they do in asyncio.

    Raises a ``PyexError`` where an event loop runs already (in a coroutine, in a notebook): ``await`` it there.

    >>> await_(asyncio.sleep(0.1, "rested"), timeout=5)
    'rested'
    """
    try:
        if timeout is not None:
            expect_time("await_(timeout=)", timeout)
        if not inspect.isawaitable(awaitable):
            hint = ". Call it, and give what it returns" if callable(awaitable) else ""
            raise TypeError(f"await_ takes what asyncio can await (a coroutine, a future), not {awaitable!r}{hint}")
        if events._get_running_loop() is not None:
            refuse_to_wait("await_()", "`await` itself")
        process = this_process()
        if process.exiting is not None:
            raise_exit(process)  # nothing more is begun
    except BaseException:
        _forget(awaitable)
        raise
    owner = process.owner
    value: Any = None
    try:
        if isinstance(owner, Scheduler):
            succeeded, value = _on_scheduler(process, owner, awaitable, timeout)
        else:
            assert isinstance(owner, ThreadOwner)
            succeeded, value = _on_thread(process, owner, awaitable, timeout)
        if succeeded:
            return value  # type: ignore[no-any-return]
        raise value
    finally:
        del value  # an exception's traceback has this frame


def _on_scheduler(process: ControlBlock, owner: Scheduler, awaitable: Awaitable[Any], timeout: float | None) -> Outcome:
    task = _start(owner.loop, process, awaitable)
    listeners: Listeners = []
    waiting_in_await[process.pid.key] = listeners

    def wake(_: object) -> None:
        owner.wake(process)

    task.add_done_callback(wake)
    alarm = owner.alarm(process, timeout) if timeout is not None else None
    try:
        while True:
            if owner.inbox:
                owner.drain()
            if process.exiting is not None:
                raise_exit(process)
            if task.done():
                return task.result()
            if alarm is not None and alarm.fired:
                raise _too_late(timeout)
            _ring(listeners)
            owner.wait(process, len(process.mailbox or ()), alarm)
    finally:
        if alarm is not None:
            alarm.cancel()
        del waiting_in_await[process.pid.key]
        _ring(listeners)
        task.remove_done_callback(wake)
        _give_up(task, awaitable)


def _on_thread(process: ControlBlock, owner: ThreadOwner, awaitable: Awaitable[Any], timeout: float | None) -> Outcome:
    loop = own_loop()
    task = _start(loop, process, awaitable)

    def stop(_: object) -> None:
        loop.stop()

    def look() -> None:
        process.waiting = True  # before it looks: a signal that is applied later tells it again
        if process.exiting is not None:
            loop.stop()

    def ring() -> None:
        call_soon(loop, look)

    task.add_done_callback(stop)
    deadline = None if timeout is None else time.monotonic() + timeout
    alarm = None if timeout is None else loop.call_later(timeout, loop.stop)
    try:
        with interruptible(loop), listening(process, owner.listeners, ring):
            while True:
                border()
                owner.drain()
                look()
                if process.exiting is not None:
                    raise_exit(process)
                if task.done():
                    return task.result()
                if deadline is not None and time.monotonic() >= deadline:
                    raise _too_late(timeout)
                loop.run_forever()
    finally:
        if alarm is not None:
            alarm.cancel()
        task.remove_done_callback(stop)
        if _give_up(task, awaitable):
            cancel(loop, {task})
        del task  # the frames of what it raised lead back to this one


def _start(loop: AbstractEventLoop, process: ControlBlock, awaitable: Awaitable[Any]) -> Task[Outcome]:
    """Have it run as a task that is the process."""
    context = contextvars.copy_context()
    context.run(awaiter.set, process)
    return loop.create_task(_outcome(awaitable), context=context, name=f"await_ of {process.pid!r}")


async def _outcome(awaitable: Awaitable[Any]) -> Outcome:
    """Await it, and let nothing through but that it was cancelled: a SystemExit would stop the loop."""
    try:
        return True, await awaitable
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # raised again in the process, without this frame
        return False, error.with_traceback(user_part(error.__traceback__))


def _too_late(timeout: float | None) -> AwaitTimeout:
    return AwaitTimeout(f"what was awaited was not done within {timeout} s, and has been cancelled")


def _give_up(task: Task[Any], awaitable: Any) -> bool:
    """Cancel a task if it is not done; whether it was not."""
    if task.done():
        return False
    coroutine = task.get_coro()
    if inspect.iscoroutine(coroutine) and inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED:
        _forget(awaitable)
    task.cancel()
    return True


def _forget(awaitable: Any) -> None:
    """Never awaited, and meant to be: Python is not to complain of it."""
    if inspect.iscoroutine(awaitable):
        awaitable.close()


@contextmanager
def listening(process: ControlBlock, listeners: Listeners, listener: Callable[[], None]) -> Iterator[None]:
    """While this is entered, the listener is told of the signals that come."""
    listeners.append(listener)
    try:
        yield
    finally:
        listeners.remove(listener)
        if not listeners and type(process.owner) is ThreadOwner:
            process.waiting = False


def _ring(listeners: Listeners) -> None:
    for listener in list(listeners):
        listener()
