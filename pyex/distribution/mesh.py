"""This node, once it has a name: its listener, its connections, and the carrier of its signals.

It lives on the loop of one scheduler. What other threads do goes through that loop, or through the
connections, which take signals from any thread.
"""

from __future__ import annotations

import asyncio
import difflib
import errno
import logging
import secrets
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

from pyex.core.errors import ConnectError, NodeStartError, NotSendable
from pyex.core.identity import identity
from pyex.core.ids import Pid
from pyex.core.scheduler import Scheduler, scheduler_of_thread
from pyex.core.signals import unreachable
from pyex.distribution import epmd, handshake
from pyex.distribution.channel import Channel
from pyex.distribution.connection import Connection, Outgoing
from pyex.distribution.epmd import NameInUseError
from pyex.distribution.handshake import Own, Peer, RefusedError
from pyex.distribution.name_service import NameService
from pyex.distribution.names import LOOPBACK, is_loopback, split

log = logging.getLogger("pyex.node")

T = TypeVar("T")

#: Attempts at a question to this machine's name service, which one of its nodes is sure to serve soon.
ASK_AGAIN: Final = 10


class Mesh:
    """A named node and its connections."""

    def __init__(self, own: Own, scheduler: Scheduler) -> None:
        self.own = own
        self.connections: dict[str, Connection] = {}
        self._scheduler = scheduler
        self._server: asyncio.Server | None = None
        self._port = 0
        self._service: NameService | None = None
        #: dials under way, by node
        self._dials: dict[str, asyncio.Task[None]] = {}
        #: set when a connection to the node is there
        self._arrivals: dict[str, asyncio.Event] = {}
        #: signals for nodes that are being dialled because of them
        self._waiting: dict[str, list[Outgoing]] = {}
        #: signals that other threads have posted to the loop, by node: how many it has not looked at yet
        self._posted: dict[str, int] = {}
        self._posting = threading.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    # Starting and stopping

    @classmethod
    async def start(cls, scheduler: Scheduler, name: str | None, cookie: bytes, port: int) -> Mesh:
        """Listen and take the name, or the first free of pyex1, pyex2, ...; raises ``NodeStartError``."""
        host = split(name)[1] if name is not None else LOOPBACK
        creation = 1 + secrets.randbelow((1 << 32) - 1)
        mesh = cls(Own(name or "", creation, cookie), scheduler)
        try:
            mesh._server = await asyncio.get_running_loop().create_server(lambda: Channel(mesh._accepted), host, port)
        except OSError as error:
            raise NodeStartError(_why_not_listening(error, host, port)) from None
        mesh._port = mesh._server.sockets[0].getsockname()[1]
        mesh._service = NameService(host)
        try:
            full = await mesh._register(name)
        except BaseException:
            mesh._server.close()
            mesh._service.close()
            raise
        mesh.own = Own(full, creation, cookie)
        identity.name, identity.creation = full, creation
        return mesh

    async def _register(self, name: str | None) -> str:
        assert self._service is not None
        number = 1
        while True:
            full = name or f"pyex{number}@{LOOPBACK}"
            try:
                await self._service.register(split(full)[0], self._port)
            except NameInUseError:
                if name is not None:
                    raise NodeStartError(
                        f"the name {split(full)[0]!r} is in use by another node of this machine. Choose another one"
                    ) from None
                number += 1
            except (OSError, TimeoutError) as error:
                raise NodeStartError(
                    f"no name service answers on port {epmd.epmd_port()}, and none can be started there "
                    f"({error or type(error).__name__}). Free the port, or set ERL_EPMD_PORT to another one"
                ) from None
            else:
                return full

    async def stop(self) -> None:
        """Close everything and be nobody again."""
        if self._server is not None:
            self._server.close()
        for connection in list(self.connections.values()):
            connection.channel.close()
            self._lost(connection)
        for task in (*self._tasks, *self._dials.values()):
            task.cancel()
        if self._service is not None:
            self._service.close()
        identity.name, identity.creation = None, 0
        identity.creations.clear()

    async def ask(self, host: str, question: Callable[[], Awaitable[T]]) -> T:
        """Ask a name service; while that of this machine changes hands, ask again until it has settled."""
        assert self._service is not None
        patience = ASK_AGAIN if is_loopback(host) else 1
        while True:
            patience -= 1
            try:
                return await question()
            except OSError:
                if patience == 0:
                    raise
            await self._service.settle()

    # The carrier

    def deliver(self, target: Pid, op: int, args: Any) -> None:
        """Carry a signal to a process of another node."""
        key = target.key
        assert not isinstance(key, int)
        _, node, creation = key
        connection = self.connections.get(node)
        if node == self.own.name or (connection and creation and creation != connection.peer.creation):
            unreachable(target, op, args, "noproc")  # of an incarnation that is no more
        else:
            self._carry(node, connection, Outgoing(target, op, args))

    def deliver_to_name(self, name: str, node: str, op: int, args: Any) -> None:
        """Carry a signal to whoever has that name on another node."""
        self._carry(node, self.connections.get(node), Outgoing((name, node), op, args))

    def deliver_to_node(self, node: str, op: int, args: Any) -> None:
        """Carry a signal that is for another node itself."""
        self._carry(node, self.connections.get(node), Outgoing(None, op, args))

    def _carry(self, node: str, connection: Connection | None, signal: Outgoing) -> None:
        if scheduler_of_thread() is self._scheduler:
            if connection is not None:
                connection.carry(signal)
            else:
                self._dial_for(node, signal)
            return
        with self._posting:
            # Behind what threads have posted to the loop while there was no connection, or it is overtaken.
            posted = self._posted.get(node, 0)
            if connection is None or posted:
                self._posted[node] = posted + 1
                self._scheduler.run_on_loop(self._carry_posted, node, signal)
                return
        connection.carry(signal)

    def _carry_posted(self, node: str, signal: Outgoing) -> None:
        self._dial_for(node, signal)
        with self._posting:
            self._posted[node] -= 1
            if not self._posted[node]:
                del self._posted[node]

    def _dial_for(self, node: str, signal: Outgoing) -> None:
        """On the loop: there was no connection a moment ago."""
        connection = self.connections.get(node)
        if connection is not None:
            self._carry_late(connection, signal)
        elif node in self._waiting:
            self._waiting[node].append(signal)
        else:
            self._waiting[node] = [signal]
            self._start(self._connect_for_waiting(node))

    async def _connect_for_waiting(self, node: str) -> None:
        try:
            await self.connect(node)
        except ConnectError as error:
            log.info("A signal could not be delivered: %s", error)
        finally:
            for signal in self._waiting.pop(node, ()):
                signal.fail("noconnection")

    def _carry_late(self, connection: Connection, signal: Outgoing) -> None:
        try:
            connection.carry(signal)
        except NotSendable as error:  # the sender has gone on: it can only be reported
            log.error("A message was dropped: %s", error)

    # Connecting

    async def connect(self, node: str) -> None:
        """Be connected to a node; raises ``ConnectError`` that says why not."""
        if node == self.own.name or node in self.connections:
            return
        dial = self._dials.get(node)
        if dial is None:
            dial = self._dials[node] = asyncio.create_task(self._dial(node))
            dial.add_done_callback(lambda _: self._dials.pop(node, None))
        await asyncio.shield(dial)

    async def _dial(self, node: str) -> None:
        channel = None
        try:
            async with asyncio.timeout(handshake.PATIENCE):
                channel, address = await self._reach(node)
                peer = await handshake.dial(channel, self.own, node, address)
                self._install(channel, peer)
                channel = None
        except RefusedError as refusal:
            if refusal.code != "simultaneous":
                raise ConnectError(_explain(node, refusal)) from None
            await self._arrival(node)
        except ConnectError:
            raise
        except TimeoutError:
            raise ConnectError(f"{node} does not answer. Is it frozen, or not a pyex node?") from None
        except OSError as error:
            raise ConnectError(f"{node} cannot be reached: {error}") from None
        finally:
            if channel is not None:
                channel.close()

    async def _reach(self, node: str) -> tuple[Channel, tuple[str, int]]:
        """A TCP connection to a node, found by its machine's name service."""
        short, host = split(node)
        if is_loopback(split(self.own.name)[1]) and not is_loopback(host):
            raise ConnectError(
                f"{self.own.name} cannot connect to {node}: its own name is of this machine alone. Start it under an "
                "address that other machines can reach, as in --name alice@192.168.1.5"
            )
        try:
            registration = await self.ask(host, lambda: epmd.look_up(host, short))
            running = [name for name, _ in await epmd.names(host)] if registration is None else []
        except (OSError, ValueError, TimeoutError):
            raise ConnectError(
                f"{node} is not there: no name service answers on {host}, so no node runs there. Start it with "
                f"pyex --name {short}"
            ) from None
        if registration is None:
            others = f"Running there: {', '.join(sorted(running))}" if running else "No node runs there"
            if near := difflib.get_close_matches(short, running, n=1):
                others = f"Did you mean {near[0]}@{host}? {others}"
            raise ConnectError(f"no node named {short!r} runs on {host}. {others}")
        if not registration.is_pyex:
            raise ConnectError(f"{node} is an Erlang node, and pyex nodes cannot join those")
        _, channel = await asyncio.get_running_loop().create_connection(Channel, host, registration.port)
        return channel, (host, registration.port)

    async def _arrival(self, node: str) -> None:
        """The other node's own dial is under way: wait for that."""
        arrival = self._arrivals.setdefault(node, asyncio.Event())
        try:
            async with asyncio.timeout(handshake.PATIENCE):
                if node not in self.connections:
                    await arrival.wait()
        except TimeoutError:
            raise ConnectError(f"{node} was dialling too, but did not arrive. Try again") from None
        finally:
            self._arrivals.pop(node, None)

    # Being connected to

    def _accepted(self, channel: Channel) -> None:
        self._start(self._welcome(channel))

    async def _welcome(self, channel: Channel) -> None:
        caller = "somebody at {}:{}".format(*channel.address("peername"))
        try:
            async with asyncio.timeout(handshake.PATIENCE):
                peer, hello = await handshake.receive_hello(channel, self.own, self._port)
                caller = handshake.clean(peer.name)
                if peer.name == self.own.name:
                    raise RefusedError("name", f"the name {caller} is this node's own. Choose another one")
                before = self.connections.get(peer.name)
                self._break_tie(peer, before)
                answer = await handshake.answer_hello(channel, self.own, hello)
                self._break_tie(peer, before)  # again: this node may have dialled meanwhile
                handshake.confirm(channel, self.own, hello, answer)
                self._install(channel, peer)
        except RefusedError as refusal:
            if refusal.code != "simultaneous":
                log.warning("Refused a connection from %s: %s", caller, refusal)
            handshake.refuse(channel, refusal)
        except TimeoutError:
            channel.close()
            log.warning("%s connected and did not finish its introduction", caller)
        except OSError:
            channel.close()  # gone again; a port scan, or a dial given up

    def _break_tie(self, peer: Peer, before: Connection | None) -> None:
        """Both dial at once: the dial of the node with the greater name is the one that counts."""
        dialling = peer.name in self._dials and self.own.name > peer.name
        if dialling or self.connections.get(peer.name) is not before:
            raise RefusedError("simultaneous", "this node is dialling that one already")

    def _install(self, channel: Channel, peer: Peer) -> None:
        """The handshake is done: from now on there is a connection."""
        old = self.connections.get(peer.name)
        if old is not None:  # the peer has none, or it would not have dialled: what is left of it goes first
            old.channel.close()
            self._lost(old)
        identity.creations[peer.name] = peer.creation
        connection = Connection(channel, peer, self._scheduler, self._join_all)
        connection.send_nodes(list(self.connections))
        for signal in self._waiting.pop(peer.name, ()):
            self._carry_late(connection, signal)
        self.connections[peer.name] = connection
        channel.open(connection.receive, lambda: self._lost(connection))
        arrival = self._arrivals.get(peer.name)
        if arrival is not None:
            arrival.set()

    def _lost(self, connection: Connection) -> None:
        name = connection.peer.name
        if self.connections.get(name) is connection:
            del self.connections[name]
            connection.lost()

    async def disconnect(self, connection: Connection) -> None:
        """Close a connection, after what is written has been sent."""
        connection.channel.close()
        self._lost(connection)

    def _join_all(self, names: tuple[str, ...]) -> None:
        """A node told whom it is connected to: a mesh is complete."""
        for name in names:
            if name != self.own.name and name not in self.connections:
                self._start(self._join(name))

    async def _join(self, name: str) -> None:
        try:
            await self.connect(name)
        except ConnectError as error:
            log.warning("%s is part of the mesh, but cannot be joined: %s", name, error)

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._scheduler.loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _explain(node: str, refusal: RefusedError) -> str:
    if refusal.code == "cookie":
        return (
            f"{node} has another cookie. Start both nodes with the same one: by --cookie, PYEX_COOKIE, or "
            "the cookie file of one user"
        )
    return f"{node} refused the connection: {refusal}"


def _why_not_listening(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use. Choose another one, or none to take any that is free"
    if error.errno == errno.EACCES:
        return f"port {port} needs privileges. Choose one above 1023, or none to take any that is free"
    return f"this machine has no address {host!r} to listen on ({error.strerror or error}). Is the host right?"
