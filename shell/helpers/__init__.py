"""The functions that only the shell has: names beneath the user's bindings, one module for each family."""

from __future__ import annotations

import types
from typing import Any, Final

from shell.helpers import files, processes, session

#: The families, in the order in which ``h()`` lists them.
FAMILIES: Final[tuple[types.ModuleType, ...]] = (processes, session, files)

NAMES: Final[dict[str, Any]] = {name: getattr(family, name) for family in FAMILIES for name in family.__all__}
