"""Who is told when other nodes come and go."""

from __future__ import annotations

from pyex.core.ids import Pid
from pyex.core.messages import NodeDown, NodeUp
from pyex.core.process import processes
from pyex.core.signals import SEND, signal

#: processes that want to be told, and how often they have said so: as often they get each message
_subscribers: dict[Pid, int] = {}


def subscribe(pid: Pid) -> None:
    """From now on the process gets a ``NodeUp`` and a ``NodeDown`` for every visible node that comes and goes."""
    _subscribers[pid] = _subscribers.get(pid, 0) + 1


def unsubscribe(pid: Pid) -> bool:
    """Take one subscription back; False if there was none."""
    count = _subscribers.pop(pid, 0)
    if count > 1:
        _subscribers[pid] = count - 1
    return count > 0


def up(node: str) -> None:
    """On the loop: a node is connected, and nothing has come from it yet."""
    _tell(NodeUp(node))


def down(node: str) -> None:
    """On the loop: a node is lost, and those with links and monitors there have been told."""
    _tell(NodeDown(node))


def _tell(message: NodeUp | NodeDown) -> None:
    for pid, count in list(_subscribers.items()):
        if pid.key not in processes:
            _subscribers.pop(pid, None)
            continue
        for _ in range(count):
            signal(pid, SEND, message)
