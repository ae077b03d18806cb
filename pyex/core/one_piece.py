"""What must happen in one piece of C code: no other thread's, and no Python code runs in between.

Between two steps of Python code another thread may have its turn; inside C functions that call each other it may not. But
in Python 3.11 a collection of garbage begins in the midst of C code too, and its callbacks and finalizers
are Python code. Under ``sys._current_frames``, which holds a lock of the interpreter's meanwhile, that stops the whole
program for ever, once another thread that has its turn there starts a thread. So there is no collection meanwhile.
"""

from __future__ import annotations

import gc
import sys
import types
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, compress, starmap


def in_one_piece(steps: Iterable[object]) -> None:
    """Exhaust an iterator that consists of C functions and nothing else."""
    enabled: list[bool] = []
    deque(
        chain(
            map(enabled.append, starmap(gc.isenabled, [()])),
            starmap(gc.disable, [()]),
            steps,
            starmap(gc.enable, compress([()], enabled)),
        ),
        maxlen=0,
    )


def frames_of(thread_id: int) -> Iterator[types.FrameType]:
    """The innermost frame that a thread is in, if there is such a thread; to be looked up :func:`in_one_piece`."""
    return filter(None, map(dict.get, starmap(sys._current_frames, [()]), [thread_id]))


def frame_of(thread_id: int) -> types.FrameType | None:
    """The innermost frame that a thread is in; None if there is no such thread."""
    found: list[types.FrameType] = []
    in_one_piece(starmap(found.extend, [(frames_of(thread_id),)]))
    return found[0] if found else None
