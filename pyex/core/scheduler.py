"""A scheduler: an OS thread that runs an asyncio event loop and, in it, processes.

Processes are greenlets. A process that waits switches straight to the next runnable one; when none is
left, or I/O has waited long enough, to the hub: the greenlet that runs the event loop. A slice of the run
queue is a callback of the loop, so sockets and timers live on the same thread with no hand-off.
"""

from __future__ import annotations

import logging
import threading
import time
from asyncio import events
from collections import deque
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from greenlet import getcurrent, greenlet

from pyex.core.alarms import Alarms, alarm
from pyex.core.lifecycle import run_to_end
from pyex.core.loops import end_tasks, new_loop
from pyex.core.monitor import monitor
from pyex.core.moving import START, apply_or_post, pass_on, take
from pyex.core.preemption import thread_state
from pyex.core.process import Alarm, ControlBlock, has_mail
from pyex.core.safe_points import collecting, refuse_to_wait
from pyex.core.signals import apply, end

#: Switches between processes before the loop gets a turn at its I/O and timers: as many as take about so many
#: seconds, within these bounds.
SLICE: Final = 0.002
FEWEST_SWITCHES: Final = 50
MOST_SWITCHES: Final = 2000

#: Of so many turns one is for those of lesser priority, however much those of higher priority have to do.
OTHERS_TURN: Final = 8

#: Greenlets kept for reuse when their process has ended.
IDLE_WORKERS: Final = 64

log = logging.getLogger("pyex.scheduler")

_get_ident = threading.get_ident
_now = time.monotonic
_running_loop = events._get_running_loop
_thread = threading.local()
_ALONE: Final = nullcontext()


def scheduler_of_thread() -> Scheduler | None:
    """The scheduler whose thread this is."""
    return getattr(_thread, "scheduler", None)


def no_scheduler_here() -> None:
    """In the child of a fork: the scheduler whose thread this was is not there any more."""
    _thread.__dict__.clear()


class Worker(greenlet):
    """The greenlet of a process, and after its end of another one.

    Always started by the hub: a greenlet inherits the recursion depth of where it is first entered.
    """

    __slots__ = ("owner", "process")

    owner: Scheduler
    process: ControlBlock

    def run(self) -> None:
        """Run one process after the other, until there is no use for another greenlet."""
        owner = self.owner
        ready, idle = owner.ready, owner.idle_workers
        while True:
            relations = self.process.relations
            if relations is not None and relations.context is not None:  # it wakes from hibernation
                self.gr_context, relations.context = relations.context, None
            run_to_end(self.process)
            del self.process, relations
            self.gr_context = None  # a process starts with an empty context of its own
            following = owner.hub
            if ready and owner.budget:
                owner.budget -= 1
                process = ready.popleft()
                if process.greenlet is None:
                    process.greenlet, self.process = self, process
                    continue
                following = process.greenlet
            if len(idle) >= IDLE_WORKERS:
                self.parent = following
                return
            idle.append(self)
            following.switch()


