"""The standard streams of a program, and ``input``, put in the hands of its processes' group leaders."""

from __future__ import annotations

import builtins
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from pyex.core.input import ProcessInput, input
from pyex.core.output import ProcessErrors, ProcessOutput

_lock: Final = threading.Lock()


class _Installed:
    """How many want the streams to be so, and what there was before: (where, name, before, ours)."""

    users = 0
    changes: Final[list[tuple[Any, str, Any, Any]]] = []


@contextmanager
def process_streams() -> Iterator[None]:
    """Have the streams go to the group leaders, as long as the context lasts, in any thread."""
    with _lock:
        if _Installed.users == 0:
            _install()
        _Installed.users += 1
    try:
        yield
    finally:
        with _lock:
            _Installed.users -= 1
            if _Installed.users == 0:
                _restore()


def _install() -> None:
    for name, kind in (("stdout", ProcessOutput), ("stderr", ProcessErrors), ("stdin", ProcessInput)):
        stream: Any = getattr(sys, name)
        if stream is not None and not isinstance(stream, ProcessOutput | ProcessInput):
            _change(sys, name, kind(stream))
    if builtins.input is not input:
        _change(builtins, "input", input)


def _change(where: Any, name: str, ours: Any) -> None:
    _Installed.changes.append((where, name, getattr(where, name), ours))
    setattr(where, name, ours)


def _restore() -> None:
    while _Installed.changes:
        where, name, before, ours = _Installed.changes.pop()
        if getattr(where, name) is ours:  # else somebody has put his own there, who knows better
            setattr(where, name, before)
