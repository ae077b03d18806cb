"""What has been shared with ``share``: nobody's in particular, so it counts for no process's size.

That holds for objects that can have weak references, as instances of classes can. Of a plain list, dict or bytearray
nothing would tell when it has gone, and a later one may have its id: so these count for all who hold them.
"""

from __future__ import annotations

import weakref
from typing import Any, Final

#: So many are remembered; the oldest are forgotten first.
REMEMBERED: Final = 4096

#: id -> a weak reference to the object
_shared: dict[int, weakref.ref[Any]] = {}


def note_shared(obj: Any) -> None:
    """Remember that ``obj`` is shared, for as long as it lives and without keeping it."""
    key = id(obj)
    _shared.pop(key, None)
    try:
        _shared[key] = weakref.ref(obj, lambda _: _shared.pop(key, None) and None)
    except TypeError:
        return
    while len(_shared) > REMEMBERED:
        try:
            del _shared[next(iter(_shared))]
        except (KeyError, RuntimeError):
            pass  # another thread notes or forgets at the same time


def among_shared(objects: dict[int, Any]) -> list[int]:
    """Which of these objects (by their ids) are shared."""
    if not _shared:
        return []
    return [key for key in objects.keys() & _shared.keys() if is_shared(objects[key])]


def is_shared(obj: Any) -> bool:
    """Whether it is shared."""
    noted = _shared.get(id(obj))
    return noted is not None and noted() is obj
