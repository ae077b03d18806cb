"""Reports of code that holds its scheduler: foreign code that blocks, where nothing can be interrupted."""

from __future__ import annotations

import linecache
import logging
import os
import types
from pathlib import Path
from typing import Final

from pyex.core.crash import is_runtime
from pyex.core.reports import describe
from pyex.core.safe_points import process_of, processes_part

log = logging.getLogger("pyex.scheduler")

_STANDARD_LIBRARY: Final = str(Path(os.__file__).parent) + os.sep

#: Places that have been reported: each is, once.
_reported: Final[set[tuple[str, int]]] = set()


def report_held(stack: list[types.FrameType]) -> None:
    """Say which process holds its scheduler, at which line, and what to use instead."""
    place = next((frame for frame in processes_part(stack) if not (_is_library(frame) or is_runtime(frame))), None)
    process = process_of(stack)
    if place is None or process is None:
        return
    file, line = place.f_code.co_filename, place.f_lineno or place.f_code.co_firstlineno  # some code has no line
    if (file, line) in _reported:
        return
    _reported.add((file, line))
    source = linecache.getline(file, line, place.f_globals).strip()
    log.warning(
        "%s holds its scheduler: it is at %s:%d, in %s%s\n"
        "The other processes of that scheduler wait meanwhile. To wait, use sleep() or receive(); for a call that "
        "blocks, blocking(fn, *args); for code that often does, spawn(..., thread=True)",
        describe(process), file, line, place.f_code.co_qualname, f": {source}" if source else "",
    )  # fmt: skip


def _is_library(frame: types.FrameType) -> bool:
    file = frame.f_code.co_filename
    return file.startswith((_STANDARD_LIBRARY, "<frozen")) or "site-packages" in file
