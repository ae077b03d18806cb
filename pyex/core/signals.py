"""Signals: everything one process does to another.

A signal is an operation and its arguments, under the names (and numbers) of Erlang's distribution
protocol. It is applied by the receiver's owner, one at a time, in the order in which each sender sent.
The sender comes first in the arguments, but for a message, whose argument is the message itself.
"""

from __future__ import annotations

import functools
import itertools
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from pyex.core.carrier import Parcel, route
from pyex.core.errors import Terminated
from pyex.core.ids import Pid, Port, Ref
from pyex.core.isolation import IMMUTABLE, brief, snapshot, snapshot_or_text
from pyex.core.messages import Down, Exited
from pyex.core.process import ControlBlock, Relations, Watched, aliases, free_name, processes

log = logging.getLogger("pyex.process")

LINK: Final = 1  # (sender,)
SEND: Final = 2  # message
EXIT: Final = 3  # (sender, reason): a link has broken
REG_SEND: Final = 6  # message, to a name of another node
GROUP_LEADER: Final = 7  # (sender, leader)
EXIT2: Final = 8  # (sender, reason): somebody called exit(pid, reason)
MONITOR: Final = 19  # (sender, ref, what was monitored: a pid or (name, node))
DEMONITOR: Final = 20  # (sender, ref)
MONITOR_EXIT: Final = 21  # (sender or None, ref, what was monitored, reason)
SPAWN_REQUEST: Final = 29  # (sender, ref, group leader, link, monitor, (fn, args)): between nodes only
SPAWN_REPLY: Final = 31  # (the new process or why there is none, ref, linked, monitored)
ALIAS_SEND: Final = 33  # (alias, message)
UNLINK: Final = 35  # (sender, number)
UNLINK_ACK: Final = 36  # (sender, number)
IS_ALIVE: Final = 100  # (sender, ref): within a node only; answered by (ref, bool)
NODE_LOST: Final = 101  # (node,): within a node only; the connection to that node is gone
INFO: Final = 102  # (sender, ref): within a node only; answered by (ref, ProcessInfo or None)

#: The ``exiting`` of those that have ended normally; never raised, so one does for all.
_ENDED: Final = Terminated("normal")

_make: Final = tuple.__new__
_next_unlink = itertools.count(1).__next__


def signal(target: Pid, op: int, args: Any) -> None:
    """Send a signal to a process, on whatever node; one that no longer exists is answered for."""
    process = processes.get(target.key)
    if process is not None:
        process.owner.post(process, op, args)
    elif type(target.key) is int:
        unreachable(target, op, args, "noproc")
    else:
        route.carrier.deliver(target, op, args)


def apply(process: ControlBlock, op: int, args: Any) -> None:
    """Let a signal take effect; called by the owner of the process only."""
    if processes.get(process.pid.key) is process:
        HANDLERS[op](process, args)
    else:
        unreachable(process.pid, op, args, "noproc")


def unreachable(target: Pid | tuple[str, str] | None, op: int, args: Any, reason: str) -> None:
    """Answer a signal in the place of a process that is not there (``noproc``, ``noconnection``)."""
    if op == MONITOR:
        sender, ref, identity = args
        signal(sender, MONITOR_EXIT, (None, ref, identity, reason))
    elif op == LINK and not isinstance(target, tuple):
        signal(args[0], EXIT, (target, reason))
    elif op == UNLINK and not isinstance(target, tuple):
        signal(args[0], UNLINK_ACK, (target, args[1]))
    elif op == SPAWN_REQUEST:
        sender, ref, _, link, monitor, _ = args
        signal(sender, SPAWN_REPLY, (reason, ref, link, monitor))
    elif op == SPAWN_REPLY and isinstance(target, Pid):
        _abandon(target, args, reason)
    elif op == IS_ALIVE:
        answer(args[0], args[1], False)
    elif op == INFO:
        answer(args[0], args[1], None)


def answer(asker: Pid, alias: Ref, value: Any) -> None:
    """Answer a question of the runtime's own: to an alias, so that nobody gets it who no longer waits."""
    signal(asker, ALIAS_SEND, (alias, (alias, value)))


def start_unlink(process: ControlBlock, peer: Pid) -> None:
    """Remove an active link; until the peer acknowledges it, whatever still comes from the link is stale."""
    links = process.links
    if links is not None and links.get(peer, 0) is None:
        number = links[peer] = _next_unlink()
        signal(peer, UNLINK, (process.pid, number))


def stop_watching(watcher: Pid, ref: Ref, watched: Pid | tuple[str, str]) -> None:
    """Tell a monitored process that it is so no more."""
    if isinstance(watched, tuple):
        route.carrier.deliver_to_name(*watched, DEMONITOR, (watcher, ref))
    else:
        signal(watched, DEMONITOR, (watcher, ref))


def drop_alias(process: ControlBlock, ref: Ref) -> bool:
    """End an alias of the process; False if it was none (any more)."""
    if process.aliases is None or process.aliases.pop(ref.key, None) is None:
        return False
    aliases.pop(ref.key, None)
    return True


