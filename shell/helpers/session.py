"""Helpers about this shell itself: its results, its inputs, its bindings, its mailbox."""

from __future__ import annotations

import inspect
import os
import sys
from pathlib import Path
from typing import Any, Final, NoReturn

import pyex
from shell import display
from shell.current import Leave, bindings_here, shells, this_shell
from shell.screen import CLEAR
from shell.table import Table

__all__ = ["bindings", "clear", "exit", "flush", "forget", "history", "quit", "respawn", "save", "v", "whereami"]

_NOTHING: Final = object()


def flush() -> None:
    """Print every message in this process's mailbox, and empty it. Never waits.

    >>> send(self(), "hello")
    >>> flush()
    'hello'
    """
    while (message := pyex.receive(timeout=0, default=_NOTHING)) is not _NOTHING:
        print(display.brief(message))


def v(number: int = -1) -> Any:
    """The value of an earlier input, by its number at the prompt; ``v()`` and ``v(-1)`` the last one, ``v(-2)`` that before.

    The last hundred are kept. ``_`` is the last value too, ``__`` the one before.

    >>> v(3)
    """
    return this_shell("v()").results.get(number)


def history(count: int = 20) -> None:
    """Print the last inputs of this shell, with their numbers.

    >>> history(50)
    """
    inputs = [*this_shell("history()").results.inputs.items()][-count:]
    width = len(str(inputs[-1][0])) if inputs else 0
    for number, source in inputs:
        print(f"{number:>{width}}  " + source.replace("\n", "\n" + " " * (width + 2)))


def save(file: str | os.PathLike[str]) -> Path:
    """Write what was typed in this shell, and raised nothing, to a file as a Python program; returns its path.

    A file that is there already is left alone: raises ``FileExistsError``.

    >>> save("lesson.py")
    """
    path = Path(file).expanduser()
    results = this_shell("save()").results
    *before, last = results.inputs.items()
    sources = [source for number, source in before if number in results.succeeded]
    if not _saves(last[1]):
        sources.append(last[1])
    with path.open("x", encoding="utf-8") as out:
        out.write("from pyex import *\n\n" + "\n".join(sources) + "\n")
    return path


def _saves(source: str) -> bool:
    return source.lstrip().startswith("save(")


def bindings() -> Table:
    """The names bound at this prompt: a table of names, types and values. Used as a list, it holds just these.

    >>> bindings()
    """
    this_shell("bindings()")
    rows = [(name, type(value).__qualname__, value) for name, value in sorted(bindings_here().items())]
    return Table(("name", "type", "value"), rows, "nothing is bound; x = 1 binds x")


def forget(*names: str) -> None:
    """Remove bindings, by name; without names all of them. What was bound beneath (``i``, ``spawn``) is back then.

    Raises ``NameError`` for a name that is not bound.

    >>> forget("x", "y")
    """
    bound = vars(this_shell("forget()").module)
    for name in names or [*bindings_here()]:
        if name not in bound or name.startswith("__"):
            raise NameError(f"{name!r} is not bound here; bindings() shows what is")
        del bound[name]


def respawn() -> NoReturn:
    """Go on in a new process: its mailbox is empty, it has no links and no names. The bindings stay.

    Those linked to the old one get the exit signal ``respawn``.

    >>> respawn()
    """
    this_shell("respawn()")
    pyex.exit("respawn")


def clear() -> None:
    """Clear the screen. Ctrl-L at the prompt does so as well, and keeps what is typed.

    >>> clear()
    """
    if this_shell("clear()").screen.terminal:
        print(CLEAR, end="", flush=True)


def whereami() -> None:
    """Print where this code runs: the node, the process, the folder; and the function, called from within one.

    >>> whereami()
    """
    pid = pyex.self()
    name = next((name for name in pyex.Process.registered() if pyex.Process.whereis(name) == pid), None)
    kind = "this shell's process" if pid in shells else "a process"
    print(f"{pid!r}, {kind}" + (f", registered as {name!r}" if name else ""))
    print(f"on {pyex.Node.self()}, Python {sys.version.split()[0]}, program {os.getpid()}, in {Path.cwd()}")
    frame = inspect.currentframe()
    caller = frame.f_back if frame is not None else None
    if caller is not None and caller.f_code.co_name != "<module>":
        print(f"in {caller.f_code.co_qualname}, line {caller.f_lineno} of {caller.f_code.co_filename}")


def exit(reason: Any = _NOTHING) -> NoReturn:
    """Leave the shell; with a reason, or in another process than the prompt's: end the process with it.

    >>> exit()              # leaves
    >>> exit("boredom")     # ends the evaluation; the bindings stay
    """
    if reason is _NOTHING and pyex.self() in shells:
        raise Leave
    pyex.exit("normal" if reason is _NOTHING else reason)


def quit(reason: Any = _NOTHING) -> NoReturn:
    """The same as ``exit``.

    >>> quit()
    """
    exit(reason)
