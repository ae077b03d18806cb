"""Processes started on other nodes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from pyex.core.asking import ask
from pyex.core.carrier import route
from pyex.core.errors import ConnectError, NotSendable
from pyex.core.identity import identity
from pyex.core.ids import Pid, Ref, pid_of
from pyex.core.process import ControlBlock
from pyex.core.signals import EXIT, MONITOR_EXIT, SPAWN_REQUEST, signal
from pyex.core.spawning import spawn, spawn_link, spawn_monitor
from pyex.core.threads import this_process
from pyex.distribution.names import full_name

log = logging.getLogger("pyex.node")

#: The creation of no node: that of the pids given for processes that could not be started.
NEVER: Final = 1 << 32


def spawn_there(
    connect: Callable[[str], bool],
    node: str,
    fn: Callable[..., Any],
    args: tuple[Any, ...],
    *,
    link: bool,
    monitor: bool,
) -> tuple[Pid, Ref]:
    """Start a process on another node, linked or monitored if wanted; a node out of reach gives a dead one."""
    if not callable(fn):
        raise TypeError(f"Node.spawn takes a node, a function to run there and its arguments, not {fn!r}")
    full = full_name(node)
    if full == identity.name:
        if monitor:
            return spawn_monitor(fn, *args, link=link)
        return (spawn_link if link else spawn)(fn, *args), Ref()
    pid: Pid | None = None
    try:
        connect(full)
    except ConnectError as error:
        log.warning("Cannot spawn on %s: %s", full, error)
        ref = Ref()
    else:

        def request(process: ControlBlock, alias: Ref) -> None:
            nonlocal ref
            ref = alias
            what = (process.pid, ref, process.leader, link, monitor, (fn, args))
            route.carrier.deliver_to_node(full, SPAWN_REQUEST, what)

        outcome = ask(request)
        if isinstance(outcome, Pid):
            pid = outcome
        elif outcome != "noconnection":
            raise NotSendable(outcome)
    process = this_process()
    if pid is None:
        pid = pid_of((ref.number, full, NEVER))
        if link:
            process.link_to(pid)
            signal(process.pid, EXIT, (pid, "noconnection"))
        if monitor:
            process.watch(ref, pid)
            signal(process.pid, MONITOR_EXIT, (None, ref, pid, "noconnection"))
    return pid, ref
