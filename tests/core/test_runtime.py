"""The set of schedulers: one that was needed only while others were held leaves, once nothing of it is needed."""

import asyncio

import pytest

from pyex import Process, await_, receive, self, send, spawn
from pyex.core import runtime as module
from pyex.core import spawning
from pyex.core.monitor import monitor
from pyex.core.runtime import runtime
from tests.core.support import SOON, ended, scheduler, until


def timer(parent):
    Process.send_after(parent, "it goes on", 0.5)


def task(parent):
    async def later():
        await asyncio.sleep(0.5)
        send(parent, "it goes on")

    async def begin():
        tasks.append(asyncio.create_task(later()))

    await_(begin())


tasks = []  # a module's globals are shared


@pytest.mark.parametrize("leave_behind", [timer, task])
def test_a_scheduler_leaves_only_after_what_its_processes_left_behind(leave_behind, monkeypatch):
    scheduler(runtime.usual - 1)
    extra = runtime._grow()
    ended(spawning.start(spawning.create(leave_behind, (self(),), scheduler=extra)).pid)
    monkeypatch.setattr(module, "UNUSED", 0.01)
    monkeypatch.setattr(module, "LEAVING", 0.01)
    extra.run_on_loop(runtime._leave_when_unused, extra)
    assert receive("it goes on", timeout=SOON) == "it goes on"
    until(lambda: not extra.thread.is_alive())
    assert extra not in runtime.schedulers
    until(lambda: spawn(int) and extra not in monitor._watches, "the monitor's forgetting it")
