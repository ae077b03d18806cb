"""A TCP proxy between nodes, which hands on what it is told to, as it is told to.

``Controlled`` nodes started with ``PROXY`` dial through it: what they say first is the port that they want, and their name.
The handshake knows nothing of it, so the address that it proves is the real one.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable


class Proxy:
    """Each connection has two threads; ``treat(data, sent)`` makes what goes on of what came, after so many bytes."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self._sockets: set[socket.socket] = set()
        #: what becomes of the data of new connections, from the dialling node and to it; None ends the connection
        self.outward: Callable[[bytes, int], bytes | None] = pass_on
        self.inward: Callable[[bytes, int], bytes | None] = pass_on
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._sockets.add(near)
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        with near, contextlib.suppress(OSError):
            head = b""
            while len(head) < 66:
                head += (more := near.recv(66 - len(head)))
                if not more:
                    break
            else:
                with socket.create_connection(("127.0.0.1", struct.unpack(">H", head[:2])[0])) as far:
                    self._sockets.add(far)
                    outward = threading.Thread(target=self._pump, args=(near, far, self.outward), daemon=True)
                    outward.start()
                    self._pump(far, near, self.inward)
                    outward.join()
                    self._sockets.remove(far)
        self._sockets.remove(near)

    def _pump(self, source: socket.socket, target: socket.socket, treat: Callable[[bytes, int], bytes | None]) -> None:
        count = 0
        try:
            while data := source.recv(1 << 14):
                treated = treat(data, count)
                count += len(data)
                if treated is None:
                    break
                target.sendall(treated)
        except OSError:
            pass
        for sock in (source, target):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def is_idle(self) -> bool:
        """Whether there are no connections, and nothing is on its way."""
        return not self._sockets

    def cut(self) -> None:
        """End all connections."""
        for sock in [*self._sockets]:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self.cut()


def pass_on(data: bytes, _count: int) -> bytes:
    return data


def once(at: int, change: Callable[[bytes, int], bytes | None]) -> Callable[[bytes, int], bytes | None]:
    """Change the piece in which the byte at that place is, and no other."""

    def treat(data: bytes, count: int) -> bytes | None:
        return change(data, at - count) if count <= at < count + len(data) else data

    return treat


def truncate(data: bytes, at: int) -> bytes:
    """Bytes are lost."""
    return data[:at] + data[at + 7 :]


def corrupt(data: bytes, at: int) -> bytes:
    """A byte is another one."""
    return data[:at] + bytes([data[at] ^ 0x5A]) + data[at + 1 :]


def duplicate(data: bytes, at: int) -> bytes:
    """Bytes come twice."""
    return data[: at + 7] + data[at:]


def reorder(data: bytes, at: int) -> bytes:
    """Bytes come before others that were sent first."""
    return data[:at] + data[at + 5 : at + 10] + data[at : at + 5] + data[at + 10 :]


def cut(_data: bytes, _at: int) -> None:
    """The connection ends."""
