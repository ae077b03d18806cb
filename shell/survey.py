"""What the processes of a node are doing, in short; gathered on that node."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import pyex
from pyex import Pid, Process

#: What a table of processes can be sorted by, and whether the greatest come first.
SORTS: Final = {
    "pid": False,
    "name": False,
    "function": False,
    "status": False,
    "messages": True,
    "memory": True,
    "reductions": True,
}

HEADS: Final = ("pid", "name", "function", "status", "messages", "memory", "reductions")


class Row(NamedTuple):
    """A process in a table."""

    pid: Pid
    #: its registered name, else what it was started with
    name: str
    #: where it is
    function: str
    status: str
    messages: int
    #: bytes
    memory: int
    reductions: int


def survey(sort: str = "pid", most: int | None = None) -> tuple[int, list[Row]]:
    """On a node: how many processes it has, and a row for each; the first ``most`` by ``sort`` only."""
    rows = [row(info) for pid in Process.list() if (info := Process.info(pid)) is not None]
    rows.sort(key=lambda one: getattr(one, sort), reverse=SORTS[sort])
    return len(rows), rows[:most]


def row(info: pyex.ProcessInfo) -> Row:
    """What a table shows of a process."""
    where = info.current_stacktrace[-1] if info.current_stacktrace else None
    return Row(
        info.pid,
        info.registered_name or short(initial_call(info)),
        f"{short(where.function)}:{where.line}" if where is not None else "",
        info.status,
        info.message_queue_len,
        info.memory,
        info.reductions,
    )


def initial_call(info: pyex.ProcessInfo) -> str | None:
    """What a process was started with; supervisors tell by their dictionary what they are, as those of OTP do."""
    match info.dictionary.get("$initial_call"):
        case ("supervisor", str(name)):
            return f"supervisor {name}"
    return info.initial_call


def short(name: str | None) -> str:
    """A function's name without what is clear: the module of the prompt, the inside of a function."""
    return (name or "").removeprefix("__main__.").replace(".<locals>", "")


def expect_sort(sort: Any, helper: str) -> str:
    """Refuse what there is no order by; it may be meant as a node, which other helpers take first."""
    if not isinstance(sort, str) or sort not in SORTS:
        hint = f". Of another node: {helper}(node={sort!r})" if isinstance(sort, str) else ""
        raise ValueError(f"processes are sorted by {', '.join(map(repr, SORTS))}, not {sort!r}{hint}")
    return sort


def pid_of(what: Any) -> Pid:
    """The pid that is meant: a pid, a registered name, ``(name, node)``, or the text of one (``"0.110.0"``).

    Raises ``NoProcess`` for a name nobody has, naming one that is near.
    """
    if isinstance(what, Pid):
        return what
    if isinstance(what, str):
        parts = what.strip("<>").split(".")
        if len(parts) == 3 and all(part.isdecimal() for part in parts):
            return Pid(what.strip("<>"))
        found = Process.whereis(what)
        return found if found is not None else _unknown(what)
    if isinstance(what, tuple) and len(what) == 2 and all(isinstance(part, str) for part in what):
        from shell.elsewhere import at

        found = at(what[1], Process.whereis, what[0])
        return found if found is not None else _unknown(what[0], at(what[1], Process.registered), f" on {what[1]}")
    raise TypeError(f"a process is meant by its pid, its name or (name, node), not by {what!r}")


def _unknown(name: str, known: list[str] | None = None, where: str = "") -> Any:
    import difflib

    known = Process.registered() if known is None else known
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Registered are: {', '.join(map(repr, known)) or 'none'}"
    raise pyex.NoProcess(message=f"no process is registered as {name!r}{where}. {hint}")
