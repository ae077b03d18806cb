"""Nothing is shared: a message is a snapshot taken when it is sent.

Immutable values pass as they are; containers and objects are copied, deeply, keeping shared references
and cycles inside one message as they were. What cannot be copied is refused with its place in the message.
"""

from __future__ import annotations

import contextvars
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
from pyex.core.sharing import note_shared

#: Types whose instances can be passed as they are: nobody can change one.
IMMUTABLE: Final[frozenset[type]] = frozenset(
    {
        type(None), bool, int, float, complex, str, bytes, range, slice, type, Pid, Port, Ref, Atom, type(ANY),
        type(...), type(NotImplemented), types.FunctionType, types.ModuleType,
        types.CodeType, contextvars.ContextVar, property, staticmethod, classmethod, re.Pattern, types.GenericAlias, types.UnionType,
        decimal.Decimal, fractions.Fraction, uuid.UUID, datetime.date, datetime.time, datetime.datetime,
        datetime.timedelta, datetime.timezone, pathlib.PosixPath, pathlib.WindowsPath, pathlib.PurePosixPath,
        pathlib.PureWindowsPath, types.MethodDescriptorType, types.WrapperDescriptorType,
        object,  # a bare object() is a sentinel: all it has is its identity, which a copy would lose
    }
)  # fmt: skip

T = TypeVar("T")

#: id of an original -> (the original, kept alive so that its id stays its own; its copy)
Memo = dict[int, tuple[Any, Any]]


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


def snapshot(value: T, memo: Memo | None = None) -> T:
    """A copy of ``value`` that shares nothing mutable with it; ``value`` itself if it is immutable.

    Raises :class:`NotSendable`, a ``TypeError``, with the place of what cannot be copied. A ``memo`` tells what was
    copied before, and is told what is now.
    """
    kind = type(value)
    if kind in IMMUTABLE:
        return value
    if kind is tuple:
        for item in value:  # type: ignore[attr-defined]
            if type(item) not in IMMUTABLE:
                break
        else:
            return value
    try:
        return copy_value(value, {} if memo is None else memo)  # type: ignore[no-any-return]
    except Unsendable as refusal:
        raise NotSendable(refusal.text("the message")) from users_error(refusal)
    except RecursionError:
        raise NotSendable("the message is nested too deeply to be copied") from None


class Template:
    """A message to be copied again and again; what was shared when it was made is shared with every copy."""

    __slots__ = ("_shared", "_value")

    def __init__(self, value: Any) -> None:
        memo: Memo = {}
        self._value = snapshot(value, memo)
        self._shared = {key: known for key, known in memo.items() if known[0] is known[1]}

    def copy(self) -> Any:
        """One more."""
        return snapshot(self._value, dict(self._shared))


def snapshot_or_text(value: Any) -> Any:
    """A snapshot, or a description of what cannot be copied: for what has to go out whatever it is."""
    try:
        return snapshot(value)
    except Exception:  # its own code, called for the copy, may raise anything
        return brief(value)


class Unsendable(Exception):
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
            f"{whole} holds {_article(kind)} ({brief(self.value)}){at}, {self.why}. "
            "Send what describes it instead, or share(it) to pass it by reference within this node."
        )


def users_error(refusal: Unsendable) -> BaseException | None:
    """What a user's own code raised when it was asked for a copy, without our frames; Python's words are in the text."""
    error = refusal.__cause__
    trace = error.__traceback__ if error is not None else None
    while trace is not None and str(trace.tb_frame.f_globals.get("__name__", "")).startswith("pyex."):
        trace = trace.tb_next
    return error.with_traceback(trace) if error is not None and trace is not None else None


def _article(kind: type) -> str:
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def brief(value: Any) -> str:
    """What it looks like, shortly; never raises."""
    try:
        text = repr(value)
    except Exception as error:
        text = f"its repr raised {type(error).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


def copy_value(value: Any, memo: Memo) -> Any:
    """The copy of one value; ``memo`` knows those already made."""
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


def remember(memo: Memo, original: Any, copy: T) -> T:
    """Note the copy of an original; returns it."""
    memo[id(original)] = (original, copy)
    return copy


def copy_at(value: Any, memo: Memo, place: Callable[[], str]) -> Any:
    """Likewise; a refusal names the place."""
    try:
        return copy_value(value, memo)
    except Unsendable as refusal:
        refusal.place.append(place())
        raise


def _copy_all(values: Iterable[Any], memo: Memo) -> list[Any]:
    copies = []
    for value in values:
        if type(value) in IMMUTABLE:
            copies.append(value)
            continue
        try:
            copies.append(copy_value(value, memo))
        except Unsendable as refusal:
            refusal.place.append(f"[{len(copies)}]")
            raise
    return copies


