"""Tracebacks as people want them: their own frames, the libraries' folded, a hint at the name that was meant."""

from __future__ import annotations

import difflib
import re
import sys
import sysconfig
import traceback
import types
from collections.abc import Iterable
from typing import Any, Final

import pyex
from shell.static import attribute_names

_OURS: Final = ("shell.", "pyex.")

#: A frame: its line, and the lines of code and marks below.
_FRAME: Final = re.compile(r'  File "(?P<path>[^"\n]*)", line \d+(?:, in .*)?\n(?:    .*\n|\n)*')

#: Where the code of others lies: the part of the path behind it names the library.
_LIBRARY: Final = re.compile(
    rf"(?:.*[/\\](?:site|dist)-packages[/\\]|.*[/\\]python3\.\d+[/\\]|{re.escape(sysconfig.get_path('stdlib'))}[/\\]"
    r"|<frozen )(?P<name>\w+)"
)

#: What people of Elixir and Erlang type, and what it is here.
_THERE_AND_HERE: Final = {
    "true": "True",
    "false": "False",
    "nil": "None",
    "make_ref": "Ref()",
    "Process.sleep": "sleep(seconds)",
    "Process.send": "send(dest, message)",
    "Process.spawn": "spawn(fn, *args)",
    "Global.send": "send(Global.whereis_name(name), message)",
}

#: What Python adds to an error from 3.12 on.
_GUESS: Final = re.compile(r"\. Did you (mean|forget)[^\n]*\Z")

#: Words of Python that are names of functions in Elixir: here they end in an underscore.
_RESERVED: Final = re.compile(r"\b(\w+)\.(async|await)\s*\(")


def error_text(error: BaseException, *, folded: bool = True) -> str:
    """The traceback of an exception, from the user's first frame on."""
    text = "".join(pyex.format_user_traceback(_without_shell(error)))
    here = _here(error)
    hint = f"That is {here} here" if here is not None else _hint(error)
    if here is not None:
        text = _GUESS.sub("", text.rstrip())  # Python's own guess at what it is
    if hint and "Did you " not in text:
        text = f"{text.rstrip()}. {hint}\n"
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


def _here(error: BaseException) -> str | None:
    """What a name of Elixir's is called here, if it is one."""
    if isinstance(error, AttributeError) and isinstance(error.obj, type) and error.obj.__module__.startswith("pyex."):
        return _THERE_AND_HERE.get(f"{error.obj.__qualname__}.{error.name}")
    if isinstance(error, TypeError) and str(error).startswith("Process.info() takes 1 positional argument"):
        return "Process.info(pid).messages, and likewise for all else"
    return _THERE_AND_HERE.get(str(error.name)) if isinstance(error, NameError) else None


def _hint(error: BaseException) -> str | None:
    """The name that was meant, for one that there is not: Python 3.11 knows it at its own prompt only."""
    if isinstance(error, ModuleNotFoundError):
        return _near(error.name, sys.stdlib_module_names | {name.partition(".")[0] for name in sys.modules})
    if isinstance(error, AttributeError):
        return _near(error.name, attribute_names(error.obj))
    trace = error.__traceback__
    if not isinstance(error, NameError) or trace is None:
        return None
    while trace.tb_next is not None:
        trace = trace.tb_next
    if error.name in sys.stdlib_module_names:
        return f"Did you forget to import {error.name!r}?"
    frame = trace.tb_frame
    return _near(error.name, (*frame.f_locals, *frame.f_globals, *frame.f_builtins))


def _near(name: Any, known: Iterable[str]) -> str | None:
    names = [one for one in known if not one.startswith("__")]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.7) if isinstance(name, str) else []
    return f"Did you mean: {near[0]!r}?" if near else None


def _without_shell(error: BaseException) -> BaseException:
    """Cut the frames that led to the user's code off the start of a traceback."""
    trace: types.TracebackType | None = error.__traceback__
    while trace is not None and str(trace.tb_frame.f_globals.get("__name__", "")).startswith(_OURS):
        trace = trace.tb_next
    return error.with_traceback(trace)


def syntax_error_text(error: BaseException) -> str:
    """What is wrong with an input that could not be compiled, and where."""
    text = "".join(traceback.format_exception_only(error))
    found = _RESERVED.search(getattr(error, "text", None) or "")
    return f"{text.rstrip()}. That is {found[1]}.{found[2]}_(...) here\n" if found is not None else text
