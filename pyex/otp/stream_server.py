"""The process of a stream of tasks: it owns them, watches their time, and ends with who uses the stream."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from pyex import Down, Exited, Pid, Process, PyexError, Ref, exit, receive, respond
from pyex import self as here
from pyex.otp.working import Work

VALUE: Final = "value"
FAILED: Final = "failed"
OVERDUE: Final = "overdue"
#: it could not be started
REFUSED: Final = "refused"

#: The number of a task, how it went, and its value, exit reason or error.
Result: TypeAlias = tuple[int, str, Any]

#: Starts a task, given the tag of the stream and its number: its process, and a monitor of that.
Start: TypeAlias = Callable[[Ref, int, Work], tuple[Pid, Ref]]


class _Job:
    """A task that is not known to have ended."""

    __slots__ = ("number", "overdue", "pid", "result")

    def __init__(self, number: int, pid: Pid) -> None:
        self.number = number
        self.pid = pid
        #: its value has come: then how it ends does not matter
        self.result: Result | None = None
        self.overdue = False


def serve(user: Pid, tag: Ref, start: Start, timeout: float | None, linked: bool) -> None:
    """Start tasks as ``user`` says by messages ``(tag, ...)``, and tell him when he asks; until he says so, or ends."""
    Process.flag("trap_exit", True)  # of the tasks: their links are there in case this process is killed
    server = StreamServer(user, tag, start, timeout, linked)
    try:
        while server.take(receive()):
            pass
    finally:
        server.end_tasks()


class StreamServer:
    """What it knows: messages that carry no reference it has made itself are nothing to it."""

    def __init__(self, user: Pid, tag: Ref, start: Start, timeout: float | None, linked: bool) -> None:
        self._user = user
        self._watch = Process.monitor(user)
        self._tag = tag
        self._start = start
        self._linked = linked
        #: the number of the next task, and those that run, by their monitors
        self._next = 0
        self._jobs: dict[Ref, _Job] = {}
        self._by_number: dict[int, _Job] = {}
        #: what the user has not been told yet, and the alias that he waits at
        self._results: list[Result] = []
        self._asker: Ref | None = None
        self._timeout = timeout
        #: when tasks are overdue, the oldest first, and the timer for the first of them
        self._deadlines: deque[tuple[float, Ref]] = deque()
        self._timer: Ref | None = None

    def take(self, message: Any) -> bool:
        """Look at one message; False if it was the last."""
        if type(message) is Down:
            if message.ref == self._watch:
                return False
            self._ended(message.ref, message.reason)
        elif type(message) is Exited:
            if message.reason != "normal" and all(message.pid != job.pid for job in self._jobs.values()):
                exit(message.reason)  # it is not a task's: somebody wants this process to end
        elif type(message) is tuple and message and type(message[0]) is Ref and message[0] == self._tag:
            match message:
                case (_, int(number), value):
                    job = self._by_number.get(number)
                    if job is not None:
                        job.result = (number, VALUE, value)
                case (_, (_, alias), work):
                    self._asker = alias
                    self._begin_all(work)
                    self._answer()
                case (_, "work", work):
                    self._begin_all(work)
                case (_, "time"):
                    self._timer = None
                    self._watch_time()
                case (_, "end"):
                    return False
        return True

    def end_tasks(self) -> None:
        """End what still runs, and wait until it has."""
        if self._timer is not None:
            Process.cancel_timer(self._timer)
        for job in self._jobs.values():
            _end(job.pid)
        while self._jobs:
            self._jobs.pop(receive(lambda message: type(message) is Down and message.ref in self._jobs).ref)

    def _begin_all(self, work: tuple[Work, ...]) -> None:
        for one in work:
            number, self._next = self._next, self._next + 1
            try:
                pid, ref = self._start(self._tag, number, one)
            except PyexError as error:
                self._results.append((number, REFUSED, error))
                continue
            self._jobs[ref] = self._by_number[number] = _Job(number, pid)
            if self._timeout is not None:
                self._deadlines.append((time.monotonic() + self._timeout, ref))
                if self._timer is None:
                    self._watch_time()

    def _ended(self, ref: Ref, reason: Any) -> None:
        job = self._jobs.pop(ref, None)
        if job is None:
            return
        del self._by_number[job.number]
        if job.result is not None:
            self._results.append(job.result)
        elif job.overdue:
            self._results.append((job.number, OVERDUE, reason))
        else:
            if self._linked:
                # As a link does, but for a trapper, who gets the result instead. ("kill" would not be a link's reason.)
                Process.exit(self._user, "killed" if reason == "kill" else reason)
            self._results.append((job.number, FAILED, reason))
        self._answer()

    def _answer(self) -> None:
        if self._asker is not None and self._results:
            respond(self._asker, self._results)
            self._asker, self._results = None, []

    def _watch_time(self) -> None:
        """End the tasks whose time is over; there is a timer then for the first whose time is not."""
        now = time.monotonic()
        while self._deadlines:
            deadline, ref = self._deadlines[0]
            job = self._jobs.get(ref)
            if job is not None and deadline > now:
                self._timer = Process.send_after(here(), (self._tag, "time"), deadline - now)
                return
            self._deadlines.popleft()
            if job is not None and job.result is None:
                job.overdue = True
                _end(job.pid)


def _end(pid: Pid) -> None:
    """End a task: in order, which nobody has to report, if it does not trap exits."""
    Process.exit(pid, "shutdown")
    Process.exit(pid, "kill")
