"""The event loop of a scheduler: asyncio's own, or uvloop, which spends less time between a socket and a process.

``pip install "pyex-otp[uvloop]"`` brings uvloop, and the environment variable ``PYEX_LOOP=uvloop`` has every scheduler
of the program run it, and those of the peers it starts; without the variable, or with ``PYEX_LOOP=asyncio``, it is
asyncio's. All else is the same: uvloop is an asyncio event loop.
"""

from __future__ import annotations

import asyncio
import os
from typing import Final

from pyex.core.errors import PyexError

#: The environment variable that says which.
VARIABLE: Final = "PYEX_LOOP"

#: Seconds that tasks of the loop get to end by themselves when it stops, their connections being closed.
TASKS_END: Final = 0.1


def new_loop() -> asyncio.AbstractEventLoop:
    """A fresh event loop of the kind that is wanted; raises ``PyexError`` if there is none of that kind."""
    kind = os.environ.get(VARIABLE) or "asyncio"
    if kind == "asyncio":
        return asyncio.new_event_loop()
    if kind != "uvloop":
        raise PyexError(f"{VARIABLE} is 'asyncio' or 'uvloop', not {kind!r}")
    try:
        from pyex.core.uv_loop import Loop  # the extra, for those who ask for it
    except ImportError:
        raise PyexError(
            f'{VARIABLE}=uvloop needs uvloop, which is not installed: pip install "pyex-otp[uvloop]", or unset {VARIABLE}'
        ) from None
    return Loop()


async def end_tasks() -> None:
    """Let the loop's tasks end; asyncio complains of those that are dropped."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    if tasks:
        _, left = await asyncio.wait(tasks, timeout=TASKS_END)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
