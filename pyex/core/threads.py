"""Threads as processes: any thread that uses pyex becomes a process by doing so."""

from __future__ import annotations

import os
import sys
import threading
import time
from asyncio import AbstractEventLoop, new_event_loop
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from greenlet import getcurrent

from pyex.core import uncaught
from pyex.core.alarms import Deadline
from pyex.core.errors import PyexError, Terminated
from pyex.core.ids import Pid, new_pid
from pyex.core.interrupts import Bell, await_ring, interrupts
from pyex.core.lifecycle import conclude, run_to_end
from pyex.core.monitor import monitor
from pyex.core.own_loop import close_loop
from pyex.core.pieces import bottom_of, ending, is_over
from pyex.core.preemption import thread_state
from pyex.core.process import Alarm, ControlBlock, has_mail, processes
from pyex.core.scheduler import no_scheduler_here, scheduler_of_thread
from pyex.core.signals import apply, end

_MAIN: Final = threading.main_thread().ident

#: Seconds that a thread has to notice that its process is to end, and then to clean up; after that the process ends
#: without it.
NOTICE: Final = 0.2
CLEAN_UP: Final = 5.0

#: Seconds of a wait for those who change a process between two looks whether Ctrl-C has been pressed.
LOOK: Final = 0.05


class ThreadOwner:
    """The owner of a process that has a whole thread.

    Whoever posts a signal applies it, one thread at a time, so that a process whose thread is busy in
    foreign code can still be linked to, monitored and exited.
    """

    __slots__ = (
        "_applier", "_applying", "_parked", "_parking", "inbox", "interrupted", "listeners", "process", "ready", "thread",
        "thread_id", "thread_state",
    )  # fmt: skip

    process: ControlBlock

    def __init__(self) -> None:
        #: a signal leaves it when it has been applied: who finds it empty knows that all have been
        self.inbox: deque[tuple[int, Any]] = deque()
        #: its only process is in no queue
        self.ready: deque[ControlBlock] = deque()
        self._applying = threading.Lock()
        #: the thread that holds the lock
        self._applier: int | None = None
        #: rung when the thread is to look again
        self._parking = Bell()
        #: it waits there
        self._parked = False
        #: KeyboardInterrupt is to be raised in the thread, which is not the main one
        self.interrupted = False
        #: for each coroutine of the thread that waits for a signal: what tells its loop, from any thread, to look again.
        #: Who adds one sets ``waiting`` and then looks; who takes out the last one, the opposite
        self.listeners: list[Callable[[], None]] = []
        #: the thread that runs the process, once it does
        self.thread_id: int | None = None
        self.thread_state = 0
        #: the same, if it was started for the process
        self.thread: threading.Thread | None = None

    def queue_for(self, priority: str) -> deque[ControlBlock]:
        """Any: the system decides when a thread runs."""
        return self.ready

    def start(self, process: ControlBlock) -> None:
        """Run a new process on a thread of its own."""

        def main() -> None:
            self.thread_id = threading.get_ident()
            self.thread_state = thread_state()
            _local.seat = _Seat(process)
            run_to_end(process)
            leave()

        self.thread = threading.Thread(target=main, name=f"pyex-process-{process.pid}", daemon=True)
        try:
            self.thread.start()
        except RuntimeError:  # the system has no more threads
            self.end(process, "system_limit")
            raise

    def post(self, process: ControlBlock, op: int, args: Any) -> None:
        """Apply a signal, or leave it to the thread that is applying one."""
        self.inbox.append((op, args))
        self._apply_posted()

    def drain(self) -> None:
        """In the thread: see to it that all that is posted has been applied; Ctrl-C is let in while others apply it."""
        thread = threading.get_ident()
        if self._applier == thread:
            return
        while not self._applying.acquire(timeout=LOOK):
            interrupts.border()
        self._applier = thread
        self._apply_and_release()
        self._apply_posted()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """In the thread: change the process while nobody else does."""
        thread = threading.get_ident()
        if self._applier == thread:  # a finalizer, called in the midst of it
            yield
            return
        self._applying.acquire()
        self._applier = thread
        try:
            yield
        finally:
            self._apply_and_release()
            self._apply_posted()

    def end(self, process: ControlBlock, reason: Any) -> None:
        """In the thread: take the process out of the world; what is posted later is answered for."""
        with self.alone():
            end(process, reason)

    def _expect_end(self, process: ControlBlock, seconds: float) -> None:
        """The process is to end; its thread is busy, in foreign code perhaps, which nothing can interrupt."""
        timer = threading.Timer(seconds, self._end_overdue, (process, seconds))
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError:  # the interpreter ends, or has no more threads
            pass

    def _end_overdue(self, process: ControlBlock, waited: float) -> None:
        with self.alone():
            exiting = process.exiting
            if processes.get(process.pid.key) is not process or exiting is None:
                return
            if exiting.raised and waited < CLEAN_UP:
                self._expect_end(process, CLEAN_UP)
            else:
                self.abandon(process, conclude(process, None))

    def abandon(self, process: ControlBlock, reason: Any) -> None:
        """End the process, though its thread's code does not stop; what that calls from now on raises."""
        ending[process.pid.key] = bottom_of(self.thread_id)
        self.end(process, reason)

    def raises(self, process: ControlBlock) -> None:
        """In the thread: if it was none of the runtime's, its code may return to somebody who goes on."""
        if process.initial_call is None and process.pid.key not in ending:
            ending[process.pid.key] = bottom_of(self.thread_id)

    def _apply_posted(self) -> None:
        # Who posts while the lock is held leaves it to the holder, who looks again after its release.
        while self.inbox and self._applying.acquire(blocking=False):
            self._applier = threading.get_ident()
            self._apply_and_release()

    def _apply_and_release(self) -> None:
        inbox = self.inbox
        try:
            while inbox:
                try:
                    apply(self.process, *inbox[0])
                finally:
                    inbox.popleft()
        finally:
            self._applier = None
            self._applying.release()

    def wake(self, process: ControlBlock) -> None:
        """Let the thread look again."""
        if process.waiting:
            process.waiting = False
            if self._parked:
                self._parking.ring()
                return
            self._ring()
            if process.exiting is not None and self.thread_id is not None and self.thread_id != _MAIN:
                self._expect_end(process, NOTICE)  # its loop may be busy
        elif process.exiting is not None and self.thread_id == _MAIN:
            interrupts.doom(self.thread_id)
        elif process.exiting is not None and self.thread_id is not None:
            monitor.hunt(self)
            self._expect_end(process, NOTICE)

    def _ring(self) -> None:
        for listener in list(self.listeners):
            listener()

    def alarm(self, process: ControlBlock, seconds: float) -> Alarm:
        """A deadline; the wait itself wakes at it."""
        return Deadline(seconds)

    def wait(self, process: ControlBlock, seen: int = 0, alarm: Alarm | None = None) -> None:
        """Wait for the next wake-up; an interrupt (Ctrl-C) is let in here and nowhere else in the runtime."""
        try:
            self._parked = process.waiting = True
            # Looked at after the flag is up: a signal applied before that woke nobody.
            if self.interrupted and process.exiting is None:
                self.interrupted = False
                raise KeyboardInterrupt
            if process.exiting is not None or len(process.mailbox or ()) != seen:
                return
            assert alarm is None or isinstance(alarm, Deadline)
            await_ring(self._parking, alarm, interruptible=self.thread_id == _MAIN)
        finally:
            self._parked = process.waiting = False
            self._ring()  # what woke this wait may have been for them

    def hibernate(self, process: ControlBlock) -> bool:
        """In the thread, which is all it has: wait for mail, or for its exit; there is nothing to gain."""
        while True:
            with self.alone():
                if process.exiting is not None or has_mail(process):
                    return False
            self.wait(process, 0, None)

    def give_way(self, process: ControlBlock) -> None:
        """Let other threads run."""
        time.sleep(1e-9)  # a real pause; with 0 it would have the interpreter again before a waiting thread awakes


