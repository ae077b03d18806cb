"""How a server is referred to: pid, name, ``(name, node)``, ``("global", name)`` or a via object."""

from __future__ import annotations

import difflib
from typing import Any, Protocol, TypeAlias, runtime_checkable

from pyex import NoProcess, Pid, Process, call_hint


@runtime_checkable
class Via(Protocol):
    """A name in a registry of somebody's own, as ``Registry.via(registry, key)`` makes them.

    Wherever a server's name may stand, so may an object with these methods. Messages copy it.
    """

    def whereis(self) -> Pid | None:
        """In the process that refers to it: who has the name."""

    def register(self, pid: Pid) -> bool:
        """In the process that takes the name, which is ``pid``: whether it has it now; False if another has."""

    def unregister(self) -> None:
        """In the process that has the name: give it up."""


Name: TypeAlias = "str | tuple[str, str] | Via"
Server: TypeAlias = "Pid | str | tuple[str, str] | Via"
#: What messages and monitors reach: a pid of any node, or a name on another node.
Destination: TypeAlias = "Pid | tuple[str, str]"


class GlobalName:
    """``("global", name)`` as a via object."""

    __slots__ = ("_name",)

    def __init__(self, name: Any) -> None:
        self._name = name

    def whereis(self) -> Pid | None:
        """The process that has the name in the cluster."""
        found: Pid | None = _global().whereis_name(self._name)
        return found

    def register(self, pid: Pid) -> bool:
        """Have the name in the cluster."""
        return bool(_global().register_name(self._name, pid))

    def unregister(self) -> None:
        """Free it."""
        _global().unregister_name(self._name)

    def __repr__(self) -> str:
        return f"('global', {self._name!r})"


def _global() -> Any:
    import pyex  # the names of the cluster need the distribution, which not everybody loads

    return pyex.Global


def via_of(reference: Any) -> Via | None:
    """The via object that a name or reference is, or means; None if it is neither."""
    if type(reference) is tuple and len(reference) == 2 and reference[0] == "global":
        return GlobalName(reference[1])
    return reference if isinstance(reference, Via) and not isinstance(reference, type) else None


def whereis(server: Server) -> Destination | None:
    """Where messages to a server go: its pid, or ``(name, node)`` as it is; None if nobody has the name.

    Raises ``TypeError`` for what refers to no server.
    """
    if isinstance(server, Pid):
        return server
    if isinstance(server, str):
        return Process.whereis(server)
    via = via_of(server)
    if via is not None:
        return via.whereis()
    if isinstance(server, tuple) and len(server) == 2 and all(isinstance(part, str) for part in server):
        return server
    raise TypeError(f"{server!r} is no server: a pid, a registered name, (name, node), ('global', name){_hint(server)}")


def resolve(server: Server) -> Destination:
    """Likewise; raises ``NoProcess`` if nobody has the name."""
    found = whereis(server)
    if found is not None:
        return found
    if not isinstance(server, str):
        raise NoProcess(message=f"no process is registered as {server!r}")
    known = Process.registered()
    near = difflib.get_close_matches(server, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Registered are: {', '.join(map(repr, known)) or 'none'}."
    raise NoProcess(
        message=f"no process is registered as {server!r}. {hint} "
        f"A server is there once it was started: start_link(..., name={server!r})"
    )


def _hint(server: Any) -> str:
    if isinstance(server, type):
        return f" or Registry.via(...). {server.__name__} is a class; a server is what {server.__name__}.start_link() returns"
    if server is None:
        return " or Registry.via(...). Was it started, with start_link()?"
    return f" or Registry.via(registry, key){call_hint(server)}"
