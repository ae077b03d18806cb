"""What there is to say about a value, in rows of a label and a text; ``i`` prints them.

>>> @i.register(Point)
... def _(point):
...     return [("Distance", math.hypot(point.x, point.y))]
"""

from __future__ import annotations

import difflib
import functools
import inspect
import traceback
import types
from collections.abc import Sized
from typing import Any, Final, TypeAlias

import pyex
from pyex import Node, Pid, Port, Process, Ref
from shell import display
from shell.documentation import first_line, members, place, signature
from shell.elsewhere import at, is_former
from shell.survey import initial_call, short

Rows: TypeAlias = list[tuple[str, Any]]

#: What exit reasons mean that the runtime itself gives.
REASONS: Final = {
    "normal": "it did what it had to do, and returned",
    "shutdown": "it was told to end, in an orderly way",
    "kill": "it raised this itself; a kill by another is 'killed'",
    "killed": "somebody killed it, or it went over its max_heap_size",
    "noproc": "there was no such process (any more)",
    "noconnection": "the connection to its node was lost, or could not be made",
    "timeout": "an answer did not come in time",
}


@functools.singledispatch
def explain(_value: Any) -> Rows:
    """What is special about a value, for its type: nothing, for most."""
    return []


def explain_all(value: Any) -> Rows:
    """All there is to say about a value."""
    kind = type(value)
    rows: Rows = [("Value", value), ("Type", f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins."))]
    what = first_line(kind)
    if what and kind.__module__ != "builtins":
        rows.append(("What it is", what))
    rows += explain(value)
    if isinstance(value, Sized) and not isinstance(value, type):
        try:
            rows.append(("Length", len(value)))
        except Exception:  # its own code
            pass
    if kind.__module__ == "__main__":
        names = sorted({*getattr(value, "__dict__", ()), *(name for cls in kind.__mro__[:-1] for name in vars(cls))})
        rows.append(("Attributes", ", ".join(name for name in names if not name.startswith("_")) or "none"))
    return rows


@explain.register
def _(value: Pid) -> Rows:
    where = value.node if value.node is not None else "this node, which has no name"
    try:
        info, former = at(value.node, _told, value)
    except (pyex.ConnectError, pyex.NotDistributed) as error:
        return [("Alive", f"that cannot be told: {error}"), ("Node", where)]
    if info is None:
        why = "its node was restarted" if former else "it has ended, or never was"
        return [("Alive", f"no: {why}"), ("Node", where)]
    rows: Rows = [("Alive", "yes"), ("Node", where)]
    if info.registered_name is not None:
        rows.append(("Name", info.registered_name))
    rows.append(("Runs", short(initial_call(info)) or "what its thread runs"))
    if info.current_stacktrace:
        innermost = info.current_stacktrace[-1]
        rows.append(("Is at", f"{short(innermost.function)}, line {innermost.line} of {innermost.file}"))
    rows.append(("Status", _STATUS.get(info.status, info.status)))
    count = info.message_queue_len
    rows.append(("Mailbox", f"{count:,} message{'s' * (count != 1)}"))
    rows += [("", message) for message in info.messages[:5]]
    for label, found in (("Links", info.links), ("Monitors", info.monitors), ("Monitored by", info.monitored_by)):
        if found:
            rows.append((label, ", ".join(map(repr, found[:10])) + ", ..." * (len(found) > 10)))
    if info.trap_exit:
        rows.append(("Traps exits", "yes: exit signals become messages"))
    rows.append(("Memory", f"{info.memory:,} bytes"))
    if info.parent is not None:
        rows.append(("Parent", info.parent))
    rows.append(("See also", "bt(pid), process_info(pid), tree(pid), trace(pid)"))
    return rows


def _told(pid: Pid) -> tuple[pyex.ProcessInfo | None, bool]:
    return Process.info(pid), is_former(pid)


_STATUS: Final = {
    "waiting": "waiting, for a message or a time",
    "runnable": "runnable: it waits for its turn",
    "running": "running",
}


@explain.register
def _(value: Ref) -> Rows:
    for timer in pyex.system_info().timers:
        if timer.ref == value:
            every = f", and then every {timer.every:g} s" if timer.every is not None else ""
            return [("Timer", f"sends in {timer.left:.1f} s{every}"), ("To", timer.dest), ("Message", timer.message)]
    return [("Node", value.node or Node.self())]


@explain.register
def _(value: Port) -> Rows:
    info = Port.info(value)
    if info is None:
        return [("Open", "no: its program has ended")]
    return [("Program", info.argv), ("Program's pid", info.os_pid), ("Owner", info.connected),
            ("Bytes read", info.input), ("Bytes commanded", info.output)]  # fmt: skip


@explain.register
def _(value: str) -> Rows:
    rows: Rows = []
    holder = Process.whereis(value)
    if holder is not None:
        rows += [("Registered", f"{holder!r} has this name"), *explain(holder)]
    elif near := difflib.get_close_matches(value, Process.registered(), n=1):
        rows.append(("Registered", f"nobody has this name. Did you mean {near[0]!r}?"))
    if "@" in value and Node.alive():
        rows.append(("Node", f"{_state(value)}; nodes() shows those there are"))
    if len(value) != (size := len(value.encode(errors="surrogatepass"))):
        rows.append(("In UTF-8", f"{size:,} bytes"))
    return rows


def _state(node: str) -> str:
    known = [Node.self(), *Node.list()]
    if node in known:
        return "this node" if node == Node.self() else "connected"
    near = difflib.get_close_matches(node, known, n=1)
    return f"not connected. Did you mean {near[0]!r}?" if near else "not connected"


@explain.register(types.FunctionType)
@explain.register(types.BuiltinFunctionType)
@explain.register(types.MethodType)
def _(value: Any) -> Rows:
    rows: Rows = [("Called", signature(value)), ("What it does", first_line(value) or "(it has no documentation)")]
    if inspect.iscoroutinefunction(value):
        rows.append(("Async", "calling it gives a coroutine: await it here, await_() it in a process"))
    elif inspect.isgeneratorfunction(value):
        rows.append(("Generator", "calling it runs nothing yet: loop over what it gives"))
    closed = getattr(value, "__closure__", None)
    if closed:
        rows.append(("Carries", ", ".join(value.__code__.co_freevars) + "; copied when it is spawned"))
    where = place(value)
    return [*rows, ("Defined", where)] if where else rows


@explain.register
def _(value: type) -> Rows:
    rows: Rows = [("Called", signature(value)), ("What it is", first_line(value) or "(it has no documentation)")]
    bases = [cls.__qualname__ for cls in value.__mro__[1:-1]]
    if bases:
        rows.append(("Is a", ", ".join(bases)))
    own = [name for name, member in members(value) if callable(member)]
    rows.append(("Functions", ", ".join(own[:20]) or "none of its own"))
    where = place(value)
    return [*rows, ("Defined", where)] if where else rows


@explain.register
def _(value: types.ModuleType) -> Rows:
    names = [name for name, _ in members(value)]
    return [("What it is", first_line(value)), ("File", place(value) or "built in"), ("Exports", ", ".join(names[:20]))]


@explain.register
def _(value: BaseException) -> Rows:
    kinds = [cls.__qualname__ for cls in type(value).__mro__[:-2]]
    rows: Rows = [("Says", display.message(value)), ("Caught by", f"except {' or '.join(dict.fromkeys(kinds))}")]
    if isinstance(value, pyex.Exit):
        rows += reason_rows(value.reason)
    if value.__traceback__ is not None:
        last = traceback.extract_tb(value.__traceback__)[-1]
        rows.append(("Raised", f"in {last.name}, line {last.lineno} of {last.filename}"))
    if value.__cause__ is not None:
        rows.append(("Because of", value.__cause__))
    rows += [("Note", note) for note in getattr(value, "__notes__", ())]
    return rows


@explain.register
def _(value: pyex.Crash) -> Rows:
    rows: Rows = [("Ended by", "an exception that nobody caught"), *explain(value.exception)]
    if value.stacktrace:
        rows.append(("Trace", "print(_.stacktrace) shows it, if this is the last result"))
    return rows


@explain.register(pyex.Down)
@explain.register(pyex.Exited)
def _(value: Any) -> Rows:
    what = "of a monitor" if isinstance(value, pyex.Down) else "of a link, since this process traps exits"
    return [("Message", what), ("Who", value.pid), *reason_rows(value.reason)]


def reason_rows(reason: Any) -> Rows:
    """What an exit reason means."""
    rows: Rows = [("Reason", reason)]
    word = reason[0] if isinstance(reason, tuple) and reason else reason
    if isinstance(word, str) and word in REASONS:
        rows.append(("Which means", REASONS[word]))
    return rows
