"""The prompt of a terminal: editing, history, colours, blocks of several lines."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app, run_in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.input import create_input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import PygmentsLexer
from prompt_toolkit.output import Output, create_output
from pygments.lexers.python import PythonLexer

from shell.blocks import INDENT, is_complete, next_indent
from shell.question_prompt import PAUSE, QuestionPrompt
from shell.questions import Question
from shell.screen import Screen
from shell.state import SteppedAside


class TerminalReader:
    """Reads inputs at a prompt. Runs in the server's thread; other threads only call ``above`` and ``aside``."""

    edits = True

    def __init__(self, screen: Screen, history: Path) -> None:
        self._screen = screen
        self._loop: asyncio.AbstractEventLoop | None = None
        #: a process asks: the prompt is to step aside
        self._asked = False
        #: what was typed when it did
        self._begun = Document()
        self._last_key = 0.0
        input, output = create_input(sys.stdin), _output(screen)
        self._session: PromptSession[str] = PromptSession(
            multiline=True,
            prompt_continuation=_continuation,
            lexer=PygmentsLexer(PythonLexer) if screen.colour else None,
            history=_history(history),
            key_bindings=_key_bindings(),
            enable_suspend=True,
            reserve_space_for_menu=0,
            input=input,
            output=output,
        )
        self._session.app.key_processor.before_key_press += self._key_pressed
        self._question = QuestionPrompt(input, output)

    def read(self, node: str, number: int) -> str | None:
        """The next complete input, None for Ctrl-D. What was begun before ``SteppedAside`` is there again."""
        begun, self._begun = self._begun, Document()
        self._session.app.erase_when_done = False
        try:
            return self._session.prompt(f"pyex({node}){number}> ", default=begun, pre_run=self._begins)
        except EOFError:
            return None
        finally:
            self._loop = None
            self._screen.prompt_ended()

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
                loop.call_soon_threadsafe(run_in_terminal, write)
            except RuntimeError:
                pass  # the prompt has just ended; what is pending is written then

    def _begins(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._screen.prompt_begins(self)
        if self._asked:
            self._loop.call_soon(self._step_aside)

    def _question_begins(self) -> None:
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


def _continuation(_width: int, _line: int, wrapped: int) -> str:
    """What stands before the lines after the first; nothing where one long line goes on."""
    return "" if wrapped else "... "


def _output(screen: Screen) -> Output:
    output = create_output(screen.out)
    # No questions to the terminal where the cursor is: an answer that comes late would be typed into whatever
    # reads next.
    output.enable_cpr = False  # type: ignore[attr-defined]
    return output


class _SafeHistory(FileHistory):
    """A history file; a disk that is full or a folder that is gone costs the history, not the prompt."""

    def load_history_strings(self) -> Iterable[str]:
        try:
            return list(super().load_history_strings())
        except OSError:
            return []

    def store_string(self, string: str) -> None:
        try:
            super().store_string(string)
        except OSError:
            pass


def _history(path: Path) -> History:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Inputs hold secrets now and then.
        os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
    except OSError:
        return InMemoryHistory()
    return _SafeHistory(str(path))


@Condition
def _in_indent() -> bool:
    """Only blanks stand before the cursor, on its line."""
    return not get_app().current_buffer.document.current_line_before_cursor.strip()


@Condition
def _after_indent() -> bool:
    before = get_app().current_buffer.document.current_line_before_cursor
    return bool(before) and not before.strip() and len(before) % len(INDENT) == 0


class _Indentation:
    """The indentation of new lines: ours, until a line of the input is indented by hand, or by a paste."""

    def __init__(self) -> None:
        self.by_hand = False
        self._row, self._given = -1, ""

    def new_line(self, buffer: Buffer) -> None:
        """Begin a line, indented as the line before suggests."""
        self._given = "" if self.by_hand else next_indent(buffer.document.text_before_cursor)
        buffer.insert_text("\n" + self._given)
        self._row = buffer.document.cursor_position_row

    def is_untouched(self) -> bool:
        """Whether the line holds just the indentation it was given."""
        document = get_app().current_buffer.document
        return bool(self._given) and document.cursor_position_row == self._row and document.current_line == self._given


def _key_bindings() -> KeyBindings:
    keys = KeyBindings()
    indentation = _Indentation()

    @keys.add("enter")
    def _enter(event: KeyPressEvent) -> None:
        """Evaluate what is complete, else go on in a new line."""
        buffer = event.current_buffer
        document = buffer.document
        if document.on_last_line and is_complete(document.text):
            # The empty line that ended the block need not stay on the screen.
            buffer.text = document.text.rstrip() if document.text.strip() else ""
            buffer.cursor_position = len(buffer.text)
            indentation.by_hand = False
            buffer.validate_and_handle()
        else:
            indentation.new_line(buffer)

    @keys.add("space", filter=Condition(indentation.is_untouched))
    def _by_hand(event: KeyPressEvent) -> None:
        """Who types the indentation means that one, not that one more."""
        indentation.by_hand = True
        event.current_buffer.delete_before_cursor(len(event.current_buffer.document.current_line_before_cursor))
        event.current_buffer.insert_text(" ")

    @keys.add("c-c")
    def _clear(event: KeyPressEvent) -> None:
        """Forget what is typed."""
        indentation.by_hand = False
        event.current_buffer.reset()

    @keys.add("tab", filter=_in_indent)
    def _indent(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text(INDENT)

    @keys.add("backspace", filter=_after_indent)
    def _dedent(event: KeyPressEvent) -> None:
        event.current_buffer.delete_before_cursor(len(INDENT))

    return keys