class _Seat:
    """What a thread-local holds; dropped with its thread, which is how the end of a thread is noticed."""

    __slots__ = ("loop", "process")

    def __init__(self, process: ControlBlock) -> None:
        self.process = process
        #: where the thread runs coroutines, once it has
        self.loop: AbstractEventLoop | None = None

    def __del__(self) -> None:
        # A fork drops, in the child, what its parent's other threads had; there they have not ended.
        if not sys.is_finalizing() and os.getpid() == _program:
            self.leave()

    def leave(self) -> None:
        """End the process, if it has not ended, and what it has left on its loop."""
        process = self.process
        loop, self.loop = self.loop, None
        if loop is not None:
            close_loop(loop)
        if processes.get(process.pid.key) is process:
            process.owner.end(process, conclude(process, None))
        if isinstance(process.owner, ThreadOwner):
            process.owner.thread_id = None
        ending.pop(process.pid.key, None)


_local = threading.local()

#: The operating system's process that the threads are part of.
_program = os.getpid()

#: In the context of a coroutine, and of all that it starts: the process that awaits it.
awaiter: Final[ContextVar[ControlBlock]] = ContextVar("pyex.awaiter")


def border() -> None:
    """A call from user code into the runtime: the place for an interrupt that had to wait, or for an end."""
    interrupts.border()
    if ending:
        process = process_here()
        if process is not None and process.pid.key in ending:
            if is_over(process):
                leave()
            elif processes.get(process.pid.key) is not process:
                raise Terminated(process.exiting.reason if process.exiting is not None else "killed")


