"""After a fork: the child has the memory of the runtime, and none of its threads.

So it begins without a runtime: no process, no name, no node; the first use starts one of its own. The sockets
that it inherited are closed there, and only there: the node that it was forked from keeps its connections.
"""

from __future__ import annotations

import os
from typing import Any, Final

from pyex.core import moving, timers
from pyex.core.carrier import route
from pyex.core.identity import identity
from pyex.core.interrupts import interrupts
from pyex.core.monitor import monitor
from pyex.core.preemption import hunted
from pyex.core.process import aliases, names, naming, processes
from pyex.core.runtime import runtime
from pyex.core.safe_points import collecting
from pyex.core.threads import forget_threads

#: What the child must never touch, and not even let go: loops whose descriptors are its own no more.
_inherited: Final[list[Any]] = []


def _begin_anew() -> None:
    """In the child, before anything else runs there."""
    for lock in (naming, moving.moving, timers.turn):  # whoever held them is not there to let them go
        lock._at_fork_reinit()  # type: ignore[attr-defined]
    _inherited.append([*processes.values()])  # dropped stacks would be unwound, and their code run once more
    for table in (processes, names, aliases, timers.timers, timers.for_process):
        table.clear()
    identity.name, identity.creation = None, 0
    identity.creations.clear()
    route.close()
    forget_threads()
    collecting.clear()
    hunted.clear()
    interrupts.forget()
    monitor.forget()
    for scheduler in runtime.schedulers:
        _close(scheduler.loop)
    _inherited.append(runtime.schedulers)
    runtime.forget()


def _close(loop: Any) -> None:
    """Put the null device in the place of a loop's descriptors: theirs are closed, and their numbers not free.

    Closing them by their objects would say good-bye to the peers, or take what the parent waits for out of its
    poll; and an object that is dropped later would close a number that somebody else has by then.
    """
    try:
        descriptors = {*getattr(loop, "watched", ())}
        if not hasattr(loop, "watched"):
            selector = loop._selector
            descriptors = {selector.fileno(), *(key.fd for key in selector.get_map().values())}
            descriptors |= {loop._ssock.fileno(), loop._csock.fileno()}
    except (AttributeError, OSError, ValueError, RuntimeError):
        return  # a loop of another kind, or closed
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in descriptors:
        if descriptor >= 0:
            os.dup2(nowhere, descriptor, inheritable=False)
    os.close(nowhere)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
