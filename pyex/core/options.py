"""What a process may be given when it is spawned (a priority, a limit of its memory), and what ``Process.flag`` sets."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

from pyex.core.process import NODES, ControlBlock
from pyex.core.signals import end

Priority: TypeAlias = Literal["low", "normal", "high"]

PRIORITIES: Final = ("low", "normal", "high")


class Limits:
    """The limits of memory that there are on this node, in bytes."""

    #: of processes that have been given none of their own; None for no limit
    default: int | None = None
    #: the smallest that any process has been given; 0 while there is no limit at all
    smallest = 0


def priority_of(process: ControlBlock) -> str:
    """``low``, ``normal`` or ``high``."""
    return process.relations.priority if process.relations is not None else "normal"


def set_default_max_heap_size(size: int | None) -> int | None:
    """The limit, in bytes, of processes of this node that are given none of their own; returns the one before.

    >>> set_default_max_heap_size(500_000_000)
    """
    old, Limits.default = Limits.default, check_max_heap_size(size)
    _note(size)
    return old


def _note(size: int | None) -> None:
    if size is not None:
        Limits.smallest = min(size, Limits.smallest or size)


def max_heap_size_of(process: ControlBlock) -> int | None:
    """The limit that holds for a process: its own, else the node's, which is for processes that run a function.

    A thread that became a process by using pyex, and the runtime's own, have none but what they were given.
    """
    relations = process.relations
    if relations is not None and relations.max_heap_size != NODES:
        return relations.max_heap_size
    return None if process.initial_call is None and process.start is None else Limits.default


def give_options(process: ControlBlock, priority: Any, max_heap_size: Any) -> None:
    """For ``spawn``: what a new process was given; it is ended if that is refused."""
    try:
        check_priority(priority)
        if max_heap_size is not None:
            check_max_heap_size(max_heap_size)
    except BaseException:
        end(process, "normal")
        raise
    if max_heap_size is not None:
        process.relate().max_heap_size = max_heap_size
        _note(max_heap_size)
    _set_priority(process, priority)


def set_flag(process: ControlBlock, name: str, value: Any) -> Any:
    """In a process, for ``Process.flag``: what the flag was before it was set."""
    old: Any
    if name == "trap_exit":
        if not isinstance(value, bool):
            raise TypeError(f"trap_exit is True or False, not {value!r}")
        relations = process.relate()
        old, relations.trap_exit = relations.trap_exit, value
        return old
    if name == "priority":
        old = priority_of(process)
        _set_priority(process, check_priority(value))
    elif name == "max_heap_size":
        old = max_heap_size_of(process)
        process.relate().max_heap_size = check_max_heap_size(value)
        _note(value)
    else:
        raise ValueError(f"there is no flag {name!r}: there are 'trap_exit', 'priority' and 'max_heap_size'")
    return old


def _set_priority(process: ControlBlock, priority: str) -> None:
    process.relate().priority = priority
    process.queue = process.owner.queue_for(priority)


def check_priority(value: Any) -> str:
    """The value; a ``TypeError`` or ``ValueError`` if it is no priority."""
    if not isinstance(value, str):
        raise TypeError(f"priority is 'low', 'normal' or 'high', not {value!r}")
    if value not in PRIORITIES:
        raise ValueError(f"priority is 'low', 'normal' or 'high', not {value!r}")
    return value


def check_max_heap_size(value: Any) -> int | None:
    """The value; a ``TypeError`` or ``ValueError`` if it is no limit."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        whole = f"; {int(value)} is one" if isinstance(value, float) and 0 < value < 1e18 else ""
        raise TypeError(f"max_heap_size is a whole number of bytes, or None for no limit, not {value!r}{whole}")
    if value <= 0:
        raise ValueError(f"max_heap_size is a number of bytes above zero, or None for no limit, not {value!r}")
    return value
