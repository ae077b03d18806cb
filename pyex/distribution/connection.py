"""An established connection: signals to and from one other node.

A frame is a msgpack array. A signal's is ``(op, target, fields, payload)``: the target a (number, creation)
or a name, the fields identifiers and the like, the payload a term in bytes, or None. A payload that is too long for a
frame is announced as ``(number, length)`` and follows in fragments: the mark, the number, the bytes. Payloads are
decoded in the process they are for, never here on the loop.
"""

from __future__ import annotations

import itertools
import logging
import struct
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pyex.core.carrier import Parcel
from pyex.core.errors import NotSendable
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
from pyex.distribution.channel import LIMIT, Channel
from pyex.distribution.codec import (
    Encoded,
    HoldsObjectsError,
    decode,
    decode_plain,
    encode,
    encode_portable,
    pack,
    unpack_plain,
)
from pyex.distribution.fitting import fitted
from pyex.distribution.handshake import Peer
from pyex.distribution.inflow import MalformedError
from pyex.distribution.outbox import Large
from pyex.distribution.remote_spawn import spawn_here
from pyex.distribution.ticks import Ticker

if TYPE_CHECKING:
    from pyex.core.scheduler import Scheduler

log = logging.getLogger("pyex.node")

#: Between the nodes themselves: the names of the visible nodes the sender is connected to.
NODES = 200
_NAMES_IN_A_FRAME: Final = 128

#: Processes concerned by a connection, from which on those that have ended are looked for.
FORGET_AT = 1024

#: Operations whose last argument is a reason: any term at all, so it travels as the payload.
_WITH_REASON = frozenset({EXIT, EXIT2, MONITOR_EXIT})
_ACCEPTED = frozenset(
    {SEND, REG_SEND, LINK, UNLINK, UNLINK_ACK, EXIT, EXIT2, MONITOR, DEMONITOR, MONITOR_EXIT, GROUP_LEADER}
    | {SPAWN_REQUEST, SPAWN_REPLY, ALIAS_SEND, NODES}
)

Target = Pid | str | None


#: Numbers of payloads that travel in fragments.
_numbers = itertools.count()

#: Bytes of a payload up to which it is in the frame that announces it.
SMALL: Final = 1 << 16

#: The most common frame, a message to a process, has a form of its own: this byte, the number of the process, the message.
MESSAGE_MARK: Final = SEND
_MESSAGE: Final = struct.Struct(">BQ")
_FRAMED_MESSAGE: Final = struct.Struct(">IBQ")

#: Bytes of a message up to which it is decoded where it arrives, if no code needs to run for it.
_AT_ONCE: Final = 1 << 12


class Outgoing:
    """A signal on its way to another node, in bytes, with what is needed to answer for it."""

    __slots__ = ("args", "frame", "has_code", "has_objects", "large", "op", "sender", "target")

    def __init__(
        self,
        target: Pid | tuple[str, str] | None,
        op: int,
        args: Any,
        encode: Callable[[Any], Encoded] = encode,
    ) -> None:
        self.target = target
        self.op = op
        self.args = args
        address: Any = None
        if isinstance(target, Pid):
            number, _, creation = target.key  # type: ignore[misc]
            address = (number, creation)
        elif target is not None:
            address = target[0]
        fields: Any = None
        payload: Encoded | None = None
        if op in (SEND, REG_SEND):
            payload = encode(args)
        elif op in (SPAWN_REQUEST, ALIAS_SEND):
            *fields, term = args
            payload = encode(term)
        elif op in _WITH_REASON:
            *fields, reason = args
            payload = encode_reason(reason, encode)
        else:
            fields = args
        self.has_objects = payload is not None and payload.has_objects
        self.has_code = payload is not None and payload.has_code
        header = encode(tuple(fields)).data if fields is not None else None
        #: what its sender sends stays in order
        self.sender = _sender(op, args)
        self.large: Large | None = None
        data: Any = None
        if payload is not None and payload.size > SMALL:
            self.large = Large(next(_numbers) & 0xFFFFFFFF, payload.parts)
            data = self.large.number, self.large.length
        elif payload is not None:
            data = payload.data
        self.frame: bytes = pack((op, address, header, data))
        if len(self.frame) > LIMIT:
            raise NotSendable("the name of a process is too long to be sent to another node")

    @property
    def size(self) -> int:
        """Bytes, about."""
        return len(self.frame) + (self.large.length if self.large is not None else 0)

    @property
    def has_reason(self) -> bool:
        """Whether it tells why a process ends, which has to arrive whatever it is."""
        return self.op in _WITH_REASON

    def portable(self) -> Outgoing:
        """The same, with source in the place of bytecode; raises ``NotSendable``."""
        return Outgoing(self.target, self.op, self.args, encode_portable)

    def described(self) -> Outgoing:
        """The same, with a description of the reason."""
        *fields, reason = self.args
        return Outgoing(self.target, self.op, (*fields, repr(reason)))

    def fail(self, reason: str) -> None:
        """It could not be delivered: answer for it."""
        unreachable(self.target, self.op, self.args, reason)


