"""Nothing is shared: a message is a snapshot taken when it is sent.

Immutable values pass as they are; containers and objects are copied, deeply, keeping shared references
and cycles inside one message as they were. What cannot be copied is refused with its place in the message.
"""

from __future__ import annotations

import copyreg
import datetime
import decimal
import enum
import fractions
import functools
import pathlib
import re
import types
import uuid
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from pyex.core.errors import NotSendable
from pyex.core.ids import Atom, Pid, Port, Ref
from pyex.core.patterns import ANY

#: Types whose instances can be passed as they are: nobody can change one.
IMMUTABLE: Final[frozenset[type]] = frozenset(
    {
        type(None), bool, int, float, complex, str, bytes, range, slice, type, Pid, Port, Ref, Atom, type(ANY),
        type(...), type(NotImplemented), types.FunctionType, types.BuiltinFunctionType, types.ModuleType,
        types.CodeType, property, staticmethod, classmethod, re.Pattern, types.GenericAlias, types.UnionType,
        decimal.Decimal, fractions.Fraction, uuid.UUID, datetime.date, datetime.time, datetime.datetime,
        datetime.timedelta, datetime.timezone, pathlib.PosixPath, pathlib.WindowsPath, pathlib.PurePosixPath,
        pathlib.PureWindowsPath, types.MethodDescriptorType, types.WrapperDescriptorType,
        object,  # a bare object() is a sentinel: all it has is its identity, which a copy would lose
    }
)  # fmt: skip

_FUNCTION: Final = types.FunctionType
_CELL: Final = types.CellType
T = TypeVar("T")

#: id of an original -> (the original, kept alive so that its id stays its own; its copy)
_Memo = dict[int, tuple[Any, Any]]


