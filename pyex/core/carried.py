"""What a spawned process gets: the code is shared, what the code carries is a snapshot."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from typing import Any, Final

from pyex.core.errors import NotSendable
from pyex.core.isolation import IMMUTABLE, Memo, Unsendable, copy_at, copy_value, remember, users_error

_FUNCTION: Final = types.FunctionType
_CELL: Final = types.CellType


def snapshot_call(fn: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """A function and its arguments as a spawned process gets them.

    A function carries its closure and its defaults, a bound method its object, a partial its arguments.
    """
    if type(fn) is _FUNCTION:
        for arg in args:
            if type(arg) not in IMMUTABLE:
                break
        else:
            if fn.__closure__ is None and fn.__defaults__ is None and fn.__kwdefaults__ is None:
                return fn, args
            simple = _copy_simple(fn)
            if simple is not None:
                return simple, args
    memo: Memo = {}
    try:
        return _copy_callable(fn, memo), tuple(
            [copy_at(arg, memo, lambda place=place: f"argument {place}") for place, arg in enumerate(args)]  # type: ignore[misc]
        )
    except Unsendable as refusal:
        raise NotSendable(refusal.text(f"what {_name(fn)} takes to its process")) from users_error(refusal)
    except RecursionError:
        raise NotSendable(f"what {_name(fn)} takes to its process is nested too deeply to be copied") from None


def _copy_simple(fn: Any) -> Any:
    """What most spawned functions need; None for a function that needs more.

    One that carries nothing that anybody could change is shared; one whose variables hold only values that
    pass as they are gets variables of its own.
    """
    if (defaults := fn.__defaults__) is not None and not IMMUTABLE.issuperset(map(type, defaults)):
        return None
    if (keywords := fn.__kwdefaults__) is not None and not IMMUTABLE.issuperset(map(type, keywords.values())):
        return None
    if (closure := fn.__closure__) is None:
        return fn
    cells = []
    for cell in closure:
        try:
            content = cell.cell_contents
        except ValueError:  # a variable not assigned yet
            return None
        kind = type(content)
        if kind not in IMMUTABLE or kind is _FUNCTION:
            return None
        cells.append(_CELL(content))
    copy = _like(fn, cells)
    if defaults is not None:
        copy.__defaults__ = defaults
    if keywords is not None:
        copy.__kwdefaults__ = dict(keywords)
    return copy


def _like(fn: Any, cells: list[types.CellType]) -> Any:
    """A function as ``fn``, over other variables and without defaults."""
    copy = _FUNCTION(fn.__code__, fn.__globals__, fn.__name__, None, tuple(cells) or None)
    copy.__qualname__ = fn.__qualname__
    copy.__module__ = fn.__module__
    copy.__doc__ = fn.__doc__
    if attributes := fn.__dict__:
        copy.__dict__.update(attributes)
    return copy


def _copy_callable(fn: Any, memo: Memo) -> Any:
    """A function with a copied closure and defaults; other callables as any value."""
    if type(fn) is not _FUNCTION:
        if type(fn) is types.MethodType:
            return types.MethodType(_copy_callable(fn.__func__, memo), copy_at(fn.__self__, memo, lambda: "its object"))
        if type(fn) is functools.partial:
            return functools.partial(
                _copy_callable(fn.func, memo), *copy_value(fn.args, memo), **copy_value(fn.keywords, memo)
            )
        return copy_value(fn, memo)
    known = memo.get(id(fn))
    if known is not None:
        return known[1]
    if fn.__closure__ is None and _copy_simple(fn) is fn:
        return fn
    cells, fresh = [], []
    for name, original in zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True):
        # A variable that inner functions share is one variable in the new process too.
        known = memo.get(id(original))
        if known is None:
            cells.append(remember(memo, original, _CELL()))
            fresh.append((name, original, cells[-1]))
        else:
            cells.append(known[1])
    copy = remember(memo, fn, _like(fn, cells))
    if (defaults := fn.__defaults__) is not None:
        copy.__defaults__ = _carried(defaults, memo, "a default")
    if (keywords := fn.__kwdefaults__) is not None:
        copy.__kwdefaults__ = _carried(keywords, memo, "a default")
    for name, original, cell in fresh:
        try:
            content = original.cell_contents
        except ValueError:  # a variable not assigned yet
            continue
        cell.cell_contents = _carried(content, memo, f"the variable {name!r}")
    return copy


def _carried(value: Any, memo: Memo, place: str) -> Any:
    try:
        return _copy_callable(value, memo) if type(value) is _FUNCTION else copy_value(value, memo)
    except Unsendable as refusal:
        refusal.place.append(place)
        raise


def _name(fn: Any) -> str:
    return getattr(fn, "__qualname__", None) or repr(fn)