def end_with_monitor(process: ControlBlock, ref: Ref) -> None:
    """A monitor is over: an alias made with it may be so too."""
    if process.aliases and process.aliases.get(ref.key) in ("demonitor", "reply_demonitor"):
        drop_alias(process, ref)


def doom(process: ControlBlock, reason: Any, linked: Pid | None = None) -> None:
    """An exit signal has hit, of a ``linked`` process perhaps: the process ends the next time it would run or wait."""
    if process.exiting is None:
        process.exiting = Terminated(reason, linked)
        process.mailbox = None
        process.owner.wake(process)


def end(process: ControlBlock, reason: Any) -> None:
    """Take a process that has stopped running out of the world, and tell those who asked to be told.

    Never raises; a process that has been ended already (it was declared dead) is left alone.
    """
    if type(reason) not in IMMUTABLE:
        reason = snapshot_or_text(reason)  # decided once, for all: what was shared on its way here cannot be copied
    pid = process.pid
    if processes.pop(pid.key, None) is None:
        return
    if process.exiting is None:
        process.exiting = _ENDED if type(reason) is str and reason == "normal" else Terminated(reason)
    # Who still holds this block (a stack that is parked behind it, say) is not to hold what the process had.
    process.mailbox = process.greenlet = process.start = process.initial_call = None
    if process.relations is not None:
        _forget_relations(process, process.relations)
    if process.aliases is not None:
        own, process.aliases = process.aliases, None
        for key in own:
            aliases.pop(key, None)
    if process.monitors is not None:
        monitors, process.monitors = process.monitors, None
        for ref, watched in monitors.values():
            try:
                stop_watching(pid, ref, watched)
            except Exception as error:  # of the way to another node; the others are to hear of the end all the same
                failed(process, error)
    if process.links is not None:
        links, process.links = process.links, None
        for peer, unlinking in links.items():
            if unlinking is None:
                _tell(process, peer, EXIT, (pid,), reason)
    if process.watchers is not None:
        watchers, process.watchers = process.watchers, None
        for watcher, ref, identity in watchers.values():
            neighbour = processes.get(watcher.key)
            owner = process.owner
            if (
                neighbour is not None
                and neighbour.greenlet is not None  # it cannot leave
                and neighbour.owner is owner
                and not owner.inbox
                and type(reason) in IMMUTABLE
            ):
                _on_monitor_exit(neighbour, (pid, ref, identity, reason))  # as signal() does, without the way there
            else:
                _tell(process, watcher, MONITOR_EXIT, (pid, ref, identity), reason)


def _forget_relations(process: ControlBlock, relations: Relations) -> None:
    """Of a process that has ended: its name is free, and the tables that are kept of processes know."""
    process.relations = None
    if relations.name is not None:
        free_name(process, relations.name)
    for fn in relations.on_end:
        try:
            fn(process.pid)
        except BaseException as error:  # its table may be wrong now; the others are to hear of the end all the same
            failed(process, error)


def _tell(process: ControlBlock, who: Pid, op: int, args: tuple[Any, ...], reason: Any) -> None:
    """Tell one of those concerned of a process's end: with its reason, or with a description of one that cannot go there."""
    try:
        signal(who, op, (*args, snapshot(reason)))
    except Exception:  # its copy fails, or its encoding for another node
        try:
            signal(who, op, (*args, brief(reason)))
        except Exception as error:
            failed(process, error)


def failed(process: ControlBlock, error: BaseException) -> None:
    """Say that something of the runtime's own went wrong, whatever it is: where nobody could be told by raising."""
    log.error("For %r: %s", process.pid, brief(error), exc_info=error)


def _on_message(process: ControlBlock, message: Any) -> None:
    if process.exiting is not None:
        return
    if process.mailbox is None:
        process.mailbox = deque()
    process.mailbox.append(message)
    if process.waiting:
        process.owner.wake(process)


def _on_link(process: ControlBlock, args: tuple[Pid]) -> None:
    if process.links is None:
        process.links = {}
    # Ignored while an unlink of ours is under way: the peer will see that unlink after its link.
    process.links.setdefault(args[0], None)


def _on_unlink(process: ControlBlock, args: tuple[Pid, int]) -> None:
    peer, number = args
    links = process.links
    if links is not None and links.get(peer, 0) is None:
        del links[peer]
    signal(peer, UNLINK_ACK, (process.pid, number))


def _on_unlink_ack(process: ControlBlock, args: tuple[Pid, int]) -> None:
    peer, number = args
    links = process.links
    if links is not None and links.get(peer) == number:
        del links[peer]


def _on_link_exit(process: ControlBlock, args: tuple[Pid, Any]) -> None:
    peer, reason = args
    links = process.links
    if links is not None and links.pop(peer, 0) is None:  # neither unlinked nor being unlinked
        _exit_signal(process, peer, reason, linked=peer)


