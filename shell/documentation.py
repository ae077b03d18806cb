"""What is known of functions, classes and modules: signatures, first lines, members; without running code of theirs."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterator
from typing import Any


def signature(value: Any, name: str | None = None) -> str:
    """``name(parameters)`` of a callable; ``name(...)`` if it does not tell."""
    name = name or getattr(value, "__qualname__", None) or type(value).__qualname__
    try:
        text = str(inspect.signature(value))
    except Exception:  # it has none, or its own code raises
        text = "(...)"
    return re.sub(r"<[^<>]* at 0x[0-9a-f]+>", "...", f"{name}{text}").replace("'", "")


def first_line(value: Any) -> str:
    """The first line of a docstring, or nothing."""
    doc = getattr(value, "__doc__", None)
    return plain(doc.strip().partition("\n")[0]) if isinstance(doc, str) else ""


def whole_text(value: Any) -> str:
    """A docstring as it is read, or what says that there is none."""
    doc = inspect.getdoc(value)
    return plain(doc) if doc else "It has no documentation: a string as its first statement would be that."


def plain(text: str) -> str:
    """A docstring without the marks of code, of what it refers to, and of what stands out."""
    return re.sub(r":[a-z]+:`([^`]*)`", r"\1", text).replace("``", "").replace("**", "")


def members(value: Any) -> Iterator[tuple[str, Any]]:
    """The public members of a module or a class, in their order; what a module has imported is not its own.

    What a class of pyex has from another one of pyex is its own as well: nobody knows of that one.
    """
    names = getattr(value, "__all__", None) if isinstance(value, types.ModuleType) else None
    inherits = isinstance(value, type) and value.__module__.startswith("pyex.")
    classes = [cls for cls in value.__mro__ if cls.__module__.startswith("pyex.")] if inherits else [value]
    for name in names if names is not None else dict.fromkeys(name for one in classes for name in vars(one)):
        if name.startswith("_"):
            continue
        member = inspect.getattr_static(value, name, None)
        if isinstance(member, classmethod):
            member = member.__get__(None, value)
        elif isinstance(member, staticmethod):
            member = member.__func__
        foreign = names is None and isinstance(value, types.ModuleType) and (
            isinstance(member, types.ModuleType) or getattr(member, "__module__", value.__name__) != value.__name__
        )  # fmt: skip
        if not foreign:
            yield name, member


def place(value: Any) -> str | None:
    """``file:line`` of where something was defined, if that is known."""
    try:
        target = inspect.unwrap(value) if callable(value) else value
        file = inspect.getsourcefile(target)
        if isinstance(target, types.ModuleType):
            return file
        return f"{file}:{inspect.getsourcelines(target)[1]}"
    except Exception:  # it was defined in C, or nowhere
        return None
