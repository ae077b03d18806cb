"""Signals on their way to another node."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Final

from pyex.core.errors import NotSendable
from pyex.core.ids import Pid
from pyex.core.signals import ALIAS_SEND, EXIT, EXIT2, MONITOR_EXIT, REG_SEND, SEND, SPAWN_REQUEST, unreachable
from pyex.core.threads import process_here
from pyex.core.undelivered import refuse_answer, refuse_request
from pyex.distribution.channel import LIMIT
from pyex.distribution.codec import Encoded, encode, encode_portable, pack
from pyex.distribution.outbox import Large

#: Operations whose last argument is a reason: any term at all, so it travels as the payload.
WITH_REASON: Final = frozenset({EXIT, EXIT2, MONITOR_EXIT})

#: Numbers of payloads that travel in fragments.
_numbers = itertools.count()

#: Bytes of a payload up to which it is in the frame that announces it.
SMALL: Final = 1 << 16


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
        elif op in WITH_REASON:
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
        return self.op in WITH_REASON

    def portable(self) -> Outgoing:
        """The same, with source in the place of bytecode; raises ``NotSendable``."""
        return Outgoing(self.target, self.op, self.args, encode_portable)

    def described(self) -> Outgoing:
        """The same, with a description of the reason."""
        *fields, reason = self.args
        return Outgoing(self.target, self.op, (*fields, repr(reason)))

    def refuse(self, why: str) -> bool:
        """The other node does not take what is in it: answer for it, if somebody waits for that; whether somebody does."""
        if self.op in (SEND, REG_SEND):
            return refuse_request(self.args, why)
        if self.op == ALIAS_SEND:
            refuse_answer(self.args[0], f"the answer could not be sent: {why}")
        else:
            self.fail(why)
        return self.op == SPAWN_REQUEST

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
