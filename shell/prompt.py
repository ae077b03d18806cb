"""The prompt of a terminal: editing, history, completion, colours, blocks of several lines."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.application import Application, run_in_terminal
from prompt_toolkit.document import Document
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.formatted_text import PygmentsTokens, merge_formatted_text
from prompt_toolkit.input import create_input
from prompt_toolkit.key_binding import merge_key_bindings
from prompt_toolkit.lexers import PygmentsLexer
from prompt_toolkit.output import ColorDepth, Output, create_output
from prompt_toolkit.shortcuts import print_formatted_text
from pygments.lexers.python import PythonLexer

from shell.candidates import Found
from shell.completer import PromptCompleter, while_typing
from shell.config import Config
from shell.history import history
from shell.keys import key_bindings
from shell.offer import Offer
from shell.paste import inputs
from shell.question_prompt import PAUSE, QuestionPrompt
from shell.questions import Question
from shell.screen import Screen
from shell.state import SteppedAside
from shell.theme import style

#: Lines of the menu of completions.
MENU: int = 8


def _nothing(_before: str) -> Found:
    return Found()


class TerminalReader:
    """Reads inputs at a prompt. Runs in the server's thread; other threads only call ``above`` and ``aside``."""

    edits = True

    def __init__(self, screen: Screen, history_file: Path, config: Config = Config()) -> None:  # noqa: B008 - it is frozen
        self._screen = screen
        self._config = config
        #: tells what could be typed after a text; called on a thread of its own
        self.completer: Callable[[str], Found] = _nothing
        #: called when a prompt is there, with all that it needs
        self.when_shown: Callable[[], None] = lambda: None
        self._loop: asyncio.AbstractEventLoop | None = None
        #: a process asks: the prompt is to step aside
        self._asked = False
        #: what was typed when it did
        self._begun = Document()
        #: the text is a session that was pasted: each of its inputs is evaluated by itself
        self._pasted = False
        self._waiting: deque[str] = deque()
        self._last_key = 0.0
        input, output = create_input(sys.stdin), _output(screen)
        self._output = output
        self._offer = Offer()
        self._session: PromptSession[str] = PromptSession(
            multiline=True,
            prompt_continuation=_continuation,
            lexer=PygmentsLexer(PythonLexer) if screen.colour else None,
            style=style(screen.theme, colour=screen.colour),
            include_default_pygments_style=False,
            color_depth=None if screen.colour else ColorDepth.DEPTH_1_BIT,
            history=history(history_file),
            completer=PromptCompleter(self._complete) if config.completion != "off" else None,
            complete_while_typing=False,  # that is decided here, and the menu has its place only while it is shown
            reserve_space_for_menu=MENU,
            editing_mode=EditingMode.VI if config.keys == "vi" else EditingMode.EMACS,
            mouse_support=config.mouse,
            key_bindings=merge_key_bindings([key_bindings(self._is_session), self._offer.keys]),
            input_processors=[self._offer],
            enable_suspend=True,
            enable_open_in_editor=True,
            tempfile_suffix=".py",
            input=input,
            output=output,
        )
        if config.completion == "typing":
            self._session.default_buffer.on_text_insert += while_typing
        self._offer.watch(self._session.default_buffer)
        self._session.app.key_processor.before_key_press += self._key_pressed
        self._question = QuestionPrompt(input, output)
        #: the one that is on the screen
        self._app: Application[str] = self._session.app

    def read(self, node: str, number: int, offered: str | None = None) -> str | None:
        """The next complete input, None for Ctrl-D. What was begun before ``SteppedAside`` is there again."""
        prompt = self._config.prompt_for(node, number, self._output.get_size().columns)
        if self._waiting and not self._asked:
            return self._show(prompt, self._waiting.popleft())
        begun, self._begun = self._begun, Document()
        self._offer.make(offered)
        self._session.app.erase_when_done = self._pasted
        try:
            text = self._session.prompt(
                prompt, default=begun if begun.text else self._offer.document, pre_run=self._begins
            )
        except EOFError:
            return None
        finally:
            self._loop = None
            self._screen.prompt_ended()
        if not self._pasted:
            return text
        self._pasted = False
        self._waiting.extend(inputs(text))
        return self._show(prompt, self._waiting.popleft())

    def show(self, node: str, number: int, source: str) -> str:
        """Show an input at a prompt of its own, as if it had been typed; returns it."""
        return self._show(self._config.prompt_for(node, number, self._output.get_size().columns), source)

    def interrupted(self) -> None:
        """Ctrl-C came in an evaluation: what waits of a pasted session is not evaluated any more."""
        self._waiting.clear()

    def ask(self, question: Question) -> str:
        """The answer to a question; raises ``EOFError``, ``KeyboardInterrupt``, ``QuestionGone``."""
        self._asked = False
        try:
            return self._question.ask(question, self._question_begins)
        finally:
            self._loop = None
            self._screen.prompt_ended()

    def aside(self) -> None:
        """From any thread: soon have ``read`` raise ``SteppedAside``; not in the midst of a person's typing."""
        self._asked = True
        loop = self._loop
        if loop is not None:
            try:
                loop.call_soon_threadsafe(self._step_aside)
            except RuntimeError:
                pass  # the prompt has just ended

    def above(self, write: Callable[[], None]) -> None:
        """From any thread: soon write with the prompt hidden, and draw it again."""
        loop = self._loop
        if loop is not None:
            try:
                loop.call_soon_threadsafe(self._write_above, write)
            except RuntimeError:
                pass  # the prompt has just ended; what is pending is written then

    def _write_above(self, write: Callable[[], None]) -> None:
        # Not by run_in_terminal: that would let the terminal edit and echo, in its own way, what is typed meanwhile.
        app = self._app
        if not app.is_running or app._running_in_terminal:
            run_in_terminal(write)  # after what has the terminal now: an editor, say
            return
        app.renderer.erase()
        write()
        app.renderer.reset()
        app.invalidate()

    def _begins(self) -> None:
        self._offer.begins()
        self._app = self._session.app
        self._loop = asyncio.get_running_loop()
        self._screen.prompt_begins(self)
        self.when_shown()
        if self._asked:
            self._loop.call_soon(self._step_aside)

    def _question_begins(self) -> None:
        self._app = self._question.app
        self._loop = asyncio.get_running_loop()
        self._screen.prompt_begins(self)

    def _key_pressed(self, _sender: object) -> None:
        self._last_key = time.monotonic()

    def _step_aside(self) -> None:
        app = self._session.app
        if self._loop is None or not app.is_running or app.future is None or app.future.done():
            return
        buffer = self._session.default_buffer
        typing = self._last_key + PAUSE - time.monotonic() if buffer.text else 0
        if typing > 0:
            self._loop.call_later(typing, self._step_aside)
            return
        self._asked = False
        self._begun = buffer.document
        app.erase_when_done = True
        app.exit(exception=SteppedAside())

    def _complete(self, before: str) -> Found:
        return self.completer(before)

    def _is_session(self, pasted: bool) -> None:
        self._pasted = pasted
        self._session.app.erase_when_done = pasted

    def _show(self, prompt: str, text: str) -> str:
        """Show an input of a pasted session at a prompt of its own."""
        lines = text.split("\n")
        shown: list[Any] = [prompt]
        for number, line in enumerate(lines):
            tokens = [*PythonLexer(stripnl=False, ensurenl=False).get_tokens(line)] if self._screen.colour else None
            shown += ["... " if number else "", PygmentsTokens(tokens) if tokens is not None else line]
            shown.append("\n" if number + 1 < len(lines) else "")
        self._screen.prompt_begins(None)
        print_formatted_text(
            merge_formatted_text(shown), output=self._output, style=self._session.style, include_default_pygments_style=False,
            color_depth=self._session.color_depth,
        )  # fmt: skip
        return text


def _continuation(_width: int, _line: int, wrapped: int) -> str:
    """What stands before the lines after the first; nothing where one long line goes on."""
    return "" if wrapped else "... "


def _output(screen: Screen) -> Output:
    output = create_output(screen.out)
    # No questions to the terminal where the cursor is: an answer that comes late would be typed into whatever
    # reads next.
    output.enable_cpr = False  # type: ignore[attr-defined]
    return output
