"""Priorities: high before normal before low, and nobody starves."""

import pytest

from pyex import Process, receive, self, send, sleep, spawn
from tests.core.support import SOON, kill, result_at, start_at


def test_those_of_high_priority_run_first_and_those_of_low_priority_last():
    def body():
        here = self()
        for priority in ("low", "normal", "high"):
            for number in range(3):
                spawn(send, here, (priority, number), priority=priority)
        return [receive(tuple, timeout=SOON) for _ in range(9)]

    expected = [(priority, number) for priority in ("high", "normal", "low") for number in range(3)]
    # The one that spawns them may be interrupted at it.
    assert any(result_at(0, body) == expected for _ in range(5))


@pytest.mark.parametrize(("busy", "other"), [("high", "normal"), ("high", "low"), ("normal", "low")])
def test_nobody_starves_beside_those_of_higher_priority(busy, other):
    def hog():
        while True:
            pass

    def body():
        here = self()
        talkers = [spawn(lambda: [sleep(0) for _ in iter(int, 1)], priority=busy) for _ in range(3)]
        hogs = [spawn(hog, priority=busy) for _ in range(2)]
        for number in range(10):
            spawn(send, here, number, priority=other)
        got = sorted(receive(int, timeout=SOON) for _ in range(10))
        kill(*talkers, *hogs)
        return got

    assert result_at(0, body) == list(range(10))


def test_a_hog_of_low_priority_gets_little_and_one_of_high_priority_much():
    def hog(parent, tag):
        turns = 0
        while True:
            for _ in range(20_000):
                pass
            turns += 1
            send(parent, (tag, turns))

    def body():
        here = self()
        Process.flag("priority", "high")
        hogs = [spawn(hog, here, tag, priority=tag) for tag in ("low", "normal")]
        receive(("low", 3), timeout=SOON * 2)
        done = {"low": 3}
        while (got := receive(tuple, timeout=0, default=None)) is not None:
            done[got[0]] = got[1]
        kill(*hogs)
        return done

    done = result_at(0, body)
    assert done["low"] < done["normal"]


def test_a_process_changes_its_own_priority():
    def body():
        assert Process.flag("priority", "high") == "normal"
        sleep(0)
        assert Process.flag("priority", "low") == "high"
        sleep(0)
        assert Process.info(self()).priority == "low"
        return Process.flag("priority", "normal")

    assert result_at(0, body) == "low"


def test_high_priority_is_woken_amid_the_work_of_others():
    def body():
        here = self()
        order = []

        def urgent():
            send(here, receive())

        pid = spawn(urgent, priority="high")
        sleep(0)
        for number in range(200):
            spawn(send, here, number)
        spawn(send, pid, "urgent")
        for number in range(200, 400):
            spawn(send, here, number)
        order = [receive(timeout=SOON) for _ in range(401)]
        return order.index("urgent")

    # The one that spawns them may be interrupted at it.
    assert any(result_at(0, body) <= 210 for _ in range(5))


def test_on_a_thread_a_priority_is_only_kept():
    pid = start_at("thread", receive)
    assert Process.info(pid).priority == "normal"
    other = spawn(receive, thread=True, priority="high")
    assert Process.info(other).priority == "high"
    kill(pid, other)
