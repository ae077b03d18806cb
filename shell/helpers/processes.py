"""Helpers about processes, here and on other nodes."""

from __future__ import annotations

import os
import traceback
from typing import Any

import pyex
from pyex import Pid, Port, Process
from shell.current import this_shell
from shell.elsewhere import at, is_former
from shell.survey import HEADS, expect_sort, initial_call, pid_of, short, survey
from shell.table import Table

__all__ = ["bt", "pid", "ports", "process_info", "processes", "registered", "regs", "timers"]


def pid(text: Any, *rest: int) -> Pid:
    """The pid that is meant by its numbers (``pid(0, 110, 0)``, ``pid("0.110.0")``) or by a registered name.

    Raises ``NoProcess`` for a name that nobody has.

    >>> pid(0, 110, 0)
    Pid('0.110.0')
    >>> pid("counter")
    """
    if rest:
        return Pid(".".join(map(str, (text, *rest))))
    return pid_of(text)


def process_info(process: Any) -> pyex.ProcessInfo | None:
    """All that is known of a process, by its pid, its name or ``(name, node)``, on whatever node; None if it is dead.

    >>> process_info(self())
    """
    target = pid_of(process)
    return at(target.node, Process.info, target)


def processes(sort: str = "pid", top: int | None = None, node: str | None = None) -> Table:
    """The processes of a node, this one if none is named: a table, and the list of its rows.

    ``sort`` is ``"pid"``, ``"name"``, ``"function"``, ``"status"``, ``"messages"``, ``"memory"`` (bytes) or ``"reductions"``;
    ``top`` is how many of them, the first by that.

    >>> processes(sort="memory", top=10)
    >>> processes(node="bob@127.0.0.1")[0].pid
    """
    _, rows = at(node, survey, expect_sort(sort, "processes"), top)
    return Table(HEADS, rows, keep=sort)


def bt(process: Any = None) -> None:
    """Print where a process is: its stack, the innermost call last. Without one: the whole of the last traceback.

    >>> bt(pid)
    >>> bt()
    """
    if process is None:
        error = this_shell("bt()").results.error
        if error is None:
            print("nothing has been raised; bt(pid) shows the stack of a process")
        else:
            print("".join(traceback.format_exception(error)), end="")
        return
    target = pid_of(process)
    print("\n".join(at(target.node, _stack, target, repr(target))))


def _stack(target: Pid, name: str) -> list[str]:
    import linecache

    info = Process.info(target)
    if info is None:
        return [f"{name} is not alive" + (": its node was restarted" if is_former(target) else "")]
    lines = [f"{name} {info.status}, the innermost call last"]
    for place in info.current_stacktrace:
        lines.append(f'  File "{place.file}", line {place.line}, in {place.function}')
        source = linecache.getline(place.file, place.line).strip()
        lines += [f"    {source}"] if source else []
    if not info.current_stacktrace:
        return [f"{name} {info.status}, with no stack: it has not begun, or hibernates"]
    return lines


def registered(node: str | None = None) -> Table:
    """The registered names of a node, this one if none is named: a table, and the list of its rows.

    >>> registered()
    """
    return Table(
        ("name", "pid", "function"), at(node, _registered), "nobody is registered; Process.register(pid, name)"
    )


def regs(node: str | None = None) -> Table:
    """The same as ``registered``, by Erlang's name.

    >>> regs()
    """
    return registered(node)


def _registered() -> list[tuple[str, Pid, str]]:
    found = []
    for name in Process.registered():
        holder = Process.whereis(name)
        info = Process.info(holder) if holder is not None else None
        if holder is not None and info is not None:
            found.append((name, holder, short(initial_call(info))))
    return found


def ports(node: str | None = None) -> Table:
    """The programs that run as ports of a node, this one if none is named: a table, and the list of its rows.

    >>> ports()
    """
    heads = ("port", "owner", "program", "os pid", "bytes in", "bytes out")
    return Table(heads, at(node, _ports), "none; Port.open([program, argument]) starts one")


def _ports() -> list[tuple[Any, ...]]:
    found = [(port, Port.info(port)) for port in pyex.system_info().ports]
    return [
        (port, info.connected, " ".join(map(os.fsdecode, info.argv)), info.os_pid, info.input, info.output)
        for port, info in found
        if info is not None
    ]


def timers(node: str | None = None) -> Table:
    """The messages that are still to be sent, on a node: to whom, in how many seconds, and whether again and again.

    >>> timers()
    """
    heads = ("timer", "to", "in seconds", "every", "message")
    return Table(heads, at(node, _timers), "none; Process.send_after(pid, message, seconds) starts one")


def _timers() -> list[tuple[Any, ...]]:
    return [(one.ref, one.dest, round(one.left, 3), one.every, one.message) for one in pyex.system_info().timers]
