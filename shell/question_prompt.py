"""The prompt at which a person answers the question of a process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from prompt_toolkit import PromptSession
from prompt_toolkit.application import Application
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import ANSI
from prompt_toolkit.history import DummyHistory
from prompt_toolkit.input import Input
from prompt_toolkit.input.typeahead import clear_typeahead, get_typeahead, store_typeahead
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import Output

from shell.questions import Question, QuestionGone

#: Seconds without a key after which a person is taken to have seen that the screen has changed.
PAUSE: Final = 0.7


class QuestionPrompt:
    """Asks for one line. A question that goes while it is on the screen is taken down, with what was typed.

    Whoever is typing at that moment goes on for a little: that belongs to the question too. So the prompt waits
    for Enter, or until nothing has been typed for ``PAUSE`` seconds, before it lets anything else read. And what was
    typed before the question was there is kept for the next input, not taken for the answer.
    """

    def __init__(self, input: Input, output: Output) -> None:
        self._input = input
        self._question: Question | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._last_key = 0.0
        keys = KeyBindings()
        gone = Condition(lambda: self._question is not None and self._question.gone)

        @keys.add("enter", filter=gone)
        @keys.add("c-c", filter=gone)
        @keys.add("c-d", filter=gone)
        def _over(_event: KeyPressEvent) -> None:
            self._end()

        self._session: PromptSession[str] = PromptSession(
            message=self._message, history=DummyHistory(), key_bindings=keys, enable_suspend=True, reserve_space_for_menu=0,
            input=input, output=output,
        )  # fmt: skip
        self._session.app.key_processor.before_key_press += self._key_pressed

    @property
    def app(self) -> Application[str]:
        """The application that shows it."""
        return self._session.app

    def ask(self, question: Question, begins: Callable[[], None]) -> str:
        """The line typed; raises ``EOFError``, ``KeyboardInterrupt``, ``QuestionGone``. Calls ``begins`` on its loop."""
        self._question = question
        self._session.app.erase_when_done = False

        def pre_run() -> None:
            begins()
            self._begins(question)

        with self._input.raw_mode():  # else a begun line could not be read
            typed_before = [*get_typeahead(self._input), *self._input.read_keys()]
        try:
            return self._session.prompt(pre_run=pre_run)
        finally:
            question.watch(None)
            self._loop = None
            clear_typeahead(self._input)
            store_typeahead(self._input, typed_before)

    def _message(self) -> ANSI:
        question = self._question
        assert question is not None
        return ANSI(f"{question.text}(nobody waits for the answer any more) " if question.gone else question.text)

    def _begins(self, question: Question) -> None:
        loop = self._loop = asyncio.get_running_loop()

        def tell() -> None:
            try:
                loop.call_soon_threadsafe(self._gone)
            except RuntimeError:
                pass  # the person has just answered

        question.watch(tell)

    def _key_pressed(self, _sender: object) -> None:
        self._last_key = time.monotonic()

    def _gone(self) -> None:
        self._last_key = time.monotonic()
        self._session.app.invalidate()
        self._end_when_quiet()

    def _end_when_quiet(self) -> None:
        left = self._last_key + PAUSE - time.monotonic()
        assert self._question is not None
        if self._question.leaving or left <= 0:
            self._end()
        elif self._loop is not None:
            self._loop.call_later(left, self._end_when_quiet)

    def _end(self) -> None:
        app = self._session.app
        if self._loop is not None and app.is_running and app.future is not None and not app.future.done():
            app.erase_when_done = True
            app.exit(exception=QuestionGone())
