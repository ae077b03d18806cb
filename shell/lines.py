"""Input without a terminal: lines of a stream, or one expression of the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

from shell.blocks import is_complete
from shell.config import Config
from shell.questions import Question, QuestionGone
from shell.state import SteppedAside


class _Lines:
    """Lines of a stream, for inputs and for the answers to questions."""

    edits = False

    def __init__(self, stream: TextIO, *, typed: bool) -> None:
        self._stream = stream
        #: a person types the lines
        self._typed = typed
        #: a line that nobody has taken
        self._line = ""
        #: a question has come: the next line is the answer
        self._asked = False

    def interrupted(self) -> None:
        """Nothing: lines are taken in turn."""

    def show(self, _node: str, _number: int, source: str) -> str:
        """The input itself; what lines are about is not echoed."""
        return source

    def next_line(self) -> str:
        line, self._line = self._line, ""
        return line or self._stream.readline()

    def ask(self, question: Question) -> str:
        """The answer to a question that is shown already: the next line.

        One that a person has typed for a question which was gone by then is dropped; other lines are not typed for
        anything, but taken in turn.
        """
        self._asked = False
        line = self.next_line()
        if question.gone:
            self._line = "" if self._typed else line
            raise QuestionGone
        if not line:
            raise EOFError
        return line.removesuffix("\n")


class LineReader(_Lines):
    """Reads inputs line by line; prompts only where a person seems to type."""

    def __init__(
        self,
        stream: TextIO,
        show: Callable[[str], None] | None = None,
        config: Config = Config(),  # noqa: B008 - frozen
    ) -> None:
        super().__init__(stream, typed=show is not None)
        self._show = show
        self._config = config
        self._text = ""

    def read(self, node: str, number: int, offered: str | None = None) -> str | None:
        """The next complete input; what is begun when the stream ends is evaluated as it is."""
        while True:
            if self._show is not None:
                self._show("... " if self._text else self._config.prompt_for(node, number))
            # One line at a time: what input() reads in an evaluation are the lines after it.
            line = self.next_line()
            if self._asked and (self._show is not None or not self._text):
                self._asked = False
                self._line = line
                raise SteppedAside  # this line came after the question
            text = self._text = self._text + line
            if not line.endswith("\n"):
                self._text = ""
                return text or None
            if is_complete(text[:-1]) and (text.strip() or self._show is not None):
                self._text = ""
                return text

    def aside(self) -> None:
        """From any thread: the next line is the answer to a question."""
        self._asked = True


class OneExpression(_Lines):
    """The expression of ``pyex -e``; processes that ask read the stream."""

    def __init__(self, source: str, stream: TextIO) -> None:
        super().__init__(stream, typed=stream.isatty())
        self._source: str | None = source

    def read(self, node: str, number: int, offered: str | None = None) -> str | None:
        """The expression; then there is no more."""
        source, self._source = self._source, None
        return source

    def aside(self) -> None:
        """Nothing: nobody waits at a prompt."""
