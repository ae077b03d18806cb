"""What is sent to a node that is just being dialled."""

from __future__ import annotations

from collections import deque
from typing import Any

from pyex.core.ids import Pid, Ref
from pyex.core.signals import answer
from pyex.distribution.channel import BUSY
from pyex.distribution.outgoing import Outgoing


class Pending:
    """Signals in the order they came; who sends more than is to wait here is suspended, as by a connection."""

    def __init__(self) -> None:
        self.signals: list[Outgoing] = []
        self._size = 0
        self._over = False
        self._waiting_for_room: deque[tuple[Pid, Ref]] = deque()

    def put(self, signal: Outgoing) -> None:
        """On the loop: add one."""
        self._size += signal.size
        self.signals.append(signal)

    def busy_for(self, _sender: Any) -> bool:
        """Whether senders have to wait."""
        return self._size > BUSY and not self._over

    def wait_for_room(self, asker: Pid, alias: Ref) -> None:
        """From any thread: answer an alias once it is known whether the node can be reached."""
        self._waiting_for_room.append((asker, alias))
        if self._over:
            self.over()

    def over(self) -> None:
        """The node has been reached, or cannot be: those that wait go on."""
        self._over = True
        while self._waiting_for_room:
            answer(*self._waiting_for_room.popleft(), True)
