"""What the callbacks of a server return."""

from __future__ import annotations

from typing import Any, ClassVar, TypeAlias


class _Result:
    """Equal, and printed, by its class and what it was made with."""

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]] = ()

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash((type(self), *self._fields()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self._fields()))})"

    def _fields(self) -> list[Any]:
        fields = [getattr(self, name) for name in self.__match_args__]
        while fields and fields[-1] is None:
            fields.pop()
        return fields


class Timeout(_Result):
    """``then``: unless a message comes within ``seconds``, ``handle_info`` gets ``"timeout"``. Any message cancels it."""

    __slots__ = ("seconds",)
    __match_args__ = ("seconds",)

    def __init__(self, seconds: float | None) -> None:
        if seconds is not None:
            if isinstance(seconds, bool) or not isinstance(seconds, int | float):
                raise TypeError(f"Timeout takes a number of seconds or None, not {seconds!r}")
            if not seconds >= 0:
                raise ValueError(f"Timeout takes a number of seconds that is not below zero, not {seconds!r}")
        self.seconds = seconds


class Continue(_Result):
    """``then``: ``handle_continue(term)`` is called next, before any message is looked at."""

    __slots__ = ("term",)
    __match_args__ = ("term",)

    def __init__(self, term: Any) -> None:
        self.term = term


class Hibernate(_Result):
    """``then``: the server is going to wait for long.

    It costs nothing and changes little: a server that waits has no stack in any case.
    """

    __slots__ = ()


Then: TypeAlias = Timeout | Continue | Hibernate | None


class Reply(_Result):
    """Of ``handle_call``: the caller gets ``value``, a snapshot of it as of every message."""

    __slots__ = ("then", "value")
    __match_args__ = ("value", "then")

    def __init__(self, value: Any, then: Then = None) -> None:
        self.value = value
        self.then = then


class NoReply(_Result):
    """Of any callback: go on. A caller that waits is answered later, with ``GenServer.reply(caller, value)``."""

    __slots__ = ("then",)
    __match_args__ = ("then",)

    def __init__(self, then: Then = None) -> None:
        self.then = then


_NO_REPLY: Any = object()


class Stop(_Result):
    """Of any callback: ``terminate(reason)`` is called, and the process ends with ``reason``.

    In ``handle_call`` a ``reply`` is given to the caller, after ``terminate``; without one its call fails.
    """

    __slots__ = ("reason", "reply")
    __match_args__ = ("reason", "reply")

    def __init__(self, reason: Any = "normal", reply: Any = _NO_REPLY) -> None:
        self.reason = reason
        self.reply = reply

    @property
    def replies(self) -> bool:
        """Whether there is a reply; None may be one."""
        return self.reply is not _NO_REPLY

    def _fields(self) -> list[Any]:
        return [self.reason, self.reply] if self.replies else [self.reason]


class Ignore(_Result):
    """Of ``init``: the process is not wanted; it ends normally, and ``start_link`` returns None."""

    __slots__ = ()
