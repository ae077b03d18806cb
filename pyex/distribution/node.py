"""``Node``: this node, the others, and processes on them."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import logging
import os
import secrets
import types
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

from pyex.core.carrier import route
from pyex.core.errors import ConnectError, NodeNameError, NodeStartError, NotDistributed
from pyex.core.identity import LOOPBACK, identity
from pyex.core.ids import Pid, Ref, pid_of
from pyex.core.messages import Down
from pyex.core.messaging import receive
from pyex.core.process_api import Process
from pyex.core.runtime import runtime
from pyex.core.threads import this_process
from pyex.distribution import cookies, epmd, global_names, node_events, peer, pg
from pyex.distribution.cookie import find_cookie
from pyex.distribution.fitting import Accepting
from pyex.distribution.handshake import LONGEST_TICKTIME, NET_TICKTIME, PATIENCE, SHORTEST_TICKTIME, Own
from pyex.distribution.mesh import Mesh
from pyex.distribution.names import full_name, is_loopback, lan_address, split
from pyex.distribution.on_loop import call
from pyex.distribution.spawning import spawn_there
from pyex.distribution.tls import Certificates

log = logging.getLogger("pyex.node")

#: Seconds that the end of the interpreter waits for a node to leave its mesh in order.
LAST_WORDS: Final = 1.0

# Inside the namespace, "list" is Node.list.
_Names: TypeAlias = list[str]
_KINDS: Final = ("visible", "hidden", "connected")
_Found: TypeAlias = list[tuple[str, int]]


class _Current:
    """The mesh this node is part of, if it has a name."""

    __slots__ = ("mesh", "options", "starting")

    def __init__(self) -> None:
        self.mesh: Mesh | None = None
        #: what the node was started with, beside its name: its peers are started so too
        self.options: dict[str, Any] = {}
        #: the name is being taken right now
        self.starting = False

    def forget(self) -> None:
        """In the child of a fork: it is no node."""
        self.__init__()  # type: ignore[misc]


_current = _Current()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_current.forget)


class Node:
    """A namespace, as in Elixir: nodes are named interpreters that trust each other.

    >>> Node.start("alice")
    'alice@127.0.0.1'
    >>> Node.connect("bob@127.0.0.1")
    True
    >>> Node.spawn("bob@127.0.0.1", lambda: print("hello from", Node.self()))
    """

    def __new__(cls) -> Node:
        raise TypeError("Node is a namespace: Node.start(name) gives this interpreter a name")

    @staticmethod
    def start(
        name: str | None = None,
        cookie: str | None = None,
        *,
        port: int = 0,
        lan: bool = False,
        hidden: bool = False,
        net_ticktime: float = NET_TICKTIME,
        tls: Sequence[str | os.PathLike[str]] | None = None,
        code: bool = True,
        prevent_overlapping_partitions: bool = True,
    ) -> str:
        """Give this node a name, so that others can connect to it, and return the full name.

        ``bob`` means ``bob@127.0.0.1``, which only this machine can reach; with ``lan`` it means this machine's address
        in its network. Without a name it is the first free of ``pyex1``, ``pyex2``, ... The cookie is the one given, or
        ``PYEX_COOKIE``, or that of the user's cookie file. ``port`` fixes the port to listen on. A ``hidden`` node is
        connected only to the nodes it has asked for, or that have asked for it, and is not among those they list.
        ``net_ticktime`` is how many seconds another node may be silent before it is taken for lost. With ``tls``, the files
        of a certificate, its key and the authority's certificate, connections are encrypted, and only with nodes that
        have a certificate of that authority. With ``code=False``
        other nodes can send no functions and no objects here, only data, and spawn nothing. Nodes that have lost each other
        are disconnected from, so that all that are connected see the same nodes; ``prevent_overlapping_partitions=False``,
        which is then for all nodes of the mesh, leaves that to you.

        Raises ``NodeNameError`` (a ``ValueError``), ``NodeStartError`` (an ``OSError``) when the name or the
        port is in use or this node has a name already, ``CookieError`` (a ``PermissionError``).
        """
        host = lan_address() if lan else LOOPBACK
        full = full_name(name, host) if name is not None else ""
        if lan and full and is_loopback(split(full)[1]):
            raise NodeNameError(
                f"{full} is of this machine alone. Give a name without a host, and lan makes it this one's"
            )
        if not isinstance(port, int) or not 0 <= port <= 65535:
            raise NodeStartError(f"{port!r} is no port. Choose one from 1024 to 65535")
        if not SHORTEST_TICKTIME <= net_ticktime <= LONGEST_TICKTIME:
            raise NodeStartError(
                f"a net tick time of {net_ticktime!r} s cannot be kept. Choose one from {SHORTEST_TICKTIME} s to a day"
            )
        secret = find_cookie(cookie)
        certificates = Certificates.load(tls) if tls is not None else None
        creation = 1 + secrets.randbelow((1 << 32) - 1)
        own = Own(
            full, creation, secret, hidden=hidden, net_ticktime=net_ticktime, certificates=certificates, code=code,
            prevent_overlapping_partitions=prevent_overlapping_partitions,
        )  # fmt: skip
        mesh: Mesh = call(lambda: _start(own, host, port))
        files = [os.path.abspath(os.fspath(file)) for file in tls or ()]  # noqa: PTH100 - what is given may be bytes
        _current.options = {
            "hidden": hidden, "net_ticktime": net_ticktime, "tls": files or None, "code": code,
            "prevent_overlapping_partitions": prevent_overlapping_partitions,
        }  # fmt: skip
        return mesh.own.name

    @staticmethod
    def stop() -> bool:
        """Disconnect from all nodes and give up the name; False if there was none."""
        return bool(call(_stop))

    @staticmethod
    def self() -> str:
        """This node's name; ``nonode@nohost`` while it has none."""
        return identity.name or "nonode@nohost"

    @staticmethod
    def alive() -> bool:
        """Whether this node has a name."""
        return _current.mesh is not None

    @staticmethod
    def list(kind: str = "visible") -> _Names:
        """The nodes this one is connected to, sorted: those of the mesh, the ``"hidden"``, or all that are ``"connected"``.

        A connection is hidden if either of its nodes is.
        """
        if kind not in _KINDS:
            raise ValueError(f"Node.list() takes 'visible', 'hidden' or 'connected', not {kind!r}")
        mesh = _current.mesh
        return sorted(mesh.nodes(kind)) if mesh is not None else []

    @staticmethod
    def monitor(node: str, on: bool = True) -> bool:
        """Have this process told when a node is lost: by one ``NodeDown(node)`` for each time this was called.

        The node is connected to; if it cannot be, the message comes at once. ``on=False`` takes back what one call
        has asked for; the result is False when there is nothing (left) to take back.
        """
        full, mesh, pid = full_name(node), _mesh(), this_process().pid
        return bool(call(lambda: mesh.watch(pid, full, on=on)))

    @staticmethod
    def monitor_nodes(on: bool = True) -> bool:
        """Have this process told of all visible nodes that come and go: by ``NodeUp(node)`` and ``NodeDown(node)``.

        A node's ``NodeUp`` comes before anything that is sent from there, its ``NodeDown`` after, and always before
        its next ``NodeUp``. ``on=False`` ends it; the result is False if there was nothing to end.

        >>> Node.monitor_nodes()
        True
        >>> Node.connect("carol@127.0.0.1")
        True
        >>> receive(NodeUp(), timeout=5)
        ('nodeup', 'carol@127.0.0.1')
        """
        pid = this_process().pid
        return bool(call(lambda: _subscribe(pid, on=on)))

    @staticmethod
    def names(host: str = LOOPBACK) -> _Names:
        """The names of all nodes that the name service of a machine knows, sorted.

        Raises ``ConnectError`` when there is none.
        """
        try:
            found = call(lambda: _names(host))
        except (OSError, TimeoutError):
            raise ConnectError(f"no name service answers on {host}, so no node runs there") from None
        return sorted(name for name, _ in found)

    @staticmethod
    def connect(node: str) -> bool:
        """Connect to a node, and by that to all it is connected to; True, also if it was connected before.

        Raises ``ConnectError`` (a ``ConnectionError``), which says why and what to do.
        """
        full, mesh = full_name(node), _mesh()
        call(lambda: mesh.connect(full))
        return True

    @staticmethod
    def disconnect(node: str) -> bool:
        """Close the connection to a node; False if there was none.

        As after every loss of a connection, the other nodes of the mesh then disconnect from both, so that nobody sees two
        nodes that do not see each other. ``Global.disconnect()`` leaves the mesh and the others together.
        """
        mesh = _mesh()
        connection = mesh.connections.get(full_name(node))
        if connection is None:
            return False
        call(lambda: mesh.disconnect(connection))
        return True

    @staticmethod
    def ping(node: str) -> bool:
        """Whether a node answers, within 7 seconds: one that is frozen does not. It is connected to afterwards."""
        try:
            Node.connect(node)
        except ConnectError:
            return False
        ref = Process.monitor(pid_of((0, full_name(node), 0)))  # who never was: the node itself tells, at once
        try:
            down = receive(Down(ref), timeout=PATIENCE, default=None)
            return down is not None and down.reason == "noproc"
        finally:
            Process.demonitor(ref, flush=this_process().exiting is None)

    @staticmethod
    def cookie(node: str | None = None, cookie: str | None = None) -> str:
        """The cookie of this node; with ``node``, the one for connections to and from that node.

        With ``cookie`` it is changed first, for connections to come. So a node can be in two meshes with a secret each.
        Raises ``ValueError`` for what is no node's name, or a short one of a node that is not known here: perhaps it is a secret.

        >>> Node.cookie("bob@192.168.1.5", cookie="a long secret for the two of us")
        """
        return cookies.of_node(_mesh(), node, cookie)

    @staticmethod
    def spawn(node: str, fn: Callable[..., Any], *args: Any) -> Pid:
        """Start a process on another node that runs ``fn(*args)``, and return its pid.

        ``fn`` may be typed at the prompt a moment ago: it travels with what it uses. What it prints appears
        here. A node that cannot be reached gives the pid of a dead process, and a warning in the log.
        """
        return _spawn(node, fn, args, link=False, monitor=False)[0]

    @staticmethod
    def spawn_link(node: str, fn: Callable[..., Any], *args: Any) -> Pid:
        """Like ``spawn``, linked to this process; for a node out of reach the exit signal is ``noconnection``."""
        return _spawn(node, fn, args, link=True, monitor=False)[0]

    @staticmethod
    def spawn_monitor(node: str, fn: Callable[..., Any], *args: Any) -> tuple[Pid, Ref]:
        """Like ``spawn``, monitored by this process; returns ``(pid, ref)``."""
        return _spawn(node, fn, args, link=False, monitor=True)

    @staticmethod
    def start_peer(name: str | None = None) -> str:
        """Start another node, in an operating system's process of its own on this machine, and return its name.

        It is of this node's mesh, has its cookie and options, and finds the same modules; so work that is spread over
        several peers uses as many cores. Without a name it is called after this node. What its processes print appears
        where they were spawned. It ends with this node: by ``Node.stop``, the end of this interpreter, or its sudden death; or
        by ``Node.stop_peer``.

        Raises ``NotDistributed`` if this node has no name, ``NodeStartError`` (an ``OSError``) that says why it did not start.

        >>> peers = [Node.start_peer() for _ in range(os.cpu_count())]
        >>> set(erpc.multicall(peers, lambda: sum(range(1_000_000)), timeout=None))
        {499999500000}

        A stream of tasks uses them all, each task waiting here for a peer that computes; two for each peer, so that none
        has to wait for the next item:

        >>> def there(job):
        ...     peer, number = job
        ...     return erpc.call(peer, math.factorial, number, timeout=None)
        >>> jobs = zip(itertools.cycle(peers), range(5))
        >>> list(Task.async_stream(there, jobs, max_concurrency=2 * len(peers), timeout=None))
        [1, 1, 2, 6, 24]
        """
        return peer.start_peer(Node.connect, _mesh().own, _current.options, name)

    @staticmethod
    def stop_peer(node: str) -> bool:
        """End a peer of this node, and wait until it has ended; False if there is none of that name."""
        return peer.stop_peer(full_name(node))

    @staticmethod
    def push(module_or_class: types.ModuleType | type, nodes: Iterable[str] | None = None) -> _Names:
        """Send a module, or a class, to other nodes, all that are connected or those given; returns their names.

        A module can be imported there afterwards; a package goes with those of its modules that are loaded here. A class
        typed at the prompt is then in the prompt's names there; for one of a module, the module is sent. What is there
        already is updated, in place: objects of a class that is pushed again have its new methods from then on. Servers move to
        the new class with their next message, as on this node, by way of its ``code_change``; so do those that a supervisor
        there was given to start, and it starts the new one from then on.

        Raises ``NotSendable`` (a ``TypeError``) for a module without source, ``ErpcError`` for a node out of reach, and
        what running the module raises there.

        >>> Node.push(Counter, ["bob@127.0.0.1"])
        ['bob@127.0.0.1']
        """
        from pyex.distribution.push import push

        return push(module_or_class, nodes)


