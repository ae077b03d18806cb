"""Helpers about nodes: this one, and the others of the mesh."""

from __future__ import annotations

import pyex
from pyex import Node
from shell.elsewhere import at
from shell.table import Table

__all__ = ["connect", "nodes", "runtime_info"]


def nodes() -> Table:
    """The nodes there are: this one, those it is connected to, and what else runs on this machine.

    Used as a list, its rows are ``(node, state)``.

    >>> nodes()
    """
    if not Node.alive():
        return Table(("node", "state"), [(Node.self(), "this one, which has no name: Node.start(name) gives it one")])
    connected = Node.list()
    host = Node.self().partition("@")[2]
    try:
        there = [f"{name}@{host}" for name in Node.names(host)]
    except pyex.ConnectError:
        there = []
    rows = [(Node.self(), "this one"), *((node, "connected") for node in connected)]
    rows += [(node, "not connected") for node in there if node not in (Node.self(), *connected)]
    return Table(("node", "state"), rows)


def connect(node: str) -> bool:
    """Connect to a node, and by that to all it is connected to; ``bob`` means ``bob@127.0.0.1``. Returns True.

    Raises ``ConnectError``, which says why and what to do.

    >>> connect("bob")
    True
    """
    return Node.connect(node)


def runtime_info(node: str | None = None) -> None:
    """Print what the runtime of a node has and does, this one if none is named.

    >>> runtime_info()
    >>> runtime_info("bob@127.0.0.1")
    """
    info = at(node, pyex.system_info)
    rows = [
        ("node", info.node or "nonode@nohost"),
        ("pyex", f"{pyex.__version__} on Python {info.python}, program {info.os_pid}"),
        ("up for", _duration(info.uptime)),
        ("memory", f"{info.memory / 1e6:,.1f} MB resident" if info.memory is not None else "unknown"),
        ("processes", f"{info.processes:,}, {info.threads} of them on threads of their own"),
        ("names", f"{info.registered:,}"),
        ("ports", f"{len(info.ports):,}"),
        ("timers", f"{len(info.timers):,}"),
        (
            "schedulers",
            f"{len(info.schedulers)} (up to {info.usual_schedulers}; {info.most_schedulers} while all are held)",
        ),
    ]
    for one in info.schedulers:
        state = "held by a process that does not give way" if one.held else f"{one.runnable} can run now"
        rows.append((f"  scheduler {one.number}", f"{one.processes:,} processes, {state}"))
    for label, text in rows:
        print(f"{label:<16} {text}")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
