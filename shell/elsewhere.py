"""A function called in a process of its own, on another node perhaps, its value back here in bounded time."""

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
    try:
        return _called(lambda *call: Node.spawn_monitor(node, *call), PATIENCE, fn, args)
    except _NoAnswer as failure:
        raise pyex.ConnectError(f"{node} has not answered: {failure}") from None


def within(seconds: float, fn: Callable[..., T], *args: Any) -> T:
    """``fn(*args)`` in a process of its own; raises ``TimeoutError`` when it takes longer."""
    try:
        return _called(pyex.spawn_monitor, seconds, fn, args)
    except _NoAnswer as failure:
        raise TimeoutError(str(failure)) from None


class _NoAnswer(Exception):
    """No answer has come; the text says why."""


def _called(
    start: Callable[..., tuple[pyex.Pid, Ref]], seconds: float, fn: Callable[..., T], args: tuple[Any, ...]
) -> T:
    alias = Process.alias(reply=True)
    pid, watch = start(_answer, alias, fn, args)
    try:
        message = receive((alias, ANY, ANY), Down(watch), timeout=seconds, default=None)
    finally:
        Process.unalias(alias)
        Process.demonitor(watch, flush=True)
    match message:
        case (Ref(), True, value):
            return value  # type: ignore[no-any-return]
        case (Ref(), False, error):
            raise error
        case None:
            Process.exit(pid, "shutdown")
            receive((alias, ANY, ANY), timeout=0, default=None)
            raise _NoAnswer(f"nothing within {seconds:g} s")
        case down:
            raise _NoAnswer(f"the process there ended: {down[4]!r}")


def _answer(alias: Ref, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
    try:
        outcome = (alias, True, fn(*args))
    except Exception as error:
        outcome = (alias, False, error)
    send(alias, outcome)
