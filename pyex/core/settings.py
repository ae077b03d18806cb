"""What can be set for the whole node, before or while it runs."""

from __future__ import annotations

from pyex.core.options import set_default_max_heap_size
from pyex.core.runtime import runtime


def configure(*, schedulers: int | None = None, max_heap_size: int | None = None) -> None:
    """Set what holds for all processes of this node; what is not given stays as it is.

    ``schedulers`` is how many scheduler threads there may be (by default as many as cores, from 2 to 4); while all of
    them are held by code that blocks, there are more. They are started as they are needed. ``max_heap_size`` is how
    many bytes a process may hold that has been given no limit of its own; one that holds more is killed.

    Raises ``ValueError`` or ``TypeError`` for what is no such number.

    >>> pyex.configure(schedulers=2, max_heap_size=500_000_000)
    """
    if schedulers is not None:
        if isinstance(schedulers, bool) or not isinstance(schedulers, int):
            raise TypeError(f"schedulers is a whole number, not {schedulers!r}")
        if schedulers < 1:
            raise ValueError(f"there is at least one scheduler, not {schedulers!r}")
        runtime.usual = schedulers
    if max_heap_size is not None:
        set_default_max_heap_size(max_heap_size)
