"""Process groups: names of which any number of processes, on all nodes, are members.

>>> pg.join("workers", spawn(work))
True
>>> for pid in pg.get_members("workers"):
...     send(pid, "begin")

A process joins on its own node, as often as it likes, and must leave as often; it leaves by ending, too. Members on a node
that is lost vanish, and are back when it is. Groups are kept in scopes, which do not know of each other; the scope
``"pg"`` is on every node. What is joined here is seen here at once, and elsewhere soon.

The protocol is that of OTP's pg: scopes of one name find each other by ``discover``, tell each other their own members
by ``sync``, and what changes by ``join`` and ``leave``; each monitors the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from pyex.core.errors import NoProcess
from pyex.core.ids import Pid, Ref
from pyex.core.messages import Down, NodeUp
from pyex.core.messaging import self as this_pid
from pyex.core.messaging import send
from pyex.core.process_api import Process
from pyex.distribution import service
from pyex.distribution.service import GONE, Service, visible_nodes

__all__ = [
    "demonitor", "get_local_members", "get_members", "join", "leave", "monitor", "start", "start_link", "which_groups",
]  # fmt: skip

#: The scope that every node has.
SCOPE: Final = "pg"

_scopes: dict[str, Scope] = {}

#: Members by group: of this node, and of one other.
_Groups = dict[Any, list[Pid]]


class Scope(Service):
    """The groups of one scope, as this node knows them. Only its process changes them; anybody reads ``members``."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        #: by group: the members of this node, and all
        self.members: dict[Any, tuple[tuple[Pid, ...], tuple[Pid, ...]]] = {}
        self._local: _Groups = {}
        #: the members of this node: the monitor, and the groups it is in, as often as it is
        self._joined: dict[Pid, tuple[Ref, list[Any]]] = {}
        #: scopes of other nodes: the monitor, and their members
        self._peers: dict[Pid, tuple[Ref, _Groups]] = {}
        #: who wants to hear of what group: the process, its monitor, the group
        self._listeners: dict[Ref, tuple[Pid, Ref, Any]] = {}

    def begin(self) -> None:
        """Look for the scopes of the nodes that are there."""
        for node in visible_nodes():
            send((self.name, node), ("discover", self.pid))

    def handle(self, message: Any) -> None:
        """What other scopes say, and what is heard of members and nodes."""
        match message:
            case NodeUp(node):
                send((self.name, node), ("discover", self.pid))
            case ("discover", Pid() as peer):
                send(peer, ("sync", self.pid, self._local))
                if self._meet(peer):
                    send(peer, ("discover", self.pid))
            case ("sync", Pid() as peer, dict() as groups):
                self._meet(peer)
                self._sync(peer, groups)
            case ("join", Pid() as peer, group, pids) if peer in self._peers:
                self._peers[peer][1].setdefault(group, []).extend(pids)
                self._changed(group, "join", pids)
            case ("leave", Pid() as peer, pids, groups) if peer in self._peers:
                for group in groups:
                    self._left(self._peers[peer][1], group, pids)
            case Down(_, Pid() as pid, _):
                self._ended(pid)
            case _:
                pass  # nobody's business here

    def handle_call(self, request: Any, alias: Ref) -> Any:
        """What the functions of this module ask."""
        match request:
            case ("join", group, pids):
                self._join(group, pids)
                return True
            case ("leave", group, pids):
                return self._leave(group, pids)
            case ("monitor", pid, group):
                ref = Ref()
                self._listeners[ref] = (pid, Process.monitor(pid), group)
                return ref, list(self.members.get(group, ((), ()))[1])
            case ("demonitor", ref):
                listener = self._listeners.pop(ref, None)
                if listener is not None:
                    Process.demonitor(listener[1], flush=True)
                return listener is not None
        return GONE

    def _join(self, group: Any, pids: list[Pid]) -> None:
        for pid in pids:
            if pid not in self._joined:
                self._joined[pid] = (Process.monitor(pid), [])
            self._joined[pid][1].append(group)
        self._local.setdefault(group, []).extend(pids)
        self._tell(("join", self.pid, group, pids))
        self._changed(group, "join", pids)

    def _leave(self, group: Any, pids: list[Pid]) -> bool:
        left = []
        for pid in pids:
            ref, groups = self._joined.get(pid, (None, []))
            if group in groups:
                groups.remove(group)
                left.append(pid)
                if not groups and ref is not None:
                    Process.demonitor(ref, flush=True)
                    del self._joined[pid]
        if left:
            self._tell(("leave", self.pid, left, [group]))
            self._left(self._local, group, left)
        return bool(left)

    def _ended(self, pid: Pid) -> None:
        """A member, the scope of another node, or who listened is gone."""
        if pid in self._joined:
            groups = self._joined.pop(pid)[1]
            self._tell(("leave", self.pid, [pid], groups))
            for group in groups:
                self._left(self._local, group, [pid])
        if pid in self._peers:
            for group, pids in self._peers.pop(pid)[1].items():
                self._changed(group, "leave", pids)
        for ref, (listener, _, _) in list(self._listeners.items()):
            if listener == pid:
                del self._listeners[ref]

    def _meet(self, peer: Pid) -> bool:
        """Monitor the scope of another node; False if it was known."""
        if peer in self._peers:
            return False
        self._peers[peer] = (Process.monitor(peer), {})
        return True

    def _sync(self, peer: Pid, groups: _Groups) -> None:
        """What the scope of another node has, instead of what was known of it."""
        ref, before = self._peers[peer]
        self._peers[peer] = (ref, groups)
        for group in [*before, *(group for group in groups if group not in before)]:
            gone, come = list(before.get(group, ())), []
            for pid in groups.get(group, ()):
                if pid in gone:
                    gone.remove(pid)
                else:
                    come.append(pid)
            if gone:
                self._changed(group, "leave", gone)
            if come:
                self._changed(group, "join", come)

    def _tell(self, message: Any) -> None:
        for peer in self._peers:
            send(peer, message)

    def _left(self, groups: _Groups, group: Any, pids: Iterable[Pid]) -> None:
        gone = []
        members = groups.get(group, [])
        for pid in pids:
            if pid in members:
                members.remove(pid)
                gone.append(pid)
        if not members:
            groups.pop(group, None)
        if gone:
            self._changed(group, "leave", gone)

    def _changed(self, group: Any, what: str, pids: list[Pid]) -> None:
        """Let it be seen, and told to those who listen."""
        local = tuple(self._local.get(group, ()))
        everybody = (*local, *(pid for _, groups in self._peers.values() for pid in groups.get(group, ())))
        if everybody:
            self.members[group] = (local, everybody)
        else:
            self.members.pop(group, None)
        for ref, (listener, _, wanted) in self._listeners.items():
            if wanted == group:
                send(listener, (ref, what, group, list(pids)))


