"""Functions whose call runs none of their code."""

from __future__ import annotations

import functools
import inspect
from types import CodeType
from typing import Any, Final

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
