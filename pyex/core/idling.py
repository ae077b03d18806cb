"""The wait of a process that is nothing but a loop over its messages: while it has none, it needs no stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from greenlet import getcurrent

from pyex.core.carrier import Parcel
from pyex.core.lifecycle import Hibernation, raise_exit
from pyex.core.messaging import select
from pyex.core.process import ControlBlock
from pyex.core.threads import this_process

_NOTHING: Any = object()


def next_message(fn: Callable[..., Any], *args: Any) -> Any:
    """Take the first message; when there is none, hibernate, and go on in ``fn(*args)`` once there is one.

    >>> def loop(state):
    ...     while True:
    ...         state = handle(next_message(loop, state), state)
    """
    try:
        process: ControlBlock = getcurrent().process  # type: ignore[attr-defined]
    except AttributeError:
        process = this_process()
    mailbox = process.mailbox
    if mailbox and not process.owner.inbox:
        message = mailbox.popleft()
        if type(message) is not Parcel:
            return message
        mailbox.appendleft(message)
    message = select(process, (), 0, _NOTHING)
    if message is _NOTHING:
        if process.exiting is not None:
            raise_exit(process)
        raise Hibernation(fn, args)
    return message