class _Urgent(deque[ControlBlock]):
    """The run queue of high priority: whoever enters it cuts the current slice short."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self._scheduler = scheduler

    def append(self, process: ControlBlock) -> None:
        super().append(process)
        self._scheduler.budget = 0


class Scheduler:
    """Owns processes and runs them; see the module's docstring.

    ``ready``, ``budget`` and the processes' state belong to its thread; other threads only ``post``.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.loop = new_loop()
        #: seconds -> the alarms of that length
        self.alarms: dict[float, Alarms] = {}
        #: runnable processes, the next one first
        self.ready: deque[ControlBlock] = deque()
        #: those of high and of low priority
        self.urgent: deque[ControlBlock] = _Urgent(self)
        self.patient: deque[ControlBlock] = deque()
        #: those that were interrupted; one of them runs in each slice, after all that were woken
        self.interrupted: deque[ControlBlock] = deque()
        #: signals posted by other threads
        self.inbox: deque[list[Any]] = deque()
        #: switches left in this slice, and those that a slice begins with
        self.budget = 0
        self.switches = 300
        #: slices there have been, and whether one is being run: what the monitor looks at
        self.slices = 0
        self.in_slice = False
        self.slice_begun = 0.0
        #: when the monitor first saw that one process had the thread, if it has had it for long
        self.held_since = 0.0
        #: it could not be interrupted where it was
        self.refused = False
        #: the workers that wait for a process
        self.idle_workers: list[Worker] = []
        #: the stacks of processes declared dead; dropped, a stack would be unwound, and its code run once more
        self.abandoned: list[greenlet] = []
        #: a slice runs or is sure to run; whoever sets it schedules the slice
        self.slice_due = False
        #: it is to stop, and gets no new processes; and the slices there had been when that was last looked at
        self.leaving = False
        self.slices_seen = 0
        self.hub: greenlet
        self.thread_id: int | None = None
        #: the C structure of its thread
        self.thread_state = 0
        self.thread = threading.Thread(target=self._main, name=f"pyex-scheduler-{number}", daemon=True)
        started = threading.Event()
        self.loop.call_soon(started.set)
        try:
            self.thread.start()
        except RuntimeError:  # there are no more threads to be had: the interpreter ends, for one
            self.loop.close()
            raise
        started.wait()

    def _main(self) -> None:
        _thread.scheduler = self
        self.hub = getcurrent()
        self.thread_id = threading.get_ident()
        self.thread_state = thread_state()
        try:
            self._run_loop()
            self.loop.run_until_complete(end_tasks())
            for worker in self.idle_workers:
                worker.throw()  # a greenlet ends best on its own thread
        finally:
            self.loop.close()

    def _run_loop(self) -> None:
        while True:
            try:
                self.loop.run_forever()
            except (SystemExit, KeyboardInterrupt) as error:  # asyncio lets these out, from any task
                log.error("A task or callback raised %r: it ends nothing but itself", error)
            else:
                return

    # As an owner of processes

    def post(self, process: ControlBlock, op: int, args: Any) -> None:
        """Apply a signal: at once on this thread, else at the beginning of the next slice."""
        if _get_ident() == self.thread_id:
            if self.inbox:
                # This may be the answer of a thread's process, given here in its place, to one of ours. What
                # that process has sent before it may lie there still.
                self.drain()
            if process.greenlet is not None and process.owner is self:
                apply(process, op, args)
            else:
                apply_or_post(self, process, op, args)
        else:
            entry = [process, op, args]
            self.put_in(entry)
            if process.owner is not self:  # likewise
                pass_on(entry)

    def put_in(self, entry: list[Any]) -> None:
        """From another thread: put something into the inbox."""
        self.inbox.append(entry)
        if not self.slice_due:
            self.slice_due = True
            try:
                self.loop.call_soon_threadsafe(self.run_slice)
            except RuntimeError:
                pass  # the loop is closed: the interpreter ends

    def drain(self) -> None:
        """Apply what other threads have posted, in the order it came."""
        inbox = self.inbox
        for _ in range(len(inbox)):  # what comes meanwhile waits: a flood is not to hold up the others
            if not inbox:
                break  # applying one of them has drained the rest
            entry = inbox[0]
            process, op, args = entry
            if process is not None and process.greenlet is not None and process.owner is self:
                inbox.popleft()
                apply(process, op, args)
            else:
                take(self, entry)

    def wake(self, process: ControlBlock) -> None:
        """Make a waiting process runnable."""
        if process.waiting:
            process.waiting = False
            process.queue.append(process)
            if not self.slice_due:
                self.schedule_slice()

    def schedule_slice(self) -> None:
        """See to it that the run queue gets its turn; from the thread a process has just left, it may be."""
        self.slice_due = True
        (self.loop.call_soon if _get_ident() == self.thread_id else self.loop.call_soon_threadsafe)(self.run_slice)

    def queue_for(self, priority: str) -> deque[ControlBlock]:
        """The run queue of processes of that priority."""
        return {"high": self.urgent, "normal": self.ready, "low": self.patient}[priority]

    def start(self, process: ControlBlock) -> None:
        """From any thread: run a new process of this scheduler."""
        if _get_ident() == self.thread_id:
            process.queue.append(process)
            if not self.slice_due:
                self.schedule_slice()
        else:
            self.post(process, START, None)

    def alarm(self, process: ControlBlock, seconds: float) -> Alarm:
        """A timer of the loop that wakes the process."""
        return alarm(self.alarms, self.loop, process, seconds)

    def wait(self, process: ControlBlock, seen: int = 0, alarm: Alarm | None = None) -> None:
        """In a process: run others until somebody wakes this one."""
        if collecting or _running_loop() is not None:
            refuse_to_wait()
        process.waiting = True
        ready = self.ready
        if ready and self.budget:
            self.budget -= 1
            following = ready.popleft()
            stack = following.greenlet
            if stack is None and self.idle_workers:  # stack_for() without its call: so begins whoever was just spawned
                following.greenlet = stack = self.idle_workers.pop()
                stack.process = following
            (stack or self.stack_for(following)).switch()
        else:
            self.hub.switch()

    def stack_for(self, process: ControlBlock) -> greenlet:
        """In another process, for one that is to run and has no stack: where to switch to."""
        if self.idle_workers:
            process.greenlet = worker = self.idle_workers.pop()
            worker.process = process
            return worker
        self.ready.appendleft(process)
        return self.hub  # which makes one

    def give_way(self, process: ControlBlock) -> None:
        """In a process: let every other runnable one run first."""
        process.queue.append(process)
        self.hub.switch()

    def move_aside(self, process: ControlBlock) -> None:
        """In a process that was interrupted: let the loop have its turn, and all that were woken."""
        self.budget = 0
        if process.queue is self.patient:
            self.patient.append(process)
        elif process.queue is self.urgent and self.slices % OTHERS_TURN:
            self.interrupted.appendleft(process)
        else:
            self.interrupted.append(process)
        self.hub.switch()

    def hibernate(self, process: ControlBlock) -> bool:
        """On the stack of a process that has dropped all it had there: let it wait without; False if there is no need."""
        if self.inbox:
            self.drain()
        if process.exiting is not None or (process.mailbox is not None and has_mail(process)):
            return False
        context = getcurrent().gr_context
        if context:
            process.relate().context = context
        process.greenlet = None
        process.waiting = True
        return True

    def alone(self) -> AbstractContextManager[None]:
        """Nothing to do: signals are applied on this thread only."""
        return _ALONE

    end = staticmethod(end)

    def raises(self, process: ControlBlock) -> None:
        """In a process: its code returns to nobody but the scheduler."""

    def abandon(self, process: ControlBlock, reason: Any) -> None:
        """In a process that does not stop: end it, and never come back to its stack."""
        self.abandoned.append(getcurrent())
        end(process, reason)
        while True:
            self.hub.switch()

    # The run queue

    def run_slice(self) -> None:
        """Run processes until none is runnable or the slice is over; a callback of the loop."""
        # Code of a process is plain code: asyncio.run() must work there, so no loop seems to run.
        events._set_running_loop(None)
        self.slice_due = self.in_slice = True
        self.slices += 1
        if monitor.asleep:
            monitor.wake()
        begun = self.slice_begun = _now()
        try:
            if self.inbox:
                self.drain()
            if self.urgent:
                self._run_urgent()
            else:
                self.budget = self.switches
            while self.ready and self.budget > 0:
                self.budget -= 1
                self._resume(self.ready.popleft())
                if self.inbox and not self.ready:
                    self.drain()
            if self.interrupted:
                self._resume(self.interrupted.popleft())
            if self.patient and (self.slices % OTHERS_TURN == 0 or not (self.ready or self.interrupted or self.urgent)):
                self._resume(self.patient.popleft())
        finally:
            events._set_running_loop(self.loop)
            self.in_slice = self.slice_due = False
            # Looked at after the flag is down, or a post could be overlooked.
            if self.ready or self.inbox or self.interrupted or self.urgent or self.patient:
                self.slice_due = True
                self.loop.call_soon(self.run_slice)
                self._adapt(_now() - begun)

    def _run_urgent(self) -> None:
        """Run processes of high priority, each for one turn; and leave the others their part of the slice."""
        for _ in range(self.switches):
            if not self.urgent:
                break
            self.budget = 0  # whatever it wakes waits for the end of its turn
            self._resume(self.urgent.popleft())
            if self.inbox:
                self.drain()
        self.budget = self.switches // OTHERS_TURN if self.urgent else self.switches

    def _adapt(self, seconds: float) -> None:
        """Let the next slice be of the right length."""
        if seconds < SLICE / 2:
            self.switches = min(self.switches * 2, MOST_SWITCHES)
        elif seconds > SLICE * 2:
            self.switches = max(self.switches // 2, FEWEST_SWITCHES)

    def _resume(self, process: ControlBlock) -> None:
        if process.greenlet is None and not self.idle_workers:
            worker = Worker()
            worker.owner = self
            self.idle_workers.append(worker)
        (process.greenlet or self.stack_for(process)).switch()

    def run_on_loop(self, callback: Any, *args: Any) -> None:
        """From any thread: call ``callback`` on the loop, soon."""
        self.loop.call_soon_threadsafe(callback, *args)