def _copy_tuple(value: tuple[Any, ...], memo: Memo) -> tuple[Any, ...]:
    copies = _copy_all(value, memo)
    if all(map(_same, copies, value)):
        return value
    known = memo.get(id(value))  # a cycle through the tuple has copied it meanwhile
    return known[1] if known is not None else remember(memo, value, tuple(copies))


def _same(one: Any, other: Any) -> bool:
    return one is other


def _copy_list(value: list[Any], memo: Memo) -> list[Any]:
    copy: list[Any] = remember(memo, value, [])
    copy += _copy_all(value, memo)
    return copy


def _copy_dict(value: dict[Any, Any], memo: Memo) -> dict[Any, Any]:
    copy: dict[Any, Any] = remember(memo, value, {})
    for key, item in value.items():
        copy[copy_at(key, memo, lambda key=key: f".key({brief(key)})")] = copy_at(  # type: ignore[misc]
            item,
            memo,
            lambda key=key: f"[{brief(key)}]",  # type: ignore[misc]
        )
    return copy


def _copy_set(value: set[Any], memo: Memo) -> set[Any]:
    copy: set[Any] = remember(memo, value, set())
    copy.update(copy_at(item, memo, lambda: ".item") for item in value)
    return copy


def _copy_frozenset(value: frozenset[Any], memo: Memo) -> frozenset[Any]:
    copies = [copy_at(item, memo, lambda: ".item") for item in value]
    if all(map(_same, copies, value)):
        return value
    known = memo.get(id(value))  # as for a tuple
    return known[1] if known is not None else remember(memo, value, frozenset(copies))


def _copy_bytearray(value: bytearray, memo: Memo) -> bytearray:
    return remember(memo, value, bytearray(value))


def _copy_method(value: types.MethodType, memo: Memo) -> types.MethodType:
    return types.MethodType(value.__func__, copy_at(value.__self__, memo, lambda: ".__self__"))


def _copy_builtin(value: types.BuiltinFunctionType, memo: Memo) -> Any:
    """A function of a module passes as it is; a method goes with a copy of its object."""
    original: Any = value.__self__
    if original is None or isinstance(original, types.ModuleType | type):
        return value
    copy = copy_at(original, memo, lambda: ".__self__")
    return value if copy is original else getattr(copy, value.__name__)


def _copy_partial(value: functools.partial[Any], memo: Memo) -> functools.partial[Any]:
    copy = functools.partial(
        copy_at(value.func, memo, lambda: ".func"),
        *copy_at(value.args, memo, lambda: ".args"),
        **copy_at(value.keywords, memo, lambda: ".keywords"),
    )
    known = memo.get(id(value))  # as for a tuple
    return known[1] if known is not None else remember(memo, value, copy)


def _unshare(value: Shared, memo: Memo) -> Any:
    note_shared(value.value)
    return remember(memo, value.value, value.value)


_COPIERS: Final[dict[type, Callable[[Any, Memo], Any]]] = {
    tuple: _copy_tuple,
    list: _copy_list,
    dict: _copy_dict,
    set: _copy_set,
    frozenset: _copy_frozenset,
    bytearray: _copy_bytearray,
    types.MethodType: _copy_method,
    types.BuiltinFunctionType: _copy_builtin,
    functools.partial: _copy_partial,
    Shared: _unshare,
}


def _copy_object(value: Any, memo: Memo) -> Any:
    """Copy an object of any class the way the copy protocol (``__reduce_ex__``) describes it."""
    try:
        reducer = copyreg.dispatch_table.get(type(value))
        reduced = reducer(value) if reducer is not None else value.__reduce_ex__(4)
    except Exception as error:
        raise Unsendable(value, "which cannot be copied") from error
    if isinstance(reduced, str):  # the name of a global: a singleton
        return value
    make, args, state, items, pairs = (*reduced, None, None, None)[:5]
    arguments = [copy_at(arg, memo, lambda: "") for arg in args]
    try:
        copy = remember(memo, value, _make(value, make, arguments))
        if state is not None:
            _restore(copy, value, copy_at(state, memo, lambda: ""))
        for item in items or ():
            copy.append(copy_value(item, memo))
        for key, item in pairs or ():
            copy[copy_value(key, memo)] = copy_at(item, memo, lambda key=key: f"[{brief(key)}]")  # type: ignore[misc]
    except Unsendable:
        raise
    except Exception as error:
        raise Unsendable(value, f"whose copy failed with {type(error).__name__}: {error}") from error
    if isinstance(value, BaseException):
        copy.args = copy_value(value.args, memo)  # an __init__ of its own may have made others of them
        copy.__cause__ = copy_value(value.__cause__, memo)
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
