"""Processes started by other nodes."""

from __future__ import annotations

from pyex.core.carrier import Parcel
from pyex.core.ids import Pid, Ref
from pyex.core.isolation import share
from pyex.core.scheduler import Scheduler
from pyex.core.signals import SPAWN_REPLY, signal
from pyex.core.spawning import create, start
from pyex.core.threads import process_here


def spawn_here(
    parcel: Parcel, scheduler: Scheduler, parent: Pid, ref: Ref, leader: Pid | None, link: bool, monitor: bool
) -> Pid:
    """Start a process for another node, on the scheduler of its connection, and tell the parent its pid."""
    process = create(_run_parcel, (share(parcel),), scheduler=scheduler, leader=leader)
    process.parent = parent
    if link:
        process.link_to(parent)
    if monitor:
        process.watchers = {ref.key: (parent, ref, process.pid)}
    signal(parent, SPAWN_REPLY, (process.pid, ref, link, monitor))
    start(process)
    return process.pid


def _run_parcel(parcel: Parcel) -> None:
    """What such a process runs: the function is decoded in the process itself."""
    fn, args = parcel.open()
    process = process_here()
    if process is not None:
        process.initial_call = fn
    fn(*args)
