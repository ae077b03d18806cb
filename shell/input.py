"""The shell's ``sys.stdin``: for the evaluator only, since a prompt reads the terminal at other times."""

from __future__ import annotations

import io
import threading
from typing import Any, TextIO


class ShellInput(io.TextIOBase):
    """A text stream that reads from ``real`` on the thread it was made on, and refuses on every other."""

    def __init__(self, real: TextIO) -> None:
        super().__init__()
        self._real = real
        self._thread = threading.get_ident()

    def _own(self) -> TextIO:
        if threading.get_ident() != self._thread:
            raise RuntimeError(
                "only the shell's own process can read the terminal: call input() at the prompt, and send() the answer"
            )
        return self._real

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        """Read a line."""
        return self._own().readline(size)

    def read(self, size: int | None = -1, /) -> str:
        """Read up to ``size`` characters, or all there are."""
        return self._own().read(-1 if size is None else size)

    def fileno(self) -> int:
        """As the real one; ``input()`` asks for it, and then reads past this stream."""
        return self._own().fileno()

    def isatty(self) -> bool:
        """As the real one."""
        return self._real.isatty()

    def readable(self) -> bool:
        """Always."""
        return True

    def close(self) -> None:
        """Nothing: the shell goes on reading."""

    def __getattr__(self, name: str) -> Any:
        # encoding, errors, buffer ...
        return getattr(self._own(), name)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """As the real one's."""
        return getattr(self._real, "encoding", None) or "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """As the real one's."""
        return getattr(self._real, "errors", None) or "strict"
