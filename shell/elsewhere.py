"""A function called on another node, its value back here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import pyex
from pyex import ANY, Down, Node, Process, Ref, receive, send

T = TypeVar("T")

#: Seconds that another node gets for an answer.
PATIENCE: Final = 10.0


def at(node: str | None, fn: Callable[..., T], *args: Any) -> T:
    """``fn(*args)`` on a node, this one if it is None; what it raises there is raised here.

    Raises ``ConnectError`` if the node is not there, or does not answer.
    """
    if node is None or node == Node.self():
        return fn(*args)
    Node.connect(node)
    alias = Process.alias(reply=True)
    _, watch = Node.spawn_monitor(node, _answer, alias, fn, args)
    try:
        message = receive((alias, ANY, ANY), Down(watch), timeout=PATIENCE, default=None)
    finally:
        Process.unalias(alias)
        Process.demonitor(watch, flush=True)
    match message:
        case (Ref(), True, value):
            return value  # type: ignore[no-any-return]
        case (Ref(), False, error):
            raise error
        case None:
            raise pyex.ConnectError(f"{node} has not answered within {PATIENCE:g} s")
        case down:
            raise pyex.ConnectError(f"{node} could not answer: {down[4]!r}")


def _answer(alias: Ref, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
    try:
        outcome = (alias, True, fn(*args))
    except Exception as error:
        outcome = (alias, False, error)
    send(alias, outcome)
