"""Finding what it is, in something large, that cannot leave this node."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any, Final

from pyex.core.isolation import brief

#: How deep one looks.
DEEP: Final = 20


def blamed(obj: Any, dump: Callable[[Any], Any]) -> str:
    """The innermost part that ``dump`` raises on, and where it is: ``the lock <...> (the variable 'lock' of work)``."""
    path: list[str] = []
    seen: set[int] = set()
    for _ in range(DEEP):
        seen.add(id(obj))
        for name, part in _parts(obj):
            if id(part) not in seen and _fails(part, dump):
                path.append(name)
                obj = part
                break
        else:
            break
    text = brief(obj)
    return f"{text} ({', '.join(reversed(path))})" if path else text


def _fails(part: Any, dump: Callable[[Any], Any]) -> bool:
    try:
        dump(part)
    except Exception:  # whatever it is
        return True
    return False


def _parts(obj: Any) -> Iterator[tuple[str, Any]]:
    """What an object holds, by name, as far as it travels with it; names are read from the inside out."""
    if isinstance(obj, types.FunctionType):
        yield from _parts_of_function(obj)
    elif isinstance(obj, types.MethodType):
        yield f"the object of {obj.__func__.__qualname__}", obj.__self__
        yield f"the function of {obj.__func__.__qualname__}", obj.__func__
    elif isinstance(obj, functools.partial):
        yield "in a partial", obj.func
        for argument in (*obj.args, *obj.keywords.values()):
            yield f"an argument of a partial of {brief(obj.func)}", argument
    elif isinstance(obj, dict):
        for key, value in obj.items():
            yield f"under {brief(key)}", value
    elif isinstance(obj, tuple | list | set | frozenset):
        for value in obj:
            yield f"in {_article(type(obj).__name__)}", value
    else:
        owner = obj.__qualname__ if isinstance(obj, type) else f"of {_article(type(obj).__qualname__)}"
        for name, value in (*getattr(obj, "__dict__", {}).items(), *_in_slots(obj)):
            if not name.startswith("__") or isinstance(value, types.FunctionType):
                yield f"{name!r} of {owner}" if isinstance(obj, type) else f"the attribute {name!r} {owner}", value


def _in_slots(obj: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(obj, type):
        for cls in type(obj).__mro__:
            for name, member in vars(cls).items():
                if isinstance(member, types.MemberDescriptorType):
                    try:
                        yield name, member.__get__(obj)
                    except AttributeError:  # nothing is in it
                        continue


def _parts_of_function(fn: types.FunctionType) -> Iterator[tuple[str, Any]]:
    try:
        used = inspect.getclosurevars(fn)
    except (TypeError, ValueError):  # a variable is not assigned yet
        return
    for name, value in used.nonlocals.items():
        yield f"the variable {name!r} of {fn.__qualname__}", value
    for name, value in used.globals.items():
        yield f"the global {name!r} of {fn.__qualname__}", value
    for value in (*(fn.__defaults__ or ()), *(fn.__kwdefaults__ or {}).values()):
        yield f"a default of {fn.__qualname__}", value


def _article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
