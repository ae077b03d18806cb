"""Which imported modules have changed in their files, and taking them in again."""

from __future__ import annotations

import importlib
import os
import sys
import sysconfig
import types
from pathlib import Path
from typing import Any, Final

#: Where modules lie that nobody edits while a shell runs.
_INSTALLED: Final = tuple({os.path.normcase(path) for name, path in sysconfig.get_paths().items() if "lib" in name})

#: For each module of the user's: when its file was written that it was imported from.
_written: Final[dict[str, float]] = {}

#: Modules that were looked at.
_seen: Final[set[str]] = set()


def note_imports() -> None:
    """After each input: remember what the files of the modules imported by it were."""
    if len(_seen) == len(sys.modules):
        return
    for name in [name for name in sys.modules if name not in _seen]:
        _seen.add(name)
        written = _when_written(sys.modules.get(name))
        if written is not None:
            _written[name] = written


def _when_written(module: Any) -> float | None:
    file = getattr(getattr(module, "__spec__", None), "origin", None)
    if not isinstance(file, str) or not file.endswith(".py") or os.path.normcase(file).startswith(_INSTALLED):
        return None
    try:
        return Path(file).stat().st_mtime
    except OSError:
        return None


def changed() -> list[types.ModuleType]:
    """The modules whose files were written since, those imported first before the others."""
    found = []
    for name, written in _written.items():
        module = sys.modules.get(name)
        now = _when_written(module)
        if module is not None and now is not None and now != written:
            found.append(module)
    return found


def reload_module(module: types.ModuleType, namespace: dict[str, Any]) -> types.ModuleType:
    """Import it anew, and bind in ``namespace`` what was bound there of it."""
    importlib.invalidate_caches()
    _forget_bytecode(module)
    old = {id(value): name for name, value in vars(module).items() if callable(value)}
    fresh = importlib.reload(module)
    for name, value in [*namespace.items()]:
        attribute = old.get(id(value))
        if (
            attribute is not None
            and getattr(value, "__module__", None) == module.__name__
            and hasattr(fresh, attribute)
        ):
            namespace[name] = getattr(fresh, attribute)
    written = _when_written(fresh)
    if written is not None:
        _written[module.__name__] = written
    return fresh


def _forget_bytecode(module: types.ModuleType) -> None:
    """Python takes what it has compiled for current if the file has the same size, and was written in the same second."""
    cached = getattr(module.__spec__, "cached", None)
    if cached is not None:
        try:
            Path(cached).unlink()
        except OSError:
            pass  # there is none
