"""Crash reports: a process never ends abnormally in silence."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Any

from pyex.core import group_leader
from pyex.core.crash import Crash, exception_text, format_user_traceback
from pyex.core.errors import Exit, Terminated
from pyex.core.ids import Port
from pyex.core.process import ControlBlock

log = logging.getLogger("pyex.process")


class Leaving:
    """Whether the interpreter ends; what it has to kill then is nobody's crash."""

    now = False


def is_quiet(reason: Any) -> bool:
    """Whether an exit reason is an orderly end, of which there is nothing to report."""
    if isinstance(reason, tuple) and len(reason) == 2:
        reason = reason[0]
    return isinstance(reason, str) and reason in ("normal", "shutdown")


def ended(process: ControlBlock, reason: Any, error: BaseException | None, *, swallowed: bool = False) -> None:
    """Report an abnormal end, before anybody is told of it; ``swallowed``: its code went on all the same.

    The report is logged here and, if the process has a group leader on another node, written there. The record says by
    ``told`` that it was, for handlers that write to people.
    """
    orderly = is_quiet(reason) or (reason == "killed" and Leaving.now)
    leader = process.leader
    abroad = leader is not None and type(leader.key) is not int  # it was started from another node
    if (orderly and not swallowed) or not (abroad or log.isEnabledFor(logging.ERROR)):
        return
    if isinstance(process.pid, Port) and isinstance(error, Exit | Terminated):
        return  # ended with its owner, which has been reported, or by somebody who wanted it to
    try:
        report = _report(process, reason, error, swallowed)
        if leader is not None and abroad:
            group_leader.put(leader, report + "\n", process.pid, stream=group_leader.ERR)
            process.leader = None  # what handlers write of it is meant for this node
        log.error("%s", report, extra={"pid": process.pid, "told": abroad})
    except Exception:  # a filter or a repr of somebody's own raises: the process ends all the same
        traceback.print_exc()
    finally:
        process.leader = leader


def _report(process: ControlBlock, reason: Any, error: BaseException | None, swallowed: bool) -> str:
    lines = [f"{describe(process)} ended: {_brief(reason)}"]
    if swallowed:
        lines.append(
            "Declared dead: its code catches the exit again and again and goes on. "
            "Catch Exception there, not BaseException"
        )
    if error is not None and process.exiting is None:
        lines += [_cut(line.rstrip("\n")) for line in format_user_traceback(error)]
    if process.initial_call is not None:
        lines.append(f"Initial call: {function_name(process.initial_call)}")
    if process.links:
        lines.append(f"Linked to: {', '.join(map(repr, process.links))}")
    return "\n".join(lines)


def message_lost(process: ControlBlock, error: BaseException) -> None:
    """Report a message from another node that could not be decoded, and so was dropped."""
    log.error(
        "A message to %s from another node was dropped, because it cannot be decoded here: %s: %s",
        describe(process), type(error).__name__, error,
    )  # fmt: skip


def describe(process: ControlBlock) -> str:
    """The process as a person would name it."""
    name = process.relations.name if process.relations is not None else None
    return f"Process {process.pid!r}" if name is None else f"Process {process.pid!r} ({name!r})"


def function_name(fn: Callable[..., Any]) -> str:
    """``module.name`` of a callable, as far as it has one."""
    fn = getattr(fn, "func", fn)
    name = getattr(fn, "__qualname__", None) or type(fn).__qualname__
    module = getattr(fn, "__module__", None)
    return f"{module}.{name}" if module else str(name)


def _brief(reason: Any) -> str:
    if isinstance(reason, Crash):
        return f"{type(reason.exception).__name__}: {exception_text(reason.exception)}"
    try:
        text = repr(reason)
    except Exception as error:
        text = f"a reason whose repr raises {type(error).__name__}"
    return _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= 1000 else text[:1000] + "..."
