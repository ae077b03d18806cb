"""Completion at the prompt: computed aside, and shown if the text is still the same when it is there."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Final

from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from shell.candidates import Found

#: Seconds that a completion may take; after that there is none, and the next one is computed by another thread.
PATIENCE: Final = 2.0

#: Threads that may be stuck in a completion (a folder on a server that is gone, say) before no more are tried.
STUCK: Final = 3

_Job = tuple[str, Callable[[Found], None]]


class Aside:
    """Computes completions on a thread of its own; of those that wait, the newest only."""

    def __init__(self, complete: Callable[[str], Found]) -> None:
        self._complete = complete
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._stuck = 0
        self._thread: threading.Thread | None = None

    async def ask(self, before: str) -> Found:
        """What could come after this text; nothing, if that takes too long."""
        if self._stuck >= STUCK:
            return Found()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, args=(self._jobs,), name="pyex-completion", daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Found] = loop.create_future()

        def put(found: Found) -> None:
            if not answer.done():
                answer.set_result(found)

        def tell(found: Found) -> None:
            try:
                loop.call_soon_threadsafe(put, found)
            except RuntimeError:
                pass  # that prompt has ended

        self._jobs.put((before, tell))
        try:
            return await asyncio.wait_for(answer, PATIENCE)
        except TimeoutError:
            self._stuck += 1
            abandoned, self._jobs, self._thread = self._jobs, queue.SimpleQueue(), None
            abandoned.put(("", lambda _: None))  # it ends when it is through
            return Found()

    def _work(self, jobs: queue.SimpleQueue[_Job]) -> None:
        while jobs is self._jobs:
            before, tell = jobs.get()
            while not jobs.empty():
                tell(Found())
                before, tell = jobs.get()
            try:
                found = self._complete(before)
            except Exception:  # a completion that fails is none
                found = Found()
            tell(found)
        self._stuck -= 1


class PromptCompleter(Completer):
    """What :mod:`shell.completion` finds, for the prompt's menu."""

    def __init__(self, complete: Callable[[str], Found]) -> None:
        self._complete = complete
        self._aside = Aside(complete)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """At once, for who asks so."""
        return _completions(self._complete(document.text_before_cursor))

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """Computed aside; to who has not asked only what helps is shown."""
        found = await self._aside.ask(document.text_before_cursor)
        if found.offered or complete_event.completion_requested:
            for one in _completions(found):
                yield one


def while_typing(buffer: Buffer) -> None:
    """Show what could come next, after a text was typed."""
    before = buffer.document.text_before_cursor[-1:]
    if buffer.complete_state is None and (before.isalnum() or before in ("_", ".", "/", '"', "'")):
        buffer.start_completion(select_first=False, complete_event=CompleteEvent(text_inserted=True))


def _completions(found: Found) -> Iterable[Completion]:
    for one in found.candidates:
        yield Completion(
            one.text, start_position=-found.length, display=one.label or one.text, display_meta=one.note or None
        )