class Shared:
    """What :func:`share` returns; the receiver gets the object itself."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"share({self.value!r})"


def share(obj: Any) -> Shared:
    """Mark ``obj`` to pass by reference: the receiver gets the very object, not a copy.

    Put it in a message, an argument of ``spawn`` or a variable that a spawned function closes over. It works
    within a node only, and on purpose only: two processes then use one object, and its safety is yours.

    >>> lock = threading.Lock()
    >>> spawn(worker, share(lock))
    """
    return Shared(obj)


def snapshot(value: T) -> T:
    """A copy of ``value`` that shares nothing mutable with it; ``value`` itself if it is immutable.

    Raises :class:`NotSendable`, a ``TypeError``, with the place of what cannot be copied.
    """
    kind = type(value)
    if kind in IMMUTABLE:
        return value
    if kind is tuple and IMMUTABLE.issuperset(map(type, value)):  # type: ignore[call-overload]
        return value
    try:
        return _copy(value, {})  # type: ignore[no-any-return]
    except _Unsendable as refusal:
        raise NotSendable(refusal.text("the message")) from refusal.__cause__
    except RecursionError:
        raise NotSendable("the message is nested too deeply to be copied") from None


def snapshot_call(fn: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """What a spawned process gets: the code is shared, what it carries is a snapshot.

    A function carries its closure and its defaults, a bound method its object, a partial its arguments.
    """
    if type(fn) is _FUNCTION and (not args or IMMUTABLE.issuperset(map(type, args))):
        simple = _copy_simple(fn)
        if simple is not None:
            return simple, args
    memo: _Memo = {}
    try:
        return _copy_callable(fn, memo), tuple(
            [_copy_at(arg, memo, lambda place=place: f"argument {place}") for place, arg in enumerate(args)]  # type: ignore[misc]
        )
    except _Unsendable as refusal:
        raise NotSendable(refusal.text(f"what {_name(fn)} takes to its process")) from refusal.__cause__
    except RecursionError:
        raise NotSendable(f"what {_name(fn)} takes to its process is nested too deeply to be copied") from None


class _Unsendable(Exception):
    """Travels up the nested copies, gathering the place on its way."""

    def __init__(self, value: Any, why: str) -> None:
        super().__init__()
        self.value = value
        self.why = why
        self.place: list[str] = []

    def text(self, whole: str) -> str:
        where = "".join(reversed(self.place))
        at = f" at {where}" if where else ""
        kind = type(self.value)
        return (
            f"{whole} holds {_article(kind)} ({_brief(self.value)}){at}, {self.why}. "
            "Send what describes it instead, or share(it) to pass it by reference within this node."
        )


def _article(kind: type) -> str:
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _brief(value: Any) -> str:
    try:
        text = repr(value)
    except Exception as error:
        text = f"its repr raised {type(error).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


def _name(fn: Any) -> str:
    return getattr(fn, "__qualname__", None) or repr(fn)


def _copy(value: Any, memo: _Memo) -> Any:
    kind = type(value)
    if kind in IMMUTABLE:
        return value
    known = memo.get(id(value))
    if known is not None:
        return known[1]
    copier = _COPIERS.get(kind)
    if copier is not None:
        return copier(value, memo)
    if isinstance(value, type | enum.Enum | types.ModuleType):
        return value
    return _copy_object(value, memo)


def _remember(memo: _Memo, original: Any, copy: T) -> T:
    memo[id(original)] = (original, copy)
    return copy


def _copy_at(value: Any, memo: _Memo, place: Callable[[], str]) -> Any:
    try:
        return _copy(value, memo)
    except _Unsendable as refusal:
        refusal.place.append(place())
        raise


def _copy_all(values: Iterable[Any], memo: _Memo) -> list[Any]:
    copies = []
    for value in values:
        if type(value) in IMMUTABLE:
            copies.append(value)
            continue
        try:
            copies.append(_copy(value, memo))
        except _Unsendable as refusal:
            refusal.place.append(f"[{len(copies)}]")
            raise
    return copies


def _copy_tuple(value: tuple[Any, ...], memo: _Memo) -> tuple[Any, ...]:
    copies = _copy_all(value, memo)
    if all(map(_same, copies, value)):
        return value
    known = memo.get(id(value))  # a cycle through the tuple has copied it meanwhile
    return known[1] if known is not None else _remember(memo, value, tuple(copies))


def _same(one: Any, other: Any) -> bool:
    return one is other


def _copy_list(value: list[Any], memo: _Memo) -> list[Any]:
    copy: list[Any] = _remember(memo, value, [])
    copy += _copy_all(value, memo)
    return copy


def _copy_dict(value: dict[Any, Any], memo: _Memo) -> dict[Any, Any]:
    copy: dict[Any, Any] = _remember(memo, value, {})
    for key, item in value.items():
        copy[_copy_at(key, memo, lambda key=key: f".key({_brief(key)})")] = _copy_at(  # type: ignore[misc]
            item,
            memo,
            lambda key=key: f"[{_brief(key)}]",  # type: ignore[misc]
        )
    return copy


def _copy_set(value: set[Any], memo: _Memo) -> set[Any]:
    copy: set[Any] = _remember(memo, value, set())
    copy.update(_copy_at(item, memo, lambda: ".item") for item in value)
    return copy


def _copy_frozenset(value: frozenset[Any], memo: _Memo) -> frozenset[Any]:
    copies = [_copy_at(item, memo, lambda: ".item") for item in value]
    if all(map(_same, copies, value)):
        return value
    known = memo.get(id(value))  # as for a tuple
    return known[1] if known is not None else _remember(memo, value, frozenset(copies))


def _copy_bytearray(value: bytearray, memo: _Memo) -> bytearray:
    return _remember(memo, value, bytearray(value))


def _copy_method(value: types.MethodType, memo: _Memo) -> types.MethodType:
    return types.MethodType(value.__func__, _copy_at(value.__self__, memo, lambda: ".__self__"))


def _copy_partial(value: functools.partial[Any], memo: _Memo) -> functools.partial[Any]:
    return functools.partial(
        _copy_at(value.func, memo, lambda: ".func"),
        *_copy_at(value.args, memo, lambda: ".args"),
        **_copy_at(value.keywords, memo, lambda: ".keywords"),
    )


def _unshare(value: Shared, _memo: _Memo) -> Any:
    return value.value


_COPIERS: Final[dict[type, Callable[[Any, _Memo], Any]]] = {
    tuple: _copy_tuple,
    list: _copy_list,
    dict: _copy_dict,
    set: _copy_set,
    frozenset: _copy_frozenset,
    bytearray: _copy_bytearray,
    types.MethodType: _copy_method,
    functools.partial: _copy_partial,
    Shared: _unshare,
}


def _copy_object(value: Any, memo: _Memo) -> Any:
    """Copy an object of any class the way the copy protocol (``__reduce_ex__``) describes it."""
    try:
        reducer = copyreg.dispatch_table.get(type(value))
        reduced = reducer(value) if reducer is not None else value.__reduce_ex__(4)
    except Exception as error:
        raise _Unsendable(value, "which cannot be copied") from error
    if isinstance(reduced, str):  # the name of a global: a singleton
        return value
    make, args, state, items, pairs = (*reduced, None, None, None)[:5]
    arguments = [_copy_at(arg, memo, lambda: "") for arg in args]
    try:
        copy = _remember(memo, value, _make(value, make, arguments))
        if state is not None:
            _restore(copy, value, _copy_at(state, memo, lambda: ""))
        for item in items or ():
            copy.append(_copy(item, memo))
        for key, item in pairs or ():
            copy[_copy(key, memo)] = _copy_at(item, memo, lambda key=key: f"[{_brief(key)}]")  # type: ignore[misc]
    except _Unsendable:
        raise
    except Exception as error:
        raise _Unsendable(value, f"whose copy failed with {type(error).__name__}: {error}") from error
    if isinstance(value, BaseException):
        copy.args = _copy(value.args, memo)  # an __init__ of its own may have made others of them
        copy.__cause__ = _copy(value.__cause__, memo)
        copy.__suppress_context__ = value.__suppress_context__  # setting the cause sets it too
    return copy


def _make(value: Any, make: Callable[..., Any], arguments: list[Any]) -> Any:
    try:
        return make(*arguments)
    except TypeError:
        if make is not type(value) or not isinstance(value, BaseException):
            raise
        # An exception whose __init__ takes other arguments than it hands to its base class.
        return make.__new__(make, *arguments)


def _restore(copy: Any, original: Any, state: Any) -> None:
    if hasattr(original, "__setstate__"):
        copy.__setstate__(state)
        return
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if state:
        copy.__dict__.update(state)
    for name, item in (slots or {}).items():
        object.__setattr__(copy, name, item)


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


def _copy_callable(fn: Any, memo: _Memo) -> Any:
    """A function with a copied closure and defaults; other callables as any value."""
    if type(fn) is not _FUNCTION:
        if type(fn) is types.MethodType:
            return types.MethodType(
                _copy_callable(fn.__func__, memo), _copy_at(fn.__self__, memo, lambda: "its object")
            )
        if type(fn) is functools.partial:
            return functools.partial(_copy_callable(fn.func, memo), *_copy(fn.args, memo), **_copy(fn.keywords, memo))
        return _copy(fn, memo)
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
            cells.append(_remember(memo, original, _CELL()))
            fresh.append((name, original, cells[-1]))
        else:
            cells.append(known[1])
    copy = _remember(memo, fn, _like(fn, cells))
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


def _carried(value: Any, memo: _Memo, place: str) -> Any:
    try:
        return _copy_callable(value, memo) if type(value) is _FUNCTION else _copy(value, memo)
    except _Unsendable as refusal:
        refusal.place.append(place)
        raise
