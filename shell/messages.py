"""The messages a process handles, from the ``case`` patterns of its source."""

from __future__ import annotations

import ast
import linecache
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from shell.static import is_a, lookup, mro

#: The callback that handles what is sent by which function.
CALLBACKS: Final = {"call": "handle_call", "cast": "handle_cast", "send": "handle_info"}

#: Bytes of a source file that is looked at.
LONGEST: Final = 1_000_000


class Message(NamedTuple):
    """One pattern: as it is written, and what of it can be typed without knowing more."""

    pattern: str
    begin: str


def handled(code_of: Any, function: str) -> list[Message]:
    """The messages that a class handles in the callback for ``call``, ``cast`` or ``send``, or a function receives."""
    if not is_a(code_of, type):
        return _messages(code_of)
    found: dict[str, Message] = {}
    for cls in mro(code_of):
        callback = lookup(cls, CALLBACKS[function])
        if type(callback) is types.FunctionType and callback.__module__ != "pyex" and not _is_ours(callback):
            found.update({message.pattern: message for message in _messages(callback)})
    return [*found.values()]


def _is_ours(fn: types.FunctionType) -> bool:
    return str(fn.__globals__.get("__name__", "")).startswith("pyex.")


def _messages(fn: Any) -> list[Message]:
    if type(fn) is types.MethodType:
        fn = fn.__func__
    if type(fn) is not types.FunctionType:
        return []
    found: dict[str, Message] = {}
    for pattern in _patterns(fn.__code__):
        begin = _begin(pattern)
        if begin:
            text = ast.unparse(pattern)
            if isinstance(pattern, ast.MatchSequence) and text.startswith("["):
                text = f"({text[1:-1]}{',' if len(pattern.patterns) == 1 else ''})"
            found[text] = Message(text.replace("'", '"'), begin.replace("'", '"'))
    return [*found.values()]


def _patterns(code: types.CodeType) -> Iterator[ast.pattern]:
    """The patterns in the source of a function, in their order."""
    try:
        tree = ast.parse(_source(code.co_filename))
    except (SyntaxError, ValueError, RecursionError, MemoryError, OSError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.Lambda) and _begins(node) == code.co_firstlineno:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Match):
                    for case in inner.cases:
                        yield from _alternatives(case.pattern)
            return


def _begins(node: ast.FunctionDef | ast.Lambda) -> int:
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return min([node.lineno, *(one.lineno for one in decorators)])


def _source(filename: str) -> str:
    known = linecache.cache.get(filename)
    if known is not None and len(known) == 4:
        return "".join(known[2])
    path = Path(filename)
    if filename.startswith("<") or path.stat().st_size > LONGEST:
        return ""
    return path.read_text("utf-8")


def _alternatives(pattern: ast.pattern) -> Iterator[ast.pattern]:
    match pattern:
        case ast.MatchOr(patterns=patterns):
            for one in patterns:
                yield from _alternatives(one)
        case ast.MatchAs(pattern=ast.pattern() as inner):
            yield from _alternatives(inner)
        case _:
            yield pattern


def _begin(pattern: ast.pattern) -> str:
    """The part of a message up to the first thing that the pattern leaves open."""
    match pattern:
        case ast.MatchValue(value=ast.Constant(value=str() | int() as value)):
            return repr(value)
        case ast.MatchSequence(patterns=[ast.MatchValue(value=ast.Constant(value=str() as tag)), *rest]):
            return f"({tag!r}, " if rest else f"({tag!r},)"
    return ""
