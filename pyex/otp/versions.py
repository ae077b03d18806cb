"""New code for servers that run: a class that was defined anew, by a reload or at the prompt, takes over its instances.

That happens with the next message, as in Erlang; the state stays, and ``code_change`` of the new class may change it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyex.otp.gen_server import GenServer

#: (module, qualified name) -> the class that was defined under it last
_latest: dict[tuple[str, str], type[GenServer]] = {}


def defined(cls: type[GenServer]) -> None:
    """A class has been defined: is there an older one of its name?"""
    cls._stale = False
    if "<locals>" not in cls.__qualname__:
        key = cls.__module__, cls.__qualname__
        older = _latest.get(key)
        _latest[key] = cls
        if older is not None:
            older._stale = True


def current(cls: type[GenServer]) -> type[GenServer]:
    """The class that its module has by its name now: another one, if it was defined anew."""
    if not cls._stale:
        return cls
    found: Any = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        found = getattr(found, name, None)
    # One that came by value from another node has the same name, but is not what the module has.
    return found if found is _latest.get((cls.__module__, cls.__qualname__)) and found is not None else cls


def move_to_current(server: GenServer) -> None:
    """Let a server go on as an instance of the current class."""
    old = type(server)
    new = current(old)
    if new is not old:
        server.__class__ = new
        server.code_change(old)
