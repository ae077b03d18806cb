"""The names a user finds at the prompt, and the module that the user's own names go to.

The preloaded names lie beneath the bindings, among the builtins: ``del spawn`` brings ours back after a
binding of that name, and the bindings hold only what the user has made. While a binding of such a name cannot be
called, a call of it at the prompt still finds ours: ``for i in range(3)`` takes ``i(x)`` from nobody.
"""

from __future__ import annotations

import builtins
import types
from typing import Any

import pyex
from shell.beneath import CALLABLE, beneath, what_to_call


def preloaded() -> dict[str, Any]:
    """Python's builtins, all of pyex and the shell's helpers."""
    from shell import helpers  # they use the shell, whose bindings these names lie beneath

    ours = {name: getattr(pyex, name) for name in pyex.__all__} | helpers.NAMES
    beneath.update({name: value for name, value in ours.items() if callable(value)})
    return {**vars(builtins), **ours, CALLABLE: what_to_call}


def helper_name(value: Any) -> str | None:
    """The name of a helper of the shell, if the value is one."""
    from shell import helpers

    return next(
        (name for name, one in helpers.NAMES.items() if one is value and isinstance(one, types.FunctionType)), None
    )


def is_ours(name: str) -> bool:
    """Whether a name at the prompt is not Python's; ``_`` is the last value, ``__`` the one before."""
    return name in beneath or name in pyex.__all__ or name in (CALLABLE, "_", "__")


def follow(module: types.ModuleType) -> None:
    """Give the prompt what code has put into Python's own builtins since; ours keep their names."""
    names = vars(module)["__builtins__"]
    names.update({name: value for name, value in vars(builtins).items() if not is_ours(name)})


def new_main_module() -> types.ModuleType:
    """A ``__main__`` for the bindings: a real module, so that what is defined in it can be pickled by name."""
    module = types.ModuleType("__main__", "What was typed at the prompt.")
    vars(module)["__builtins__"] = preloaded()
    return module
