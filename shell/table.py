"""Rows that are shown as a table, and can be used as the list they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from pyex import Pid, Port, Ref
from shell.bounded import bounded
from shell.fitting import cut, wrapped

#: Rows that are shown, and characters of a cell.
MOST: Final = 200
WIDEST: Final = 60

#: Characters between two columns, and those that a column has at least whose text is cut.
_GAP: Final = 2
_NARROWEST: Final = 6


class Table(list[Any]):
    """A list of rows (tuples), printed under the heads of its columns.

    >>> processes()[0].pid
    Pid('0.110.0')
    """

    def __init__(
        self, heads: Iterable[str], rows: Iterable[Any], empty: str = "none", keep: str = "", widest: int = WIDEST
    ) -> None:
        super().__init__(rows)
        self._heads = tuple(heads)
        self._empty = empty
        #: the column that is asked for: whatever has to be cut or left out for want of room, it is not
        self._keep = keep
        self._widest = widest

    def __repr__(self) -> str:
        return self.text()

    def text(self, width: int | None = None, heading: Callable[[str], str] = str) -> str:
        """The table, in so many columns of a terminal: texts are cut, and what has no room is named below."""
        if not self:
            return cut(f"({self._empty})", width)
        rows = self[:MOST]
        columns = [
            _Column(head, [row[number] for row in rows], self._widest, kept=number == 0, asked=head == self._keep)
            for number, head in enumerate(self._heads)
        ]
        shown = columns if width is None else _fitted(columns, width)
        texts = ["  ".join(column.line(number) for column in shown).rstrip() for number in range(len(rows) + 1)]
        if len(self) > MOST:
            texts.append(f"... and {len(self) - MOST:,} more")
        missing = [column.head for column in columns if column not in shown]
        if missing:
            texts += wrapped(f"(no room for {', '.join(missing)})", width, " ").split("\n")
        head, *others = (cut(text, width) for text in texts)
        return "\n".join([heading(head), *others])


class _Column:
    """One column: its cells, and how wide it is."""

    def __init__(self, head: str, values: list[Any], widest: int, *, kept: bool, asked: bool) -> None:
        self.head = head
        self.kept = kept or asked
        self._numbers = all(isinstance(value, int | float) for value in values)
        self._cells = [head, *(cell(value, widest) for value in values)]
        self.width = max(map(len, self._cells))
        whole = self._numbers or any(isinstance(value, Pid | Ref | Port) for value in values)
        # Neither half a number nor half a pid is of use, nor half the head of what is shown in any case.
        uncut = [*([head] if self.kept else []), *(self._cells[1:] if whole else [])]
        #: what it can do with at the worst
        self.bare = min(self.width, max([_NARROWEST, *map(len, uncut)]))
        #: what it can do with as long as there are others that can be left out
        self.least = self.width if asked else self.bare

    def line(self, number: int) -> str:
        """One of its cells, the head first."""
        text = cut(self._cells[number], self.width)
        return text.rjust(self.width) if self._numbers else text.ljust(self.width)


def _fitted(columns: list[_Column], width: int) -> list[_Column]:
    """The columns for which there is room, made as narrow as they must be."""
    shown = [*columns]
    while sum(column.least + _GAP for column in shown) - _GAP > width:
        last = next((column for column in reversed(shown) if not column.kept), None)
        if last is None:
            for column in shown:
                column.least = column.bare
            break
        shown.remove(last)
    while sum(column.width + _GAP for column in shown) - _GAP > width:
        widest = max(shown, key=lambda column: column.width - column.least)
        if widest.width == widest.least:
            break
        widest.width -= 1
    return shown


def cell(value: Any, widest: int = WIDEST) -> str:
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
    return text if len(text) <= widest else text[: widest - 3] + "..."
