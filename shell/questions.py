"""Who may read the terminal: processes that ask, in the order in which they did, and the evaluator itself.

The prompt is not among them: it is there when nobody else reads. Used by three threads: the output process, which
gets the questions, the server, which puts them to the person, and the evaluator, when its own code reads.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from pyex import ANY, Pid, Process, Ref, receive, send


class QuestionGone(Exception):
    """Nobody waits for an answer any more; what was typed is dropped."""


class Question:
    """What a process asks, and whether it still waits for the answer."""

    def __init__(self, asker: Pid, alias: Ref, prompt: str) -> None:
        self.asker = asker
        self.alias = alias
        self.prompt = prompt
        self.text = f"{_name(asker)} asks: {prompt}"
        self.gone = False
        #: the shell leaves: nothing typed now is meant for it any more
        self.leaving = False
        self.announced = False
        self._when_gone: Callable[[], None] | None = None
        self._lock = threading.Lock()

    def watch(self, when_gone: Callable[[], None] | None) -> None:
        """Have this called, from any thread, when the question goes, or has gone; None: no more."""
        with self._lock:
            self._when_gone = when_gone
            gone = self.gone
        if gone and when_gone is not None:
            when_gone()

    def take_back(self, *, leaving: bool = False) -> None:
        """Nobody waits for the answer any more."""
        with self._lock:
            self.leaving = self.leaving or leaving
            self.gone = True
            when_gone = self._when_gone
        if when_gone is not None:
            when_gone()


def _name(pid: Pid) -> str:
    """The registered name of a process, if it has one, else its pid."""
    return next((name for name in Process.registered() if Process.whereis(name) == pid), repr(pid))


class Questions:
    """The queue for the terminal."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: questions, and the alias of the evaluator in its place
        self._queue: deque[Question | Ref] = deque()
        #: the one that the server puts to the person now
        self._shown: Question | None = None
        #: how deep the evaluator's code is in reading
        self._reading = 0
        self._closed = False
        #: called, in any thread, when there is something for the server to do
        self.tell: Callable[[], None] = lambda: None
        #: shows a question whose turn has come, where no prompt does
        self.announce: Callable[[Question], None] = lambda _: None

    def add(self, question: Question) -> None:
        """A process asks."""
        with self._lock:
            if self._closed:
                return  # it hears of it by the end of the output process
            self._queue.append(question)
        self._look()

    def forget(self, alias: Ref) -> None:
        """The process that gave this alias does not wait any more."""
        with self._lock:
            gone = [one for one in (self._shown, *self._queue) if isinstance(one, Question) and one.alias == alias]
            for question in gone:
                if question is not self._shown:
                    self._queue.remove(question)
        for question in gone:
            question.take_back()
        self._look()

    def close(self) -> None:
        """The shell leaves: no questions any more."""
        with self._lock:
            self._closed = True
            self._queue.clear()
            shown = self._shown
        if shown is not None:
            shown.take_back(leaving=True)

    def next(self) -> Question | None:
        """For the server: the question to put now; None if there is none, or the evaluator reads."""
        with self._lock:
            if self._reading or not self._queue:
                return None
            first = self._queue.popleft()
            if isinstance(first, Question):
                self._shown = first
                return first
            self._reading = 1
        send(first, (first, "read"))
        return None

    def answer(self, question: Question, reply: Any) -> None:
        """For the server: the person has answered the question, unless it was gone."""
        with self._lock:
            self._shown = None
        if not question.gone:
            send(question.alias, ("io_reply", question.alias, reply))
        self._look()

    @contextlib.contextmanager
    def evaluator_reads(self) -> Iterator[None]:
        """In the evaluator: have the terminal to itself, when its turn has come."""
        with self._lock:
            free = self._reading or (self._shown is None and not self._queue)
            if free:
                self._reading += 1
        if not free:
            self._wait()
        try:
            yield
        finally:
            with self._lock:
                self._reading -= 1
            self._look()

    def _wait(self) -> None:
        alias = Process.alias(reply=True)
        with self._lock:
            self._queue.append(alias)
        try:
            self.tell()
            receive((alias, "read"))
        except BaseException:
            with self._lock:
                if alias in self._queue:
                    self._queue.remove(alias)
                else:
                    self._reading -= 1
            self._look()
            Process.unalias(alias)
            receive((alias, ANY), timeout=0, default=None)
            raise

    def _look(self) -> None:
        """Have the next one served, if the terminal is free for it."""
        with self._lock:
            if self._reading or self._shown is not None or not self._queue:
                return
            first = self._queue[0]
            announced = not isinstance(first, Question) or first.announced
            if isinstance(first, Question):
                first.announced = True
        if not announced and isinstance(first, Question):
            self.announce(first)
        self.tell()
