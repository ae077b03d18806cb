"""The wait of a process that is nothing but a loop over its messages: while it has none, it needs no stack."""

from __future__ import annotations

from typing import Any

from greenlet import getcurrent

from pyex.core.carrier import Parcel
from pyex.core.lifecycle import AGAIN
from pyex.core.messaging import select
from pyex.core.process import ControlBlock
from pyex.core.threads import this_process


def next_message() -> Any:
    """Take the first message, if there is one; else ``AGAIN``, which the process's function then returns.

    A function that returns ``AGAIN`` is called again, with the arguments it had, once there is a message. Until then its
    process has no stack.

    >>> def loop(state):
    ...     while (message := next_message()) is not AGAIN:
    ...         state.handle(message)
    ...     return AGAIN
    """
    try:
        process: ControlBlock = getcurrent().process  # type: ignore[attr-defined]
    except AttributeError:
        process = this_process()
    mailbox = process.mailbox
    if mailbox:
        message = mailbox.popleft()
        if type(message) is not Parcel:
            return message
        mailbox.appendleft(message)
    elif process.exiting is None and not process.owner.inbox:
        return AGAIN
    return select(process, (), 0, AGAIN)
