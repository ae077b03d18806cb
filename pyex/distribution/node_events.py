"""Who is told when other nodes come and go."""

from __future__ import annotations

from pyex.core.ids import Pid
from pyex.core.messages import NodeDown, NodeUp
from pyex.core.process import processes
from pyex.core.signals import SEND, signal

#: processes that want to be told, and how often they have said so: as often they get each message
_subscribers: dict[Pid, int] = {}

#: by node: who wants to be told once that it is lost, and how often
_watchers: dict[str, dict[Pid, int]] = {}


def subscribe(pid: Pid) -> None:
    """From now on the process gets a ``NodeUp`` and a ``NodeDown`` for every visible node that comes and goes."""
    _subscribers[pid] = _subscribers.get(pid, 0) + 1


def unsubscribe(pid: Pid) -> bool:
    """Take one subscription back; False if there was none."""
    count = _subscribers.pop(pid, 0)
    if count > 1:
        _subscribers[pid] = count - 1
    return count > 0


def watch(pid: Pid, node: str) -> None:
    """The process gets one ``NodeDown`` more when that node is lost, whatever its kind; and then no more."""
    watchers = _watchers.setdefault(node, {})
    watchers[pid] = watchers.get(pid, 0) + 1


def stop_watching(pid: Pid, node: str) -> bool:
    """Take one of these back; False if there was none."""
    watchers = _watchers.get(node, {})
    count = watchers.pop(pid, 0)
    if count > 1:
        watchers[pid] = count - 1
    if not watchers:
        _watchers.pop(node, None)
    return count > 0


def up(node: str, *, hidden: bool = False) -> None:
    """On the loop: a node is connected, and nothing has come from it yet."""
    if not hidden:
        _tell(_subscribers, NodeUp(node))


def down(node: str, *, hidden: bool = False) -> None:
    """On the loop: a node is lost, or cannot be reached; those with links and monitors there have been told."""
    _tell(_watchers.pop(node, {}), NodeDown(node))
    if not hidden:
        _tell(_subscribers, NodeDown(node))


def out_of_reach(node: str) -> None:
    """On the loop: a node that somebody watches cannot be connected to."""
    _tell(_watchers.pop(node, {}), NodeDown(node))


def all_out_of_reach() -> None:
    """On the loop: this node stops, and with it the dials for those that watch a node."""
    for node in list(_watchers):
        out_of_reach(node)


def _tell(listeners: dict[Pid, int], message: NodeUp | NodeDown) -> None:
    for pid, count in list(listeners.items()):
        if pid.key not in processes:
            listeners.pop(pid, None)
            continue
        for _ in range(count):
            signal(pid, SEND, message)
