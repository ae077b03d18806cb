"""A function called on the node it is about, with an answer in bounded time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import pyex
from pyex import Node, Pid, erpc

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
        return erpc.call(node, fn, *args, timeout=PATIENCE)  # type: ignore[no-any-return]
    except pyex.ErpcError as failure:
        raise pyex.ConnectError(str(failure)) from None


def is_former(pid: Pid) -> bool:
    """On the node that a pid names: whether it is of the time before that was restarted."""
    return type(pid.key) is not int and pid.node == Node.self()
