"""The functions that only the shell has: names beneath the user's bindings, one module for each family."""

from __future__ import annotations

import types
from typing import Any, Final

import pyex
from shell.helpers import (
    cluster,
    code,
    debugging,
    explaining,
    files,
    help,
    jobs,
    lessons,
    processes,
    session,
    trusting,
    watching,
)

#: The families, in the order in which ``h()`` lists them.
FAMILIES: Final[dict[str, tuple[types.ModuleType, ...]]] = {
    "Learning": (lessons,),
    "Understanding": (explaining, help),
    "Processes": (processes, watching),
    "Debugging": (debugging,),
    "Nodes": (cluster, jobs),
    "Code": (code,),
    "This shell": (session, files, trusting),
}

for _family, _modules in FAMILIES.items():
    help.helpers[_family] = [(name, getattr(one, name)) for one in _modules for name in one.__all__]

help.helpers["Code"].append(("push", pyex.push))

NAMES: Final[dict[str, Any]] = {name: value for found in help.helpers.values() for name, value in found}
