"""Helpers that look into processes as they run: tracing, a prompt in their midst, a drawing of their messages."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import pyex
from pyex import ANY, Down, Pid, Process, Ref, receive, self, send, spawn
from shell import sequence_diagram
from shell.bounded import bounded
from shell.current import shell_here
from shell.elsewhere import at, is_former
from shell.prying import Pry
from shell.survey import pid_of

__all__ = ["pry", "sequence", "trace", "untrace"]

T = TypeVar("T")

#: Characters of a message that are shown.
_WIDEST: Final = 200

#: Seconds that what comes of a function may take to come to rest.
_PATIENCE: Final = 5.0

#: The processes that print, by whom they tell of.
_printers: Final[dict[Pid, Pid]] = {}


def trace(*processes: Any, count: int = 50, follow: bool = False) -> None:
    """Print what processes send, get, take from their mailboxes, spawn, link and end with, as it happens.

    By their pids or names, on whatever node. Of each, ``count`` events are shown; then, or by ``untrace()``, it is over.
    With ``follow`` also what those do that they spawn, or send to.

    >>> trace(pid)
    >>> trace("counter", count=1000)
    """
    if not processes:
        raise TypeError("trace() takes pids or names of processes: trace(pid)")
    for target in map(pid_of, processes):
        printer = spawn(_print_events, target)
        try:
            at(target.node, _trace, target, printer, count, follow)
        except BaseException:
            Process.exit(printer, "shutdown")
            raise
        _printers[target] = printer


def untrace(*processes: Any) -> None:
    """End what ``trace`` has begun, for these processes; without any, for all.

    >>> untrace()
    """
    for target in map(pid_of, processes) if processes else [*_printers]:
        printer = _printers.pop(target, None)
        try:
            at(target.node, pyex.untrace, target)
        except pyex.ConnectError:
            pass  # its node is gone, and with it the tracing
        if printer is not None:
            send(printer, "stop")


def _trace(pid: Pid, to: Pid, count: int, follow: bool) -> None:
    if is_former(pid):
        raise pyex.NoProcess(message=f"cannot trace {pid!r}: its node was restarted")
    pyex.trace(pid, to, count=count, follow=follow)


def _print_events(target: Pid) -> None:
    """The process that prints; ends when there is nothing more to come."""
    names = {target: name_of(target)}  # as they are at first: who ends has no name any more
    watch = Process.monitor(target)
    waits: float | None = None
    while (message := receive(pyex.TraceEvent, Down(watch), "stop", timeout=waits, default=None)) is not None:
        if isinstance(message, pyex.TraceEvent) and not sequence_diagram.is_output(message):
            print(f"[trace] {sentence(message, names)}")
        if message == "stop" or getattr(message, "what", None) == "trace_end":
            break
        if isinstance(message, Down):
            waits = 1.0  # those that it was followed to may go on
    _printers.pop(target, None)


def sentence(event: Any, names: dict[Any, str]) -> str:
    """What happened, in words; ``names`` remembers what processes are called."""
    who, other = (names.get(one) or names.setdefault(one, name_of(one)) for one in (event.pid, event.other))
    value = _short(event.value)
    words = {
        "send": f"{who} sends {value} to {other}",
        "message": f"{who} gets {value}",
        "receive": f"{who} takes {value}",
        "spawn": f"{who} spawns {other}, which runs {event.value}",
        "spawn there": f"{who} spawns on {event.other}: {event.value}",
        "link": f"{who} links to {other}",
        "unlink": f"{who} unlinks from {other}",
        "exit_signal": f"{who} sends the exit signal {value} to {other}",
        "exit": f"{who} ends: {value}",
        "trace_end": f"that was the last of {event.value} events; trace(pid, count=...) shows more",
    }
    return words["spawn there" if event.what == "spawn" and isinstance(event.other, str) else event.what]


def name_of(process: Any) -> str:
    """A process as a person would name it: its registered name, if it has one here, and its pid."""
    if not isinstance(process, Pid):
        return repr(process)
    name = next((name for name in Process.registered() if Process.whereis(name) == process), None)
    return repr(process) if name is None else f"{name!r}"


def _short(value: Any) -> str:
    if value is ...:
        return "a message of another node"  # which decodes it when it takes it
    text = bounded(value)
    return text if len(text) <= _WIDEST else text[:_WIDEST] + "..."


def pry() -> None:
    """Stop this process here, and open a prompt in it: its variables, its stack, any expression.

    The process waits; all others go on. ``continue`` at that prompt lets it go on, ``help`` says what else there is. It
    works in any process, on other nodes too; code in files says ``breakpoint()``, which does the same in a process of a shell.

    >>> def work(x):
    ...     pry()
    """
    Pry(sys._getframe(1)).talk()


def sequence(fn: Callable[[], T], settle: float = 0.2, count: int = 1000) -> T:
    """Call a function and draw what came of it: who sent what to whom, who was spawned, who ended. Returns its value.

    The function runs in this process. What comes of it is over when nothing has happened for ``settle`` seconds, 5 at
    most, or after ``count`` events. Processes of this node are drawn, with what they send to others.

    >>> sequence(lambda: GenServer.call("counter", "get"))
    """
    here = self()
    collector = spawn(_collect)
    pyex.trace(here, collector, count=count, follow=True)
    try:
        return fn()
    finally:
        alias = Process.alias(reply=True)
        send(collector, ("give", alias, settle))
        try:
            events = receive((alias, ANY), timeout=_PATIENCE * 2)[1]
        finally:
            pyex.untrace(here)
            Process.exit(collector, "shutdown")
        shell = shell_here()
        others = {collector} if shell is None else {collector, shell.leader, shell.server}
        found = sequence_diagram.arrows(events, frozenset(others))
        fine = (sys.stdout.encoding or "").lower().startswith("utf")
        names = {one: name_of(one) for arrow in found for one in arrow[:2]}
        names[here] = "here" if shell is None else "the shell"
        width = shutil.get_terminal_size((100, 24)).columns
        print(sequence_diagram.draw(found, names.__getitem__, width, fine=fine))


def _collect() -> None:
    """The process that keeps the events, and gives them when nothing more has come for a while."""
    events: list[Any] = []
    while isinstance(message := receive(pyex.TraceEvent, ("give", Ref, ANY)), pyex.TraceEvent):
        events.append(message)
    _, alias, settle = message
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and (event := receive(pyex.TraceEvent, timeout=settle, default=None)) is not None:
        events.append(event)
    send(alias, (alias, events))
