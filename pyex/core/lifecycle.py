"""The life of a process, from its function's first line to the word of its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyex.core import group_leader, reports
from pyex.core.carrier import Parcel
from pyex.core.crash import Crash
from pyex.core.errors import Exit, NotSendable, Terminated
from pyex.core.isolation import snapshot
from pyex.core.process import ControlBlock
from pyex.core.signals import end


def run_to_end(process: ControlBlock) -> None:
    """Run the process's function on the current stack, then end the process."""
    fn, args = process.start  # type: ignore[misc]
    process.start = None
    error: BaseException | None = None
    try:
        fn(*args)
    except BaseException as raised:  # a process can end with anything; none of it may reach the others
        error = raised
    del fn, args  # released before anybody is told of the end
    if error is None and process.relations is None and process.exiting is None:
        end(process, "normal")  # nobody to tell, nothing to print or report: most processes end so
    else:
        finish(process, error)


def finish(process: ControlBlock, error: BaseException | None) -> Any:
    """End a process whose code has returned, or raised ``error``; returns the reason."""
    reason = process.exiting.reason if process.exiting is not None else reason_of(error)
    if isinstance(reason, Parcel):
        reason = _unpack(reason)
    group_leader.flush(process)
    reports.ended(process, reason, error)
    end(process, reason)
    if error is not None:
        error.__traceback__ = None  # it holds the frames, and with them all the process had
    return reason


def reason_of(error: BaseException | None) -> Any:
    """The exit reason of a process whose function raised ``error``, or returned."""
    if error is None:
        return "normal"
    if isinstance(error, Exit | Terminated):
        return error.reason
    if isinstance(error, SystemExit):
        return "normal" if error.code in (None, 0) else ("exit", _sendable(error.code))
    return Crash.of(error)


def call_and_finish(process: ControlBlock, main: Callable[[], Any]) -> tuple[Any, BaseException | None, Any]:
    """For a thread: run ``main`` as the process; what it returned, what it raised, and the exit reason."""
    value, error = None, None
    try:
        value = main()
    except BaseException as raised:  # handed to the caller of run(), who decides
        error = raised
    trace = error.__traceback__ if error is not None else None
    reason = finish(process, error)
    if error is not None:
        error.__traceback__ = trace
    return value, error, reason


def _unpack(reason: Parcel) -> Any:
    """The exit reason that came from another node, decoded in the process it has ended."""
    try:
        return reason.open()
    except Exception as error:  # whatever the code of another node does
        return ("undecodable", repr(error))


def _sendable(value: Any) -> Any:
    try:
        return snapshot(value)
    except NotSendable:
        return repr(value)
