"""Identifiers: immutable, hashable, ordered, printed so that they can be pasted back.

Each carries one ``key``. A local identifier's key is its number, which is what the runtime's tables are
indexed by; a remote one's is ``(number, node, creation)``. So one look-up in a table both finds a local
process and tells that a pid is not local. Ports are in the same table, below zero: there a port's number is
negative.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar

from pyex.core.identity import complete, identity

if TYPE_CHECKING:
    from pyex.core.port_process import PortInfo

Key: TypeAlias = "int | tuple[int, str, int]"

#: Numbers below this one are the runtime's own processes'; the first process of a user is 0.110.0.
FIRST_USER_NUMBER = 110

_SERIAL_BITS = 28
_TEXT = re.compile(r"0\.([0-9]+)\.([0-9]+)")

_next_user_number = itertools.count(FIRST_USER_NUMBER).__next__
_next_system_number = itertools.count(1).__next__
_next_ref_number = itertools.count(1).__next__
_next_port_number = itertools.count(1).__next__
_new = object.__new__

T = TypeVar("T", bound="Identifier")


class Identifier:
    """What :class:`Pid`, :class:`Ref` and :class:`Port` share."""

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
        if type(other) is not type(self):
            return False
        mine, others = self.key, other.key
        if isinstance(mine, int) or isinstance(others, int):
            return mine == others
        # One that was typed in before its node was met has no creation: it means any.
        return mine[:2] == others[:2] and (mine[2] == others[2] or 0 in (mine[2], others[2]))

    def __hash__(self) -> int:
        key = self.key
        return key if type(key) is int else hash(key[:2])  # type: ignore[index]

    def _order(self) -> tuple[str, int, int]:
        if isinstance(self.key, int):
            return ("", 0, self.number)
        _, node, creation = self.key
        return (node, creation, self.number)

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
    if node is None or (node := complete(node)) == identity.name:
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


class Port(Identifier):
    """A program of the operating system, run as if it were a process: ``Port.open(argv)`` starts one.

    A port belongs to the process that opened it, its owner, and is linked to it. It takes messages::

        send(port, (self(), ("command", data)))   # data goes to the program's standard input
        send(port, (self(), "close"))             # the owner gets (port, "closed")

    and sends its owner ``(port, ("data", data))``, what the program writes to its standard output, and, when
    the program has ended, ``(port, ("exit_status", status))``: 128 and the signal's number if a signal ended
    it. Then the port ends, with reason ``normal``. Only the owner's pid may stand in a message to a port; for
    any other, and for a message of another shape, the owner gets the exit signal ``badsig``.

    ``Process.link``, ``monitor`` and ``exit`` take ports too; the message of a monitor is
    ``("DOWN", ref, "port", port, reason)``. When the owner ends, or whoever else is linked ends abnormally, the
    port ends with the same reason. No program outlives its port for long: it finds its standard input
    closed, gets SIGTERM if that does not end it in 5 seconds, and SIGKILL after 5 more.

    >>> port = Port.open(["tr", "a-z", "A-Z"])
    >>> Port.command(port, "hello")
    True
    >>> Port.close(port)
    True
    """

    __slots__ = ()

    def __new__(cls, text: str, node: str | None = None) -> Port:
        return port_of(_parse(cls, text, node))

    @property
    def number(self) -> int:
        """Its number on its own node; never used twice there."""
        return -super().number

    # What follows works on the running port, which is far above this module: imported when it is called.

    @staticmethod
    def open(argv: Sequence[str | bytes | os.PathLike[str]], line: bool = False) -> Port:
        """Start a program, owned by this process, and return its port once the program runs.

        ``argv`` is the program, looked up on the PATH, and its arguments; no shell is involved. With
        ``line=True`` each ``data`` message is one line without its newline (the last one may have had none; one
        longer than a mebibyte comes in several messages); otherwise whatever came at once. The program's
        standard error is this node's. It runs in a session of its own, out of reach of Ctrl-C.

        While a mebibyte of its output lies unread in the owner's mailbox, no more is read, and the program
        is held up by its full pipe.

        Raises ``ProgramNotFound`` (a ``FileNotFoundError``), ``PortError`` (an ``OSError``) if the program cannot
        be started for another reason, ``TypeError`` if ``argv`` is not a list of text.

        >>> port = Port.open(["ls", "-l"], line=True)
        >>> receive((port, ("data", ANY)))
        """
        from pyex.core import ports

        return ports.open_port(argv, line)

    def command(self, data: str | bytes | bytearray) -> bool:
        r"""Write to the program's standard input, from any process; text as UTF-8. Returns True.

        While 64 KiB or more wait for the program to read them, the caller waits too, as it does when it
        sends the port a ``command`` message. What a program does not read before it ends, or closes its input, is
        lost; its exit status tells.

        Raises ``NoProcess`` (a ``LookupError``) if the port is closed, ``TypeError`` for data of another type.

        >>> port = Port.open(["cat"], line=True)
        >>> Port.command(port, b"hello\n")
        True
        """
        from pyex.core import ports

        return ports.command(self, data)

    def close(self) -> bool:
        """Close the port, from any process, and wait until it is; returns True.

        Nothing more comes from it afterwards; its owner gets no ``closed`` message. What was commanded before
        is still written. Raises ``NoProcess`` (a ``LookupError``) if it is closed already.

        >>> Port.close(port)
        True
        """
        from pyex.core import ports

        return ports.close(self)

    def info(self) -> PortInfo | None:
        """What a port of this node is at: a frozen object with attributes, or None if it is closed.

        They are ``name``, ``argv``, ``os_pid``, ``connected`` (its owner), ``links``, ``input`` (bytes that the
        program has written and this node read) and ``output`` (bytes commanded).

        >>> port = Port.open(["cat"])
        >>> Port.info(port).os_pid      # by which ``ps`` knows it
        """
        from pyex.core import ports

        return ports.info(self)


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


def port_of(key: Key) -> Port:
    """The port with the number, and of the node, that ``key`` says; in its own key the number is negative."""
    port = _new(Port)
    _set_key(port, -key if isinstance(key, int) else (-key[0], *key[1:]))
    return port


def new_port() -> Port:
    """A port never used before on this node."""
    return port_of(_next_port_number())


def new_pid(system: bool = False) -> Pid:
    """A pid never used before on this node."""
    pid = _new(Pid)
    _set_key(pid, _system_number() if system else _next_user_number())
    return pid


def _system_number() -> int:
    # The runtime's own numbers are few; when they have run out, those of everybody do.
    number = _next_system_number()
    return number if number < FIRST_USER_NUMBER else _next_user_number()


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
