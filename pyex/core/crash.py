"""The exit reason after an uncaught Python exception."""

from __future__ import annotations

import sys
import traceback
import types
from typing import Any, Final

from pyex.core.errors import PyexError
from pyex.core.isolation import snapshot

#: Modules that are no user's: the runtime itself and the shell.
RUNTIME = ("pyex.", "shell.")


#: Packages whose code the runtime calls, besides the standard library's.
_TOOLS: Final = frozenset(("cloudpickle", "msgpack"))


class Unportable(PyexError):
    """Stands for an exception that cannot be copied; its text is what that exception's was."""


class Crash:
    """``Crash(exception, stacktrace)``: the exception and its formatted trace, as text.

    Two are equal when class and arguments of their exceptions are; so a copy equals the original.
    """

    __slots__ = ("exception", "stacktrace")
    __match_args__ = ("exception", "stacktrace")

    exception: BaseException
    stacktrace: str

    def __init__(self, exception: BaseException, stacktrace: str = "") -> None:
        self.exception = exception
        self.stacktrace = stacktrace

    @classmethod
    def of(cls, error: BaseException) -> Crash:
        """The reason for a process that ended with ``error``; always one that can be copied and sent."""
        trace = "".join(format_user_traceback(error))
        try:
            portable = snapshot(error)
        except Exception:  # whatever its class does when it is copied
            portable = Unportable(f"{type(error).__qualname__}: {exception_text(error)}")
        return cls(portable, trace)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Crash):
            return NotImplemented
        return _alike(self.exception, other.exception)

    def __hash__(self) -> int:
        return hash(type(self.exception))

    def __repr__(self) -> str:
        return f"Crash({self.exception!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Crash, (self.exception, self.stacktrace)


def _alike(one: Any, other: Any) -> bool:
    """Equality, in which exceptions are what their class and arguments are."""
    if type(one) is not type(other):
        return bool(one == other)
    if isinstance(one, BaseException):
        return _alike(one.args, other.args)
    if type(one) in (tuple, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return bool(one == other)


def exception_text(error: BaseException) -> str:
    """What an exception says, even if it cannot."""
    try:
        return str(error)
    except Exception:  # an exception whose own text raises
        return "(its text cannot be shown)"


def is_runtime(frame: types.FrameType) -> bool:
    """Whether a frame runs the runtime's code rather than a user's."""
    return str(frame.f_globals.get("__name__", "")).startswith(RUNTIME)


def user_part(trace: types.TracebackType | None) -> types.TracebackType | None:
    """The part of a traceback that begins in user code, if there is any."""
    while trace is not None and is_runtime(trace.tb_frame):
        trace = trace.tb_next
    return trace


def _users(frames: list[types.FrameType]) -> int:
    """How many frames there are before the user's code calls the runtime for the last time: what that calls is its own."""
    count = len(frames)
    own = next((at for at in range(count - 1, -1, -1) if not (is_runtime(frames[at]) or _is_tool(frames[at]))), 0)
    called = next((at for at in range(own, count) if is_runtime(frames[at])), count)
    return max(called, 1)


def _is_tool(frame: types.FrameType) -> bool:
    package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return package in _TOOLS or package in sys.stdlib_module_names


def format_user_traceback(error: BaseException) -> list[str]:
    """The lines of a traceback without the runtime's own frames at its start and its end; never raises."""
    part = user_part(error.__traceback__)
    try:
        trace = traceback.TracebackException(type(error), error, part)
        if part is None and trace.__cause__ is None and trace.__context__ is None:
            return list(trace.format_exception_only())
        frames = [tb.tb_frame for tb in _walk(part)]
        if len(frames) == len(trace.stack):
            del trace.stack[_users(frames) :]
        return list(trace.format())
    except Exception:  # it asks the error for more than its text, and parses source: in two threads that can fail
        places = [(tb.tb_frame.f_code.co_filename, tb.tb_lineno, tb.tb_frame.f_code.co_name) for tb in _walk(part)]
        lines = [f'  File "{file}", line {line}, in {name}\n' for file, line, name in places]
        text = f"{type(error).__qualname__}: {exception_text(error)}\n"
        return ["Traceback (most recent call last):\n", *lines, text]


def _walk(trace: types.TracebackType | None) -> list[types.TracebackType]:
    parts = []
    while trace is not None:
        parts.append(trace)
        trace = trace.tb_next
    return parts
