"""The text of a value, bounded in size and in time, whatever the value's own code does.

Containers are walked here, so that of a hundred million items only those are looked at that are shown. A
``__repr__`` that somebody has written runs in a process of its own, which is ended when it takes too long.
"""

from __future__ import annotations

import collections
import contextvars
import dataclasses
import datetime
import decimal
import fractions
import pathlib
import re
import types
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

import pyex
from pyex import Down, Process, Ref, receive, send, share

#: Characters of a value that are shown.
LIMIT: Final = 10_000

#: Seconds that the text of a value may take.
PATIENCE: Final = 2.0

#: Levels of containers within containers that are shown.
DEEPEST: Final = 100

#: Text up to this length is told to the character how much of it was cut.
_COUNTED: Final = 1_000_000

#: So few characters of a text that was cut are not worth a word.
_REST: Final = 100

#: Digits of a number that Python itself is willing to write down.
_DIGITS: Final = 4000

#: Types whose repr is the runtime's or Python's own, short and quick. The containers among them are empty, where this is asked.
_PLAIN: Final = frozenset({
    type(None), bool, float, complex, range, type, type(...), type(NotImplemented), types.FunctionType,
    types.BuiltinFunctionType, types.ModuleType, types.CodeType, types.MethodDescriptorType, re.Pattern,
    decimal.Decimal, fractions.Fraction, uuid.UUID, datetime.date, datetime.time, datetime.datetime, datetime.timedelta,
    datetime.timezone, pathlib.PosixPath, pathlib.WindowsPath, pyex.Pid, pyex.Ref, pyex.Port, pyex.Atom, object,
    types.GeneratorType, types.CoroutineType, list, tuple, dict, set, frozenset, collections.deque,
})  # fmt: skip

_NAMED_TUPLE: Final = collections.namedtuple("_Example", "field").__repr__.__code__  # noqa: PYI024


def bounded(value: Any, width: int | None = None) -> str:
    """The repr of a value, cut at a bound; on several lines if it is wider than ``width``. Never raises."""
    text = _Text(width)
    try:
        text.write_all(value, foreign=False)
    except _Foreign:
        text = _Text(width)
        return _within(PATIENCE, text, value)
    return str(text)


class _Foreign(Exception):
    """There is a repr that somebody has written."""


class _Full(Exception):
    """No more text is wanted."""


class _Parts(NamedTuple):
    """A container: what stands around its items, and the items, each with what stands before it."""

    opening: str
    items: Iterable[tuple[Any, ...]]
    closing: str
    size: int


class _Text:
    """The text of one value, as far as it is made; one thread makes it, another may look."""

    def __init__(self, width: int | None) -> None:
        self._width = width
        self._pieces: list[str] = []
        self._room = LIMIT
        self._column = 0
        #: containers that this is inside of, by id
        self._inside: set[int] = set()
        #: the texts of the objects met, by id: made once
        self._known: dict[int, tuple[Any, str]] = {}
        self._foreign = True
        #: what stands behind the text
        self._cut = ""
        #: whose repr runs
        self._asked: list[Any] = [None]

    def __str__(self) -> str:
        return "".join(self._pieces) + self._cut

    def unfinished(self, why: str) -> str:
        """What there is of it, and whose repr it waits for."""
        return f"{''.join([*self._pieces])}<{type(self._asked[0]).__qualname__} object whose repr {why}>"

    def write_all(self, value: Any, *, foreign: bool) -> None:
        """Write the value; raises ``_Foreign`` for what is not to run here."""
        self._foreign = foreign
        try:
            self._write(value, 0, 0)
        except _Full:
            self._cut = self._cut or "..."

    def _put(self, text: str) -> None:
        if len(text) > self._room:
            self._pieces.append(text[: self._room])
            if len(text) - self._room > _REST:
                self._cut = self._cut or f"... (cut: {len(text) - self._room:,} more characters)"
            self._room = 0
            raise _Full
        self._room -= len(text)
        self._pieces.append(text)
        self._column = len(text) - text.rfind("\n") - 1 if "\n" in text else self._column + len(text)

    def _write(self, value: Any, indent: int, behind: int) -> None:
        """Write one value, ``behind`` characters of others following on its last line."""
        parts = self._parts(value)
        if parts is None:
            self._put(self._leaf(value))
            return
        if id(value) in self._inside or len(self._inside) >= DEEPEST:
            self._put(f"{parts.opening}...{parts.closing}")
            return
        if self._width is not None:
            flat = self._flat(value, self._width - self._column - behind)
            if flat is not None:
                self._put(flat)
                return
        self._inside.add(id(value))
        self._put(parts.opening)
        written = 0
        try:
            inner = self._column if len(parts.opening) == 1 else indent + 4
            for written, item in enumerate(parts.items):
                if self._width is None or self._fits(item):
                    self._put(", " if written else "")
                elif written or len(parts.opening) > 1:
                    self._put(("," if written else "") + "\n" + " " * inner)
                for before in item[:-1]:
                    if type(before) is str:
                        self._put(before)
                    else:
                        self._write(before.value, inner, 1)
                self._write(item[-1], inner, 1)
        except _Full:
            self._cut = self._cut or f"... (cut: {parts.size - written:,} more items)"
            raise
        except RuntimeError:  # it changes while it is shown, in another thread
            self._put(", ...")
        finally:
            self._inside.discard(id(value))
        self._put(parts.closing)

    def _fits(self, item: tuple[Any, ...]) -> bool:
        """Whether an item is short, nothing but itself, and there is room for it on the line."""
        assert self._width is not None
        return type(item[0]) in (int, bool, float, type(None)) and self._column + 3 + len(repr(item[0])) < self._width

    def _flat(self, value: Any, room: int) -> str | None:
        """The value on one line, if there is room for it."""
        line = _Text(None)
        line._room, line._inside, line._known = min(room, self._room), set(self._inside), self._known
        line._foreign, line._asked = self._foreign, self._asked
        try:
            line._write(value, 0, 0)
        except _Full:
            return None
        text = str(line)
        return None if "\n" in text else text

    def _leaf(self, value: Any) -> str:
        kind = type(value)
        if kind is int:
            return _number(value)
        if kind in (str, bytes, bytearray):
            return self._string(value)
        if kind in _PLAIN:
            return repr(value)
        if not self._foreign:
            raise _Foreign
        known = self._known.get(id(value))
        if known is None:
            self._asked[0] = value
            known = self._known[id(value)] = value, own_text(value)
        return known[1]

    def _string(self, value: Any) -> str:
        if len(value) <= _COUNTED:
            return repr(value)
        self._cut = self._cut or f"... (cut: {len(value) - self._room:,} more characters)"
        return repr(value[: self._room])

    def _parts(self, value: Any) -> _Parts | None:
        """What a container shows; None for anything else."""
        how = type(value).__repr__
        if how in _CONTAINERS and len(value):
            return _CONTAINERS[how](value)
        if isinstance(value, tuple) and getattr(how, "__code__", None) is _NAMED_TUPLE:
            names = [f"{name}=" for name in type(value)._fields]  # type: ignore[attr-defined]
            return _Parts(f"{type(value).__name__}(", zip(names, value, strict=False), ")", len(value))
        if dataclasses.is_dataclass(value) and "__create_fn__" in getattr(
            getattr(how, "__wrapped__", None), "__qualname__", ""
        ):
            fields = [one for one in dataclasses.fields(value) if one.repr and hasattr(value, one.name)]
            items = ((f"{one.name}=", getattr(value, one.name)) for one in fields)
            return _Parts(f"{type(value).__qualname__}(", items, ")", len(fields))
        return None


