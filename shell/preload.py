"""The names a user finds at the prompt, and the module that the user's own names go to.

The preloaded names lie beneath the bindings, among the builtins: ``del spawn`` brings ours back after a
binding of that name, and the bindings hold only what the user has made.
"""

from __future__ import annotations

import builtins
import types
from typing import Any

import pyex
from shell import helpers


def preloaded() -> dict[str, Any]:
    """Python's builtins, all of pyex and the shell's helpers."""
    names = dict(vars(builtins))
    names.update({name: getattr(pyex, name) for name in pyex.__all__})
    names.update({name: getattr(helpers, name) for name in helpers.__all__})
    return names


def new_main_module() -> types.ModuleType:
    """A ``__main__`` for the bindings: a real module, so that what is defined in it can be pickled by name."""
    module = types.ModuleType("__main__", "What was typed at the prompt.")
    vars(module)["__builtins__"] = preloaded()
    return module
