"""The EPMD protocol: Erlang's name service, as a client.

A node registers its name and port by a connection that it keeps; when that closes, the name is free.
"""

from __future__ import annotations

import asyncio
import os
import struct
from dataclasses import dataclass

from pyex.core.errors import NodeStartError
from pyex.distribution.names import is_short_name

ALIVE2_REQ, ALIVE2_RESP, ALIVE2_X_RESP = 120, 121, 118
PORT_PLEASE2_REQ, PORT2_RESP = 122, 119
NAMES_REQ = 110

NODE_TYPE_HIDDEN, NODE_TYPE_NORMAL = 72, 77
PROTOCOL_TCP = 0
HIGHEST_VERSION, LOWEST_VERSION = 6, 5

#: In the "extra" field of a registration: how pyex nodes tell each other from Erlang's.
EXTRA = b"pyex"
#: The same, from a node that registers again because the service it was registered with is gone.
EXTRA_AGAIN = b"pyex again"

#: Bytes of an answer that are read.
LONGEST_ANSWER = 1 << 20

#: Seconds a name service gets to answer.
PATIENCE = 5.0


@dataclass(frozen=True)
class Registration:
    """What the name service knows of a node."""

    name: str
    port: int
    extra: bytes
    hidden: bool = False

    @property
    def is_pyex(self) -> bool:
        """Whether it is a node of ours."""
        return self.extra.startswith(EXTRA)


class NameInUseError(Exception):
    """The name service has that name from a node that lives."""


def epmd_port() -> int:
    """The port of the name service: ``ERL_EPMD_PORT``, or 4369; raises ``NodeStartError`` if that is none."""
    text = os.environ.get("ERL_EPMD_PORT", "4369")
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise NodeStartError(f"ERL_EPMD_PORT is {text!r}, which is no port. Set it to a number from 1 to 65535")
    return int(text)


def pack_request(body: bytes) -> bytes:
    """A request with its length."""
    return struct.pack(">H", len(body)) + body


def pack_registration(registration: Registration) -> bytes:
    """The fields that a registration and an answer to a look-up have in common."""
    name = registration.name.encode()
    kind = NODE_TYPE_HIDDEN if registration.hidden else NODE_TYPE_NORMAL
    return (
        struct.pack(">HBBHHH", registration.port, kind, PROTOCOL_TCP, HIGHEST_VERSION, LOWEST_VERSION, len(name))
        + name
        + struct.pack(">H", len(registration.extra))
        + registration.extra
    )


def unpack_registration(body: bytes) -> Registration:
    """The reverse; raises ``ValueError`` for what is none."""
    try:
        port, kind, _, _, _, length = struct.unpack_from(">HBBHHH", body)
        name = body[10 : 10 + length]
        (extra_length,) = struct.unpack_from(">H", body, 10 + length)
        extra = body[12 + length : 12 + length + extra_length]
        if len(name) != length or len(extra) != extra_length or not name:
            raise ValueError("truncated")
        return Registration(name.decode(), port, extra, hidden=kind == NODE_TYPE_HIDDEN)
    except (struct.error, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error


async def register(registration: Registration) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Register with the name service of this machine; the name is kept until the connection is closed.

    Raises ``NameInUseError``; ``OSError`` when there is no service; ``TimeoutError``.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", epmd_port())
    try:
        writer.write(pack_request(bytes([ALIVE2_REQ]) + pack_registration(registration)))
        async with asyncio.timeout(PATIENCE):
            tag = (await reader.readexactly(1))[0]
            result = (await reader.readexactly(1))[0]
            await reader.readexactly(4 if tag == ALIVE2_X_RESP else 2)  # a creation; nodes make their own
        if result != 0:
            raise NameInUseError(registration.name)
    except BaseException as error:
        writer.close()
        if isinstance(error, asyncio.IncompleteReadError):  # a service that refuses may just hang up
            raise NameInUseError(registration.name) from None
        raise
    return reader, writer


async def look_up(host: str, name: str) -> Registration | None:
    """Ask the name service of a machine for a node; None if it does not know it."""
    answer = await _ask(host, bytes([PORT_PLEASE2_REQ]) + name.encode())
    if len(answer) < 2 or answer[0] != PORT2_RESP or answer[1] != 0:
        return None
    return unpack_registration(answer[2:])


async def names(host: str) -> list[tuple[str, int]]:
    """The names and ports of all nodes that a machine's name service knows."""
    answer = await _ask(host, bytes([NAMES_REQ]))
    found = []
    for line in answer[4:].decode(errors="replace").splitlines():
        words = line.split()
        if len(words) == 5 and words[0] == "name" and words[4].isdecimal() and is_short_name(words[1]):
            found.append((words[1], int(words[4])))
    return found


async def _ask(host: str, request: bytes) -> bytes:
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(host, epmd_port())
        try:
            writer.write(pack_request(request))
            return await _read_all(reader)
        finally:
            writer.close()


async def _read_all(reader: asyncio.StreamReader) -> bytes:
    answer = b""
    while len(answer) < LONGEST_ANSWER and (chunk := await reader.read(1 << 16)):
        answer += chunk
    return answer