class _Key(NamedTuple):
    """A value that stands before another one."""

    value: Any


def _single(values: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    return ((value,) for value in values)


def _pairs(mapping: Any) -> Iterator[tuple[Any, ...]]:
    return ((_Key(key), ": ", value) for key, value in mapping.items())


def _tuple(value: tuple[Any, ...]) -> _Parts:
    return _Parts("(", _single(value), ",)" if len(value) == 1 else ")", len(value))


def _set(value: Any) -> _Parts:
    if type(value) is set:
        return _Parts("{", _single(value), "}", len(value))
    return _Parts(f"{type(value).__name__}({{", _single(value), "})", len(value))


def _deque(value: Any) -> _Parts:
    closing = "])" if value.maxlen is None else f"], maxlen={value.maxlen})"
    return _Parts("deque([", _single(value), closing, len(value))


def _default(value: Any) -> _Parts:
    return _Parts(f"defaultdict({own_text(value.default_factory)}, {{", _pairs(value), "})", len(value))


#: How containers are shown, by the repr they have.
_CONTAINERS: Final[dict[Any, Callable[[Any], _Parts]]] = {
    list.__repr__: lambda value: _Parts("[", _single(value), "]", len(value)),
    tuple.__repr__: _tuple,
    dict.__repr__: lambda value: _Parts("{", _pairs(value), "}", len(value)),
    set.__repr__: _set,
    frozenset.__repr__: _set,
    collections.deque.__repr__: _deque,
    collections.defaultdict.__repr__: _default,
    type({}.keys()).__repr__: lambda value: _Parts("dict_keys([", _single(value), "])", len(value)),
    type({}.values()).__repr__: lambda value: _Parts("dict_values([", _single(value), "])", len(value)),
    type({}.items()).__repr__: lambda value: _Parts("dict_items([", _single(value), "])", len(value)),
}


def _number(value: int) -> str:
    if value.bit_length() < _DIGITS * 3:
        return repr(value)
    return f"<an int of {value.bit_length():,} bits>"


def own_text(value: Any) -> str:
    """The repr that a value's class has made, or what went wrong with it."""
    try:
        return repr(value)
    except (Exception, SystemExit) as error:
        try:
            why = f"{type(error).__name__}: {error}"
        except Exception:  # an error whose own text raises
            why = type(error).__name__
        return f"<{type(value).__qualname__} object whose repr raised {why}>"


def _within(seconds: float, text: _Text, value: Any) -> str:
    """The text, made by a process that gets so much time for it."""
    context = contextvars.copy_context()

    def make() -> None:
        context.run(text.write_all, value, foreign=True)

    try:
        alias = Process.alias(reply=True)
    except pyex.PyexError:  # no process may wait here
        make()
        return str(text)
    pid, watch = pyex.spawn_monitor(_work, alias, share(make), thread=True)
    try:
        ended = receive((alias, "done"), Down(watch), timeout=seconds, default=None)
    finally:
        Process.unalias(alias)
        Process.demonitor(watch, flush=True)
        Process.exit(pid, ("shutdown", "what it was to write took too long"))
        receive((alias, "done"), timeout=0, default=None)
    if ended is not None and ended[0] == alias:
        return str(text)
    return text.unfinished(f"took longer than {seconds:g} s" if ended is None else "ended its process")


def _work(alias: Ref, make: Callable[[], None]) -> None:
    make()
    send(alias, (alias, "done"))