def _sender(op: int, args: Any) -> Any:
    """The key of the process a signal comes from, if it comes from one."""
    if op in (SEND, REG_SEND, ALIAS_SEND):
        process = process_here()
        return process.pid.key if process is not None else None
    return args[0].key if isinstance(args[0], Pid) else None


def encode_reason(reason: Any, encode: Callable[[Any], Encoded] = encode) -> Encoded:
    """An exit reason always travels; one that cannot goes as its description."""
    try:
        return encode(reason)
    except NotSendable:
        return encode(repr(reason))


class Connection:
    """The link to one other node, on the loop of the scheduler that its channel lives on."""

    def __init__(self, channel: Channel, peer: Peer, scheduler: Scheduler, *, hidden: bool) -> None:
        self.channel = channel
        channel.on_malformed = self._complain
        self.peer = peer
        self._scheduler = scheduler
        #: one of the two is hidden
        self.hidden = hidden
        #: takes the names that the peer tells
        self.on_nodes: Callable[[tuple[str, ...]], None] | None = None
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

    def send(self, number: int, data: bytes) -> bool:
        """From any thread: the shortest way for a message to a process of the peer; False if it has to take the other."""
        if len(data) > SMALL or self._lost:
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

    def at_once(self, callback: Callable[[], None]) -> None:
        """On the loop: call a function, and run what it wakes without another turn of the loop."""
        scheduler = self._scheduler
        if scheduler.slice_due:
            callback()
            return
        scheduler.slice_due = True
        try:
            callback()
        finally:
            scheduler.run_slice()

    def send_nodes(self, nodes: list[str]) -> None:
        """Tell the peer whom this node is connected to."""
        for begin in range(0, len(nodes), _NAMES_IN_A_FRAME):
            some = encode(tuple(nodes[begin : begin + _NAMES_IN_A_FRAME])).data
            self.channel.write(pack((NODES, None, some, None)))

    def receive(self, frame: memoryview) -> None:
        """On the loop: a frame came; raises ``MalformedError``."""
        try:
            if frame[0] == MESSAGE_MARK:
                _, number = _MESSAGE.unpack_from(frame)
                process = processes.get(number)
                if process is not None:
                    data = frame[9:]
                    try:
                        message = decode_plain(data) if len(data) <= _AT_ONCE else Parcel(bytes(data), decode)
                    except Exception:  # objects, or nonsense: the process that it is for decodes it, or reports it
                        message = Parcel(bytes(data), decode)
                    process.owner.post(process, SEND, message)
                return
            op, address, header, payload = unpack_plain(frame)
            if op not in _ACCEPTED:
                raise MalformedError(f"operation {op!r}")
            if type(payload) is tuple:
                number, length = payload
                self.channel.inflow.expect(number, length, partial(self._arrived, op, address, header))
            else:
                self._apply(op, address, decode_plain(header) if header is not None else (), payload)
        except MalformedError:
            raise
        except Exception as error:
            raise MalformedError(repr(error)) from error

    def _arrived(self, op: int, address: Any, header: bytes | None, payload: bytearray) -> None:
        """A payload that was announced is whole: the signal takes effect."""
        try:
            self._apply(op, address, decode_plain(header) if header is not None else (), payload)
        except MalformedError:
            raise
        except Exception as error:
            raise MalformedError(repr(error)) from error

    def _complain(self, error: MalformedError) -> None:
        log.error("%s sent a malformed frame (%s): disconnected", self.peer.name, error)

    def _apply(self, op: int, address: Any, fields: Any, payload: bytes | bytearray | None) -> None:
        if op == NODES:
            if self.on_nodes is not None:
                self.on_nodes(tuple(map(str, fields)))
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
            args = (*fields, _reason(payload)) if op in _WITH_REASON else fields
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
