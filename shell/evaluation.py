"""Compiling and running one input."""

from __future__ import annotations
import __future__

import ast
import linecache
import types
from typing import Any

import pyex

_FLAGS = [getattr(__future__, name).compiler_flag for name in __future__.all_feature_names]


class BadInput(Exception):
    """An input that cannot be compiled; ``__cause__`` says why."""


class Code:
    """An input, compiled: what is run, and the final expression whose value is shown."""

    def __init__(self, source: str, number: int, flags: int) -> None:
        # Functions travel to other nodes, where this name must not be that of an input there.
        name = f"<{pyex.Node.self() if pyex.Node.alive() else 'pyex'} {number}>"
        # Tracebacks and inspect.getsource find the lines here. No time of change: never looked for on disk.
        linecache.cache[name] = (len(source), None, [line + "\n" for line in source.splitlines()], name)
        try:
            tree = compile(source, name, "exec", ast.PyCF_ONLY_AST | flags, dont_inherit=True)
            final = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            self.body = compile(tree, name, "exec", flags, dont_inherit=True)
            for flag in _FLAGS:
                flags |= self.body.co_flags & flag
            self.flags = flags
            self.final = None
            if final is not None:
                self.final = compile(ast.Expression(final.value), name, "eval", flags, dont_inherit=True)
        except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError) as error:
            raise BadInput from error

    def run(self, module: types.ModuleType) -> Any:
        """Run it with the bindings of ``module``; the value of its final expression, if it ends in one."""
        namespace = vars(module)
        exec(self.body, namespace)  # noqa: S102 - a shell runs what is typed
        return eval(self.final, namespace) if self.final is not None else None  # noqa: S307
