"""Compiling and running one input."""

from __future__ import annotations
import __future__

import ast
import inspect
import linecache
import re
import types
from typing import Any, Final, TypeVar

import pyex
from shell.beneath import CALLABLE, beneath

Tree = TypeVar("Tree", bound=ast.AST)

_FLAGS = [getattr(__future__, name).compiler_flag for name in __future__.all_feature_names]

#: Inside these, names are the code's own affair.
_SCOPES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


#: What other shells take for a call: ``h spawn``.
_WITHOUT_PARENTHESES: Final = re.compile(r"\s*(?P<name>\w+)[ \t]+(?P<args>[\w'\"(\[{].*?)\s*")


class BadInput(Exception):
    """An input that cannot be compiled; ``__cause__`` says why."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        call = _WITHOUT_PARENTHESES.fullmatch(source)
        #: what to type instead, if that can be told
        self.hint = ""
        if call is not None and call["name"] in beneath:
            self.hint = f"A call has parentheses: {call['name']}({call['args']})\n"


class Code:
    """An input, compiled: what is run, and the final expression whose value is shown."""

    def __init__(self, source: str, name: str, flags: int) -> None:
        # Tracebacks and inspect.getsource find the lines here. No time of change: never looked for on disk.
        linecache.cache[name] = (len(source), None, [line + "\n" for line in source.splitlines()], name)
        allowing = flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        try:
            tree = compile(source, name, "exec", ast.PyCF_ONLY_AST | allowing, dont_inherit=True)
            final = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            self.body = compile(_Calls().visit(tree), name, "exec", allowing, dont_inherit=True)
            for flag in _FLAGS:
                flags |= self.body.co_flags & flag
            self.flags = flags
            self.final = None
            if final is not None:
                expression = ast.Expression(_Calls().visit(final.value))
                self.final = compile(expression, name, "eval", allowing | flags, dont_inherit=True)
        except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError) as error:
            raise BadInput(source) from error

    def run(self, module: types.ModuleType) -> Any:
        """Run it with the bindings of ``module``; the value of its final expression, if it ends in one."""
        return self.run_with(vars(module))

    def run_with(self, names: dict[str, Any]) -> Any:
        """Run it with these bindings."""
        _run(self.body, names)
        return _run(self.final, names) if self.final is not None else None


def input_name(number: int, label: str = "") -> str:
    """What tracebacks call an input: functions travel to other nodes, where it must not be the name of one there."""
    return f"<{pyex.Node.self() if pyex.Node.alive() else 'pyex'}{label} {number}>"


class _Calls(ast.NodeTransformer):
    """``i(x)``, where ``i`` is a name of ours: calls ours while the binding of that name cannot be called."""

    def visit(self, node: Tree) -> Tree:
        """Everything but the insides of functions and classes."""
        return node if isinstance(node, _SCOPES) else super().visit(node)

    def visit_Call(self, node: ast.Call) -> ast.Call:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in beneath:
            name = node.func
            chooser = ast.copy_location(ast.Name(CALLABLE, ast.Load()), name)
            text = ast.copy_location(ast.Constant(name.id), name)
            node.func = ast.copy_location(ast.Call(chooser, [name, text], []), name)
        return node


def _run(code: types.CodeType, names: dict[str, Any]) -> Any:
    value = eval(code, names)  # noqa: S307 - a shell runs what is typed
    if code.co_flags & inspect.CO_COROUTINE:  # there is an await in it
        return pyex.await_(value)
    return value
