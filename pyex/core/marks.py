"""A receive that waits for a reference does not look at what was queued before the reference was made.

Such messages cannot hold it. When a process with a long mailbox makes a reference, a mark is put at the end
of the mailbox; a receive all of whose patterns hold references starts at the newest mark older than those.
A mark is a parcel, so that the short ways of ``receive``, which open no parcels, need not know of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, Final

from pyex.core import ids
from pyex.core.carrier import Parcel
from pyex.core.ids import Ref
from pyex.core.process import ControlBlock
from pyex.core.threads import process_here

#: A mailbox shorter than this is searched as fast as it is marked.
LONG: Final = 100

#: Marks a process can have; when many references are never waited for, later ones go without.
MOST: Final = 50


def is_mark(item: Any) -> bool:
    """Whether what stands in a mailbox is a mark rather than a message."""
    return type(item) is Parcel and item.mark is not None


def mark(process: ControlBlock, ref: Ref) -> None:
    """In the process: remember where its mailbox ended when this reference was made."""
    mailbox = process.mailbox
    if mailbox is None or len(mailbox) < LONG or is_mark(mailbox[-1]):
        return  # a mark at the very end serves as well
    relations = process.relate()
    if relations.marks < MOST:
        relations.marks += 1
        mailbox.append(Parcel(b"", decode=id, mark=ref.number))


def _mark_here(ref: Ref) -> None:
    process = process_here()
    if process is not None:
        mark(process, ref)


ids.ref_made = _mark_here


def start_of(process: ControlBlock, mailbox: deque[Any], patterns: Iterable[Any]) -> int:
    """Where a receive with these patterns has to start looking."""
    relations = process.relations
    if relations is None or not relations.marks:
        return 0
    number = _oldest(patterns)
    if number is not None:
        for place in range(len(mailbox) - 1, -1, -1):
            item = mailbox[place]
            if is_mark(item) and item.mark <= number:
                return place
    return 0


def remove(process: ControlBlock, mailbox: deque[Any], place: int) -> None:
    """In the process: take out the mark at this place, if one stands there."""
    if place < len(mailbox) and is_mark(mailbox[place]):
        del mailbox[place]
        process.relate().marks -= 1


def _oldest(patterns: Iterable[Any]) -> int | None:
    """A number such that every message that matches one of the patterns holds a reference at least so new."""
    oldest = None
    for pattern in patterns:
        newest = _newest(pattern)
        if newest is None:
            return None
        oldest = newest if oldest is None else min(oldest, newest)
    return oldest


def _newest(pattern: Any) -> int | None:
    """The number of the newest reference in a pattern: what matches it holds that one, and so is younger."""
    if type(pattern) is Ref:
        return pattern.key if isinstance(pattern.key, int) else None
    if isinstance(pattern, dict):
        pattern = pattern.values()
    elif not isinstance(pattern, tuple | list):
        return None
    return max((number for number in map(_newest, pattern) if number is not None), default=None)
