"""``h``: help at the prompt, and what modules, classes and functions tell of themselves."""

from __future__ import annotations

import builtins
import difflib
import importlib
import inspect
import types
from typing import Any, Final

import pyex
from shell import display
from shell.current import bindings_here, shell_here, width_here
from shell.documentation import first_line, members, signature, whole_text
from shell.fitting import cut, reflowed, wrapped
from shell.table import Table

__all__ = ["callbacks", "exports", "h", "sig", "source"]

_NOTHING: Final = object()

#: Characters of a signature, and of what it is about, where the terminal has room for them.
_WIDEST: Final = 120

#: Filled by the package, which knows all families.
helpers: Final[dict[str, list[tuple[str, Any]]]] = {}


def h(what: Any = _NOTHING) -> None:
    """Print help: ``h()`` lists the helpers, ``h(name)`` tells about one of them, or about anything else.

    A name may be given as text too, where it is bound to something else just now, or in no module yet.

    >>> h(receive)
    >>> h("GenServer.call")
    """
    if what is _NOTHING:
        _list_helpers()
        return
    value = _find(what) if isinstance(what, str) else what
    width = width_here()
    text = reflowed(whole_text(value), width)
    if isinstance(value, types.ModuleType):
        print(f"{value.__name__}, a module\n\n{text}\n\n{exports(value).text(width)}")
    elif isinstance(value, type):
        print(f"{value.__qualname__}, a class\n\n{text}")
        listed = exports(value)
        if listed:
            print(f"\n{listed.text(width)}")
    elif callable(value):
        print(f"{wrapped(signature(value), width, '    ')}\n\n{text}")
    else:
        print(f"{display.brief(value)}\n\n{reflowed(whole_text(type(value)), width)}")


def _list_helpers() -> None:
    width = width_here()
    head = "Helpers; h(name) tells more, and shows an example. All of pyex is here as well: h(pyex), h(spawn)."
    print(wrapped(head, width) + "\n")
    for family, found in helpers.items():
        print(family)
        for name, value in found:
            print(cut(f"  {name:<14} {first_line(value)}", width))


def _find(name: str) -> Any:
    """What a dotted name means: a helper, a name of pyex, a binding, a builtin, a module."""
    first, *rest = name.strip().removesuffix("()").split(".")
    ours = {one: value for found in helpers.values() for one, value in found}
    known = {**vars(builtins), **bindings_here(), **{one: getattr(pyex, one) for one in pyex.__all__}, **ours}
    if first in known:
        value = known[first]
    else:
        try:
            value = importlib.import_module(first)
        except ImportError:
            near = difflib.get_close_matches(first, known, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else "h() lists the helpers"
            raise NameError(f"there is nothing called {first!r}. {hint}") from None
    for part in rest:
        if isinstance(value, types.ModuleType) and not hasattr(value, part):
            value = importlib.import_module(f"{value.__name__}.{part}")
        else:
            value = getattr(value, part)
    return value


def exports(where: Any) -> Table:
    """The public functions and classes of a module or a class, with their signatures: a table.

    >>> exports(Process)
    """
    if not isinstance(where, types.ModuleType | type):
        where = type(where)
    rows = [(signature(value, name) if callable(value) else name, first_line(value)) for name, value in members(where)
            if callable(value) or isinstance(value, property)]  # fmt: skip
    return Table(("name", "what"), rows, "it exports nothing", widest=_WIDEST)


def callbacks(behaviour: type) -> Table:
    """The functions that a behaviour calls and a subclass may define, with their signatures: a table.

    >>> callbacks(GenServer)
    """
    if not isinstance(behaviour, type):
        behaviour = type(behaviour)
    found: dict[str, Any] = {}
    for cls in reversed(behaviour.__mro__[:-1]):
        for name, value in vars(cls).items():
            if inspect.isfunction(value) and not name.startswith("_"):
                found.setdefault(name, value)
    rows = [(signature(value, name), first_line(value)) for name, value in found.items()]
    return Table(("callback", "what"), rows, f"{behaviour.__qualname__} has none", widest=_WIDEST)


def sig(fn: Any) -> None:
    """Print how a function or a class is called.

    >>> sig(spawn)
    """
    if not callable(fn):
        raise TypeError(f"sig() takes what can be called, not {display.brief(fn)}")
    print(wrapped(signature(fn), width_here(), "    "))


def source(what: Any) -> None:
    """Print the source of a function, a class or a module, also of one typed at the prompt.

    >>> source(GenServer)
    """
    target = inspect.unwrap(what) if callable(what) else what
    if not (
        inspect.isroutine(target) or isinstance(target, type | types.ModuleType | types.CodeType | types.FrameType)
    ):
        target = type(target)
    try:
        text = inspect.getsource(target)
    except (OSError, TypeError):
        raise LookupError(
            f"{display.brief(target)} has no source here: it is written in C, or was made by code"
        ) from None
    shell = shell_here()
    print(display.code(text, colour=shell is not None and shell.screen.theme), end="")
