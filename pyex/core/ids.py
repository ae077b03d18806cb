"""Identifiers: immutable, hashable, ordered, printed so that they can be pasted back.

Each carries one ``key``. A local identifier's key is its number, which is what the runtime's tables are
indexed by; a remote one's is ``(number, node, creation)``. So one look-up in a table both finds a local
process and tells that a pid is not local.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias, TypeVar

from pyex.core.identity import identity

Key: TypeAlias = "int | tuple[int, str, int]"

#: Numbers below this one are the runtime's own processes'; the first process of a user is 0.110.0.
FIRST_USER_NUMBER = 110

_SERIAL_BITS = 28
_TEXT = re.compile(r"0\.([0-9]+)\.([0-9]+)")

_next_user_number = itertools.count(FIRST_USER_NUMBER).__next__
_next_system_number = itertools.count(1).__next__
_next_ref_number = itertools.count(1).__next__
_new = object.__new__

T = TypeVar("T", bound="Identifier")


class Identifier:
    """What :class:`Pid` and :class:`Ref` share."""

    __slots__ = ("__weakref__", "key")

    key: Key
    _what: ClassVar[str]

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a {type(self).__name__} is immutable")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a {type(self).__name__} is immutable")

    @property
    def node(self) -> str | None:
        """The node it belongs to; this node's name (None when it has none) for a local one."""
        return identity.name if isinstance(self.key, int) else self.key[1]

    @property
    def number(self) -> int:
        """Its number on its own node; never used twice there."""
        return self.key if isinstance(self.key, int) else self.key[0]

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return type(other) is type(self) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def _order(self) -> tuple[str, int, int]:
        if isinstance(self.key, int):
            return ("", 0, self.key)
        number, node, creation = self.key
        return (node, creation, number)

    def __lt__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._order() < other._order()

    def __le__(self, other: object) -> bool:
        return self == other or self < other

    def __gt__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return other._order() < self._order()

    def __ge__(self, other: object) -> bool:
        return self == other or self > other

    def _text(self) -> str:
        number = self.number
        return f"0.{number & ((1 << _SERIAL_BITS) - 1)}.{number >> _SERIAL_BITS}"

    def __repr__(self) -> str:
        name = type(self).__name__
        if type(self.key) is int:
            return f"{name}('{self._text()}')"
        return f"{name}('{self._text()}', {self.node!r})"

    def __copy__(self: T) -> T:
        return self

    def __deepcopy__(self: T, memo: object) -> T:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # Between nodes identifiers travel by the codec, which knows which node is which. This is for a
        # pickle kept in a file: the printed form.
        return type(self), (self._text(), self.node) if self.node else (self._text(),)


_set_key: Callable[[Identifier, Key], None] = Identifier.__dict__["key"].__set__


def _parse(cls: type[Identifier], text: str, node: str | None) -> Key:
    match = _TEXT.fullmatch(text) if isinstance(text, str) else None
    if match is None or int(match[1]) >> _SERIAL_BITS:
        raise ValueError(f"{cls.__name__} takes text like '0.110.0', not {text!r}")
    number = int(match[1]) | int(match[2]) << _SERIAL_BITS
    if node is None or node == identity.name:
        return number
    return (number, node, identity.creations.get(node, 0))


class Pid(Identifier):
    """A process identifier, as printed: ``Pid('0.110.0')``, or ``Pid('0.110.0', 'bob@127.0.0.1')``.

    A pid pasted for another node names the incarnation of that node this one last met.
    """

    __slots__ = ()

    def __new__(cls, text: str, node: str | None = None) -> Pid:
        return pid_of(_parse(cls, text, node))


class Ref(Identifier):
    """A reference: ``Ref()`` makes one that equals no other, on any node, ever.

    >>> Ref() == Ref()
    False
    """

    __slots__ = ()

    def __new__(cls, text: str | None = None, node: str | None = None) -> Ref:
        if text is not None:
            return ref_of(_parse(cls, text, node))
        ref = new_ref()
        ref_made(ref)
        return ref


#: Called with every reference a user makes, in the process that makes it. Mailboxes put a mark.
ref_made: Callable[[Ref], None] = lambda _: None  # noqa: E731


def pid_of(key: Key) -> Pid:
    """The pid with this key."""
    pid = _new(Pid)
    _set_key(pid, key)
    return pid


def ref_of(key: Key) -> Ref:
    """The reference with this key."""
    ref = _new(Ref)
    _set_key(ref, key)
    return ref


def new_pid(system: bool = False) -> Pid:
    """A pid never used before on this node."""
    pid = _new(Pid)
    _set_key(pid, _next_system_number() if system else _next_user_number())
    return pid


def new_ref() -> Ref:
    """A reference that equals no other; what ``Ref()`` gives, without the way through the class."""
    ref = _new(Ref)
    _set_key(ref, _next_ref_number())
    return ref


class Atom(str):
    """A constant whose name is its value, as Elixir's; equal to its text, so Python code need not care.

    >>> Atom("ok") == "ok"
    True
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Atom({str.__repr__(self)})"
