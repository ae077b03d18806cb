"""Who is of the mesh: every visible node is connected to every other, or the mesh falls into parts of which that is true.

Two nodes that become connected tell each other whom else they are connected to, and dial those. When two nodes have lost
each other, all the others learn of it and disconnect from both, as with OTP's ``prevent_overlapping_partitions``: a node
that is still connected to both cannot know which is to blame, and all must decide alike. So a link that fails costs its
two ends the rest of the mesh, and a node that has died costs nobody anything: nobody is connected to it any more.

A loss is that of one connection, by its number: it does not concern one that was made anew meanwhile, nor a node that was
started again under the same name. Those that have heard of one compare a little later whom they see; and so does, ever
less often, one that could not reach a node that others are connected to.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pyex.core.errors import ConnectError
from pyex.distribution.inflow import MalformedError

if TYPE_CHECKING:
    from pyex.distribution.connection import Connection
    from pyex.distribution.mesh import Mesh

log = logging.getLogger("pyex.node")

#: What nodes tell each other: the visible nodes the sender is connected to; the same, to be answered; that a connection
#: was lost; and that the sender disconnects because of such a loss.
NODES: Final = 200
COMPARE: Final = 201
LOST: Final = 202
REMOVED: Final = 203

_NAMES_IN_A_FRAME: Final = 128

#: Seconds for which a loss is remembered, for those who hear of it late.
MEMORY: Final = 600.0

#: Seconds after which those that have heard of a loss compare whom they see: word of it may have come to some so late that
#: they have disconnected from a node that others were connected to again.
SETTLE: Final = 1.0

#: The same after a node could not be reached; each time twice as many as before, and so many at most.
LONGEST: Final = 60.0


class Loss(NamedTuple):
    """That one node has lost another, of that creation, when the connection of that number ended."""

    by: str
    node: str
    creation: int
    session: int


class Membership:
    """What a node hears and tells of others, on the loop of its mesh. Hidden nodes take no part."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        #: those that have been acted upon, and when
        self._losses: dict[Loss, float] = {}
        #: runs while names are to be compared
        self.settling: asyncio.TimerHandle | None = None
        #: seconds after which they are when a node cannot be reached
        self._pause = SETTLE

    def connected(self, connection: Connection) -> None:
        """A connection is there: tell the other node who else is."""
        if connection.hidden:
            return
        self._pause = SETTLE
        connection.between_nodes = lambda op, fields: self._take(connection, op, fields)
        self._tell_names(NODES, connection)

    def _tell_names(self, op: int, connection: Connection) -> None:
        names = [name for name in self._mesh.nodes("visible") if name != connection.peer.name]
        for begin in range(0, len(names) or 1, _NAMES_IN_A_FRAME):
            connection.tell(op, tuple(names[begin : begin + _NAMES_IN_A_FRAME]))

    def lost(self, connection: Connection) -> None:
        """A connection is no more, and it was not to prevent overlapping partitions: tell the others.

        One on which nothing has come never was one for the other node, which may have given up waiting for it.
        """
        own, peer = self._mesh.own, connection.peer
        if connection.hidden:
            return
        if connection.joined:
            self._hear(Loss(own.name, peer.name, peer.creation, peer.session))
        else:
            self._settle()  # the other may have been lost likewise, and others be connected to both

    def _take(self, connection: Connection, op: int, fields: tuple[Any, ...]) -> None:
        """A node tells something; raises ``MalformedError``."""
        if op in (NODES, COMPARE):
            connection.joined = True
            self._join_all(tuple(map(str, fields)))
            if op == COMPARE:
                self._tell_names(NODES, connection)
            return
        match fields:
            case (str(), str(), int(), int()):
                loss = Loss(*fields)
            case _:
                raise MalformedError(f"a loss told as {fields!r}")
        if op == LOST:
            self._mesh.soon(self._hear, loss)
        else:
            self._mesh.soon(self._removed, connection, loss)

    def _join_all(self, names: tuple[str, ...]) -> None:
        for name in names:
            if name != self._mesh.own.name and name not in self._mesh.connections:
                self._mesh.start_task(self._join(name))

    async def _join(self, name: str) -> None:
        try:
            await self._mesh.connect(name)
        except ConnectError as error:
            log.warning("%s is part of the mesh, but cannot be joined: %s", name, error)
            if not error.refused and self.settling is None:  # it was too busy, say: else it would never be
                self.settling = self._mesh.later(self._pause, self._compare)
                self._pause = min(2 * self._pause, LONGEST)

    # Partitions

    def _hear(self, loss: Loss) -> None:
        """Pass a loss on, for not all may be connected to who has told it; and disconnect from who was lost."""
        mesh = self._mesh
        if not mesh.own.prevent_overlapping_partitions or loss in self._losses:
            return
        self._remember(loss)
        self._settle()
        for connection in list(mesh.connections.values()):
            if connection.peer.prevents_overlapping_partitions and connection.peer.name != loss.by:
                connection.tell(LOST, loss)
        if loss.node != mesh.own.name:
            doomed = mesh.connections.get(loss.node)
            if doomed is not None and doomed.peer.creation == loss.creation:
                self._remove(doomed, loss)
        else:
            doomed = mesh.connections.get(loss.by)
            if doomed is not None and doomed.peer.session == loss.session:
                self._remove(doomed, loss)

    def _remove(self, connection: Connection, loss: Loss) -> None:
        if connection.hidden:
            return
        log.warning(
            "%s has lost %s: disconnected from %s, to prevent overlapping partitions",
            loss.by, loss.node, connection.peer.name,
        )  # fmt: skip
        if connection.peer.prevents_overlapping_partitions:
            connection.tell(REMOVED, loss)
        self._mesh.drop(connection)

    def _removed(self, connection: Connection, loss: Loss) -> None:
        """Another node disconnects: the two of that loss are not in its part of the mesh."""
        mesh, name = self._mesh, connection.peer.name
        if mesh.connections.get(name) is not connection:
            return
        mesh.drop(connection)
        self._settle()
        log.warning(
            "%s has disconnected from this node, to prevent overlapping partitions: %s has lost %s",
            name, loss.by, loss.node,
        )  # fmt: skip

    def _remember(self, loss: Loss) -> None:
        """Add a loss, and forget the oldest."""
        now = self._losses[loss] = time.monotonic()
        for old, when in list(self._losses.items()):
            if now - when < MEMORY:
                break
            del self._losses[old]

    def _settle(self) -> None:
        if self.settling is not None:
            self.settling.cancel()
        self.settling = self._mesh.later(SETTLE, self._compare)

    def _compare(self) -> None:
        self.settling = None
        for connection in list(self._mesh.connections.values()):
            if not connection.hidden:
                self._tell_names(COMPARE, connection)
