"""The life of a process, from its function's first line to the word of its end."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, Final, NoReturn

from pyex.core import group_leader, reports
from pyex.core.carrier import Parcel
from pyex.core.crash import Crash
from pyex.core.errors import Exit, Terminated
from pyex.core.isolation import snapshot_or_text
from pyex.core.process import ControlBlock, processes

#: Exits that a process may swallow before it is declared dead.
PATIENCE: Final = 10


class _Again:
    """What a function returns that is to be called again with the next message."""

    def __repr__(self) -> str:
        return "AGAIN"

    def __reduce__(self) -> str:
        return "AGAIN"


AGAIN: Final[Any] = _Again()


class Hibernation(BaseException):
    """Raised to leave a stack, with what is to be called once there is mail."""

    def __init__(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        super().__init__()
        self.call = fn, args


def run_to_end(process: ControlBlock) -> None:
    """Run the process's function on the current stack, then end the process; or leave it hibernating."""
    error: BaseException | None = None
    while True:
        start: Any = process.start
        if start is None:  # its thread was so slow to come here that it has been declared dead meanwhile
            return
        process.start = None
        try:  # it may have been ended before it could begin
            if process.exiting is not None or start[0](*start[1]) is not AGAIN or process.exiting is not None:
                break
            process.start = start
        except BaseException as raised:  # a process can end with anything; none of it may reach the others
            if type(raised) is not Hibernation or process.exiting is not None:
                error = raised
                break
            process.start = raised.call
        del start
        if process.owner.hibernate(process):
            return
    if error is None and process.exiting is None:
        if process.relations is not None:
            group_leader.flush(process)
        reason = "normal"  # there is nothing to report: most processes end so
    else:
        reason = conclude(process, error)
        if error is not None:
            error.__traceback__ = None  # its frames may hold the error, in a cycle
    del start, error  # and with them all the process had, before anybody hears of its end
    process.owner.end(process, reason)


def raise_exit(process: ControlBlock) -> NoReturn:
    """In a process that an exit signal has hit, where it would wait: raise the exit.

    Ending always ends: one that has swallowed too many is declared dead, and does not come back from here if it
    is a scheduler's.
    """
    exiting = process.exiting
    assert exiting is not None
    exiting.raised += 1
    process.owner.raises(process)
    if exiting.raised > PATIENCE and processes.get(process.pid.key) is process:
        process.owner.abandon(process, conclude(process, None, swallowed=True))
    raise Terminated(exiting.reason, exiting.linked)


def conclude(process: ControlBlock, error: BaseException | None, *, swallowed: bool = False) -> Any:
    """The last words of a process whose code has returned, or raised ``error``; returns the exit reason.

    Whatever goes wrong with the words (a log handler that raises, memory that has run out), it does end.
    """
    reason: Any = "unknown"
    try:
        reason = process.exiting.reason if process.exiting is not None else reason_of(error)
        if isinstance(reason, Parcel):
            reason = _unpack(reason)
        if processes.get(process.pid.key) is process:  # else it was declared dead, and all has been said
            group_leader.flush(process)
            reports.ended(process, reason, error, swallowed=swallowed)
    except Exception as failure:
        print(f"pyex: the end of {process.pid!r} could not be reported: {failure!r}", file=sys.__stderr__)
    return reason


def reason_of(error: BaseException | None) -> Any:
    """The exit reason of a process whose function raised ``error``, or returned."""
    if error is None:
        return "normal"
    if isinstance(error, Exit | Terminated):
        return snapshot_or_text(error.reason)
    if isinstance(error, SystemExit):
        return "normal" if error.code in (None, 0) else ("exit", snapshot_or_text(error.code))
    return Crash.of(error)


def call_and_finish(process: ControlBlock, main: Callable[[], Any]) -> tuple[Any, BaseException | None, Any]:
    """For a thread: run ``main`` as the process; what it returned, what it raised, and the exit reason."""
    value, error = None, None
    while True:
        try:
            value = main()
            if value is AGAIN:
                process.owner.hibernate(process)
                continue
        except Hibernation as nap:
            main = functools.partial(nap.call[0], *nap.call[1])
            process.owner.hibernate(process)
            continue
        except BaseException as raised:  # handed to the caller of run(), who decides
            error = raised
        break
    reason = "normal"
    try:
        reason = conclude(process, error)
    finally:  # an interrupt may come while a report is printed
        process.owner.end(process, reason)
    return value, error, reason


#: What calls a process's own code: its stack begins above that.
BOTTOM: Final = (run_to_end.__code__, call_and_finish.__code__)


def _unpack(reason: Parcel) -> Any:
    """The exit reason that came from another node, decoded in the process it has ended."""
    try:
        return reason.open()
    except Exception as error:  # whatever the code of another node does
        return ("undecodable", repr(error))
