"""``system_info``: what this node's runtime has and does, as a frozen snapshot."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from typing import Any, Final

from pyex.core.heap_limit import resident
from pyex.core.identity import identity
from pyex.core.ids import Port, Ref
from pyex.core.isolation import snapshot_or_text
from pyex.core.process import names, processes
from pyex.core.runtime import MOST_SCHEDULERS, PERHAPS_HELD, runtime
from pyex.core.scheduler import Scheduler
from pyex.core.threads import ThreadOwner
from pyex.core.timers import Timer, timers

_BEGUN: Final = time.monotonic()


@dataclass(frozen=True)
class SchedulerInfo:
    """One scheduler: its processes, how many of them can run, and whether one process has held it for long."""

    number: int
    processes: int
    runnable: int
    held: bool


@dataclass(frozen=True)
class TimerInfo:
    """A message that is still to be sent: to whom, in how many seconds, and every how many if it is an interval."""

    ref: Ref
    dest: Any
    message: Any
    left: float
    every: float | None


@dataclass(frozen=True)
class SystemInfo:
    """What was known of this node's runtime at one moment."""

    node: str | None
    python: str
    os_pid: int
    #: seconds since pyex was imported
    uptime: float
    #: bytes resident; None where the system does not tell
    memory: int | None
    processes: int
    #: of these, those with a thread of their own
    threads: int
    registered: int
    schedulers: tuple[SchedulerInfo, ...]
    #: the schedulers there may be while none is held, and when all are
    usual_schedulers: int
    most_schedulers: int
    ports: tuple[Port, ...]
    timers: tuple[TimerInfo, ...]


def system_info() -> SystemInfo:
    """What this node's runtime has and does: schedulers, ports, timers, memory; a frozen snapshot.

    >>> pyex.system_info().schedulers
    """
    blocks = [*processes.values()]
    owners = [block.owner for block in blocks]
    return SystemInfo(
        node=identity.name,
        python=platform.python_version(),
        os_pid=os.getpid(),
        uptime=time.monotonic() - _BEGUN,
        memory=resident(),
        processes=sum(not isinstance(block.pid, Port) for block in blocks),
        threads=sum(isinstance(owner, ThreadOwner) for owner in owners),
        registered=len(names),
        schedulers=tuple(_scheduler(one, owners) for one in [*runtime.schedulers]),
        usual_schedulers=runtime.usual,
        most_schedulers=MOST_SCHEDULERS,
        ports=tuple(block.pid for block in blocks if isinstance(block.pid, Port)),
        timers=tuple(_timer(ref, timer) for ref, timer in [*timers.items()]),
    )


def _scheduler(scheduler: Scheduler, owners: list[Any]) -> SchedulerInfo:
    queues = (scheduler.ready, scheduler.urgent, scheduler.patient, scheduler.interrupted)
    return SchedulerInfo(
        number=scheduler.number,
        processes=sum(owner is scheduler for owner in owners),
        runnable=sum(map(len, queues)),
        held=scheduler.in_slice and time.monotonic() - scheduler.slice_begun > PERHAPS_HELD,
    )


def _timer(ref: Ref, timer: Timer) -> TimerInfo:
    message = timer.message if timer.every is None else timer.message.copy()
    return TimerInfo(ref, timer.dest, snapshot_or_text(message), timer.left(), timer.every)
