"""``blocking``: one call on a thread of a pool, while its process waits."""

from __future__ import annotations

import contextvars
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar

from greenlet import getcurrent

from pyex.core.crash import user_part
from pyex.core.expecting import expect_plain
from pyex.core.lifecycle import raise_exit
from pyex.core.own_loop import call_soon
from pyex.core.process import ControlBlock
from pyex.core.scheduler import Scheduler
from pyex.core.threads import leave
from pyex.core.waiting import can_wait, refuse_to_wait

P = ParamSpec("P")
T = TypeVar("T")

#: Threads that there may be: calls beyond that wait for their turn.
MOST_THREADS: Final = 64

#: Seconds for which a thread waits for another call.
IDLE: Final = 10.0


def blocking(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call ``fn(*args, **kwargs)`` on another thread and return its value; other processes run meanwhile.

    For what would stop the scheduler: a C call that waits, a library that knows nothing of processes. What the call raises
    is raised here. It sees the context variables of this process, and its arguments as they are, not copied. Up to
    64 calls run at once, the others wait for their turn. A process that is killed ends at once; a call that has begun
    goes on, and its value is dropped. The interpreter does not wait for it either.

    The thread is not this process: what is to be sent goes by the value, or to a pid that is given. ``self()`` in the call
    is a process of its own, which ends with the call. A process that has a thread (the main one, ``spawn(...,
    thread=True)``) makes the call there, as itself.

    Raises a ``PyexError`` in a coroutine: use ``await asyncio.to_thread(...)``.

    >>> blocking(time.sleep, 0.1)
    >>> blocking(socket.gethostbyname, "localhost")
    '127.0.0.1'
    """
    expect_plain("blocking()", fn)
    process: ControlBlock | None = getattr(getcurrent(), "process", None)
    if not can_wait():
        refuse_to_wait("blocking()", "`await asyncio.to_thread(...)`")
    if process is None:
        return fn(*args, **kwargs)
    assert isinstance(process.owner, Scheduler)
    if process.exiting is not None:
        raise_exit(process)  # nothing more is begun
    call = _Call(process, process.owner, lambda: fn(*args, **kwargs))
    try:
        _pool.submit(call)
        call.wait()
        if call.error is not None:
            raise call.error
        return call.value  # type: ignore[no-any-return]
    finally:
        call.drop()  # an exception's traceback has this frame


class _Call:
    """One call: made by a thread of the pool, waited for by a process."""

    __slots__ = ("_done", "_owner", "_process", "_work", "error", "value")

    def __init__(self, process: ControlBlock, owner: Scheduler, fn: Callable[[], Any]) -> None:
        self._owner = owner
        self._process: ControlBlock | None = process
        #: what is to be done; whoever takes it out, to do it or to forget it, is the one that counts
        self._work = [(contextvars.copy_context(), fn)]
        self._done = False
        #: what it has come to
        self.value: Any = None
        self.error: BaseException | None = None

    def make(self) -> None:
        """In a thread of the pool: make the call, if somebody still waits for it."""
        try:
            context, fn = self._work.pop()
        except IndexError:
            return
        try:
            try:
                self.value = context.run(fn)
            finally:
                leave()  # the call may have used its thread as a process: not for the next one to find
        except BaseException as error:  # raised again in the process, without the frames of the pool
            self.error = error.with_traceback(user_part(error.__traceback__))
        del context, fn
        call_soon(self._owner.loop, self._arrive)

    def _arrive(self) -> None:
        """On the loop of the scheduler: let the process look."""
        self._done = True
        if self._process is not None:
            self._owner.wake(self._process)

    def wait(self) -> None:
        """In the process: wait until the call has been made."""
        process, owner = self._process, self._owner
        assert process is not None
        while not self._done:
            if owner.inbox:
                owner.drain()
            if process.exiting is not None:
                raise_exit(process)
            owner.wait(process)

    def drop(self) -> None:
        """In the process: it waits no more."""
        self._process = self.value = self.error = None
        self._work.clear()


class _Pool:
    """Daemon threads, started when there are more calls than idle ones: the interpreter's end waits for none."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Have no threads and no calls: at first, and in the child of a fork, which has none of its parent's."""
        self._calls: deque[_Call] = deque()
        self._changed = threading.Condition(threading.Lock())
        self._threads = 0
        self._idle = 0

    def submit(self, call: _Call) -> None:
        """Have a call made; raises ``RuntimeError`` when the system gives no thread for it."""
        with self._changed:
            self._calls.append(call)
            if self._idle >= len(self._calls):
                self._changed.notify()
                return
            if self._threads >= MOST_THREADS:
                return
            self._threads += 1
        try:
            threading.Thread(target=self._work, name="pyex-blocking", daemon=True).start()
        except RuntimeError:
            with self._changed:
                self._threads -= 1
                if self._threads:
                    return  # one of those makes it
                self._calls.remove(call)
            raise

    def _work(self) -> None:
        while (call := self._next()) is not None:
            call.make()
            del call  # it is not to be held while the thread waits for another one

    def _next(self) -> _Call | None:
        with self._changed:
            while not self._calls:
                self._idle += 1
                told = self._changed.wait(IDLE)
                self._idle -= 1
                if not told and not self._calls:
                    self._threads -= 1
                    return None
            return self._calls.popleft()


_pool: Final = _Pool()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.begin)
