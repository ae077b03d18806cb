"""Terms on the wire: msgpack, with extension types for what it lacks.

Tuples, the common case, are msgpack's arrays; lists are an extension. What has no form of its own here
travels by pickle inside an extension, and is decoded only where running code is in order.
"""

from __future__ import annotations

import datetime
import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgpack

from pyex.core.identity import identity
from pyex.core.ids import Atom, Identifier, Key, Pid, Port, Ref, pid_of, port_of, ref_of
from pyex.core.isolation import Shared

PID, REF, LIST, SET, FROZENSET, BIG_INT, ATOM, BYTEARRAY, COMPLEX, TIME, OBJECT, PORT = range(1, 13)

#: What msgpack itself keeps apart and brings back as it was.
_PLAIN: Final = frozenset({type(None), bool, int, float, str, bytes})
_NO_BYTES: Final = _PLAIN - {bytes}

#: Bytes of a value from which on it is a part of its own, and not copied.
BULK: Final = 1 << 15

_TIMES: Final[dict[str, Any]] = {
    "datetime": datetime.datetime,
    "date": datetime.date,
    "time": datetime.time,
}


class HoldsObjectsError(Exception):
    """Raised by ``decode_plain``: the term has objects in it, whose decoding would run code."""


class Encoded(NamedTuple):
    """A term in bytes; whether they hold objects, and code: bytecode, which only an equal Python can run, or source."""

    parts: list[bytes]
    has_objects: bool = False
    has_code: bool = False

    @property
    def data(self) -> bytes:
        """The parts together."""
        return self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)

    @property
    def size(self) -> int:
        """The bytes of all parts."""
        return sum(map(len, self.parts))


def encode(term: Any) -> Encoded:
    """A term for another node, which is a snapshot of it.

    Raises ``NotSendable`` (a ``TypeError``) for what cannot leave this node.
    """
    return _encode(term, portable=False)


def encode_portable(term: Any) -> Encoded:
    """The same, with source in the place of bytecode."""
    return _encode(term, portable=True)


def _encode(term: Any, *, portable: bool) -> Encoded:
    encoder = _Encoder(portable=portable)
    try:
        parts = encoder.parts(encoder.wire(term))
    except OverflowError:  # an integer of more than 64 bits is somewhere in it
        encoder = _Encoder(portable=portable, big_ints=True)
        parts = encoder.parts(encoder.wire(term))
    except (RecursionError, ValueError):  # a cycle, or deeper than msgpack goes: pickle knows how
        encoder = _Encoder(portable=portable)
        parts = encoder.parts(encoder.object(term))
    return Encoded(parts, encoder.has_objects, encoder.has_code)


def encode_simple(term: Any) -> bytes | None:
    """The same bytes, in little time, for what most messages are made of; None for all else, and for what is large."""
    kind = type(term)
    if kind is tuple:
        if not _NO_BYTES.issuperset(map(type, term)) and (term := _simple(term)) is None:
            return None
    elif kind not in _PLAIN or (kind is bytes and len(term) >= BULK):
        return None
    try:
        data: bytes = _packer.pack(term)
    except (OverflowError, ValueError):
        return None
    return data if len(data) <= _LARGE else None


def _simple(values: tuple[Any, ...]) -> list[Any] | None:
    """What msgpack packs as it does a tuple, one level deep or two; None if there is anything special in it."""
    items: list[Any] = []
    for value in values:
        kind = type(value)
        if kind is Pid:
            value = _pid_on_the_wire(value.key, identity.name, identity.creation)  # noqa: PLW2901
        elif kind is tuple:
            if not _NO_BYTES.issuperset(map(type, value)):
                value = _simple(value)  # noqa: PLW2901
                if value is None:
                    return None
        elif kind is Ref:
            value = _encode_identifier(None, value)  # noqa: PLW2901
        elif kind not in _PLAIN or (kind is bytes and len(value) >= BULK):
            return None
        items.append(value)
    return items


def decode(data: bytes | bytearray, *, objects: bool = True) -> Any:
    """The term; may run code, so only in the process that it is for. Without ``objects``, None is in the place of each."""
    return _unpack(data, _decode_any if objects else _decode_sketch)


def decode_plain(data: bytes | bytearray | memoryview) -> Any:
    """The term, without running any code; raises ``HoldsObjectsError`` when that cannot be."""
    return msgpack.unpackb(
        data, use_list=False, strict_map_key=False, ext_hook=_decode_extension, unicode_errors="surrogatepass"
    )


#: One for all, since making one costs five times what it does; it gives way to no other thread.
_packer = msgpack.Packer(unicode_errors="surrogatepass", autoreset=True)

