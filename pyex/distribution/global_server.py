"""The server of names that hold in the whole mesh, one on each node.

A name belongs to the node its process is on: that node's server alone says that it is registered, or not any more.
Servers find each other by ``discover``, tell each other their own names by ``sync``, and what changes by ``add`` and
``remove``, whose effect they confirm; so what a registration has returned holds everywhere. What was removed while a
node was away is not in what its home tells when it is back. Every server monitors every process that has a name.

Registrations take turns by a lock on all nodes. When clusters join that have given a name to one process each, the home
whose name comes first in the alphabet decides; until then that one's process is what all nodes see.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from pyex.core.identity import identity
from pyex.core.ids import Pid, Ref
from pyex.core.messages import Down, NodeDown, NodeUp
from pyex.core.messaging import send
from pyex.core.process import processes
from pyex.core.process_api import Process
from pyex.distribution.global_locks import Locks
from pyex.distribution.service import GONE, LATER, Service, visible_nodes

log = logging.getLogger("pyex.node")

NAME: Final = "global_name_server"

#: Chooses between two processes of one name: the one that keeps it, or None.
Resolver = Callable[[str, Pid, Pid], Pid | None]


class Claim(NamedTuple):
    """That a process has a name: the monitor of it here, and whom it took the name from."""

    monitor: Ref
    replaces: Pid | None


class GlobalServer(Service):
    """Only its process changes anything; anybody calls ``holder`` and reads ``claims``."""

    def __init__(self, name: str = NAME) -> None:
        super().__init__(name)
        #: by name: those who have it; several only while it is not decided who keeps it
        self.claims: dict[str, dict[Pid, Claim]] = {}
        self.locks = Locks()
        self._resolvers: dict[tuple[str, Pid], Resolver] = {}
        #: servers of other nodes, and the monitors of them
        self._peers: dict[Pid, Ref] = {}
        #: nodes whose names are not known yet, and the monitors that tell if they never will be
        self._unknown: dict[str, Ref] = {}
        #: requests that wait until all names are known
        self._deferred: list[tuple[Any, Ref]] = []
        #: changes that not all peers have confirmed: those who have not, and whom to tell
        self._unconfirmed: dict[Ref, tuple[set[Pid], Ref]] = {}

    def begin(self) -> None:
        """Look for the servers of the nodes that are there."""
        for node in visible_nodes():
            self._discover(node)

    def holder(self, name: str) -> Pid | None:
        """The process that has a name; safe in every thread."""
        claims: dict[Pid, Claim] = self.claims.get(name, {})
        for pid in sorted([*claims], key=_home):
            if type(pid.key) is not int or _lives(pid):
                return pid
        return None

    def handle(self, message: Any) -> None:
        """What other servers say, and what is heard of processes and nodes."""
        match message:
            case NodeUp(node):
                self._discover(node)
            case NodeDown(node):
                self._known(node)
            case ("discover", Pid() as peer):
                if peer not in self._peers:
                    self._peers[peer] = Process.monitor(peer)
                send(peer, ("sync", self.pid, self._own()))
            case ("sync", Pid() as peer, dict() as names):
                if peer not in self._peers:
                    self._peers[peer] = Process.monitor(peer)
                self._sync(peer, names)
            case ("add", Pid() as peer, change, str(name), Pid() as pid, replaces):
                self._add(name, pid, replaces)
                send(peer, ("confirm", self.pid, change))
            case ("remove", Pid() as peer, change, str(name), Pid() as pid):
                self._remove(name, pid)
                send(peer, ("confirm", self.pid, change))
            case ("confirm", Pid() as peer, Ref() as change):
                self._confirm(peer, change)
            case ("resolved", str(name), Pid() as pid):
                self._lose(name, pid)
            case Down(ref, target, _):
                self._down(ref, target)
            case _:
                pass  # nobody's business here

    def handle_call(self, request: Any, alias: Ref) -> Any:
        """What ``Global`` asks."""
        match request:
            case ("lock", resource, requester, Pid() as pid, bool(waits)):
                return self.locks.take(resource, requester, pid, alias if waits else None) or (
                    LATER if waits else False
                )
            case ("unlock", resource, requester, Pid() as pid):
                self.locks.release(resource, requester, pid)
                return True
            case ("sync",) | ("register", str(), Pid(), _, _):
                self._deferred.append((request, alias))
                self._answer_deferred()
                return LATER
            case ("unregister", str(name), Pid() as pid):
                if pid not in self.claims.get(name, ()):
                    return True
                self._remove(name, pid)
                self._tell(alias, "remove", name, pid)
                return LATER
        return GONE

    # Other nodes

    def _discover(self, node: str) -> None:
        if node not in self._unknown:
            self._unknown[node] = Process.monitor((self.name, node))
        send((self.name, node), ("discover", self.pid))

    def _known(self, node: str) -> None:
        """There is nothing more to be waited for from that node."""
        ref = self._unknown.pop(node, None)
        if ref is not None:
            Process.demonitor(ref, flush=True)
        self._answer_deferred()

    def _answer_deferred(self) -> None:
        while self._deferred and not self._unknown:
            request, alias = self._deferred.pop(0)
            if request[0] == "sync":
                send(alias, (alias, True))
            else:
                self._register(alias, *request[1:])

    def _sync(self, peer: Pid, names: dict[str, tuple[Pid, Pid | None]]) -> None:
        """All the names of another node, instead of what was known of them."""
        node = peer.node
        for name, claims in list(self.claims.items()):
            for pid in [*claims]:
                if pid.node == node and names.get(name, (None,))[0] != pid:
                    self._remove(name, pid)
        for name, (pid, replaces) in names.items():
            self._add(name, pid, replaces)
        self._known(node or "")

    def _own(self) -> dict[str, tuple[Pid, Pid | None]]:
        return {
            name: (pid, claim.replaces)
            for name, claims in self.claims.items()
            for pid, claim in claims.items()
            if type(pid.key) is int
        }

    def _tell(self, alias: Ref, what: str, *args: Any) -> None:
        """Tell all peers of a change; when they have confirmed it, the alias hears of it."""
        change = Ref()
        self._unconfirmed[change] = (set(self._peers), alias)
        for peer in self._peers:
            send(peer, (what, self.pid, change, *args))
        self._confirm(None, change)

    def _confirm(self, peer: Pid | None, change: Ref) -> None:
        missing, alias = self._unconfirmed.get(change, (None, None))
        if missing is None or alias is None:
            return
        if peer is not None:
            missing.discard(peer)
        if not missing:
            del self._unconfirmed[change]
            send(alias, (alias, True))

    def _down(self, ref: Ref, target: Pid | tuple[str, str]) -> None:
        """A process that has a name, or holds a lock, or a server is gone; or there is none on a node."""
        if isinstance(target, tuple):
            if self._unknown.get(target[1]) == ref:
                self._known(target[1])
            return
        self.locks.ended(target)
        if self._peers.get(target) == ref:
            del self._peers[target]
            for change in list(self._unconfirmed):
                self._confirm(target, change)
        for name, claims in list(self.claims.items()):
            if target in claims and claims[target].monitor == ref:
                self._remove(name, target)

    # Names

    def _register(self, alias: Ref, name: str, pid: Pid, replaces: Pid | None, resolver: Resolver | None) -> None:
        """For a process of this node; by a client that has the lock of the name."""
        for other in [*self.claims.get(name, ())]:
            if type(other.key) is int and not _lives(other):
                self._remove(name, other)  # the word of its end is under way
        if type(pid.key) is not int or any(other != replaces for other in self.claims.get(name, ())):
            send(alias, (alias, False))
            return
        if resolver is not None:
            self._resolvers[name, pid] = resolver
        self._add(name, pid, replaces)
        self._tell(alias, "add", name, pid, replaces)

    def _add(self, name: str, pid: Pid, replaces: Pid | None) -> None:
        claims = dict(self.claims.get(name, {}))
        if replaces is not None and replaces != pid and replaces in claims:
            self._forget(name, replaces, claims.pop(replaces))
        if any(claim.replaces == pid for other, claim in claims.items() if other != pid):
            return  # it has been replaced meanwhile
        if pid not in claims:
            claims[pid] = Claim(Process.monitor(pid), replaces)
        self.claims[name] = claims
        for other in [*claims]:
            if other != pid:
                self._decide(name, *sorted((pid, other), key=_home))

    def _decide(self, name: str, first: Pid, second: Pid) -> None:
        """A name has two processes: the home of the first decides which keeps it."""
        if type(first.key) is not int:
            return
        resolver = self._resolvers.get((name, first), keep_first)
        try:
            kept = resolver(name, first, second)
        except Exception:
            log.exception("The function that is to decide who is %r raised; %r is", name, first)
            kept = first
        for loser, other in ((second, first), (first, second)):
            if loser == kept:
                continue
            if resolver is keep_first:
                log.warning("The name %r was registered on two sides: %r keeps it, %r is killed", name, other, loser)
                Process.exit(loser, "kill")
            if type(loser.key) is int:
                self._lose(name, loser)
            else:
                send((self.name, loser.node), ("resolved", name, loser))
                self._remove(name, loser)

    def _lose(self, name: str, pid: Pid) -> None:
        """A process of this node has a name no more, and everybody is to know."""
        if type(pid.key) is int and pid in self.claims.get(name, ()):
            self._remove(name, pid)
            for peer in self._peers:
                send(peer, ("remove", self.pid, Ref(), name, pid))

    def _remove(self, name: str, pid: Pid) -> None:
        claims = dict(self.claims.get(name, {}))
        claim = claims.pop(pid, None)
        if claims:
            self.claims[name] = claims
        else:
            self.claims.pop(name, None)
        if claim is not None:
            self._forget(name, pid, claim)

    def _forget(self, name: str, pid: Pid, claim: Claim) -> None:
        self._resolvers.pop((name, pid), None)
        Process.demonitor(claim.monitor, flush=True)


def keep_first(_name: str, first: Pid, _second: Pid) -> Pid | None:
    """What decides when nothing else is given: the node whose name comes first; the other process is killed."""
    return first


def _lives(pid: Pid) -> bool:
    process = processes.get(pid.key)
    return process is not None and process.exiting is None


def _home(pid: Pid) -> str:
    """The node whose server speaks for a process."""
    return pid.node or identity.name or ""
