"""Code as source, for nodes whose Python is another version: their bytecode differs, and must never cross.

A code object is described by the text it was compiled from and its place there; the other side compiles just that part, under
the same name and with the same line numbers. That the text is what the code was made from is proved before it
leaves: compiled here in that way, it gives the very same code.
"""

from __future__ import annotations

import ast
import itertools
import linecache
import os
import types
from typing import Any, Final, TypeAlias

from pyex.core.errors import NotSendable

_FUTURE: Final = 0x1FF0000  # the flags of "from __future__ import ...", and of nothing else
_NESTED: Final = 0x10

_Node: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

#: The file's name, its text, line and column of the code, the flags that matter, and the variables it closes over.
Described: TypeAlias = tuple[str, str, int, int, int, tuple[str, ...]]


def describe(code: types.CodeType, texts: dict[str, str]) -> Described:
    """How another Python makes the same code; raises ``NotSendable`` if its source is not known.

    ``texts`` keeps the text of each file, which is then in a pickle once.
    """
    name = code.co_filename
    if name not in texts:
        texts[name] = "".join(linecache.getlines(name))
    text = texts[name]
    flags = code.co_flags & (_FUTURE | _NESTED)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        tree = ast.Module([], [])
    for node in ast.walk(tree):
        if not isinstance(node, _Node) or _first_line(node) != code.co_firstlineno:
            continue
        if getattr(node, "name", "<lambda>") == code.co_name:
            described = (name, text, node.lineno, node.col_offset, flags, code.co_freevars)
            if _compile(described) == code:
                return described
    raise NotSendable(f"the source of {code.co_qualname!r} is not known here")


def rebuild(*described: Any) -> types.CodeType:
    """The code, compiled by this Python; tracebacks show its lines, as where it was typed."""
    name, text = described[:2]
    if name not in linecache.cache and (name.startswith("<") or not os.path.exists(name)):  # noqa: PTH110 - a name, perhaps of no file
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    code = _compile(described)
    if code is None or code.co_freevars != described[5]:
        raise SyntaxError(f"the code at line {described[2]} of {name} is other code for this version of Python")
    return code


def _first_line(node: _Node) -> int:
    decorators = getattr(node, "decorator_list", ())
    return decorators[0].lineno if decorators else node.lineno


def _compile(described: Described) -> types.CodeType | None:
    name, text, line, column, flags, freevars = described
    found = _find(ast.parse(text), line, column, None)
    if found is None:
        return None
    node, owner = found
    _strip(node)
    body: ast.stmt = node if not isinstance(node, ast.Lambda) else ast.copy_location(ast.Expr(node), node)
    if owner is not None:  # names like __x are those of its class
        body = ast.copy_location(ast.ClassDef(owner, [], [], [body], [], **_NO_TYPES), node)
    if flags & _NESTED:
        names = [ast.copy_location(ast.arg(free), node) for free in freevars if free != "__class__" or owner is None]
        parameters = ast.arguments([], names, None, [], [], None, [])
        body = ast.copy_location(ast.FunctionDef("around", parameters, [body], [], **_NO_TYPES), node)
    module = ast.fix_missing_locations(ast.Module([body], []))
    code: types.CodeType = compile(module, name, "exec", flags & _FUTURE, dont_inherit=True)
    for _ in range((owner is not None) + bool(flags & _NESTED)):
        code = _inner(code)[0]
    wanted = getattr(node, "name", "<lambda>")
    return next((inner for inner in _inner(code) if inner.co_name == wanted), None)


#: Of classes and functions with parameters of types, from 3.12 on: none.
_NO_TYPES: Final[dict[str, Any]] = {"type_params": []} if hasattr(ast, "type_param") else {}


def _inner(code: types.CodeType) -> list[types.CodeType]:
    return [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]


def _find(tree: ast.AST, line: int, column: int, owner: str | None) -> tuple[_Node, str | None] | None:
    """The function or lambda at a place, and the class around it."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, _Node) and (child.lineno, child.col_offset) == (line, column):
            return child, owner
        found = _find(child, line, column, child.name if isinstance(child, ast.ClassDef) else owner)
        if found is not None:
            return found
    return None


def _strip(node: _Node) -> None:
    """Take off what is no part of its own code: decorators, defaults, annotations; they have been evaluated."""
    arguments = node.args
    arguments.defaults = [ast.copy_location(ast.Constant(None), default) for default in arguments.defaults]
    arguments.kw_defaults = [
        None if default is None else ast.copy_location(ast.Constant(None), default) for default in arguments.kw_defaults
    ]
    every = itertools.chain(arguments.posonlyargs, arguments.args, arguments.kwonlyargs)
    for argument in (*every, arguments.vararg, arguments.kwarg):
        if argument is not None:
            argument.annotation = None
    if not isinstance(node, ast.Lambda):
        node.returns = None
        node.decorator_list = [ast.copy_location(ast.Constant(None), one) for one in node.decorator_list]
        if hasattr(node, "type_params"):
            node.type_params = []
