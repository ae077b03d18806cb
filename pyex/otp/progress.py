"""A bar on standard error that tells how far a long stream is, where somebody can see it."""

from __future__ import annotations

import operator
import shutil
import sys
import time
from collections.abc import Generator, Iterable, Iterator
from typing import Any, Final, TextIO

#: Seconds between two drawings.
OFTEN: Final = 0.1

#: The cells of a bar, at most.
WIDTH: Final = 30


def with_bar(values: Generator[Any, None, None], counted: Iterable[Any], label: str) -> Iterator[Any]:
    """The values, while a bar tells how many there have been, of as many as ``counted`` has, if it can tell."""
    stream = sys.stderr
    if stream is None or not stream.isatty():
        return values
    try:
        total = operator.length_hint(counted)
    except TypeError:
        total = 0
    return _counting(values, Bar(stream, label, total))


def _counting(values: Generator[Any, None, None], bar: Bar) -> Iterator[Any]:
    try:
        bar.draw()
        for value in values:
            bar.step()
            yield value
    finally:
        values.close()
        bar.end()


class Bar:
    """One line of a terminal, written over and over."""

    def __init__(self, stream: TextIO, label: str, total: int = 0) -> None:
        self._stream = stream
        self._label = f"{label} " if label else ""
        self._total = total
        self._count = 0
        self._begun = self._drawn = time.monotonic()

    def step(self) -> None:
        """One more; drawn from time to time."""
        self._count += 1
        if time.monotonic() - self._drawn >= OFTEN:
            self.draw()

    def draw(self) -> None:
        """Write the line, over the one before."""
        self._drawn = time.monotonic()
        line = self.text()[: shutil.get_terminal_size().columns - 1]
        self._stream.write(f"\r\x1b[K{line}")
        self._stream.flush()

    def end(self) -> None:
        """Write it for the last time, and leave it."""
        self.draw()
        self._stream.write("\n")
        self._stream.flush()

    def text(self) -> str:
        """What the line says."""
        passed = time.monotonic() - self._begun
        if not self._total:
            return f"{self._label}{self._count}  {_clock(passed)}"
        part = min(1.0, self._count / self._total)
        cells = int(part * WIDTH)
        bar = "#" * cells + "-" * (WIDTH - cells)
        left = f", {_clock(passed / part - passed)} left" if 0 < part < 1 else ""
        return f"{self._label}[{bar}] {self._count}/{self._total}  {_clock(passed)}{left}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
