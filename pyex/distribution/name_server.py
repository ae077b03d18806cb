"""A name service of our own, for machines on which no epmd runs: the same protocol, served by a node.

It takes registrations from its own machine only and knows no command to kill it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import socket
import struct

from pyex.distribution.epmd import (
    ALIVE2_REQ,
    ALIVE2_X_RESP,
    EXTRA_AGAIN,
    NAMES_REQ,
    PATIENCE,
    PORT2_RESP,
    PORT_PLEASE2_REQ,
    Registration,
    epmd_port,
    pack_registration,
    unpack_registration,
)
from pyex.distribution.names import is_short_name
from pyex.distribution.sockets import Listener

#: Seconds after a take-over in which the living register again, before anybody can have an unknown name.
GRACE = 2.0


class NameServer:
    """Serves names on the loop it was started on."""

    def __init__(self, *, take_over: bool) -> None:
        self._nodes: dict[str, Registration] = {}
        self._changed = asyncio.Condition()
        self._settled_at = asyncio.get_running_loop().time() + (GRACE if take_over else 0)
        self._listener: Listener | None = None

    async def start(self, host: str) -> None:
        """Listen; raises ``OSError`` when somebody else does."""
        # Not asyncio's server, which loses the sockets that it has accepted in the moment it is closed.
        self._listener = await Listener.start(host, epmd_port(), self._welcome)

    def close(self) -> None:
        """Stop serving; every node registered here notices and registers elsewhere."""
        if self._listener is not None:
            self._listener.close()

    async def _welcome(self, sock: socket.socket) -> None:
        try:
            sock.setblocking(False)
            reader, writer = await asyncio.open_connection(sock=sock, limit=1 << 16)
        except OSError:
            sock.close()  # gone again
            return
        try:
            await self._serve(reader, writer)
        except BaseException:
            writer.transport.abort()
            raise

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                (length,) = struct.unpack(">H", await reader.readexactly(2))
                request = await reader.readexactly(length)
            kind = request[0] if request else None
            if kind == ALIVE2_REQ:
                await self._alive(request[1:], reader, writer)
            elif kind == PORT_PLEASE2_REQ:
                await self._port_please(request[1:], writer)
            elif kind == NAMES_REQ:
                await self._names(writer)
        except (OSError, EOFError, ValueError, TimeoutError):
            pass  # whoever it was, it is gone or talks nonsense: only its own connection ends
        finally:
            writer.close()

    async def _alive(self, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        registration = unpack_registration(body)
        peer = ipaddress.ip_address(writer.get_extra_info("peername")[0])
        sockname = writer.get_extra_info("sockname")[0]
        if registration.extra != EXTRA_AGAIN:
            await self._settle(registration.name)
        taken = (
            registration.name in self._nodes
            or not is_short_name(registration.name)
            or not (peer.is_loopback or str(peer) == sockname)
        )
        writer.write(struct.pack(">BBI", ALIVE2_X_RESP, int(taken), 1 + secrets.randbelow((1 << 32) - 1)))
        if taken:
            await writer.drain()
            return
        if self._listener is not None:
            self._listener.trust()
        await self._set(registration.name, registration)
        try:
            while await reader.read(1 << 10):
                pass  # nothing is expected; the end of the connection frees the name
        finally:
            await self._set(registration.name, None)

    async def _set(self, name: str, registration: Registration | None) -> None:
        if registration is None:
            self._nodes.pop(name, None)
        else:
            self._nodes[name] = registration
        async with self._changed:
            self._changed.notify_all()

    async def _settle(self, name: str) -> None:
        """After a take-over, give an unknown name the time to turn out to be known."""
        loop = asyncio.get_running_loop()
        while name not in self._nodes and loop.time() < self._settled_at:
            try:
                async with asyncio.timeout_at(self._settled_at), self._changed:
                    await self._changed.wait()
            except TimeoutError:
                return

    async def _port_please(self, body: bytes, writer: asyncio.StreamWriter) -> None:
        name = body.decode()
        await self._settle(name)
        registration = self._nodes.get(name)
        if registration is None:
            writer.write(bytes([PORT2_RESP, 1]))
        else:
            writer.write(bytes([PORT2_RESP, 0]) + pack_registration(registration))
        await writer.drain()

    async def _names(self, writer: asyncio.StreamWriter) -> None:
        lines = "".join(f"name {node.name} at port {node.port}\n" for node in self._nodes.values())
        writer.write(struct.pack(">I", epmd_port()) + lines.encode())
        await writer.drain()
