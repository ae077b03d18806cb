"""What is done when a process ends, before anybody is told of it: tables that say who is there need it."""

from __future__ import annotations

from collections.abc import Callable

from pyex.core.ids import Pid
from pyex.core.process import processes
from pyex.core.threads import this_process


def on_end(fn: Callable[[Pid], None]) -> bool:
    """Have ``fn(pid)`` called when this process has ended, and before anybody sees that; False if it has ended already.

    For layers that keep a table of processes: when a ``Down`` is seen, the table is to know. It is called wherever
    the end happens, in whatever thread, and is no process's code: it must be short and must not send or wait. What it
    raises is logged. It is called once, however often it was given.
    """
    process = this_process()
    relations = process.relate()
    if fn not in relations.on_end:
        relations.on_end += (fn,)
    # Looked at afterwards: who ends the process takes it out of the table first.
    return processes.get(process.pid.key) is process
