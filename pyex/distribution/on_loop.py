"""Work on the loop of the mesh, asked for by any process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from pyex.core.asking import ask
from pyex.core.ids import Pid, Ref
from pyex.core.runtime import runtime
from pyex.core.signals import answer

#: the loop holds its tasks weakly
_calls: set[asyncio.Task[None]] = set()


def call(make: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run a coroutine there and wait for its result, in a process of any kind; raises what it raises."""
    scheduler = runtime.first()

    def begin(asker: Pid, alias: Ref) -> None:
        task: asyncio.Task[None] = scheduler.loop.create_task(work(asker, alias))
        _calls.add(task)
        task.add_done_callback(_calls.discard)

    async def work(asker: Pid, alias: Ref) -> None:
        try:
            outcome = (True, await make())
        except Exception as error:  # raised again where it belongs
            outcome = (False, error)
        answer(asker, alias, outcome)

    ok, result = ask(lambda process, alias: scheduler.run_on_loop(begin, process.pid, alias))
    if not ok:
        raise result
    return result
