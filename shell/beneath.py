"""Our names lie beneath the bindings: a call of one finds it while the binding cannot be called.

So ``for i in range(3)`` takes ``i(x)`` from nobody.
"""

from __future__ import annotations

from typing import Any, Final

#: The name that the evaluation calls a name of ours by, to be given its binding, or what lies beneath.
CALLABLE: Final = "__callable__"

#: Our names that can be called, and what they are; the preloading fills it.
beneath: Final[dict[str, Any]] = {}


def what_to_call(binding: Any, name: str) -> Any:
    """What is bound to a name of ours, if it can be called, else what lies beneath."""
    return binding if callable(binding) else beneath[name]
