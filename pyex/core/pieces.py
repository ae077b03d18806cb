"""Where the code of a process that ends begins, on a thread that runs one piece of code after the other."""

from __future__ import annotations

import sys
from itertools import takewhile
from types import FrameType
from typing import Final

from pyex.core.ids import Key
from pyex.core.process import ControlBlock
from pyex.core.safe_points import stack_of

#: What runs one piece of other people's code after the other, and goes on when one of them has raised: a prompt, a
#: notebook, a runner of tests, an executor. A process that was ended does not outlive the piece it was ended in.
#: (Python's own prompt before 3.13 has no frame.)
RUNNERS: Final = frozenset(
    (
        "IPython.core.interactiveshell", "_pytest.fixtures", "_pytest.python", "_pytest.runner", "_pytest.unittest", "code",
        "concurrent.futures.thread", "doctest", "idlelib.run", "unittest.case",
    )
)  # fmt: skip

#: Processes whose exit has been raised in the code of their threads, or which have ended while that code has not. Each
#: with the frame at the bottom of the code: until that has returned, what it calls raises the exit; then the process is
#: over, and the thread's next code is another process.
ending: dict[Key, FrameType | None] = {}


def bottom_of(thread_id: int | None) -> FrameType | None:
    """The outermost frame of the piece of code that a thread runs; None while it idles."""
    piece = [*takewhile(lambda frame: frame.f_globals.get("__name__") not in RUNNERS, stack_of(thread_id or 0))]
    return piece[-1] if piece else None


def is_over(process: ControlBlock) -> bool:
    """In a thread: whether the code has returned in which its process was ended."""
    return process.pid.key in ending and not _is_on_stack(ending[process.pid.key])


def _is_on_stack(bottom: FrameType | None) -> bool:
    """Whether that frame is among the callers: while it is, the piece goes on, in its ``finally`` blocks say."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame is not bottom:
        frame = frame.f_back
    return frame is not None
