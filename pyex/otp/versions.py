"""New code for servers that run: a class that was defined anew, by a reload or at the prompt, takes over its instances.

That happens with the next message, as in Erlang; the state stays, and ``code_change`` of the new class may change it.

A class that has come by value from another node is a guest here: it has its name from there, and takes over nothing, until it
is pushed. Then it is what its module has here by that name, and what had it before moves to it; so do older
guests from the same node.
"""

from __future__ import annotations

import itertools
import secrets
import sys
import threading
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

if TYPE_CHECKING:
    from pyex.otp.gen_server import GenServer

#: (module, qualified name) -> the class that was defined, or pushed, under it last
_latest: dict[tuple[str, str], type[GenServer]] = {}
#: likewise, those that have come by value
_guests: dict[tuple[str, str], WeakSet[type[GenServer]]] = {}

#: This interpreter, and how many classes it has defined.
_HERE: Final = secrets.token_hex(8)
_numbers: Final = itertools.count(1)

#: Guests come in many threads.
_lock: Final = threading.RLock()


def defined(cls: type[GenServer], *, guest: bool) -> None:
    """A class has been defined here, or comes as a guest: is there an older one of its name?"""
    if guest:  # which brings what was noted where it was defined
        with _lock:
            _guests.setdefault(_key(cls), WeakSet()).add(cls)
        return
    if "<locals>" in cls.__qualname__:
        cls._defined = secrets.token_hex(8), 0  # another one each time
        return
    cls._defined = _HERE, next(_numbers)
    take_over(cls)


def take_over(cls: type[GenServer]) -> None:
    """From now on a class is what its module has by its name: those that were it before are stale."""
    key = _key(cls)
    with _lock:
        guests = _guests.get(key, WeakSet())
        guests.discard(cls)
        older = [guest for guest in guests if _precedes(guest, cls)]
        if key in _latest and _latest[key] is not cls:
            older.append(_latest[key])
        _latest[key] = cls
    for one in older:
        one._stale = True


def current(cls: type[GenServer]) -> type[GenServer]:
    """The class that its module has by its name now: another one, if it was defined anew."""
    if not cls._stale:
        return cls
    found: Any = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        found = getattr(found, name, None)
    latest = _latest.get(_key(cls))
    if latest is None or found is not latest or (cls in _guests.get(_key(cls), ()) and not _precedes(cls, latest)):
        return cls
    return latest


def _precedes(one: type[GenServer], other: type[GenServer]) -> bool:
    """Whether a class was defined where another one was, and earlier."""
    return one._defined[0] == other._defined[0] and one._defined[1] < other._defined[1]


def _key(cls: type[GenServer]) -> tuple[str, str]:
    return cls.__module__, cls.__qualname__


def move_to_current(server: GenServer) -> None:
    """Let a server go on as an instance of the current class."""
    old = type(server)
    new = current(old)
    if new is not old:
        server.__class__ = new
        server.code_change(old)
