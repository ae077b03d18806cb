"""Rows that are shown as a table, and can be used as the list they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from shell.bounded import bounded

#: Rows that are shown, and characters of a cell.
MOST: Final = 200
WIDEST: Final = 60


class Table(list[Any]):
    """A list of rows (tuples), printed under the heads of its columns.

    >>> processes()[0].pid
    Pid('0.110.0')
    """

    def __init__(self, heads: Iterable[str], rows: Iterable[Any], empty: str = "none") -> None:
        super().__init__(rows)
        self._heads = tuple(heads)
        self._empty = empty

    def __repr__(self) -> str:
        if not self:
            return f"({self._empty})"
        cells = [[cell(value) for value in row] for row in self[:MOST]]
        numbers = [
            all(isinstance(row[column], int | float) for row in self[:MOST]) for column in range(len(self._heads))
        ]
        widths = [max(map(len, column)) for column in zip(self._heads, *cells, strict=True)]
        lines = [self._heads, *cells]
        texts = ["  ".join(map(_justified, line, widths, numbers)).rstrip() for line in lines]
        if len(self) > MOST:
            texts.append(f"... and {len(self) - MOST:,} more")
        return "\n".join(texts)


def _justified(text: str, width: int, number: bool) -> str:
    return text.rjust(width) if number else text.ljust(width)


def cell(value: Any) -> str:
    """A value as it stands in a table: text as it is, numbers with their thousands, nothing as a dash."""
    if value is None:
        return "-"
    if isinstance(value, str):
        text = value
    elif type(value) is int:
        text = f"{value:,}"
    else:
        text = bounded(value)
    text = text.replace("\n", " ")
    return text if len(text) <= WIDEST else text[: WIDEST - 3] + "..."
