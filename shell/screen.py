"""The one place that writes to the terminal: directly, or above a prompt that is being typed at."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from typing import Any, Final, Protocol, TextIO

OUT: Final = "put_chars"
ERR: Final = "put_error"

#: Clears a terminal, what was scrolled out of it too; afterwards the cursor is where a prompt can be.
CLEAR: Final = "\x1b[H\x1b[2J\x1b[3J"


class Prompt(Protocol):
    """A prompt that is on the screen."""

    def above(self, write: Any) -> None:
        """From any thread: soon call ``write()`` with the prompt hidden, then draw the prompt again."""


class Screen:
    """Standard output and standard error, in one order."""

    def __init__(self, out: TextIO, err: TextIO, *, terminal: bool, colour: str | bool) -> None:
        self.out = out
        self.err = err
        self.terminal = terminal
        #: the theme of what is printed; without colours there is none
        self.theme = "either" if colour is True else colour or ""
        self.colour = bool(colour)
        self._changed = threading.Condition()
        self._prompt: Prompt | None = None
        self._pending: deque[tuple[str, str]] = deque()
        self._at_line_start = True

    def width(self) -> int | None:
        """The columns of the terminal; None where there is none."""
        if not self.terminal:
            return None
        try:
            return os.get_terminal_size(self.out.fileno()).columns or None
        except (OSError, ValueError):
            return None

    def write(self, pieces: list[tuple[str, str]]) -> None:
        """Write pieces of (stream, text); returns when they are on the screen. Only the output process does."""
        with self._changed:
            self._pending.extend(pieces)
            if self._prompt is None:
                self._drain()
                return
            self._prompt.above(self._write_above)
            # The prompt may end before it gets to it; whoever takes it down drains then.
            self._changed.wait_for(lambda: not self._pending)

    def prompt_begins(self, prompt: Prompt | None) -> None:
        """A prompt is about to be drawn, on a line of its own."""
        with self._changed:
            self._fresh_line()
            self._prompt = prompt

    def prompt_ended(self) -> None:
        """The prompt is gone; its last line was ended."""
        with self._changed:
            self._prompt = None
            self._drain()

    def _write_above(self) -> None:
        with self._changed:
            if self._pending:
                self._drain()
                self._fresh_line()

    def _fresh_line(self) -> None:
        if not self._at_line_start and self.terminal:
            self._put(OUT, "\n")
            self._flush()

    def _drain(self) -> None:
        last = None
        while self._pending:
            stream, text = self._pending.popleft()
            if last not in (None, stream):
                self._flush()
            last = stream
            self._put(stream, text)
        self._flush()
        self._changed.notify_all()

    def _put(self, name: str, text: str) -> None:
        stream = self.out if name == OUT else self.err
        if text:
            self._at_line_start = text.endswith(("\n", CLEAR))
        try:
            stream.write(text)
        except UnicodeEncodeError:
            encoding = stream.encoding or sys.getdefaultencoding()
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        except (OSError, ValueError):
            pass  # nobody reads any more: a closed pipe, a terminal that is gone

    def _flush(self) -> None:
        for stream in (self.out, self.err):
            try:
                stream.flush()
            except (OSError, ValueError):
                pass  # as above