def start(scope: str) -> Pid:
    """Start a scope on this node; raises ``NameTaken`` (a ``ValueError``) if it runs, or a process has its name."""
    if not isinstance(scope, str) or not scope:
        raise TypeError(f"a scope's name is a str that is not empty, not {scope!r}")
    new = Scope(scope)
    pid = new.start()
    _scopes[scope] = new
    return pid


def start_link(scope: str) -> Pid:
    """The same, linked to this process.

    >>> pg.start_link("games")
    """
    pid = start(scope)
    Process.link(pid)
    return pid


def join(group: Any, pid_or_pids: Pid | Iterable[Pid], scope: str = SCOPE) -> bool:
    """Make one or more processes of this node members of a group, which begins with its first member; returns True.

    Raises ``ValueError`` for a process of another node: only it can join there.

    >>> pg.join("workers", self())
    True
    """
    pids = _local_pids("join", pid_or_pids)
    return bool(_call(scope, ("join", group, pids)))


def leave(group: Any, pid_or_pids: Pid | Iterable[Pid], scope: str = SCOPE) -> bool:
    """Let processes of this node leave a group once; False if none of them was a member."""
    return bool(_call(scope, ("leave", group, _local_pids("leave", pid_or_pids))))


def get_members(group: Any, scope: str = SCOPE) -> list[Pid]:
    """The members of a group on all nodes, those of this one first; one that joined twice is there twice."""
    return list(_running(scope).members.get(group, ((), ()))[1])


def get_local_members(group: Any, scope: str = SCOPE) -> list[Pid]:
    """The members of a group on this node."""
    return list(_running(scope).members.get(group, ((), ()))[0])


def which_groups(scope: str = SCOPE) -> list[Any]:
    """The groups that have members."""
    return list(_running(scope).members)


def monitor(group: Any, scope: str = SCOPE) -> tuple[Ref, list[Pid]]:
    """Hear of a group: ``(ref, members)`` as they are now, and from now on messages of all changes.

    They are ``(ref, "join", group, pids)`` and ``(ref, "leave", group, pids)``, until ``demonitor(ref)``.

    >>> ref, members = pg.monitor("workers")
    >>> pg.join("workers", self())
    True
    >>> receive((ref, "join", ANY, ANY), timeout=5)
    """
    answer: tuple[Ref, list[Pid]] = _call(scope, ("monitor", this_pid(), group))
    return answer


def demonitor(ref: Ref, scope: str = SCOPE) -> bool:
    """Hear no more; what is in the mailbox stays. False if there was no such monitor."""
    return bool(_call(scope, ("demonitor", ref)))


def ensure() -> None:
    """See to it that the scope that every node has is on this one."""
    _running(SCOPE)


def _running(scope: str) -> Scope:
    known = _scopes.get(scope)
    if known is not None and known.runs:
        return known
    if scope == SCOPE:
        return service.running(scope, Scope, _scopes)  # type: ignore[no-any-return]
    raise NoProcess(message=f"no scope {scope!r} runs on this node: pg.start_link({scope!r}) starts it")


def _call(scope: str, request: Any) -> Any:
    answer = service.call(_running(scope).pid, request)
    if answer is GONE:
        raise NoProcess(message=f"the scope {scope!r} ended meanwhile")
    return answer


def _local_pids(what: str, pid_or_pids: Pid | Iterable[Pid]) -> list[Pid]:
    pids = [pid_or_pids] if isinstance(pid_or_pids, Pid) else list(pid_or_pids)
    for pid in pids:
        if not isinstance(pid, Pid):
            raise TypeError(f"pg.{what} takes a group and a pid, or several, not {pid!r}")
        if type(pid.key) is not int:
            raise ValueError(f"{pid!r} is a process of another node: only there it can {what}")
    return pids
