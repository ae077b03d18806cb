"""``areceive``: code that asyncio runs waits for messages."""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop, Future
from collections.abc import Callable
from typing import Any, Final

from greenlet import getcurrent

from pyex.core.awaiting import Listeners, listening, waiting_in_await
from pyex.core.errors import PyexError, Terminated
from pyex.core.messaging import expect_time, no_message, select
from pyex.core.own_loop import call_soon
from pyex.core.process import ControlBlock
from pyex.core.threads import ThreadOwner, this_process

_RAISE: Final = object()
_NOTHING: Final = object()


async def areceive(*patterns: Any, timeout: float | None = None, default: Any = _RAISE) -> Any:  # noqa: ASYNC109 - as receive
    """Like ``receive``, for code that asyncio runs: waits for a message and lets the event loop go on.

    Whose message: in a coroutine that a process awaits (``await_``), and in what that has started, that process's. On
    any other event loop (of ``asyncio.run``, of a notebook) the thread's, which becomes a process by using it; the
    tasks of one thread share its mailbox, and each message goes to one of them. Patterns, ``timeout`` in seconds
    and ``default`` are those of ``receive``. Cancelled, it has taken no message.

    Raises ``ReceiveTimeout`` (a ``TimeoutError``); and a ``PyexError`` where no message can come: in a task that a
    process of a scheduler has left behind, while that is in no ``await_``, and under its ``asyncio.run()``.

    >>> async def ask(pid):
    ...     send(pid, (self(), "hello"))
    ...     return await areceive(str, timeout=5)
    """
    if timeout is not None:
        expect_time("areceive(timeout=)", timeout)
    if getattr(getcurrent(), "process", None) is not None:
        raise PyexError(
            "no message can come while asyncio.run() has the scheduler of this process. Use await_(...) in its "
            "place, or give the process a thread: spawn(..., thread=True)"
        )
    process = this_process()
    loop = asyncio.get_running_loop()
    deadline = None if timeout is None else loop.time() + timeout
    while True:
        changed = loop.create_future()
        listeners, listener = _ears(process, loop, changed)
        with listening(process, listeners, listener):
            message = _look(process, patterns)
            if message is not _NOTHING:
                return message
            if deadline is None:
                await changed
            elif loop.time() < deadline:
                alarm = loop.call_at(deadline, _resolve, changed)
                try:
                    await changed
                finally:
                    alarm.cancel()
            elif default is not _RAISE:
                return default
            else:
                raise no_message(patterns, timeout)


def _ears(
    process: ControlBlock, loop: AbstractEventLoop, changed: Future[None]
) -> tuple[Listeners, Callable[[], None]]:
    """Where to listen for signals, and as what."""
    owner = process.owner
    if isinstance(owner, ThreadOwner):
        return owner.listeners, lambda: call_soon(loop, _resolve, changed)
    try:
        return waiting_in_await[process.pid.key], lambda: _resolve(changed)
    except KeyError:
        raise PyexError(
            f"{process.pid!r} is not in await_() now, so that its tasks cannot receive. Receive in the process, and "
            "send what the task has to say, or await the task"
        ) from None


def _look(process: ControlBlock, patterns: tuple[Any, ...]) -> Any:
    """Take a message that is there; the process waits in ``await_``, or runs the loop that runs this."""
    owner = process.owner
    if isinstance(owner, ThreadOwner):
        process.waiting = True  # before it looks: a signal that is applied later tells it
    else:
        if owner.inbox:
            owner.drain()
        if process.exiting is not None:
            raise Terminated(process.exiting.reason)  # the process itself raises its own, and cancels this
    return select(process, patterns, 0, _NOTHING)


def _resolve(future: Future[None]) -> None:
    if not future.done():
        future.set_result(None)
