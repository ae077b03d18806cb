"""Patterns for ``receive``: what ``case`` means, except that names are values."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from typing import Any, Final


class _Any:
    """Matches every value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ANY"

    def __reduce__(self) -> str:
        return "ANY"


#: The pattern that matches anything.
ANY: Final = _Any()


def matches(pattern: Any, value: Any) -> bool:
    """Whether ``value`` has the shape of ``pattern``.

    - ``ANY`` matches everything; a type matches its instances.
    - A tuple matches only tuples, a list only lists: of the same length, element by element.
    - A dict matches a dict that has at least its keys; a dataclass one of its class, field by field.
    - A union of types (``int | str``) matches the instances of each. What is in square brackets, ``list[int]``, is
      for type checkers, and refused with a ``TypeError``, as is their ``Any``.
    - Any other callable is a guard: called with the value; one that raises does not match.
    - Everything else matches what is equal to it.

    >>> matches(("ok", int), ("ok", 3))
    True
    """
    if pattern is ANY or pattern is value:
        return True
    matcher = MATCHERS.get(type(pattern))
    if matcher is not None:
        return matcher(pattern, value)
    if isinstance(pattern, tuple):
        return match_tuple(pattern, value)
    if isinstance(pattern, type):
        return isinstance(value, pattern)
    if isinstance(pattern, list):
        return _list(pattern, value)
    if isinstance(pattern, dict):
        return _dict(pattern, value)
    if dataclasses.is_dataclass(pattern):
        return type(value) is type(pattern) and all(
            matches(getattr(pattern, field.name), getattr(value, field.name)) for field in dataclasses.fields(pattern)
        )
    if callable(pattern):
        if typing.get_origin(pattern) is not None:
            return _annotation(pattern, value)
        return _guard(pattern, value)
    return _equal(pattern, value)


def _equal(pattern: Any, value: Any) -> bool:
    try:
        return bool(pattern == value)
    except Exception:  # a comparison of somebody's own: as a guard that raises
        return False


def match_tuple(pattern: tuple[Any, ...], value: Any) -> bool:
    """Match a tuple, of whatever class, element by element."""
    if not isinstance(value, tuple) or len(value) != len(pattern):
        return False
    # The identical and ANY are seen here, without a call each: most of a DOWN's fields, tags, refs and pids.
    for place, wanted in enumerate(pattern):
        item = value[place]
        if wanted is not item and wanted is not ANY and not matches(wanted, item):
            return False
    return True


def _list(pattern: list[Any], value: Any) -> bool:
    return isinstance(value, list) and len(value) == len(pattern) and all(map(matches, pattern, value))


def _dict(pattern: dict[Any, Any], value: Any) -> bool:
    return isinstance(value, dict) and all(
        key in value and matches(wanted, value[key]) for key, wanted in pattern.items()
    )


def _guard(pattern: Callable[[Any], Any], value: Any) -> bool:
    try:
        return bool(pattern(value))
    except Exception:  # documented: a guard that raises does not match, as in Elixir
        return False


def _annotation(pattern: Any, value: Any) -> bool:
    """Match a union of types; refuse what only type checkers can make sense of."""
    origin = typing.get_origin(pattern)
    if origin in (types.UnionType, typing.Union):
        return any(matches(one, value) for one in typing.get_args(pattern))
    raise TypeError(
        f"{pattern!r} is no pattern, since what is in it cannot be told from outside: "
        f"write {getattr(origin, '__name__', 'its type')}, or a pattern of the content"
    )


def _any_class(pattern: Any, value: Any) -> bool:
    """A class that descends from typing's ``Any``, if it is not that itself."""
    if pattern is Any:
        raise TypeError("typing.Any is no pattern: write ANY, which pyex exports")
    return isinstance(value, pattern)


#: What matches patterns of each of these types; the runtime's own messages add theirs.
MATCHERS: Final[dict[type, Callable[[Any, Any], bool]]] = {
    tuple: match_tuple,
    list: _list,
    dict: _dict,
    str: _equal,
    int: _equal,
    float: _equal,
    bytes: _equal,
    bool: lambda pattern, value: value is pattern,
    type(None): lambda _, value: value is None,
    types.UnionType: _annotation,
    types.GenericAlias: _annotation,
    type(Any): _any_class,
    type(lambda: None): _guard,
    type(len): _guard,
}
