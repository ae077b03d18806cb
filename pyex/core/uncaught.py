"""What is printed when a program ends because its main thread's process was ended."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Final

from pyex.core.crash import Crash, format_user_traceback
from pyex.core.errors import Terminated

_INSTEAD: Final = (
    'To be told of such an end instead: Process.flag("trap_exit", True). Not to be linked at all: start instead of '
    "start_link, spawn instead of spawn_link, TaskSupervisor.async_nolink and async_stream_nolink"
)

_installed = False


def install() -> None:
    """Once: tell of an exit that nothing has caught in few words; of all else whoever did so before tells."""
    global _installed
    if _installed:
        return
    _installed = True
    before = sys.excepthook

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, Terminated) and sys.stderr is not None:
            sys.stderr.write(text_of(error))
        else:
            before(kind, error, trace)

    sys.excepthook = tell


def text_of(error: Terminated) -> str:
    """The traceback as far as it is the user's, and why the process ended that the code was."""
    text = "".join(format_user_traceback(error))
    if error.linked is None:
        return text
    how = "crashed" if isinstance(error.reason, Crash) else "ended"
    return f"{text}This process ended because {error.linked!r}, which it was linked to, {how}. {_INSTEAD}.\n"
