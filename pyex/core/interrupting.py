"""An interrupt for a process that has a thread of its own, as Ctrl-C is one for the main thread."""

from __future__ import annotations

from pyex.core.ids import Pid
from pyex.core.monitor import monitor
from pyex.core.process import processes
from pyex.core.threads import ThreadOwner


def interrupt(pid: Pid) -> None:
    """Raise ``KeyboardInterrupt`` in a process of this node that was spawned with ``thread=True``; it may go on.

    Where it waits, or in the code it runs, as soon as it is at a place where that is safe. A call of C code is none: then
    the interrupt waits until that returns (see ``interrupt_waits``). Nothing happens to a process that has ended.

    >>> pid = spawn(work, thread=True)
    >>> pyex.interrupt(pid)
    """
    owner = _owner(pid)
    if owner is not None:
        owner.interrupted = True
        monitor.hunt(owner)
        if owner._parked:
            owner._parking.ring()


def interrupt_waits(pid: Pid) -> bool:
    """Whether the code of a process has not come to take its interrupt yet."""
    owner = _owner(pid)
    return owner is not None and owner.interrupted


def _owner(pid: Pid) -> ThreadOwner | None:
    process = processes.get(pid.key)
    if process is None:
        return None
    if not isinstance(process.owner, ThreadOwner):
        raise TypeError(f"{pid!r} has no thread of its own to be interrupted: Process.exit(pid, reason) ends it")
    return process.owner
