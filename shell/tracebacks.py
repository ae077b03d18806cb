"""Tracebacks as people want them: their own frames, the libraries' folded, a hint at the name that was meant."""

from __future__ import annotations

import difflib
import re
import sysconfig
import traceback
import types
from typing import Final

import pyex

_OURS: Final = ("shell.", "pyex.")

#: A frame: its line, and the lines of code and marks below.
_FRAME: Final = re.compile(r'  File "(?P<path>[^"\n]*)", line \d+(?:, in .*)?\n(?:    .*\n|\n)*')

#: Where the code of others lies: the part of the path behind it names the library.
_LIBRARY: Final = re.compile(
    rf"(?:.*[/\\](?:site|dist)-packages[/\\]|.*[/\\]python3\.\d+[/\\]|{re.escape(sysconfig.get_path('stdlib'))}[/\\]"
    r"|<frozen )(?P<name>\w+)"
)


def error_text(error: BaseException, *, folded: bool = True) -> str:
    """The traceback of an exception, from the user's first frame on."""
    text = "".join(pyex.format_user_traceback(_without_shell(error)))
    hint = _hint(error)
    if hint and "Did you mean" not in text:
        text = f"{text.rstrip()}. Did you mean: {hint!r}?\n"
    return fold(text) if folded else text


def fold(text: str) -> str:
    """A traceback in which frames of libraries, several in a row, are one line."""
    parts: list[str] = []
    library: list[tuple[str, str]] = []
    end = 0
    for frame in _FRAME.finditer(text):
        if frame.start() != end:
            _put_folded(parts, library)
            parts.append(text[end : frame.start()])
        end = frame.end()
        name = _LIBRARY.match(frame["path"])
        if name is None:
            _put_folded(parts, library)
            parts.append(frame[0])
        else:
            library.append((name["name"], frame[0]))
    _put_folded(parts, library)
    return "".join(parts) + text[end:]


def _put_folded(parts: list[str], library: list[tuple[str, str]]) -> None:
    if len(library) > 1:
        names = ", ".join(dict.fromkeys(name for name, _ in library))
        parts.append(f"  ... {len(library)} frames of {names}; bt() shows them\n")
    else:
        parts.extend(frame for _, frame in library)
    library.clear()


def _hint(error: BaseException) -> str | None:
    """The name that was meant, for one that there is not: Python 3.11 knows it at its own prompt only."""
    trace = error.__traceback__
    if not isinstance(error, NameError) or not isinstance(error.name, str) or trace is None:
        return None
    while trace.tb_next is not None:
        trace = trace.tb_next
    frame = trace.tb_frame
    names = [name for name in (*frame.f_locals, *frame.f_globals, *frame.f_builtins) if not name.startswith("__")]
    return next(iter(difflib.get_close_matches(error.name, names, n=1, cutoff=0.7)), None)


def _without_shell(error: BaseException) -> BaseException:
    """Cut the frames that led to the user's code off the start of a traceback."""
    trace: types.TracebackType | None = error.__traceback__
    while trace is not None and str(trace.tb_frame.f_globals.get("__name__", "")).startswith(_OURS):
        trace = trace.tb_next
    return error.with_traceback(trace)


def syntax_error_text(error: BaseException) -> str:
    """What is wrong with an input that could not be compiled, and where."""
    return "".join(traceback.format_exception_only(error))
