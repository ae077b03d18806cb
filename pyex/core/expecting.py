"""What the functions of the core take: refusals of anything else, which say what was meant."""

from __future__ import annotations

import functools
import inspect
from types import CodeType
from typing import Any, Final, cast

from pyex.core.errors import PyexError
from pyex.core.ids import Pid, Port, Ref

_ASYNC: Final = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
#: In the flags of a function's code: calling it makes an object, and that is all.
RUNS_NOTHING: Final = _ASYNC | inspect.CO_GENERATOR


def expect_plain(what: str, fn: Any) -> None:
    """Refuse the function of a coroutine or a generator, also in a ``partial``, where ``what`` would call it in vain.

    Raises ``TypeError``.

    >>> expect_plain("spawn", asyncio.sleep)
    Traceback (most recent call last):
    TypeError: <function sleep ...> is async: calling it runs nothing. Give spawn a plain function ...
    """
    plain = fn
    while type(plain) is functools.partial:
        plain = plain.func
    code = getattr(plain, "__code__", None)
    flags = code.co_flags if type(code) is CodeType else 0
    if flags & _ASYNC:
        raise TypeError(
            f"{fn!r} is async: calling it runs nothing. Give {what} a plain function, in which await_(...) waits for it"
        )
    if flags & inspect.CO_GENERATOR:
        raise TypeError(
            f"{fn!r} is a generator: calling it runs nothing. Give {what} a plain function, which loops over it, "
            "or receives in a loop where it yields"
        )


def call_hint(value: Any) -> str:
    """What to add to the refusal of a value where a pid should stand."""
    return ". If self() is meant, it has parentheses" if callable(value) and not isinstance(value, type) else ""


def pid_or_port(what: str, pid: Pid | Port) -> Pid:
    """Refuse anything else; a port is then what a pid can be, in signals and tables."""
    if isinstance(pid, Port):
        if type(pid.key) is not int:
            raise PyexError(f"{what} takes ports of this node only: {pid!r} is known to its owner's node")
        return cast("Pid", pid)
    expect_pid(what, pid)
    return pid


def expect_pid(what: str, pid: Any) -> None:
    """Refuse what is no pid. Raises ``TypeError``."""
    if not isinstance(pid, Pid):
        hint = f"; Process.whereis({pid!r}) gives the pid of a name" if isinstance(pid, str) else call_hint(pid)
        raise TypeError(f"{what} takes a pid, not {pid!r}{hint}")


def expect_ref(what: str, ref: Any) -> None:
    """Refuse what is no reference. Raises ``TypeError``."""
    if not isinstance(ref, Ref):
        raise TypeError(f"{what} takes the reference that made it, not {ref!r}")