def this_process() -> ControlBlock:
    """The process this code runs in; a thread that was none becomes one."""
    try:
        return getcurrent().process  # type: ignore[attr-defined, no-any-return]
    except AttributeError:
        border()
        return _thread_process() or _adopt()


def process_here() -> ControlBlock | None:
    """The process this code runs in, if it is one."""
    try:
        return getcurrent().process  # type: ignore[attr-defined, no-any-return]
    except AttributeError:
        return _thread_process()


def _thread_process() -> ControlBlock | None:
    seat = getattr(_local, "seat", None)
    return seat.process if seat is not None else process_of_coroutine()


def process_of_coroutine() -> ControlBlock | None:
    """The process that awaits the coroutine this code is part of, or has awaited the one that started it."""
    process = awaiter.get(None)
    # Another thread may have got a copy of the context, from asyncio.to_thread() say.
    return process if process is not None and process.owner.thread_id == threading.get_ident() else None


def own_loop() -> AbstractEventLoop:
    """The event loop on which this thread, a process, runs coroutines; it lasts as long as the process."""
    seat: _Seat = _local.seat
    if seat.loop is None:
        seat.loop = new_event_loop()
    return seat.loop


def _adopt() -> ControlBlock:
    if scheduler_of_thread() is not None:
        raise PyexError(
            "a callback of the event loop is no process: it can send() and spawn(), but not wait. "
            "Spawn a process for what has to wait"
        )
    process = new_thread_process(None, None)
    _local.seat = _Seat(process)
    if threading.get_ident() == _MAIN:
        uncaught.install()
    return process


def _exit_signal() -> Terminated | None:
    process = process_here()
    if process is None or process.exiting is None or is_over(process):
        return None
    process.owner.raises(process)
    return Terminated(process.exiting.reason, process.exiting.linked)


interrupts.waits.add(ThreadOwner.wait.__code__)
interrupts.exit_signal = _exit_signal


def new_thread_process(parent: Pid | None, leader: Pid | None, *, system: bool = False) -> ControlBlock:
    """A process owned by the current thread."""
    interrupts.install()
    owner = ThreadOwner()
    owner.thread_id = threading.get_ident()
    owner.thread_state = thread_state()
    process = ControlBlock().set_up(new_pid(system), owner, None, parent, leader)
    owner.process = process
    processes[process.pid.key] = process
    return process


def leave() -> None:
    """End the process that this thread is, as the end of the thread would."""
    seat = getattr(_local, "seat", None)
    if seat is not None:
        _local.seat = None
        seat.leave()  # said aloud: a traceback that is kept may hold the seat


@contextmanager
def seated(process: ControlBlock) -> Iterator[None]:
    """For as long as this is entered, this thread is that process; at the end of it the process's."""
    outer = getattr(_local, "seat", None)
    seat = _local.seat = _Seat(process)
    try:
        yield
    finally:
        seat.leave()
        _local.seat = outer


def forget_threads() -> None:
    """In the child of a fork: this thread is no process any more, and no scheduler's."""
    global _local, _program
    _program = os.getpid()
    _kept.append(_local)
    _local = threading.local()
    ending.clear()
    no_scheduler_here()
    here: Any = getcurrent()
    if hasattr(here, "process"):
        del here.process, here.owner


#: The thread-locals of those that forked: dropped, they would end the processes that their threads are.
_kept: Final[list[Any]] = []