async def _start(own: Own, host: str, port: int) -> Mesh:
    """On the loop, where such steps take turns."""
    if _current.mesh is not None or _current.starting:
        what = f"has a name already, {identity.name}" if _current.mesh is not None else "is being started already"
        raise NodeStartError(f"this node {what}. Node.stop() first")
    _current.starting = True
    try:
        pg.ensure()
        global_names.ensure()
        Accepting.code = own.code  # before anything can come
        mesh = await Mesh.start(runtime.first(), own, host, port)
    except BaseException:
        Accepting.code = True
        raise
    finally:
        _current.starting = False
    _current.mesh, route.carrier = mesh, mesh.courier
    atexit.unregister(_leave)
    atexit.register(_leave)
    return mesh


async def _stop() -> bool:
    mesh, _current.mesh = _current.mesh, None
    if mesh is None:
        return False
    peer.stop_all()
    route.close()
    await mesh.stop()
    Accepting.code = True
    return True


def disconnect_all() -> list[str]:
    """``Global.disconnect``."""
    mesh = _current.mesh
    return sorted(call(mesh.leave)) if mesh is not None else []


def _leave() -> None:
    """At the end of the interpreter: the other nodes learn at once that this one goes."""
    if _current.mesh is None:
        return
    leaving = asyncio.run_coroutine_threadsafe(_stop(), runtime.first().loop)
    try:
        leaving.result(LAST_WORDS)
    except (concurrent.futures.TimeoutError, concurrent.futures.CancelledError):
        pass  # its scheduler is stuck: the system closes the connections


async def _subscribe(pid: Pid, *, on: bool) -> bool:
    if on:
        node_events.subscribe(pid)
        return True
    return node_events.unsubscribe(pid)


async def _names(host: str) -> _Found:
    mesh = _current.mesh
    return await (mesh.ask(host, lambda: epmd.names(host)) if mesh is not None else epmd.names(host))


def _mesh() -> Mesh:
    mesh = _current.mesh
    if mesh is None:
        raise NotDistributed("this node has no name yet: Node.start(name) gives it one")
    return mesh


def _spawn(node: str, fn: Callable[..., Any], args: tuple[Any, ...], *, link: bool, monitor: bool) -> tuple[Pid, Ref]:
    return spawn_there(Node.connect, node, fn, args, link=link, monitor=monitor)
