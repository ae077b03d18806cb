"""Sockets to listen on and to dial with, on an event loop."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final

log = logging.getLogger("pyex.node")

#: Connections that may wait to be accepted.
BACKLOG: Final = 128

#: Accepted connections whose other side has not proved who it is; honest ones do within milliseconds.
STRANGERS: Final = 128

#: Seconds for which nothing is accepted when this process has no descriptors left.
REST: Final = 0.1


class Listener:
    """Listens on every address of a host, until it is closed.

    ``welcome`` is given each new socket, in a task of its own. It sees to it that the socket is closed, whatever happens;
    when the listener is closed, it is cancelled. So is the oldest that has not said ``trust`` when there are too many.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, welcome: Callable[[socket.socket], Awaitable[None]]) -> None:
        self._loop = loop
        self._welcome = welcome
        self._sockets: list[socket.socket] = []
        #: accepted, and their tasks have not begun: one that is cancelled before it has cannot close anything
        self._fresh: set[socket.socket] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        #: those whose other side may be anybody, the oldest first
        self._strangers: dict[asyncio.Task[Any], socket.socket] = {}
        self.port = 0

    @classmethod
    async def start(cls, host: str, port: int, welcome: Callable[[socket.socket], Awaitable[None]]) -> Listener:
        """Listen; port 0 is any that is free. Raises ``OSError``."""
        loop = asyncio.get_running_loop()
        listener = cls(loop, welcome)
        try:
            for family, address in await _addresses(host, port, socket.AI_PASSIVE):
                sock = socket.socket(family, socket.SOCK_STREAM)
                listener._sockets.append(sock)
                sock.setblocking(False)
                if os.name == "posix":
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.bind((address[0], listener.port or port, *address[2:]))
                sock.listen(BACKLOG)
                listener.port = sock.getsockname()[1]
        except BaseException:
            listener.close()
            raise
        for sock in listener._sockets:
            loop.add_reader(sock, listener._accept, sock)
        return listener

    def _accept(self, sock: socket.socket) -> None:
        try:
            accepted, _ = sock.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                raise
            log.error("No connection can be accepted: %s", error.strerror)
            self._loop.remove_reader(sock)
            self._loop.call_later(REST, self._resume, sock)
            return
        self._fresh.add(accepted)
        task = self._loop.create_task(self._begin(accepted))
        self._tasks.add(task)
        self._strangers[task] = accepted
        task.add_done_callback(self._over)
        if len(self._strangers) > STRANGERS:
            self._drop(next(iter(self._strangers)))

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._strangers.pop(task, None)

    def _drop(self, task: asyncio.Task[Any]) -> None:
        task.cancel()
        sock = self._strangers.pop(task)
        if sock in self._fresh:
            self._fresh.discard(sock)
            sock.close()

    def trust(self) -> None:
        """In the task of ``welcome``: the other side is no stranger, and may stay for as long as it likes."""
        task = asyncio.current_task()
        if task is not None:
            self._strangers.pop(task, None)

    async def _begin(self, sock: socket.socket) -> None:
        self._fresh.discard(sock)
        await self._welcome(sock)

    def _resume(self, sock: socket.socket) -> None:
        if sock.fileno() >= 0:
            self._loop.add_reader(sock, self._accept, sock)

    def close(self) -> None:
        """Listen no more, and break off what is not finished."""
        for sock in self._sockets:
            if sock.fileno() >= 0:
                self._loop.remove_reader(sock)
                sock.close()
        for task in self._tasks:
            task.cancel()
        while self._fresh:
            self._fresh.pop().close()


async def dial(host: str, port: int) -> socket.socket:
    """A connection to a port; raises ``OSError``, of the last address that was tried."""
    loop = asyncio.get_running_loop()
    failure: OSError = OSError(f"{host!r} has no address")
    for family, address in await _addresses(host, port):
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, address)
        except OSError as error:
            failure = error
            sock.close()
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure


async def _addresses(host: str, port: int, flags: int = 0) -> list[tuple[socket.AddressFamily, Any]]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return [*dict.fromkeys((family, address) for family, _, _, _, address in found)]
