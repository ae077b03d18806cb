"""Input without a terminal: lines of a stream, or one expression of the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

from shell.blocks import is_complete


class LineReader:
    """Reads inputs line by line; prompts only where a person seems to type."""

    def __init__(self, stream: TextIO, show: Callable[[str], None] | None = None) -> None:
        self._stream = stream
        self._show = show

    def read(self, node: str, number: int) -> str | None:
        """The next complete input; what is begun when the stream ends is evaluated as it is."""
        text = ""
        prompt = f"pyex({node}){number}> "
        while True:
            if self._show is not None:
                self._show(prompt)
            # One line at a time: what input() reads in an evaluation are the lines after it.
            line = self._stream.readline()
            text += line
            if not line.endswith("\n"):
                return text or None
            if is_complete(text[:-1]) and (text.strip() or self._show is not None):
                return text
            prompt = "... "


class OneExpression:
    """The expression of ``pyex -e``."""

    def __init__(self, source: str) -> None:
        self._source: str | None = source

    def read(self, node: str, number: int) -> str | None:
        """The expression; then there is no more."""
        source, self._source = self._source, None
        return source
