"""Keeps this node's name registered: with an epmd that runs, or with a name server of our own.

When the service goes, whichever node is first serves it from then on, and all register again.
"""

from __future__ import annotations

import asyncio
import logging

from pyex.core.identity import LOOPBACK
from pyex.distribution import epmd
from pyex.distribution.epmd import EXTRA, EXTRA_AGAIN, NameInUseError, Registration
from pyex.distribution.name_server import NameServer
from pyex.distribution.names import is_loopback

log = logging.getLogger("pyex.node")

#: Seconds that a starting node leaves to the living before it serves names itself.
YIELD = 0.1

#: Seconds between attempts to be registered again.
RETRY = 0.2


class NameService:
    """The registration of one node, on the loop it was made on."""

    def __init__(self, host: str) -> None:
        self._host = LOOPBACK if is_loopback(host) else "0.0.0.0"  # noqa: S104  (others must find a node of a LAN)
        self._server: NameServer | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._keeper: asyncio.Task[None] | None = None
        #: set while the name is registered
        self.registered = asyncio.Event()
        self._lost = asyncio.Event()

    async def register(self, name: str, port: int, *, hidden: bool = False) -> None:
        """Take the name; raises ``NameInUseError``, or ``OSError`` when no service can be had."""
        registration = Registration(name, port, EXTRA, hidden)
        reader = await self._register(registration, take_over=False)
        self.registered.set()
        self._keeper = asyncio.create_task(self._keep(registration, reader))

    def close(self) -> None:
        """Free the name, and stop serving others if this node did."""
        if self._keeper is not None:
            self._keeper.cancel()
        if self._writer is not None:
            self._writer.close()
        if self._server is not None:
            self._server.close()

    async def settle(self) -> None:
        """The service did not answer: give it time, at most one attempt's worth, to change hands."""
        try:
            async with asyncio.timeout(RETRY):
                if self.registered.is_set():  # its end has not been noticed here yet
                    await self._lost.wait()
                await self.registered.wait()
        except TimeoutError:
            pass  # the next attempt will tell

    @property
    def serves(self) -> bool:
        """Whether this node is the one that serves names on this machine."""
        return self._server is not None

    async def _register(self, registration: Registration, *, take_over: bool) -> asyncio.StreamReader:
        for attempt in range(5):  # another node may win the race to serve, or stop serving just now
            try:
                reader, self._writer = await epmd.register(registration)
            except TimeoutError:
                raise TimeoutError("what listens there does not answer: it is frozen, or no name service") from None
            except OSError:
                if attempt == 4:
                    raise
                if attempt == 0 and not take_over:
                    # If the service has just gone, a node that lives and knows its name should serve next,
                    # not this one, which might then take the name of another.
                    await asyncio.sleep(YIELD)
                    continue
                await self._serve(take_over=take_over)
            else:
                return reader
        raise AssertionError("unreachable")

    async def _serve(self, *, take_over: bool) -> None:
        server = NameServer(take_over=take_over)
        try:
            await server.start(self._host)
        except OSError:
            return  # somebody else does by now
        if self._server is not None:
            self._server.close()
        self._server = server

    async def _keep(self, registration: Registration, reader: asyncio.StreamReader) -> None:
        again = Registration(registration.name, registration.port, EXTRA_AGAIN, registration.hidden)
        warned = False
        while True:
            try:
                while await reader.read(1 << 10):
                    pass
            except OSError:
                pass  # closed all the same
            if self._writer is not None:
                self._writer.close()
            self.registered.clear()
            self._lost.set()
            while True:
                try:
                    reader = await self._register(again, take_over=True)
                    self._lost.clear()
                    self.registered.set()
                    break
                except NameInUseError:
                    if not warned:
                        log.warning("The name %r was taken by another node while no name service ran", again.name)
                        warned = True
                except (OSError, TimeoutError) as error:
                    if not warned:
                        log.warning("No name service can be reached or started: %s. Still trying", error)
                        warned = True
                await asyncio.sleep(RETRY)
