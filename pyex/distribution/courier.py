"""The carrier of this node's signals: to a connection, or to one that is made because of them."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from pyex.core.asking import ask
from pyex.core.errors import ConnectError, NotSendable
from pyex.core.ids import Pid
from pyex.core.safe_points import in_collection
from pyex.core.scheduler import Scheduler, scheduler_of_thread
from pyex.core.signals import SEND, unreachable
from pyex.core.threads import process_here
from pyex.core.waiting import can_wait
from pyex.distribution.channel import BUSY
from pyex.distribution.connection import Connection
from pyex.distribution.outgoing import Outgoing
from pyex.distribution.pending import Pending

if TYPE_CHECKING:
    from pyex.distribution.mesh import Mesh

log = logging.getLogger("pyex.node")


class Courier:
    """Carries signals from any thread; the connections live on the loop of one scheduler."""

    def __init__(self, mesh: Mesh, scheduler: Scheduler) -> None:
        self._mesh = mesh
        self._connections = mesh.connections
        self._scheduler = scheduler
        #: signals for nodes that are being dialled because of them
        self._waiting: dict[str, Pending] = {}
        #: signals that other threads have posted to the loop, by node: how many it has not looked at yet
        self._posted: dict[str, int] = {}
        self._posting = threading.RLock()  # a finalizer may run anywhere, and send too

    def deliver(self, target: Pid, op: int, args: Any) -> None:
        """Carry a signal to a process of another node."""
        key = target.key
        assert not isinstance(key, int)
        number, node, creation = key
        connection = self._connections.get(node)
        # By far the most common, a message over a connection that is there; all else takes the long way. What this
        # process has posted to the loop before is seen in _posted, whatever other threads do.
        if (
            op == SEND
            and connection is not None
            and creation == connection.creation
            and not self._posted
            and connection.send(number, args)
        ):
            return
        if node == self._mesh.own.name or (connection and creation and creation != connection.peer.creation):
            unreachable(target, op, args, "noproc")  # of an incarnation that is no more
        else:
            self._carry(node, connection, Outgoing(target, op, args))

    def deliver_to_name(self, name: str, node: str, op: int, args: Any) -> None:
        """Carry a signal to whoever has that name on another node."""
        self._carry(node, self._connections.get(node), Outgoing((name, node), op, args))

    def deliver_to_node(self, node: str, op: int, args: Any) -> None:
        """Carry a signal that is for another node itself."""
        self._carry(node, self._connections.get(node), Outgoing(None, op, args))

    def hold_back(self, node: str) -> None:
        """In the process that has just sent to a node: wait while too much is on its way there."""
        connection = self._connections.get(node)
        if connection is not None:
            outbox = connection.channel.outbox
            if outbox.size <= BUSY and not outbox.larges:
                return
        way = connection.channel if connection is not None else self._waiting.get(node)
        process = process_here()
        if way is None or process is None or not way.busy_for(process.pid.key) or in_collection() or not can_wait():
            return
        ask(lambda process, alias: way.wait_for_room(process.pid, alias))

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
        connection = self._connections.get(node)
        if connection is not None:
            self._carry_late(connection, signal)
            return
        if node not in self._waiting:
            self._waiting[node] = Pending()
            self._mesh.start_task(self._connect_for_waiting(node))
        self._waiting[node].put(signal)

    async def _connect_for_waiting(self, node: str) -> None:
        try:
            await self._mesh.connect(node)
        except ConnectError as error:
            log.info("A signal could not be delivered: %s", error)
        finally:
            self._give_up(node)

    def _give_up(self, node: str) -> None:
        pending = self._waiting.pop(node, None)
        if pending is not None:  # else it has been handed to the connection
            for signal in pending.signals:
                signal.fail("noconnection")
            pending.over()

    def stop(self) -> None:
        """On the loop: no connection will be made any more."""
        for node in list(self._waiting):
            self._give_up(node)

    def _carry_late(self, connection: Connection, signal: Outgoing) -> None:
        try:
            connection.carry(signal)
        except NotSendable as error:
            # The sender has gone on: if it does not wait for an answer, this can only be reported.
            if not signal.refuse(str(error)):
                log.error("A message was dropped: %s", error)

    def connected(self, connection: Connection) -> None:
        """On the loop, before anybody else can use a new connection: what has waited for it goes first."""
        pending = self._waiting.pop(connection.peer.name, None)
        if pending is not None:
            for signal in pending.signals:
                self._carry_late(connection, signal)
            pending.over()
