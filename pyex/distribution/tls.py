"""TLS between nodes, for meshes that leave one machine: each shows a certificate of the authority that both trust.

It protects the line. Who may join is still decided by the cookie, in the handshake that follows, whose proofs hold only
between the two certificates that the nodes see: another member of the authority in between cannot hand them on.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pyex.core.errors import NodeStartError
from pyex.distribution.channel import Channel
from pyex.distribution.outbox import Buffer

_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_END: Final = "-----END CERTIFICATE-----"
_NOT_NOW: Final = (ssl.SSLWantReadError, ssl.SSLWantWriteError)


class TlsError(Exception):
    """No TLS connection came about; the text says why."""


class Certificates:
    """A node's certificate and key, and the authority that signs those of all its nodes."""

    def __init__(self, server: ssl.SSLContext, client: ssl.SSLContext, own: bytes) -> None:
        self._server = server
        self._client = client
        #: the node's own certificate
        self._own = own

    @classmethod
    def load(cls, files: Sequence[str | os.PathLike[str]]) -> Certificates:
        """Read the files of a certificate, its key and the authority; raises ``NodeStartError``."""
        if isinstance(files, str) or len(files) != 3:
            raise NodeStartError("TLS takes three files: a certificate, its key, and the certificate of the authority")
        certificate, key, authority = [os.fspath(file) for file in files]
        contexts = []
        for protocol in (ssl.PROTOCOL_TLS_SERVER, ssl.PROTOCOL_TLS_CLIENT):
            context = ssl.SSLContext(protocol)
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.check_hostname = False  # nodes have names of their own, which the handshake proves
            context.verify_mode = ssl.CERT_REQUIRED
            try:
                context.load_verify_locations(authority)
            except (OSError, ssl.SSLError) as error:
                raise NodeStartError(f"{authority!r} is no certificate of an authority: {_why(error)}") from None
            try:
                context.load_cert_chain(certificate, key, password=_no_password)
            except (OSError, ValueError, ssl.SSLError) as error:
                raise NodeStartError(
                    f"{certificate!r} and {key!r} are no certificate and its key: {_why(error)}"
                ) from None
            contexts.append(context)
        text = Path(certificate).read_text(encoding="ascii", errors="replace")
        own = text[text.index(_BEGIN) : text.index(_END) + len(_END)]  # it stands first, before those it depends on
        server, client = contexts
        return cls(server, client, ssl.PEM_cert_to_DER_cert(own))

    async def secure(self, sock: socket.socket, *, dialling: bool) -> tuple[ssl.SSLSocket, bytes]:
        """The same connection, encrypted, and what binds a proof to it: its two ends. Raises ``TlsError``.

        The socket given is used up.
        """
        context = self._client if dialling else self._server
        sock.setblocking(False)
        secured = context.wrap_socket(sock, server_side=not dialling, do_handshake_on_connect=False)
        try:
            await _shake_hands(secured)
        except BaseException as error:
            secured.close()
            if isinstance(error, OSError):
                raise TlsError(
                    f"the other side does not speak TLS, or has no certificate of the same authority ({_why(error)}). "
                    "Start all nodes of the mesh with --tls, and certificates of one authority"
                ) from None
            raise
        ends = [self._own, secured.getpeercert(binary_form=True) or b""]
        return secured, b"".join(hashlib.sha256(end).digest() for end in (ends if dialling else reversed(ends)))


async def _shake_hands(sock: ssl.SSLSocket) -> None:
    loop = asyncio.get_running_loop()
    while True:
        try:
            sock.do_handshake()
        except ssl.SSLWantReadError:
            add, remove = loop.add_reader, loop.remove_reader
        except ssl.SSLWantWriteError:
            add, remove = loop.add_writer, loop.remove_writer
        else:
            return
        ready = loop.create_future()
        add(sock, _set, ready)
        try:
            await ready
        finally:
            remove(sock)


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _no_password() -> str:
    raise ValueError("the key is locked with a password")


def _why(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error) or type(error).__name__


class SecureChannel(Channel):
    """A channel whose bytes are encrypted. OpenSSL's object is one thread's at a time, hence the lock."""

    def __init__(self, sock: ssl.SSLSocket, loop: asyncio.AbstractEventLoop, binding: bytes) -> None:
        super().__init__(sock, loop)
        self.binding = binding

    def _receive(self) -> None:
        super()._receive()
        while not (self.closed or self._closing or self.inflow.over) and self._sock.pending():
            super()._receive()

    def _go_on(self) -> None:
        super()._go_on()
        self._loop.call_soon(self._take_pending)

    def _take_pending(self) -> None:
        """What was decrypted before it was wanted; the system does not know of it."""
        if not (self.closed or self._closing or self.inflow.over) and self._sock.pending():
            self._readable()

    def _read_into(self, buffer: memoryview) -> int:
        with self._writing:
            try:
                return self._sock.recv_into(buffer)  # type: ignore[no-any-return]
            except _NOT_NOW:
                raise BlockingIOError from None

    def _read_through(self, rest: memoryview, _: memoryview) -> int:
        return self._read_into(rest)

    def _write_out(self, parts: list[Buffer]) -> int:
        try:
            return self._sock.send(parts[0])  # type: ignore[no-any-return]
        except _NOT_NOW:
            raise BlockingIOError from None
