"""Requests and answers that another node cannot take, or not decode: whoever waits for the answer is told so.

A request is ``(tag, (asker, alias), body)``, with a tag that begins with a dollar; its answer is ``(alias, value)``. In the place of
the answer comes ``(alias, UNDELIVERED, why)``, which is plain data, so that any node takes it.
"""

from __future__ import annotations

from typing import Any, Final

from pyex.core.carrier import Parcel, route
from pyex.core.identity import identity
from pyex.core.ids import Pid, Ref
from pyex.core.patterns import ANY, matches
from pyex.core.process import aliases
from pyex.core.signals import ALIAS_SEND, signal

UNDELIVERED: Final = "$undelivered"


def pattern(alias: Ref) -> tuple[Any, ...]:
    """What comes to an alias instead of an answer."""
    return alias, UNDELIVERED, ANY


def refuse_request(message: Any, why: str) -> bool:
    """If a message that did not arrive is a request, tell whoever waits for the answer; whether it is."""
    match message:
        case (str(tag), (Pid(), Ref() as alias), _) if tag.startswith("$"):
            refuse_answer(alias, why)
            return True
    return False


def refuse_answer(alias: Ref, why: str) -> None:
    """Tell whoever waits for an answer why it does not come."""
    key = alias.key
    args = (alias, (alias, UNDELIVERED, why))
    if not isinstance(key, int):
        route.carrier.deliver_to_node(key[1], ALIAS_SEND, args)
    elif (pid := aliases.get(key)) is not None:
        signal(pid, ALIAS_SEND, args)


def undecodable(parcel: Parcel, error: BaseException, patterns: tuple[Any, ...]) -> Any:
    """A message came that cannot be decoded: answer it, if it is a request; if it is an answer, what to take it for, else None."""
    try:
        sketch = parcel.sketch()
    except Exception:  # it is nonsense through and through
        return None
    why = f"{type(error).__name__}: {error}"
    why = ". ".join([why, *getattr(error, "__notes__", ())])
    if refuse_request(sketch, f"{identity.name} cannot decode what it was asked: {why}"):
        return None
    match sketch:
        case (Ref() as alias, _):
            instead = alias, UNDELIVERED, f"the answer cannot be decoded here: {why}"
            if any(type(one) is tuple and one[:1] == (alias,) and matches(one, instead) for one in patterns):
                return instead
    return None
