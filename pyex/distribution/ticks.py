"""Ticks: two nodes that have nothing to say still say so, and one that falls silent is noticed.

As in OTP the net tick time has four parts. At the end of each this node sends a tick, if nothing else waits to be sent;
one from which nothing has come in four parts in a row is taken for dead: 3/4 to 5/4 of the time after its last sign.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from pyex.distribution.channel import Channel

#: The parts of the net tick time.
PARTS: Final = 4


class Ticker:
    """The ticks of one connection, on its loop; each node sends as often as the one with the shorter time wants it."""

    def __init__(
        self,
        channel: Channel,
        own: float,
        peers: float,
        on_silence: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._channel = channel
        self._on_silence = on_silence
        self._loop = loop
        self._look_every = own / PARTS
        self._send_every = min(own, peers) / PARTS
        self._receipts = -1
        self._silent = 0
        self._last_send = time.monotonic()
        self._timers = [
            self._loop.call_later(self._look_every, self._look),
            self._loop.call_later(self._send_every, self._send),
        ]

    def stop(self) -> None:
        """The connection is gone."""
        for timer in self._timers:
            timer.cancel()

    def _look(self) -> None:
        # By turns, not by the clock: when it was this node that stood still, the other is not to blame.
        receipts = self._channel.receipts
        self._silent = self._silent + 1 if receipts == self._receipts else 0
        self._receipts = receipts
        if self._silent >= PARTS:
            self._on_silence()
        else:
            self._timers[0] = self._loop.call_later(self._look_every, self._look)

    def _send(self) -> None:
        self._last_send = time.monotonic()
        self._channel.tick()
        self._timers[1] = self._loop.call_later(self._send_every, self._send)

    def while_held(self, now: float) -> None:
        """From another thread, while that of the loop is held by a process: send in its place."""
        due = now - self._last_send >= self._send_every
        if due:
            self._last_send = now
        self._channel.flush_from_outside(tick=due)