#: Bytes of a result from which on the packer, which keeps its memory, is replaced.
_LARGE: Final = 1 << 18


def pack(wire: Any) -> bytes:
    """Msgpack's bytes for what it can pack."""
    global _packer
    data: bytes = _packer.pack(wire)
    if len(data) > _LARGE:
        _packer = msgpack.Packer(unicode_errors="surrogatepass", autoreset=True)
    return data


def unpack_plain(data: bytes | memoryview) -> Any:
    """What msgpack itself can unpack, extension types left as they are."""
    return msgpack.unpackb(data, use_list=False, unicode_errors="surrogatepass")


def _unpack(data: bytes | bytearray | memoryview, hook: Callable[[int, bytes], Any]) -> Any:
    return msgpack.unpackb(data, use_list=False, strict_map_key=False, ext_hook=hook, unicode_errors="surrogatepass")


class _Encoder:
    """Turns a term into what msgpack can pack."""

    __slots__ = ("big_ints", "bulky", "has_code", "has_objects", "portable")

    def __init__(self, *, portable: bool, big_ints: bool = False) -> None:
        self.portable = portable
        self.big_ints = big_ints
        #: there is a value that is to be a part of its own
        self.bulky = False
        self.has_objects = False
        self.has_code = False

    def wire(self, value: Any) -> Any:
        kind = type(value)
        if kind is tuple:
            if not self.big_ints and _NO_BYTES.issuperset(map(type, value)):
                return value
            return tuple([self.wire(item) for item in value])
        if kind is bytes:
            self.bulky = self.bulky or len(value) >= BULK
            return value
        if kind in _PLAIN:
            return self._int(value) if self.big_ints and kind is int else value
        encoder = _ENCODERS.get(kind)
        return encoder(self, value) if encoder is not None else self.object(value)

    def object(self, value: Any) -> msgpack.ExtType:
        from pyex.distribution import code  # cloudpickle: loaded by the first message that needs it

        data, has_code = code.dump(value, identify, portable=self.portable)
        self.has_objects = True
        self.has_code = self.has_code or has_code
        return self.extension(OBJECT, data)

    def extension(self, code: int, data: bytes) -> msgpack.ExtType:
        self.bulky = self.bulky or len(data) >= BULK
        return msgpack.ExtType(code, data)

    def parts(self, wire: Any) -> list[bytes]:
        """What was made of a term, in bytes."""
        if not self.bulky:
            return [pack(wire)]
        parts: list[bytes] = []
        _spread(wire, parts)
        return parts

    def _int(self, value: int) -> Any:
        if -(1 << 63) <= value < 1 << 64:
            return value
        return msgpack.ExtType(BIG_INT, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))

    def dict(self, value: dict[Any, Any]) -> dict[Any, Any]:
        return {self.wire(key): self.wire(item) for key, item in value.items()}

    def items(self, code: int, value: Any) -> msgpack.ExtType:
        return self.extension(code, pack(tuple([self.wire(item) for item in value])))


_BULKY_BYTES: Final = struct.Struct(">BI")
_BULKY_EXTENSION: Final = struct.Struct(">BIb")


def _spread(wire: Any, parts: list[bytes]) -> None:
    """Pack, and leave bulky values as they are."""
    kind = type(wire)
    if kind is tuple:
        _add(parts, _packer.pack_array_header(len(wire)))
        for item in wire:
            _spread(item, parts)
    elif kind is dict:
        _add(parts, _packer.pack_map_header(len(wire)))
        for key, item in wire.items():
            _spread(key, parts)
            _spread(item, parts)
    elif kind is bytes and BULK <= len(wire) < 1 << 32:
        _add(parts, _BULKY_BYTES.pack(0xC6, len(wire)))
        parts.append(wire)
    elif kind is msgpack.ExtType and BULK <= len(wire.data) < 1 << 32:
        _add(parts, _BULKY_EXTENSION.pack(0xC9, len(wire.data), wire.code))
        parts.append(wire.data)
    else:
        _add(parts, pack(wire))


def _add(parts: list[bytes], data: bytes) -> None:
    """Add a small part, to another small one if it can be."""
    if parts and len(parts[-1]) < BULK:
        parts[-1] += data
    else:
        parts.append(data)


_KINDS: Final[dict[type, int]] = {Pid: PID, Ref: REF, Port: PORT}
_IDENTIFIERS: Final[dict[int, Callable[[Key], Identifier]]] = {PID: pid_of, REF: ref_of, PORT: port_of}


