"""The limits of waits: those of usual lengths share a timer, and each keeps its time."""

import time

import pytest

from pyex import ReceiveTimeout, receive, self, send, spawn
from pyex.core.alarms import USUAL
from tests.core.support import SOON, result_at, scheduler, start_at, until


def pending(before=frozenset()):
    """The alarms of the first scheduler; without those of stacks that earlier tests have had declared dead."""
    queues = scheduler(0).alarms
    return [
        (seconds, who) for seconds, alarms in [*queues.items()] for who in [*alarms.pending] if id(who) not in before
    ]


def now_pending():
    return frozenset(id(who) for _, who in pending())


def test_each_of_many_keeps_its_own_time():
    """They are set one after the other, and some are cancelled: the others come in order, none too early."""
    here, before = self(), now_pending()

    def waiter(number, go):
        begun = time.monotonic()
        try:
            receive(("wake", number), timeout=1)
        except ReceiveTimeout:
            send(here, (number, time.monotonic() - begun))

    def spawner():
        for number in range(60):
            spawn(waiter, number, None)
            if number % 3 == 0:
                spawn(waiter, number, None)
            receive(timeout=0.002, default=None)

    def in_order():
        start_at(0, spawner)
        got = [receive((int, float), timeout=SOON) for _ in range(80)]
        assert all(took >= 1 for _, took in got)
        assert pending(before) == []
        return [number for number, _ in got] == sorted(number for number, _ in got)

    assert any(in_order() for _ in range(5))  # those that begin late, on another scheduler say, are as late in the end


def test_those_that_are_not_needed_are_forgotten_at_once():
    before = now_pending()

    def body():
        for _ in range(3):
            send(self(), "here")
            receive("here", timeout=30)
            receive("never", timeout=0.001, default=None)
        return len(pending(before))

    assert result_at(0, body) == 0
    pid = start_at(0, receive, "never")
    start_at(0, lambda: receive("never", timeout=50))
    until(lambda: [seconds for seconds, _ in pending(before)] == [50])
    assert len([seconds for seconds in scheduler(0).alarms if seconds > USUAL]) == 0
    assert pid


@pytest.mark.parametrize("seconds", [0.05, 1])
def test_a_wait_inside_a_wait_has_a_time_of_its_own(seconds):
    def body():
        def guard(message):
            receive("never", timeout=seconds, default=None)
            return message == "never"

        send(self(), "look at me")
        begun = time.monotonic()
        assert receive(guard, timeout=seconds, default="late") == "late"
        return time.monotonic() - begun

    assert seconds <= result_at(0, body) < 2 * seconds + SOON
