"""The names a user finds at the prompt, and the module that the user's own names go to.

The preloaded names lie beneath the bindings, among the builtins: ``del spawn`` brings ours back after a
binding of that name, and the bindings hold only what the user has made.
"""

from __future__ import annotations

import builtins
import types
from typing import Any, Final

import pyex
from shell import helpers

#: Names that are not Python's at the prompt; ``_`` is the last value.
_OURS: Final = frozenset({*pyex.__all__, *helpers.__all__, "_"})


def preloaded() -> dict[str, Any]:
    """Python's builtins, all of pyex and the shell's helpers."""
    names = dict(vars(builtins))
    names.update({name: getattr(pyex, name) for name in pyex.__all__})
    names.update({name: getattr(helpers, name) for name in helpers.__all__})
    return names


def follow(module: types.ModuleType) -> None:
    """Give the prompt what code has put into Python's own builtins since; ours keep their names."""
    names = vars(module)["__builtins__"]
    names.update({name: value for name, value in vars(builtins).items() if name not in _OURS})


def new_main_module() -> types.ModuleType:
    """A ``__main__`` for the bindings: a real module, so that what is defined in it can be pickled by name."""
    module = types.ModuleType("__main__", "What was typed at the prompt.")
    vars(module)["__builtins__"] = preloaded()
    return module
