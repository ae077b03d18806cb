"""How values, errors and reports look at the prompt. ``colour`` is a theme, or whether there is colour at all."""

from __future__ import annotations

import traceback
from typing import Any

import pyex
from shell import colours, tracebacks
from shell.bounded import bounded
from shell.fitting import cut
from shell.table import Table


def brief(value: Any) -> str:
    """The repr of a value on a line, bounded in size and time; never raises what the value's class raises."""
    return bounded(value)


def message(error: BaseException) -> str:
    """What an exception says; never raises."""
    try:
        return str(error)
    except Exception as another:
        return f"(its text raises {type(another).__name__})"


def result(value: Any, *, colour: str | bool, width: int | None = None) -> str:
    """The line that shows a value; several for a table, and for what is wider than ``width``."""
    if isinstance(value, Table):
        return value.text(width, heading=colours.heading if colour and value else str) + "\n"
    if isinstance(value, pyex.ProcessInfo):
        return f"{cut(str(value), width)}\n"
    return code(bounded(value, width), colour=colour)


def code(text: str, *, colour: str | bool) -> str:
    """A line, or several, of Python."""
    if not colour:
        return text.removesuffix("\n") + "\n"
    # Colours are imported with the first prompt of a terminal, and not without one.
    from pygments.lexers.python import PythonLexer

    return colours.highlighted(text, PythonLexer(), _theme(colour))


def error(error: BaseException, *, colour: str | bool) -> str:
    """The traceback of an uncaught exception: the user's frames, those of libraries folded."""
    return _traceback(tracebacks.error_text(error), colour=colour)


def syntax_error(error: BaseException, *, colour: str | bool) -> str:
    """What is wrong with an input that could not be compiled, and where."""
    return _traceback(tracebacks.syntax_error_text(error), colour=colour)


def alert(text: str, *, colour: str | bool) -> str:
    """A line, or several, that something went wrong; a traceback in it looks as they do."""
    text = tracebacks.fold(text.rstrip("\n") + "\n")
    if not colour:
        return text
    before, mark, trace = text.partition("Traceback (most recent call last):\n")
    red = colours.alarming(before.rstrip(), _theme(colour)) + "\n" if before.strip() else ""
    return red + _traceback(mark + trace, colour=colour) if mark else red


def ending(pid: pyex.Pid, reason: Any, *, colour: str | bool) -> str:
    """The line for the end of an evaluator."""
    if isinstance(reason, pyex.Crash):
        why = "".join(traceback.format_exception_only(reason.exception)).strip()
    else:
        why = brief(reason)
    return alert(f"** (EXIT from {pid!r}) {why}", colour=colour)


def _traceback(text: str, *, colour: str | bool) -> str:
    if not colour:
        return text
    from pygments.lexers.python import PythonTracebackLexer

    return colours.highlighted(text, PythonTracebackLexer(), _theme(colour))


def _theme(colour: str | bool) -> str:
    return colour if isinstance(colour, str) else colours.EITHER
