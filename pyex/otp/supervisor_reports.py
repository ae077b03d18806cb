"""What supervisors log, under ``pyex.supervisor``: how children start (at level INFO) and how they go wrong."""

from __future__ import annotations

import functools
import logging
import traceback
from typing import Any, Final

from pyex import Crash, Pid, self
from pyex.otp.child_spec import ChildSpec

log = logging.getLogger("pyex.supervisor")

#: OTP's words for what a report is about, and what is said to have happened to the child.
_HAPPENED: Final = {
    "progress": "was started",
    "start_error": "could not be started",
    "child_terminated": "ended",
    "shutdown_error": "did not end as it should have when it was stopped",
    "shutdown": "ended too often, which ends its supervisor",
}

#: The longest text of a reason.
LONGEST: Final = 1000


def report(context: str, supervisor: str, spec: ChildSpec, pid: Pid | None, reason: Any = None) -> None:
    """Log that something has happened to a child: one of OTP's words, as ``context`` of the record.

    The record has the attributes ``context``, ``child`` (its id), ``child_pid`` and ``reason``, and as ``pid`` the
    supervisor's.
    """
    level = logging.INFO if context == "progress" else logging.ERROR
    if not log.isEnabledFor(level):
        return
    first = f"Child {brief(spec.id)} of supervisor {supervisor} {_HAPPENED[context]}"
    lines = [
        first if context == "progress" else f"{first}: {words(reason)}",
        *([f"Pid: {pid!r}"] if pid is not None else []),
        f"Start: {shown_call(*spec.start)}",
        f"Restart: {spec.restart}, shutdown: {spec.shutdown}, type: {spec.type}",
    ]
    extra = {"pid": self(), "context": context, "child": spec.id, "child_pid": pid, "reason": reason}
    try:
        log.log(level, "%s", "\n".join(lines), extra=extra)
    except Exception:  # a filter of somebody's own raises; the children are not to suffer for it
        traceback.print_exc()


def words(reason: Any) -> str:
    """A reason, as a person would say it."""
    if isinstance(reason, Crash):
        error = reason.exception
        try:
            return cut(f"{type(error).__name__}: {error}")
        except Exception:  # its own text raises
            return type(error).__name__
    return brief(reason)


def brief(value: Any) -> str:
    """The text of a value, but not too much of it; never raises."""
    try:
        return cut(repr(value))
    except Exception as error:
        return f"(its repr raises {type(error).__name__})"


def cut(text: str) -> str:
    """So much of a text as a report bears."""
    return text if len(text) <= LONGEST else text[:LONGEST] + "..."


def shown_call(fn: Any, args: tuple[Any, ...]) -> str:
    """``Counter.start_link(10, name='counter')``"""
    options: dict[str, Any] = {}
    while isinstance(fn, functools.partial):
        args = (*fn.args, *args)
        options = {**fn.keywords, **options}
        fn = fn.func
    shown = [_name(arg) if callable(arg) else brief(arg) for arg in args]
    return cut(f"{_name(fn)}({', '.join([*shown, *(f'{key}={brief(value)}' for key, value in options.items())])})")


def _name(fn: Any) -> str:
    owner = getattr(fn, "__self__", None)
    if isinstance(owner, type):  # start_link may be inherited; it is this class's that is called
        return f"{owner.__qualname__}.{getattr(fn, '__name__', '?')}"
    return getattr(fn, "__qualname__", None) or brief(fn)
