"""Messages between processes as a drawing: a column for each process, time running down."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from pyex import Down, Pid
from shell.bounded import bounded

#: Columns of text that a process takes, at least and at most; rows that are drawn.
NARROWEST: Final = 14
WIDEST: Final = 44
MOST: Final = 200

_ASCII: Final = str.maketrans("│─┄▶◀✕…", "|-~><x.")


class Arrow(NamedTuple):
    """Something that went from one process to another; without another one, something that happened to it."""

    source: Pid
    target: Any
    text: str
    #: a message, rather than a signal of the runtime
    is_message: bool = True


def arrows(events: Iterable[Any], without: frozenset[Any]) -> list[Arrow]:
    """What is drawn of the events of a trace, but for what has to do with some processes."""
    found = []
    for event in sorted(events):
        arrow = _arrow(event) if not is_output(event) else None
        if arrow is not None and not {arrow.source, arrow.target} & without:
            found.append(arrow)
    return found


def is_output(event: Any) -> bool:
    """Whether this is about printing, which sends requests to the group leader: nobody asks for that."""
    return isinstance(event.value, tuple) and event.value[:1] in (("io_request",), ("io_reply",))


def _arrow(event: Any) -> Arrow | None:
    match event.what:
        case "send":
            return Arrow(event.pid, event.other, bounded(event.value))
        case "spawn":
            return Arrow(event.pid, event.other, f"spawn {event.value.rpartition('.')[2]}", is_message=False)
        case "link" | "unlink":
            return Arrow(event.pid, event.other, event.what, is_message=False)
        case "exit_signal":
            return Arrow(event.pid, event.other, f"exit {bounded(event.value)}", is_message=False)
        case "exit":
            return Arrow(event.pid, None, f"✕ {bounded(event.value)}")
        case "message" if isinstance(event.value, Down):
            return Arrow(event.value.pid, event.pid, f"DOWN {bounded(event.value.reason)}", is_message=False)
    return None


def draw(found: list[Arrow], name: Callable[[Any], str], width: int, *, fine: bool) -> str:
    """The drawing; a list of who sent what to whom, where the width does not do for all the columns."""
    if not found:
        return "nothing was sent, spawned or ended"
    who = list(dict.fromkeys(one for arrow in found for one in arrow[:2] if one is not None))
    more = f"... and {len(found) - MOST:,} more" if len(found) > MOST else ""
    longest = max(len(arrow.text) for arrow in found) + 6
    column = min(max(longest, NARROWEST, *(len(name(one)) + 2 for one in who)), WIDEST, width // len(who))
    if column < NARROWEST:
        lines = [_sentence(arrow, name) for arrow in found[:MOST]]
    else:
        lines = _Drawing(who, column, name).lines(found[:MOST])
    text = "\n".join(line.rstrip() for line in [*lines, more] if line)
    return text if fine else text.translate(_ASCII)


def _sentence(arrow: Arrow, name: Callable[[Any], str]) -> str:
    if arrow.target is None:
        return f"{name(arrow.source)} {arrow.text}"
    return f"{name(arrow.source)} {'─' if arrow.is_message else '┄'}▶ {name(arrow.target)}: {arrow.text}"


class _Drawing:
    """Columns, each with the line of a process's life."""

    def __init__(self, who: list[Any], column: int, name: Callable[[Any], str]) -> None:
        self._column = column
        self._places = {one: number * column + column // 2 for number, one in enumerate(who)}
        self._names = [_cut(name(one), column - 1).center(column) for one in who]
        self._ended: set[Any] = set()

    def lines(self, found: list[Arrow]) -> list[str]:
        """The heads, and a line for each arrow."""
        return ["".join(self._names), *(self._line(arrow) for arrow in found)]

    def _line(self, arrow: Arrow) -> str:
        row = [" "] * (self._column * len(self._places))
        for one, place in self._places.items():
            if one not in self._ended:
                row[place] = "│"
        start = self._places[arrow.source]
        if arrow.target is None or arrow.target == arrow.source:
            text = arrow.text if arrow.target is None else f"◀ {arrow.text}"
            place = start if arrow.target is None else start + 1
            text = _cut(text, max(len(row) - place, WIDEST))
            row[place : place + len(text)] = text
            if arrow.target is None:
                self._ended.add(arrow.source)
            return "".join(row)
        end = self._places[arrow.target]
        left, right = sorted((start, end))
        room = right - left - 1
        stroke = "─" if arrow.is_message else "┄"
        text = f" {_cut(arrow.text, room - 5)} ".center(room - 1, stroke)
        row[left + 1 : right] = f"{text}▶" if start < end else f"◀{text}"
        return "".join(row)


def _cut(text: str, room: int) -> str:
    text = text.replace("\n", " ")
    return text if len(text) <= room else text[: max(0, room - 1)] + "…"
