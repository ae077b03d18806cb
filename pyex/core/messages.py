"""The messages the runtime itself sends.

They are tuples of the shape Erlang's have, so they can be matched as tuples, and they have a class and
attributes, so they can be matched by name: ``case Down(ref, pid, reason)``. Made with fewer fields they
are patterns for ``receive``: ``receive(Down(ref))``.
"""

from __future__ import annotations

from typing import Any, Final

from pyex.core.ids import Port
from pyex.core.patterns import ANY, MATCHERS, match_tuple, matches

_make: Final = tuple.__new__


class Down(tuple[Any, ...]):
    """``("DOWN", ref, "process", pid, reason)``: the process monitored under ``ref`` has ended.

    ``pid`` is ``(name, node)`` for a monitor made by name; of a port it is the port, after ``"port"``.
    """

    __slots__ = ()
    __match_args__ = ("ref", "pid", "reason")

    def __new__(cls, ref: Any = ANY, pid: Any = ANY, reason: Any = ANY) -> Down:
        return _make(cls, ("DOWN", ref, "port" if type(pid) is Port else "process", pid, reason))

    def __getnewargs__(self) -> tuple[Any, ...]:
        return self[1], self[3], self[4]

    @property
    def ref(self) -> Any:
        """The reference that ``Process.monitor`` gave."""
        return self[1]

    @property
    def pid(self) -> Any:
        """The process that ended, as it was named when monitored."""
        return self[3]

    @property
    def reason(self) -> Any:
        """Why it ended; ``noproc`` if it did not exist, ``noconnection`` if its node was lost."""
        return self[4]


def _match_down(pattern: Down, value: Any) -> bool:
    """As any tuple, but between two ``Down`` only the fields can differ; every wait for a process's end is one."""
    if type(value) is not Down:
        return match_tuple(pattern, value)
    ref, found = pattern[1], value[1]
    if ref is not found and not matches(ref, found):
        return False
    pid, reason = pattern[3], pattern[4]
    return (pid is ANY or matches(pid, value[3])) and (reason is ANY or matches(reason, value[4]))


MATCHERS[Down] = _match_down


class Exited(tuple[Any, ...]):
    """``("EXIT", pid, reason)``: an exit signal, as a process that traps exits sees it."""

    __slots__ = ()
    __match_args__ = ("pid", "reason")

    def __new__(cls, pid: Any = ANY, reason: Any = ANY) -> Exited:
        return tuple.__new__(cls, ("EXIT", pid, reason))

    def __getnewargs__(self) -> tuple[Any, ...]:
        return self[1], self[2]

    @property
    def pid(self) -> Any:
        """The process the signal came from: the linked one, or the caller of ``Process.exit``."""
        return self[1]

    @property
    def reason(self) -> Any:
        """The reason it carries."""
        return self[2]


class NodeUp(tuple[Any, ...]):
    """``("nodeup", node)``: a connection to ``node`` came up."""

    __slots__ = ()
    __match_args__ = ("node",)

    def __new__(cls, node: Any = ANY) -> NodeUp:
        return tuple.__new__(cls, ("nodeup", node))

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self[1],)

    @property
    def node(self) -> Any:
        """The node's name."""
        return self[1]


class NodeDown(tuple[Any, ...]):
    """``("nodedown", node)``: the connection to ``node`` was lost."""

    __slots__ = ()
    __match_args__ = ("node",)

    def __new__(cls, node: Any = ANY) -> NodeDown:
        return tuple.__new__(cls, ("nodedown", node))

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self[1],)

    @property
    def node(self) -> Any:
        """The node's name."""
        return self[1]
