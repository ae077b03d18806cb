"""The way to other nodes: all the core knows of them.

A carrier takes a signal for a process of another node; what arrives from there is handed to
:func:`pyex.core.signals.signal` like a signal of this node. Payloads that arrive stay encoded until the
receiving process looks at them (:class:`Parcel`), so that decoding never holds up a connection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from pyex.core.ids import Pid


class Carrier(Protocol):
    """What the distribution gives to the core."""

    def deliver(self, target: Pid, op: int, args: Any) -> None:
        """Carry a signal to a process of another node, in order; one that cannot be reached is answered for."""

    def deliver_to_name(self, name: str, node: str, op: int, args: Any) -> None:
        """Carry a signal to whoever has ``name`` on another node."""

    def deliver_to_node(self, node: str, op: int, args: Any) -> None:
        """Carry a signal that is for another node itself: to spawn, or to whoever an alias stands for there."""

    def hold_back(self, node: str) -> None:
        """In the process that has just sent to a node: let it wait, if that node takes less than is sent to it."""


class Parcel:
    """A message that is still encoded; ``open`` decodes it, in the process that receives it."""

    __slots__ = ("_data", "_decode", "mark")

    def __init__(self, data: bytes | bytearray, decode: Callable[..., Any], mark: int | None = None) -> None:
        self._data = data
        self._decode = decode
        #: it is no message, but a place in the mailbox: see ``pyex.core.marks``
        self.mark = mark

    def open(self) -> Any:
        """The message; raises what decoding it raises."""
        return self._decode(self._data)

    def sketch(self) -> Any:
        """What can be told of the message without running code: None in the place of every object."""
        return self._decode(self._data, objects=False)

    def then(self, make: Callable[[Any], Any]) -> Parcel:
        """A parcel of what ``make`` makes of the content."""
        decode = self._decode
        return Parcel(self._data, lambda data, **how: make(decode(data, **how)))


class _Nowhere:
    """The carrier of a node that is not distributed: there is nobody else."""

    def deliver(self, target: Pid, op: int, args: Any) -> None:
        from pyex.core.signals import unreachable

        unreachable(target, op, args, "noconnection")

    def deliver_to_name(self, name: str, node: str, op: int, args: Any) -> None:
        from pyex.core.signals import unreachable

        unreachable((name, node), op, args, "noconnection")

    def deliver_to_node(self, node: str, op: int, args: Any) -> None:
        from pyex.core.signals import unreachable

        unreachable(None, op, args, "noconnection")

    def hold_back(self, node: str) -> None:
        pass


class Route:
    """Holds the carrier in use."""

    __slots__ = ("carrier",)

    def __init__(self) -> None:
        self.carrier: Carrier = _Nowhere()

    def close(self) -> None:
        """Go back to having none."""
        self.carrier = _Nowhere()


route = Route()
