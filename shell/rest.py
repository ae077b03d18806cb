"""Waiting until nothing happens any more: what processes have to print has been printed then."""

from __future__ import annotations

import time
from typing import Final

from pyex import Pid, Process, self, sleep

#: The work, as ``Process.info`` counts it, after which a process is taken for one that never gives way: 100 milliseconds.
LONG: Final = 400_000

#: More processes than this are not asked, one by one, what they do.
MANY: Final = 2_000


def come_to_rest(seconds: float) -> bool:
    """Wait until all other processes of this node wait, or compute for ever; False if that takes longer."""
    deadline = time.monotonic() + seconds
    quiet = 0
    while quiet < 2:  # what one has told another while this looked at a third is seen the second time
        if time.monotonic() > deadline:
            return False
        pids = Process.list()
        if len(pids) > MANY:
            return False
        quiet = 0 if any(_busy(pid) for pid in pids if pid != self()) else quiet + 1
        sleep(0.001)
    return True


def _busy(pid: Pid) -> bool:
    info = Process.info(pid)
    if info is None:
        return pid in Process.list()  # it has still to end
    return info.status != "waiting" and info.reductions < LONG
