"""Candidates for completion, and where in an input they would stand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from shell.signatures import signature
from shell.static import class_name, is_a, items, plain_text
from shell.surroundings import Surroundings
from shell.tokens import Tokens
from shell.values import MANY, Value

#: Candidates that are offered.
LIMIT: Final = 200


class Candidate(NamedTuple):
    """What would stand in the place of what is typed, and what is told about it."""

    text: str
    note: str = ""
    #: what is shown, where that is more than what would be inserted
    label: str = ""


class Found(NamedTuple):
    """The candidates for the last ``length`` characters before the cursor."""

    length: int = 0
    candidates: tuple[Candidate, ...] = ()
    #: worth showing to who has not asked
    offered: bool = False


class Context(NamedTuple):
    """What is typed, and what is known."""

    before: str
    tokens: Tokens
    names: Mapping[str, Any]
    around: Surroundings


def pick(partial: str, candidates: Iterable[Candidate], *, offered: bool = False) -> Found:
    """The candidates that begin with what is typed; if none does, whatever the case of its letters."""
    every = [*candidates]
    fitting = [one for one in every if one.text.startswith(partial)]
    if not fitting:
        fitting = [one for one in every if one.text.lower().startswith(partial.lower())]
    if not partial.startswith("_"):
        fitting = [one for one in fitting if not one.text.startswith("_")]
    unique = {one.text: one for one in reversed(fitting)}
    chosen = tuple(reversed(unique.values()))[:LIMIT]
    if len(chosen) == 1 and chosen[0].text == partial:
        chosen = ()
    return Found(len(partial), chosen, offered)


def note(value: Any) -> str:
    """A word or two on a value: its signature, or what it is."""
    if is_a(value, type):
        return "class"
    found = signature(value)
    if found is not None:
        return found if len(found) <= 70 else found[:67] + "..."
    return class_name(type(value))


def call_at(context: Context, end: int | None = None) -> tuple[str, int, bool] | None:
    """Of the call whose arguments the cursor stands in: its function, the argument's number, whether it just begins."""
    tokens = context.tokens
    end = len(tokens) if end is None else end
    brackets = [place for place in tokens.brackets if place < end]
    if not brackets or tokens[brackets[-1]].text != "(":
        return None
    opener = brackets[-1]
    start = tokens.operand_start(opener - 1) if opener else None
    if start is None or (start and tokens[start - 1].text in ("def", "class")):
        return None
    commas = [place for place in at_depth(tokens, opener, end) if tokens[place].text == ","]
    begins = tokens[end - 1].text in ("(", ",")
    return context.before[tokens[start].start : tokens[opener].start].strip(), len(commas), begins


def at_depth(tokens: Tokens, opener: int, end: int) -> Iterator[int]:
    """The tokens of a call that stand in no further brackets."""
    place = end - 1
    while place > opener:
        place = tokens.opener.get(place, place)
        yield place
        place -= 1


def keys_of(value: Value | None) -> Iterator[tuple[Any, str]]:
    """The keys of a dictionary that can be written down, and how."""
    if value is None or value.is_instance:
        return
    for number, (key, _) in enumerate(items(value.obj)):
        if number > MANY:
            return
        text = plain_text(key, 200)
        if text is not None:
            yield key, text
