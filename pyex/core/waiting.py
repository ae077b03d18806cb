"""Where code may wait as processes do, and what it is told where it may not."""

from __future__ import annotations

from asyncio import events
from typing import NoReturn

from greenlet import getcurrent

from pyex.core.errors import PyexError
from pyex.core.process import ControlBlock
from pyex.core.scheduler import scheduler_of_thread
from pyex.core.threads import process_here, process_of_coroutine, this_process


def can_wait() -> bool:
    """Whether this code may wait as processes do: it runs as one, or could, and in no coroutine of one."""
    if getattr(getcurrent(), "process", None) is not None:
        return events._get_running_loop() is None  # else it has called asyncio.run()
    return scheduler_of_thread() is None and process_of_coroutine() is None


def about_to_wait(what: str, instead: str) -> ControlBlock:
    """The process this code runs in, for a function that waits; raises where it cannot, naming what can."""
    if process_here() is not None and not can_wait():
        refuse_to_wait(what, instead)
    return this_process()


def refuse_to_wait(what: str, instead: str) -> NoReturn:
    """Raise the error of a function that waits, called in a coroutine."""
    raise PyexError(f"{what} in a coroutine would stop the event loop that runs it. Use {instead}") from None