def identify(value: Identifier) -> tuple[int, int, str, int]:
    """An identifier as any node understands it: kind, number, node, creation."""
    code = _KINDS[type(value)]
    key = value.key
    if isinstance(key, int):
        return code, abs(key), identity.name or "", identity.creation
    return code, abs(key[0]), key[1], key[2]


def resolve(wire: Any) -> Identifier:
    """The identifier, as it is on this node; raises ``ValueError`` for what is none."""
    match wire:
        case (int(code), int(number), str(node), int(creation)) if code in _IDENTIFIERS and number >= 0:
            own = node == (identity.name or "") and creation in (0, identity.creation)  # 0: typed in, any
            key = number if own else (number, node, creation)
            return _IDENTIFIERS[code](key)
    raise ValueError(f"not an identifier: {wire!r}")


def _encode_identifier(_: Any, value: Identifier) -> msgpack.ExtType:
    code, *fields = identify(value)
    return msgpack.ExtType(code, pack(fields))


@lru_cache(1024)
def _pid_on_the_wire(key: Key, *_own: Any) -> msgpack.ExtType:
    """Most messages have a pid in them, their sender's; what it looks like depends on this node's name and creation."""
    return _encode_identifier(None, pid_of(key))


@lru_cache(1024)
def _pid_from_the_wire(data: bytes, *_own: Any) -> Identifier:
    return resolve((PID, *_unpack(data, _decode_extension)))


def _encode_time(encoder: _Encoder, value: Any) -> msgpack.ExtType:
    zone = getattr(value, "tzinfo", None)
    if zone is not None and type(zone) is not datetime.timezone:
        return encoder.object(value)  # a zone has rules that no offset tells
    return msgpack.ExtType(TIME, pack((type(value).__name__, value.isoformat(), getattr(value, "fold", 0))))


def _encode_timedelta(_: _Encoder, value: datetime.timedelta) -> msgpack.ExtType:
    return msgpack.ExtType(TIME, pack(("timedelta", value.days, value.seconds, value.microseconds)))


def _encode_shared(encoder: _Encoder, value: Shared) -> Any:
    return encoder.object(value)  # refused there, with the reason


_ENCODERS: Final[dict[type, Callable[[_Encoder, Any], Any]]] = {
    Pid: lambda _, value: _pid_on_the_wire(value.key, identity.name, identity.creation),
    Ref: _encode_identifier,
    Port: _encode_identifier,
    Atom: lambda _, value: msgpack.ExtType(ATOM, value.encode("utf-8", "surrogatepass")),
    list: lambda encoder, value: encoder.items(LIST, value),
    set: lambda encoder, value: encoder.items(SET, value),
    frozenset: lambda encoder, value: encoder.items(FROZENSET, value),
    dict: _Encoder.dict,
    bytearray: lambda encoder, value: encoder.extension(BYTEARRAY, bytes(value)),
    complex: lambda _, value: msgpack.ExtType(COMPLEX, pack((value.real, value.imag))),
    datetime.datetime: _encode_time,
    datetime.date: _encode_time,
    datetime.time: _encode_time,
    datetime.timedelta: _encode_timedelta,
    Shared: _encode_shared,
}


def _decode_any(code: int, data: bytes) -> Any:
    if code == OBJECT:
        from pyex.distribution import code as shipping

        return shipping.load(data, resolve)
    return _decode(code, data, _decode_any)


def _decode_sketch(code: int, data: bytes) -> Any:
    return None if code == OBJECT else _decode(code, data, _decode_sketch)


def _decode_extension(code: int, data: bytes) -> Any:
    if code == OBJECT:
        raise HoldsObjectsError
    return _decode(code, data, _decode_extension)


def _decode(code: int, data: bytes, hook: Callable[[int, bytes], Any]) -> Any:
    if code == PID:
        return _pid_from_the_wire(data, identity.name, identity.creation)
    match code:
        case 2 | 12:
            return resolve((code, *_unpack(data, hook)))
        case 3:
            return list(_unpack(data, hook))
        case 4:
            return set(_unpack(data, hook))
        case 5:
            return frozenset(_unpack(data, hook))
        case 6:
            return int.from_bytes(data, "big", signed=True)
        case 7:
            return Atom(data.decode("utf-8", "surrogatepass"))
        case 8:
            return bytearray(data)
        case 9:
            return complex(*_unpack(data, hook))
        case 10:
            return _decode_time(*_unpack(data, hook))
    raise ValueError(f"unknown extension type {code}")


def _decode_time(kind: str, *fields: Any) -> Any:
    if kind == "timedelta":
        return datetime.timedelta(*fields)
    text, fold = fields
    value = _TIMES[kind].fromisoformat(text)
    return value.replace(fold=fold) if fold else value
