"""How values and errors look at the prompt."""

from __future__ import annotations

import traceback
import types
from typing import Any, Final

import pyex

#: Characters of a value that are shown.
LIMIT: Final = 10_000

_RED: Final = "\x1b[31m"
_PLAIN: Final = "\x1b[0m"
_OURS: Final = ("shell.", "pyex.")


def brief(value: Any) -> str:
    """The repr of a value, cut at a bound; never raises what the value's class raises."""
    try:
        text = str(value) if isinstance(value, pyex.ProcessInfo) else repr(value)  # a table
    except Exception as error:
        try:
            why = f"{type(error).__name__}: {error}"
        except Exception:  # an error whose own text raises
            why = type(error).__name__
        text = f"<{type(value).__qualname__} object whose repr raised {why}>"
    if len(text) <= LIMIT:
        return text
    return f"{text[:LIMIT]}... (cut: {len(text) - LIMIT:,} more characters)"


def result(value: Any, *, colour: bool) -> str:
    """A line that shows a value."""
    text = brief(value)
    if not colour:
        return text + "\n"
    # Colours are imported with the first prompt of a terminal, and not without one.
    from pygments.lexers.python import PythonLexer

    return _highlight(text, PythonLexer())


def error(error: BaseException, *, colour: bool) -> str:
    """The traceback of an uncaught exception, with the user's frames only."""
    return _traceback("".join(pyex.format_user_traceback(_without_shell(error))), colour=colour)


def syntax_error(error: BaseException, *, colour: bool) -> str:
    """What is wrong with an input that could not be compiled, and where."""
    return _traceback("".join(traceback.format_exception_only(error)), colour=colour)


def alert(text: str, *, colour: bool) -> str:
    """A line, or several, that something went wrong."""
    text = text.rstrip("\n")
    return f"{_RED}{text}{_PLAIN}\n" if colour else text + "\n"


def ending(pid: pyex.Pid, reason: Any, *, colour: bool) -> str:
    """The line for the end of an evaluator."""
    if isinstance(reason, pyex.Crash):
        why = "".join(traceback.format_exception_only(reason.exception)).strip()
    else:
        why = brief(reason)
    return alert(f"** (EXIT from {pid!r}) {why}", colour=colour)


def _without_shell(error: BaseException) -> BaseException:
    """Cut the frames that led to the user's code off the start of a traceback."""
    trace: types.TracebackType | None = error.__traceback__
    while trace is not None and str(trace.tb_frame.f_globals.get("__name__", "")).startswith(_OURS):
        trace = trace.tb_next
    return error.with_traceback(trace)


def _traceback(text: str, *, colour: bool) -> str:
    if not colour:
        return text
    from pygments.lexers.python import PythonTracebackLexer

    return _highlight(text, PythonTracebackLexer())


def _highlight(text: str, lexer: Any) -> str:
    from pygments import highlight
    from pygments.formatters import TerminalFormatter

    lexer.stripnl = False
    return highlight(text, lexer, TerminalFormatter()).rstrip("\n") + "\n"
