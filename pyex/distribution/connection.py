"""An established connection: signals to and from one other node.

A frame is a msgpack array. A signal's is ``(op, target, fields, payload)``: the target a (number, creation)
or a name, the fields identifiers and the like, the payload a term in bytes, or None. A payload that is too long for a
frame is announced as ``(number, length)`` and follows in fragments: the mark, the number, the bytes. What most frames
are, a message to a process that is neither long nor holds objects, is the mark, the process's number, the term.

Objects, and whatever takes its time, are decoded in the process they are for, never here on the loop.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pyex.core import messaging
from pyex.core.carrier import Parcel
from pyex.core.identity import identity
from pyex.core.ids import Pid, Ref, pid_of
from pyex.core.process import aliases, names, processes
from pyex.core.signals import (
    ALIAS_SEND,
    DEMONITOR,
    EXIT,
    EXIT2,
    GROUP_LEADER,
    LINK,
    MONITOR,
    MONITOR_EXIT,
    NODE_LOST,
    REG_SEND,
    SEND,
    SPAWN_REPLY,
    SPAWN_REQUEST,
    UNLINK,
    UNLINK_ACK,
    signal,
    unreachable,
)
from pyex.core.threads import process_here
from pyex.distribution.channel import Channel
from pyex.distribution.codec import (
    HoldsObjectsError,
    decode,
    decode_plain,
    encode_simple,
    pack,
    unpack_plain,
)
from pyex.distribution.fitting import fitted
from pyex.distribution.handshake import Peer
from pyex.distribution.inflow import MalformedError
from pyex.distribution.membership import COMPARE, LOST, NODES, REMOVED
from pyex.distribution.outgoing import SMALL, WITH_REASON, Outgoing
from pyex.distribution.remote_spawn import spawn_here
from pyex.distribution.ticks import Ticker

if TYPE_CHECKING:
    from pyex.core.scheduler import Scheduler

log = logging.getLogger("pyex.node")

#: Processes concerned by a connection, from which on those that have ended are looked for.
FORGET_AT = 1024

#: What the nodes themselves tell each other.
_BETWEEN_NODES = frozenset({NODES, COMPARE, LOST, REMOVED})
_ACCEPTED = _BETWEEN_NODES | frozenset(
    {SEND, REG_SEND, LINK, UNLINK, UNLINK_ACK, EXIT, EXIT2, MONITOR, DEMONITOR, MONITOR_EXIT, GROUP_LEADER}
    | {SPAWN_REQUEST, SPAWN_REPLY, ALIAS_SEND}
)

Target = Pid | str | None


#: The most common frame, a message to a process, has a form of its own: this byte, the number of the process, the message.
MESSAGE_MARK: Final = SEND
_MESSAGE: Final = struct.Struct(">BQ")
_FRAMED_MESSAGE: Final = struct.Struct(">IBQ")

#: Bytes of a message up to which it is decoded where it arrives, if no code needs to run for it.
_AT_ONCE: Final = 1 << 12


class Connection:
    """The link to one other node, on the loop of the scheduler that its channel lives on."""

    def __init__(self, channel: Channel, peer: Peer, scheduler: Scheduler, *, hidden: bool) -> None:
        self.channel = channel
        channel.on_malformed = self._complain
        self.peer = peer
        self.creation = peer.creation
        self._scheduler = scheduler
        #: one of the two is hidden
        self.hidden = hidden
        #: the peer has told whom it is connected to: it has become a member of the mesh
        self.joined = False
        #: takes what the nodes tell each other
        self.between_nodes: Callable[[int, tuple[Any, ...]], None] | None = None
        self.ticker: Ticker | None = None
        #: local processes with links, monitors or requests across this connection
        self._entangled: set[Pid] = set()
        #: requests to spawn that are not answered yet
        self._requests: dict[Ref, Outgoing] = {}
        #: monitors of the peer by name: whom the name meant
        self._watched: dict[Ref, Pid] = {}
        self._forget_at = FORGET_AT
        self._lost = False

    def carry(self, signal: Outgoing) -> None:
        """From any thread: send a signal; raises ``NotSendable`` for what the other node cannot take."""
        if signal.has_objects:
            signal = fitted(signal, self.peer)
        if signal.op in (LINK, MONITOR):
            self._entangle(signal.args[0])
        elif signal.op == SPAWN_REQUEST:
            self._requests[signal.args[1]] = signal
        elif signal.op == MONITOR_EXIT:
            self._watched.pop(signal.args[1], None)
        if self._lost:
            signal.fail("noconnection")
        else:
            self.channel.write(signal.frame, signal.sender, signal.large)

    def send(self, number: int, message: Any) -> bool:
        """From any thread: the shortest way for a message to a process of the peer; False if it has to take the other."""
        data = encode_simple(message)
        if data is None or len(data) > SMALL or self._lost:
            return False
        try:
            frame = _FRAMED_MESSAGE.pack(9 + len(data), MESSAGE_MARK, number) + data
        except struct.error:  # a number that no process has
            return False
        channel = self.channel
        sender = None
        if channel.outbox.larges:  # else there is nothing to stay behind
            process = process_here()
            sender = process.pid.key if process is not None else None
        channel.put(frame, sender)
        return True

    def tell(self, op: int, fields: tuple[Any, ...]) -> None:
        """On the loop: tell the peer something that is between the nodes themselves."""
        self.channel.write(pack((op, None, pack(tuple(fields)), None)))

    def receive(self, frame: memoryview) -> None:
        """On the loop: a frame came; whatever this raises, the channel takes for a malformed one."""
        if frame[0] == MESSAGE_MARK:
            _, number = _MESSAGE.unpack_from(frame)
            process = processes.get(number)
            if process is None:
                return
            data = frame[9:]
            try:
                message = decode_plain(data) if len(data) <= _AT_ONCE else Parcel(bytes(data), decode)
            except Exception:  # objects, or nonsense: the process that it is for decodes it, or reports it
                message = Parcel(bytes(data), decode)
            scheduler = self._scheduler
            if (  # direct delivery: the rule stands in pyex.core.moving
                process.owner is scheduler
                and scheduler.slice_due
                and not scheduler.inbox
                and number in messaging.nearby
                and (mailbox := process.mailbox) is not None
            ):
                mailbox.append(message)
                if process.waiting:
                    process.waiting = False
                    process.queue.append(process)
            else:
                process.owner.post(process, SEND, message)
            return
        op, address, header, payload = unpack_plain(frame)
        if op not in _ACCEPTED:
            raise MalformedError(f"operation {op!r}")
        if type(payload) is tuple:
            number, length = payload
            self.channel.inflow.expect(number, length, partial(self._take, op, address, header))
        else:
            self._take(op, address, header, payload)

    def _take(self, op: int, address: Any, header: bytes | None, payload: bytes | bytearray | None) -> None:
        """A signal is here, with its payload whole: it takes effect."""
        self._apply(op, address, decode_plain(header) if header is not None else (), payload)

    def _complain(self, error: MalformedError) -> None:
        log.error("%s sent a malformed frame (%s): disconnected", self.peer.name, error)

    def _apply(self, op: int, address: Any, fields: Any, payload: bytes | bytearray | None) -> None:
        if op in _BETWEEN_NODES:
            if self.between_nodes is not None:
                self.between_nodes(op, fields)
            return
        if op == SPAWN_REQUEST:
            assert payload is not None
            self._spawn(fields, payload)
            return
        if op == ALIAS_SEND:
            assert payload is not None
            (alias,) = fields
            pid = aliases.get(alias.key)
            if pid is not None:
                signal(pid, ALIAS_SEND, (alias, Parcel(payload, decode)))
            return
        target = self._target(address)
        if op in (SEND, REG_SEND):
            assert payload is not None
            op = SEND
            args: Any = Parcel(payload, decode)
        else:
            args = (*fields, _reason(payload)) if op in WITH_REASON else fields
            if op != GROUP_LEADER and args[0] is not None and not isinstance(args[0], Pid):
                raise MalformedError(f"operation {op} without a sender")
        if op == SPAWN_REPLY and self._requests.pop(fields[1], None) is None:
            return
        if op == DEMONITOR and isinstance(target, str):
            target = self._watched.pop(fields[1], None)
        if isinstance(target, Pid):
            if (op in (LINK, MONITOR) or (op == SPAWN_REPLY and (fields[2] or fields[3]))) and isinstance(
                target.key, int
            ):
                self._entangle(target)
            if isinstance(target.key, int):
                signal(target, op, args)
            else:  # a process of an earlier incarnation of this node
                unreachable(target, op, args, "noproc")
        elif target is not None:
            process = names.get(target)
            if process is None:
                unreachable((target, identity.name or ""), op, args, "noproc")
            else:
                if op == MONITOR:
                    self._entangle(process.pid)
                    self._watched[fields[1]] = process.pid
                process.owner.post(process, op, args)

    def _target(self, address: Any) -> Target:
        match address:
            case str(name):
                return name
            case (int(number), int(creation)):
                # Creation 0 is that of a pid that was typed in: any incarnation.
                own = creation in (0, identity.creation)
                return pid_of(number if own else (number, identity.name or "", creation))
        raise MalformedError(f"address {address!r}")

    def _spawn(self, fields: Any, payload: bytes | bytearray) -> None:
        match fields:
            case (Pid() as parent, Ref() as ref, (Pid() | None) as leader, bool(link), bool(monitor)):
                pid = spawn_here(Parcel(payload, decode), self._scheduler, parent, ref, leader, link, monitor)
                if link or monitor:
                    self._entangle(pid)
            case _:
                raise MalformedError("a request to spawn")

    def _entangle(self, pid: Pid) -> None:
        entangled = self._entangled
        if len(entangled) >= self._forget_at:
            # Now and then, those that have ended meanwhile are forgotten; one by one, since threads add to it.
            for one in list(entangled):
                if one.key not in processes:
                    entangled.discard(one)
            self._forget_at = max(FORGET_AT, 2 * len(entangled))
        entangled.add(pid)

    def lost(self) -> None:
        """On the loop: the connection is gone; every process concerned is told."""
        self._lost = True
        if self.ticker is not None:
            self.ticker.stop()
        for pid in list(self._entangled):
            if pid.key in processes:
                signal(pid, NODE_LOST, (self.peer.name,))
        self._entangled.clear()
        while self._requests:
            self._requests.popitem()[1].fail("noconnection")


def _reason(payload: bytes | bytearray | None) -> Any:
    """A reason that came; one that holds objects is decoded by the process that it reaches."""
    assert payload is not None
    try:
        return decode_plain(payload)
    except HoldsObjectsError:
        return Parcel(payload, decode)