def _on_exit(process: ControlBlock, args: tuple[Pid, Any]) -> None:
    sender, reason = args
    if isinstance(reason, str) and reason == "kill":
        doom(process, "killed")
    else:
        _exit_signal(process, sender, reason)


def _exit_signal(process: ControlBlock, sender: Pid, reason: Any, linked: Pid | None = None) -> None:
    relations = process.relations
    if relations is not None and relations.trap_exit:
        _on_message(process, _with(reason, lambda reason: Exited(sender, reason)))
    elif not (isinstance(reason, str) and reason == "normal") or sender == process.pid:
        doom(process, reason, linked)


def _with(reason: Any, make: Callable[[Any], Any]) -> Any:
    """A message about a reason; when that is still encoded, so is the message."""
    return reason.then(make) if isinstance(reason, Parcel) else make(reason)


def _on_monitor(process: ControlBlock, args: tuple[Pid, Ref, Watched]) -> None:
    if process.watchers is None:
        process.watchers = {}
    process.watchers[args[1].key] = args


def _on_demonitor(process: ControlBlock, args: tuple[Pid, Ref]) -> None:
    watchers = process.watchers
    if watchers is not None and watchers.pop(args[1].key, None) is not None and not watchers:
        process.watchers = None  # of the many servers that idle, each was monitored while it started


def _on_monitor_exit(process: ControlBlock, args: tuple[Pid | None, Ref, Any, Any]) -> None:
    _, ref, identity, reason = args
    monitors = process.monitors
    if monitors is not None and monitors.pop(ref.key, None) is not None:
        if process.aliases:
            end_with_monitor(process, ref)
        if type(reason) is Parcel:
            _on_message(process, reason.then(functools.partial(Down, ref, identity)))
        else:  # made without the way through the class
            kind = "port" if type(identity) is Port else "process"
            _on_message(process, _make(Down, ("DOWN", ref, kind, identity, reason)))


def _on_alias_send(process: ControlBlock, args: tuple[Ref, Any]) -> None:
    ref, message = args
    ends = process.aliases.get(ref.key) if process.aliases is not None else None
    if ends is None:
        return
    if ends in ("reply", "reply_demonitor"):
        drop_alias(process, ref)
        monitors = process.monitors
        watched = monitors.pop(ref.key, None) if ends == "reply_demonitor" and monitors is not None else None
        if watched is not None:
            stop_watching(process.pid, *watched)
    _on_message(process, message)


def _on_group_leader(process: ControlBlock, args: tuple[Pid, Pid]) -> None:
    process.leader = args[1]


def _on_is_alive(process: ControlBlock, args: tuple[Pid, Ref]) -> None:
    answer(args[0], args[1], process.exiting is None)


def _on_spawn_reply(process: ControlBlock, args: tuple[Pid | str, Ref, bool, bool]) -> None:
    pid, ref, link, monitor = args
    if ref.key not in (process.aliases or ()):
        _abandon(process.pid, args, "abandoned")
        return
    if isinstance(pid, Pid) and link:
        process.link_to(pid)
    if isinstance(pid, Pid) and monitor:
        process.watch(ref, pid)
    _on_alias_send(process, (ref, (ref, pid)))


def _abandon(parent: Pid, reply: tuple[Pid | str, Ref, bool, bool], reason: str) -> None:
    """A process that another node has started is no longer waited for: it is told, if it was to be linked."""
    pid, ref, link, monitor = reply
    if isinstance(pid, Pid) and monitor:
        signal(pid, DEMONITOR, (parent, ref))
    if isinstance(pid, Pid) and link:
        signal(pid, EXIT, (parent, reason))


def _on_node_lost(process: ControlBlock, args: tuple[str]) -> None:
    (node,) = args
    for ref, watched in [*(process.monitors or {}).values()]:
        if (watched[1] if isinstance(watched, tuple) else watched.node) == node:
            _on_monitor_exit(process, (None, ref, watched, "noconnection"))
    watchers = process.watchers or {}
    for key, (watcher, _, _) in [*watchers.items()]:
        if watcher.node == node:
            del watchers[key]
    links = process.links or {}
    for peer, unlinking in [*links.items()]:
        if peer.node == node:
            del links[peer]
            if unlinking is None:
                _exit_signal(process, peer, "noconnection")


#: What each operation does; called in the receiver's owner. Those of whole modules are added there.
HANDLERS: Final[dict[int, Callable[[ControlBlock, Any], None]]] = {
    SEND: _on_message,
    ALIAS_SEND: _on_alias_send,
    LINK: _on_link,
    UNLINK: _on_unlink,
    UNLINK_ACK: _on_unlink_ack,
    EXIT: _on_link_exit,
    EXIT2: _on_exit,
    MONITOR: _on_monitor,
    DEMONITOR: _on_demonitor,
    MONITOR_EXIT: _on_monitor_exit,
    GROUP_LEADER: _on_group_leader,
    IS_ALIVE: _on_is_alive,
    SPAWN_REPLY: _on_spawn_reply,
    NODE_LOST: _on_node_lost,
}
