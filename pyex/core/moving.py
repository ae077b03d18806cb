"""Processes that have not begun leave a scheduler that is held, and begin on another.

All that must be kept is the order of what they are sent. What lies in the inbox of the held scheduler goes ahead,
as one entry in the inbox of the other; what still comes there, from a thread that had looked the process up
before, is passed on by whoever finds it first, that thread or the scheduler.

The rule of direct delivery. Code that runs on a scheduler may put a message into the mailbox of one of its processes by
hand, without ``post``. It first makes all that it needs: the copy, and a mailbox if there is none. That may run anybody's
code, and take any time. Then, without a call in between in which threads could change, it finds that the process's owner
is its own scheduler, that nothing lies in the inbox (of a process that has just come here, what was sent to it before
does), and reads the mailbox; into which it puts the message, and wakes the process, likewise. In all other cases
it leaves that to ``post``.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from pyex.core.options import priority_of
from pyex.core.process import ControlBlock
from pyex.core.signals import apply

if TYPE_CHECKING:
    from pyex.core.scheduler import Scheduler


#: Held by whoever moves a process, or deals with an entry of one that may be moved.
moving = threading.RLock()

#: In an inbox, beside signals: a thread has made a process; a process has come from another scheduler.
START = -1
MOVED = -2


def has_not_begun(process: ControlBlock) -> bool:
    """Whether no stack ties it to its thread."""
    return process.greenlet is None and process.start is not None


def move_waiting(held: Scheduler, other: Scheduler) -> None:
    """In the monitor: let the processes that wait there for their beginning begin on another scheduler."""
    for process in [*held.ready]:
        if has_not_begun(process):
            try:
                held.ready.remove(process)
            except ValueError:
                continue  # it is not held any more, and this one has begun
            with moving:
                _move(process, held, other)
    for entry in [*held.inbox]:
        if entry[1] in (START, MOVED):
            with moving:
                if entry[0] is not None:  # else the scheduler has begun it
                    _move(entry[0], held, other)


def _move(process: ControlBlock, held: Scheduler, other: Scheduler) -> None:
    before: list[tuple[int, Any]] = []
    other.put_in([process, MOVED, before])  # whoever opens it waits until this is done
    process.owner, process.queue = other, other.queue_for(priority_of(process))
    for entry in [*held.inbox]:
        if entry[0] is process:
            entry[0] = None
            if entry[1] == MOVED:
                before.extend(entry[2])
            elif entry[1] != START:
                before.append((entry[1], entry[2]))


def take(scheduler: Scheduler, entry: list[Any]) -> None:
    """On a scheduler: take an entry from the front of its inbox whose process might just be leaving."""
    with moving:
        scheduler.inbox.popleft()  # not before: who moves the process has to see all that is for it
        process, op, args = entry
        if process is None:
            return  # passed on
        entry[0] = None
        if op == MOVED:
            for signal in args:
                apply(process, *signal)
            process.queue.append(process)
        elif process.owner is not scheduler:
            process.owner.post(process, op, args)
        elif op == START:
            process.queue.append(process)
        else:
            apply(process, op, args)


def apply_or_post(scheduler: Scheduler, process: ControlBlock, op: int, args: Any) -> None:
    """On a scheduler: a signal to a process that has not begun, of its own. It is not to leave, begin and end in the midst of it."""
    with moving:
        if process.owner is scheduler:
            apply(process, op, args)
            return
    process.owner.post(process, op, args)


def pass_on(entry: list[Any]) -> None:
    """In a thread that has put something into the inbox of a scheduler which its process had just left."""
    with moving:
        process, op, args = entry
        if process is not None:  # else it has been seen
            entry[0] = None
            process.owner.post(process, op, args)
