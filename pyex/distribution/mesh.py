"""This node, once it has a name: its listener, its connections, and the carrier of its signals.

It lives on the loop of one scheduler. What other threads do goes through that loop, or through the
connections, which take signals from any thread.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar

from pyex.core.errors import ConnectError, NodeStartError
from pyex.core.identity import identity
from pyex.core.ids import Pid
from pyex.core.monitor import monitor
from pyex.core.scheduler import Scheduler
from pyex.distribution import epmd, handshake, node_events
from pyex.distribution.channel import Channel
from pyex.distribution.connection import Connection
from pyex.distribution.courier import Courier
from pyex.distribution.dialling import explain_listening, reach, refused
from pyex.distribution.epmd import NameInUseError
from pyex.distribution.handshake import Own, Peer, RefusedError
from pyex.distribution.membership import Membership
from pyex.distribution.name_service import NameService
from pyex.distribution.names import is_loopback, split
from pyex.distribution.sockets import Listener
from pyex.distribution.ticks import Ticker
from pyex.distribution.tls import SecureChannel, TlsError

log = logging.getLogger("pyex.node")

T = TypeVar("T")

#: Attempts at a question to this machine's name service, which one of its nodes is sure to serve soon.
ASK_AGAIN: Final = 10


class Mesh:
    """A named node and its connections."""

    def __init__(self, own: Own, scheduler: Scheduler) -> None:
        self.own = own
        self.connections: dict[str, Connection] = {}
        self.courier = Courier(self, scheduler)
        self.membership = Membership(self)
        self._scheduler = scheduler
        self._listener: Listener | None = None
        self._service: NameService | None = None
        #: dials under way, by node
        self._dials: dict[str, asyncio.Task[None]] = {}
        #: set when a connection to the node is there
        self._arrivals: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False

    # Starting and stopping

    @classmethod
    async def start(cls, scheduler: Scheduler, own: Own, host: str, port: int) -> Mesh:
        """Listen and take the name, or the first free of pyex1, pyex2, ... on a host; raises ``NodeStartError``."""
        if own.name:
            host = split(own.name)[1]
        mesh = cls(own, scheduler)
        try:
            mesh._listener = await Listener.start(host, port, mesh._welcome_socket)
        except OSError as error:
            raise NodeStartError(explain_listening(error, host, port)) from None
        mesh._service = NameService(host)
        try:
            full = await mesh._register(own.name, host)
        except BaseException:
            mesh._listener.close()
            mesh._service.close()
            raise
        mesh.own = replace(own, name=full)
        identity.name, identity.creation = full, own.creation
        monitor.while_held.append(mesh._while_held)
        return mesh

    async def _register(self, name: str, host: str) -> str:
        assert self._service is not None
        assert self._listener is not None
        number = 1
        while True:
            full = name or f"pyex{number}@{host}"
            try:
                await self._service.register(split(full)[0], self._listener.port, hidden=self.own.hidden)
            except NameInUseError:
                if name:
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

    @property
    def port(self) -> int:
        """The port this node listens on."""
        return self._listener.port if self._listener is not None else 0

    async def stop(self) -> None:
        """Close everything and be nobody again."""
        self._stopped = True
        if self._listener is not None:
            self._listener.close()
        if self._while_held in monitor.while_held:
            monitor.while_held.remove(self._while_held)
        for connection in list(self.connections.values()):
            self.drop(connection)
        for task in (*self._tasks, *self._dials.values()):
            task.cancel()
        self.courier.stop()
        node_events.all_out_of_reach()
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
            except TimeoutError:
                raise  # it is there, and stands still: asking again would only take as long again
            except OSError:
                if patience == 0:
                    raise
            await self._service.settle()

    def nodes(self, kind: str) -> list[str]:
        """The nodes this one is connected to: the "visible", the "hidden", or all that are "connected"."""
        return [
            name
            for name, connection in list(self.connections.items())
            if kind == "connected" or connection.hidden == (kind == "hidden")
        ]

    def _while_held(self, scheduler: Scheduler, now: float) -> None:
        """In the monitor's thread: a process has the scheduler that the connections live on."""
        if scheduler is self._scheduler:
            for connection in list(self.connections.values()):
                if connection.ticker is not None:
                    connection.ticker.while_held(now)

    # Connecting

    async def connect(self, node: str) -> None:
        """Be connected to a node; raises ``ConnectError`` that says why not."""
        if node == self.own.name or node in self.connections:
            return
        if self._stopped:
            raise ConnectError(f"{node} is not connected to: this node has been stopped")
        dial = self._dials.get(node)
        if dial is None:
            dial = self._dials[node] = asyncio.create_task(self._dial(node))
            dial.add_done_callback(lambda _: self._dials.pop(node, None))
        try:
            await asyncio.shield(dial)
        except asyncio.CancelledError:
            asking = asyncio.current_task()
            if asking is None or asking.cancelling():
                raise  # it is not the dial that was cancelled
            raise ConnectError(f"{node} is not connected to: this node has been stopped meanwhile") from None

    async def _dial(self, node: str) -> None:
        channel = None
        try:
            async with asyncio.timeout(handshake.PATIENCE):
                sock, address = await reach(self.own, node, self.ask)
                channel = await self._open(sock, dialling=True)
                peer = await handshake.dial(channel, self.own, node, address, partial(self._arrived, node))
                self._install(channel, peer)
                channel = None
        except RefusedError as refusal:
            if refusal.code != "simultaneous":
                raise refused(node, refusal) from None
            await self._arrival(node)
        except ConnectError:
            raise
        except TlsError as error:
            raise refused(node, error) from None
        except TimeoutError:
            raise ConnectError(f"{node} does not answer. Is it frozen, or not a pyex node?") from None
        except OSError as error:
            raise ConnectError(f"{node} cannot be reached: {error}") from None
        finally:
            if channel is not None:
                channel.close()

    def _arrived(self, node: str, creation: int) -> bool:
        """Whether there is a connection, and not one of an earlier incarnation that is no more."""
        connection = self.connections.get(node)
        return connection is not None and connection.creation == creation

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

    async def _open(self, sock: socket.socket, *, dialling: bool) -> Channel:
        """A channel on a fresh socket, encrypted if this node has certificates."""
        certificates = self.own.certificates
        try:
            if certificates is None:
                return Channel(sock, self._scheduler.loop)
            sock, binding = await certificates.secure(sock, dialling=dialling)
            return SecureChannel(sock, self._scheduler.loop, binding)
        except BaseException:
            sock.close()  # gone again, or this node goes
            raise

    async def _welcome_socket(self, sock: socket.socket) -> None:
        try:
            async with asyncio.timeout(handshake.PATIENCE):
                await self._introduce(sock)
        except TimeoutError:
            pass  # it is closed

    async def _introduce(self, sock: socket.socket) -> None:
        try:
            channel = await self._open(sock, dialling=False)
        except TlsError as error:
            log.warning("Refused a connection: %s", error)
        except OSError:
            pass  # gone again
        else:
            await self._welcome(channel)

    async def _welcome(self, channel: Channel) -> None:
        caller = "somebody at {}:{}".format(*channel.address("peername"))
        try:
            peer, hello = await handshake.receive_hello(channel, self.own, self.port)
            caller = handshake.clean(peer.name)
            if peer.name == self.own.name:
                raise RefusedError("name", f"the name {caller} is this node's own. Choose another one")
            before = self.connections.get(peer.name)
            self._break_tie(peer, before)
            answer = await handshake.answer_hello(channel, self.own, peer, hello)
            self._break_tie(peer, before)  # again: this node may have dialled meanwhile
            self._install(channel, handshake.confirm(channel, self.own, peer, hello, answer))
        except RefusedError as refusal:
            if refusal.code != "simultaneous":
                log.warning("Refused a connection from %s: %s", caller, refusal)
            handshake.refuse(channel, refusal)
        except asyncio.CancelledError:
            channel.abort()  # its time is over, or others need its place, or this node goes
            if not self._stopped:
                log.warning("%s connected and did not finish its introduction", caller)
            raise
        except BaseException as error:
            channel.close()
            if not isinstance(error, OSError):  # gone again; a port scan, or a dial given up
                raise

    def _break_tie(self, peer: Peer, before: Connection | None) -> None:
        """Both dial at once: the dial of the node with the greater name is the one that counts."""
        dialling = peer.name in self._dials and peer.name not in self._arrivals and self.own.name > peer.name
        if dialling or self.connections.get(peer.name) not in (None, before):
            raise RefusedError("simultaneous", "this node is dialling that one already")

    def _install(self, channel: Channel, peer: Peer) -> None:
        """The handshake is done: from now on there is a connection."""
        old = self.connections.get(peer.name)
        if old is not None:  # the peer has proved that it has none: what is left of it goes first
            self.drop(old)
        identity.creations[peer.name] = peer.creation
        connection = Connection(channel, peer, self._scheduler, hidden=self.own.hidden or peer.hidden)
        self.membership.connected(connection)
        self.courier.connected(connection)
        self.connections[peer.name] = connection
        node_events.up(peer.name, hidden=connection.hidden)
        connection.ticker = Ticker(
            channel,
            self.own.net_ticktime,
            peer.net_ticktime,
            lambda: self._fell_silent(connection),
            self._scheduler.loop,
        )
        channel.open(connection.receive, lambda: self._lost(connection), self._scheduler)
        arrival = self._arrivals.get(peer.name)
        if arrival is not None:
            arrival.set()

    def drop(self, connection: Connection) -> None:
        """Close a connection, after what is written has been sent; to the other nodes nothing is lost."""
        connection.channel.close()
        self._remove(connection)

    def _lost(self, connection: Connection) -> None:
        if self._remove(connection):
            self.membership.lost(connection)

    def _remove(self, connection: Connection) -> bool:
        name = connection.peer.name
        if self.connections.get(name) is not connection:
            return False
        del self.connections[name]
        connection.lost()
        node_events.down(name, hidden=connection.hidden)
        return True

    def _fell_silent(self, connection: Connection) -> None:
        log.warning("Nothing has come from %s for %g s: disconnected", connection.peer.name, self.own.net_ticktime)
        connection.channel.abort()
        self._lost(connection)

    async def watch(self, pid: Pid, node: str, *, on: bool) -> bool:
        """Tell a process when a node is lost, which is connected to for that; or no more."""
        if not on:
            return node_events.stop_watching(pid, node)
        if node != self.own.name:
            node_events.watch(pid, node)
            if node not in self.connections:
                self.start_task(self._watch(node))
        return True

    async def _watch(self, node: str) -> None:
        try:
            await self.connect(node)
        except ConnectError:
            node_events.out_of_reach(node)

    async def disconnect(self, connection: Connection) -> None:
        """Close a connection, after what is written has been sent: the two nodes have lost each other."""
        connection.channel.close()
        self._lost(connection)

    async def leave(self) -> list[str]:
        """Close those to all visible nodes, which stay together."""
        names = self.nodes("visible")
        for name in names:
            self.drop(self.connections[name])
        return names

    def soon(self, callback: Callable[..., None], *args: Any) -> None:
        """On the loop: call a function in the loop's next turn."""
        self._scheduler.loop.call_soon(callback, *args)

    def later(self, seconds: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """On the loop: call a function after so many seconds."""
        return self._scheduler.loop.call_later(seconds, callback)

    def start_task(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """On the loop: run something beside everything else."""
        task = self._scheduler.loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
