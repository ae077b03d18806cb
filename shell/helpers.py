"""The functions that only the shell has."""

from __future__ import annotations

from typing import Any, Final, NoReturn

import pyex
from shell import display

__all__ = ["exit", "flush", "quit"]

_NOTHING: Final = object()


class Leave(BaseException):
    """Raised by ``exit()`` in the evaluator: leave the shell."""


class Current:
    """The evaluator of the shell that this interpreter runs."""

    evaluator: pyex.Pid | None = None


def flush() -> None:
    """Print every message in this process's mailbox, and empty it. Never waits."""
    while (message := pyex.receive(timeout=0, default=_NOTHING)) is not _NOTHING:
        print(display.brief(message))


def exit(reason: Any = _NOTHING) -> NoReturn:
    """Leave the shell; with a reason, or in another process than the prompt's: end the process with it.

    >>> exit()              # leaves
    >>> exit("boredom")     # ends the evaluation; the bindings stay
    """
    if reason is _NOTHING and Current.evaluator is not None and pyex.self() == Current.evaluator:
        raise Leave
    pyex.exit("normal" if reason is _NOTHING else reason)


def quit(reason: Any = _NOTHING) -> NoReturn:
    """The same as ``exit``."""
    exit(reason)
