"""The event loops of threads: run for as long as their process waits, with Ctrl-C let in, and closed with it."""

from __future__ import annotations

import asyncio
import threading
from asyncio import AbstractEventLoop, Future, Task
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from pyex.core.interrupts import interrupts

#: Seconds that a coroutine gets for its cleaning up when it has been cancelled.
CLEAN_UP: Final = 1.0


def call_soon(loop: AbstractEventLoop, callback: Callable[..., Any], *args: Any) -> None:
    """From any thread: have this called on the loop, unless the loop is no more."""
    try:
        loop.call_soon_threadsafe(callback, *args)
    except RuntimeError:
        pass  # it has been closed


@contextmanager
def interruptible(loop: AbstractEventLoop) -> Iterator[None]:
    """An interrupt that comes while the main thread runs this loop stops it; it is let in after that."""
    if threading.get_ident() != threading.main_thread().ident:
        yield
        return
    outer, interrupts.ring = interrupts.ring, lambda: call_soon(loop, loop.stop)
    try:
        yield
    finally:
        interrupts.ring = outer


def cancel(loop: AbstractEventLoop, tasks: set[Task[Any]]) -> None:
    """On the loop's thread, while it does not run: cancel tasks, and run it until they have cleaned up."""
    for task in tasks:
        task.cancel()
    if tasks:
        _run(loop, loop.create_task(asyncio.wait(tasks, timeout=CLEAN_UP)))


def close_loop(loop: AbstractEventLoop) -> None:
    """On its thread: cancel what is left on the loop and close it; in bounded time, whatever that does."""
    cancel(loop, asyncio.all_tasks(loop))
    generators = loop.create_task(loop.shutdown_asyncgens())
    _run(loop, loop.create_task(asyncio.wait({generators}, timeout=CLEAN_UP)))
    loop.close()


def _run(loop: AbstractEventLoop, future: Future[Any]) -> None:
    future.add_done_callback(lambda _: loop.stop())
    while not future.done():  # it is stopped by whoever wants to look at something, too
        loop.run_forever()
