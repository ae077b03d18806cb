"""Questions of the runtime's own, put to another process or to the loop of the node, and their answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyex.core.ids import Ref, new_ref
from pyex.core.marks import mark
from pyex.core.messaging import select
from pyex.core.patterns import ANY
from pyex.core.process import ControlBlock, aliases
from pyex.core.signals import drop_alias
from pyex.core.waiting import about_to_wait


def ask(put: Callable[[ControlBlock, Ref], None]) -> Any:
    """In a process: put a question, and wait for what is answered to the alias that it is given.

    An interrupt, or an exit, while it waits leaves no answer in the mailbox, now or later.
    """
    process = about_to_wait("To wait for an answer", "`await asyncio.to_thread(...)`, or a process of its own")
    alias = new_ref()
    make_alias(process, alias, "reply")
    mark(process, alias)
    try:
        put(process, alias)
        return select(process, ((alias, ANY),), None, None)[1]
    except BaseException:
        with process.owner.alone():
            answered = not drop_alias(process, alias)
        if answered and process.exiting is None:
            select(process, ((alias, ANY),), 0, None)
        raise


def make_alias(process: ControlBlock, ref: Ref, ends: str) -> None:
    """Make a reference an alias of this process; ``ends`` says by what it ends."""
    if process.aliases is None:
        process.aliases = {}
    process.aliases[ref.key] = ends
    aliases[ref.key] = process.pid
