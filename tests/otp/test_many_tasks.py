"""Waiting for many tasks: the values of all, or how far each has come."""

import pytest

import pyex
from pyex import (
    Exited,
    Process,
    Task,
    TaskDown,
    TaskTimeout,
    receive,
    send,
    sleep,
)
from tests.core.support import SOON, ended, messages


def gated(value):
    """A task that is done when it is sent ``go``."""
    task = Task.async_(lambda: (receive("go"), value)[1])
    return task, lambda: send(task.pid, "go")


def test_await_many_gives_values_in_order():
    tasks = [Task.async_(lambda n=n: sleep((5 - n) / 100) or n) for n in range(5)]
    assert Task.await_many(tasks, SOON) == [0, 1, 2, 3, 4]
    assert Task.await_many([]) == []
    assert messages() == []


def test_await_many_fails_with_the_first_that_fails_and_drops_the_others():
    Process.flag("trap_exit", True)
    slow, go = gated("slow")
    quick = Task.async_(lambda: 1)
    with pytest.raises(TaskDown) as caught:
        Task.await_many([slow, quick, Task.async_(pyex.exit, "bored")], SOON)
    assert caught.value.reason == "bored"
    go()
    ended(slow.pid, quick.pid)
    assert [message for message in messages() if type(message) is not Exited] == []


def test_await_many_has_one_time_for_all():
    slow, go = gated("slow")
    with pytest.raises(TaskTimeout, match="still run"):
        Task.await_many([Task.async_(lambda: 1), slow], 0.05)
    go()
    ended(slow.pid)
    assert messages() == []


def test_yield_many_tells_how_each_went():
    Process.flag("trap_exit", True)
    slow, go = gated("slow")
    tasks = [Task.async_(lambda: 1), Task.async_(pyex.exit, "bored"), slow]
    ended(tasks[0].pid, tasks[1].pid)
    assert Task.yield_many(tasks, 0) == [(tasks[0], ("ok", 1)), (tasks[1], ("exit", "bored")), (slow, None)]
    go()
    assert Task.yield_many([slow], SOON) == [(slow, ("ok", "slow"))]


def test_yield_many_with_a_limit_and_for_those_that_are_late():
    slow, _ = gated("slow")
    assert Task.yield_many([slow, Task.async_(lambda: 1)], None, limit=1)[0] == (slow, None)
    assert Process.alive(slow.pid)
    assert Task.yield_many([slow], 0.01, on_timeout="kill_task") == [(slow, None)]
    assert not Process.alive(slow.pid)
    slow, go = gated("slow")
    assert Task.yield_many([slow], 0.01, on_timeout="ignore") == [(slow, None)]
    go()
    ended(slow.pid)
    assert messages() == []
    for options in ({"limit": 0}, {"limit": True}, {"on_timeout": "kill"}):
        with pytest.raises(ValueError):
            Task.yield_many([], **options)
