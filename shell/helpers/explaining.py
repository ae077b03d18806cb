"""``i``: what a value is."""

from __future__ import annotations

from typing import Any, Final

from shell import display
from shell.current import this_shell, width_here
from shell.explain import explain, explain_all
from shell.fitting import wrapped

__all__ = ["i"]

_LAST: Final = object()

#: Characters of a text that are shown.
_WIDEST: Final = 200


class _Information:
    """Print what a value is: a pid (what it runs, where it waits, its mailbox), a name, a node, an exception, anything.

    Without one, the last result. ``i.register`` teaches it a type of yours; the function returns rows of a label and a
    value.

    >>> i(self())
    >>> @i.register(Point)
    ... def _(point):
    ...     return [("Distance", abs(point))]
    """

    __qualname__ = "i"
    register = staticmethod(explain.register)

    def __repr__(self) -> str:
        return "<i(value) prints what a value is>"

    def __call__(self, value: Any = _LAST) -> None:
        """Print the rows."""
        if value is _LAST:
            value = this_shell("i()").results.get(-1)
        for label, what in explain_all(value):
            print(wrapped(f"{label:<13} {_text(label, what)}", width_here(), " " * 14))


def _text(label: str, what: Any) -> str:
    text = what if isinstance(what, str) and label not in ("Value", "", "Message", "Reason") else display.brief(what)
    return text if len(text) <= _WIDEST else text[:_WIDEST] + "..."


i: Final = _Information()
