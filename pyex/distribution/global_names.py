"""``Global``: names and locks that hold in the whole mesh."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from pyex.core.errors import LockTaken, NoProcess
from pyex.core.identity import identity
from pyex.core.ids import Pid
from pyex.core.messaging import self as this_pid
from pyex.core.messaging import send, sleep
from pyex.distribution import service
from pyex.distribution.global_server import NAME, GlobalServer, Resolver
from pyex.distribution.service import GONE, visible_nodes

T = TypeVar("T")

#: Seconds, at most, before the second attempt at a lock, and before any.
FIRST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 2.0

_servers: dict[str, GlobalServer] = {}


class Global:
    """A namespace, as Erlang's ``global``: names for processes, and locks, that hold on all nodes that are connected.

    A name goes with its process, or its node. When two clusters join in which a name means two processes, one of them
    keeps it, and the other is killed.

    >>> Global.register_name("chief", self())
    True
    >>> send(Global.whereis_name("chief"), "hello")     # on any node
    """

    def __new__(cls) -> Global:
        raise TypeError("Global is a namespace: Global.register_name(name, pid) registers a name on all nodes")

    @staticmethod
    def register_name(name: str, pid: Pid, resolve: Resolver | None = None) -> bool:
        """Give a process, on whatever node, a name on all nodes; False if the name is taken.

        Once this has returned, all nodes know it. ``resolve(name, pid, other)`` is called, in the runtime's process on
        one of the two nodes, when clusters join and the name has two processes: it returns the one that keeps the name, or
        None for neither, and sees itself to what becomes of the other. Without it the process on the node whose name
        comes first keeps the name, and the other is killed.

        Raises ``NoProcess`` (a ``LookupError``) for a process on a node out of reach.
        """
        _expect(name, pid)
        with _lock_of(name):
            return _register(name, pid, None, resolve)

    @staticmethod
    def re_register_name(name: str, pid: Pid, resolve: Resolver | None = None) -> bool:
        """The same, but take the name from whoever has it; returns True. At no time does nobody have it."""
        _expect(name, pid)
        with _lock_of(name):
            holder = _server().holder(name)
            return holder == pid or _register(name, pid, holder, resolve)

    @staticmethod
    def unregister_name(name: str) -> bool:
        """Free a name on all nodes, whoever has it; returns True, also if nobody has."""
        with _lock_of(name):
            holder = _server().holder(name)
            if holder is not None:
                service.call(_at(holder.node), ("unregister", name, holder))
        return True

    @staticmethod
    def whereis_name(name: str) -> Pid | None:
        """The process with that name, or None. Never waits."""
        return _server().holder(name)

    @staticmethod
    def registered_names() -> list[str]:
        """The names there are, sorted."""
        server = _server()
        return sorted(name for name in [*server.claims] if server.holder(name) is not None)

    @staticmethod
    def disconnect() -> list[str]:
        """Leave the mesh: disconnect from all visible nodes, which stay connected to each other; returns their names."""
        from pyex.distribution.node import disconnect_all  # which starts the services

        return disconnect_all()

    @staticmethod
    def sync() -> bool:
        """Wait until the names of all nodes that are connected are known here; returns True."""
        return service.call(_server().pid, ("sync",)) is True

    @staticmethod
    def set_lock(id: Any, nodes: Iterable[str] | None = None, retries: int | None = None) -> bool:
        """Take a lock on all nodes, or on those given; False if it could not be had.

        ``id`` is what is locked; or ``(what, who)``, where all who give the same ``who`` have the lock together. It is
        waited for, in turn; with ``retries`` it is tried that many times again, with growing pauses. A process can take a
        lock several times and must give it back as often; those of a process that ends are given back.

        >>> Global.set_lock("printer")
        True
        """
        resource, requester = _parts(id)
        attempt = 0
        where = _nodes(nodes)
        while not _take(resource, requester, where, waits=retries is None):
            if retries is not None and attempt >= retries:
                return False
            sleep(random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt)))  # noqa: S311 - who comes first is all
            attempt += 1
        return True

    @staticmethod
    def del_lock(id: Any, nodes: Iterable[str] | None = None) -> bool:
        """Give a lock back that this process has taken; returns True."""
        resource, requester = _parts(id)
        _give_back(resource, requester, _nodes(nodes))
        return True

    @staticmethod
    def trans(id: Any, fn: Callable[[], T], nodes: Iterable[str] | None = None, retries: int | None = None) -> T:
        """Call ``fn()`` in this process while it has a lock, and return its value.

        Raises ``LockTaken`` (a ``TimeoutError``) if the lock could not be had in so many ``retries``.

        >>> Global.trans("printer", lambda: print("alone"))
        """
        where = _nodes(nodes)
        if not Global.set_lock(id, where, retries):
            raise LockTaken(f"the lock {id!r} is taken, and was so at every attempt")
        try:
            return fn()
        finally:
            Global.del_lock(id, where)


def ensure() -> None:
    """See to it that this node's server runs."""
    _server()


def _server() -> GlobalServer:
    server: GlobalServer = service.running(NAME, GlobalServer, _servers)
    return server


def _at(node: str | None) -> Any:
    """The server of a node."""
    _server()
    return service.reachable(NAME, node or _own_name())


def _own_name() -> str:
    return identity.name or "nonode@nohost"


def _nodes(nodes: Iterable[str] | None) -> list[str]:
    """In the order in which everybody takes locks, so that no two wait for each other."""
    return sorted({_own_name(), *visible_nodes()} if nodes is None else set(nodes))


def _expect(name: str, pid: Pid) -> None:
    if not isinstance(name, str) or not name:
        raise TypeError(f"a global name is a str that is not empty, not {name!r}")
    if not isinstance(pid, Pid):
        raise TypeError(f"Global takes a name and a pid, not {pid!r}")


def _register(name: str, pid: Pid, replaces: Pid | None, resolve: Resolver | None) -> bool:
    answer = service.call(_at(pid.node), ("register", name, pid, replaces, resolve))
    if answer is GONE:
        raise NoProcess(message=f"{pid!r} cannot be registered: its node is out of reach")
    return bool(answer)


def _parts(id: Any) -> tuple[Any, Any]:
    return id if isinstance(id, tuple) and len(id) == 2 else (id, this_pid())


@contextmanager
def _lock_of(name: str) -> Iterator[None]:
    resource, me, where = ("global name", name), this_pid(), _nodes(None)
    _take(resource, me, where, waits=True)
    try:
        yield
    finally:
        _give_back(resource, me, where)


def _take(resource: Any, requester: Any, nodes: list[str], *, waits: bool) -> bool:
    taken: list[str] = []
    try:
        for node in nodes:
            taken.append(node)
            # A node that is not there (any more) has nobody who could hold the lock against us.
            if service.call(_at(node), ("lock", resource, requester, this_pid(), waits)) is False:
                taken.pop()
                _give_back(resource, requester, taken)
                return False
    except BaseException:
        for node in taken:  # nobody is waited for: this process may be about to end
            send(_at(node), ("call", service.nobody(), ("unlock", resource, requester, this_pid())))
        raise
    return True


def _give_back(resource: Any, requester: Any, nodes: list[str]) -> None:
    service.call_all(map(_at, nodes), ("unlock", resource, requester, this_pid()))
