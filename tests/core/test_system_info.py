"""What a node's runtime tells of itself."""

import os

import pyex
from pyex import Port, Process, receive, self, spawn


def test_it_counts_processes_and_schedulers():
    before = pyex.system_info()
    pids = [spawn(receive) for _ in range(3)]
    info = pyex.system_info()
    assert info.processes == before.processes + len(pids)
    assert sum(one.processes for one in info.schedulers) >= 3
    assert info.os_pid == os.getpid()
    assert info.memory is None or info.memory > 1_000_000


def test_it_lists_timers_until_they_fire():
    once = Process.send_after(self(), ["later"], 60)
    often = Process.send_interval(self(), ["again"], 90)
    known = {timer.ref: timer for timer in pyex.system_info().timers}
    assert known[once].message == ["later"]
    assert 0 < known[once].left <= 60
    assert (known[often].every, known[often].message, known[often].dest) == (90, ["again"], self())
    Process.cancel_timer(once)
    Process.cancel_timer(often)
    assert not {once, often} & {timer.ref for timer in pyex.system_info().timers}


def test_it_lists_ports_and_does_not_count_them_as_processes():
    before = pyex.system_info()
    port = Port.open(["cat"])
    info = pyex.system_info()
    assert port in info.ports
    assert info.processes == before.processes
    Port.close(port)
    assert port not in pyex.system_info().ports


def test_it_is_frozen():
    import dataclasses

    import pytest

    with pytest.raises(dataclasses.FrozenInstanceError):
        pyex.system_info().processes = 0
