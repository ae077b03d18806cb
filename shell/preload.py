"""The names a user finds at the prompt, and the module that the user's own names go to.

The preloaded names lie beneath the bindings, among the builtins: ``del spawn`` brings ours back after a
binding of that name, and the bindings hold only what the user has made. While a binding of such a name cannot be
called, a call of it at the prompt still finds ours: ``for i in range(3)`` takes ``i(x)`` from nobody.
"""

from __future__ import annotations

import builtins
import types
from typing import Any, Final

import pyex
from shell import helpers

#: The name that the evaluation calls a name of ours by, to be given its binding, or what lies beneath.
CALLABLE: Final = "__callable__"


def _ours() -> dict[str, Any]:
    """All of pyex and the shell's helpers."""
    names = {name: getattr(pyex, name) for name in pyex.__all__}
    return names | helpers.NAMES


#: Our names that can be called, and what they are.
beneath: Final = {name: value for name, value in _ours().items() if callable(value)}

#: Names that are not Python's at the prompt; ``_`` is the last value, ``__`` the one before.
_OURS: Final = frozenset({*pyex.__all__, *helpers.NAMES, CALLABLE, "_", "__"})


def what_to_call(binding: Any, name: str) -> Any:
    """What is bound to a name of ours, if it can be called, else what lies beneath."""
    return binding if callable(binding) else beneath[name]


def preloaded() -> dict[str, Any]:
    """Python's builtins, all of pyex and the shell's helpers."""
    return {**vars(builtins), **_ours(), CALLABLE: what_to_call}


def follow(module: types.ModuleType) -> None:
    """Give the prompt what code has put into Python's own builtins since; ours keep their names."""
    names = vars(module)["__builtins__"]
    names.update({name: value for name, value in vars(builtins).items() if name not in _OURS})


def new_main_module() -> types.ModuleType:
    """A ``__main__`` for the bindings: a real module, so that what is defined in it can be pickled by name."""
    module = types.ModuleType("__main__", "What was typed at the prompt.")
    vars(module)["__builtins__"] = preloaded()
    return module
