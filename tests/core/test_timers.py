"""Timers: statement 21 of the behaviour contract."""

import logging
import threading
import time

import pytest

from pyex import Down, NotSendable, Process, ReceiveTimeout, Ref, receive, run, self, send, share, spawn, spawn_monitor
from pyex.core.timers import for_process, timers
from tests.core.support import SOON, forever, kill, messages, result_at, switching, until


@pytest.fixture(params=[0, 1, "thread"])
def place(request):
    return request.param


def test_21_a_timer_sends_its_message_no_sooner_than_asked(place):
    def body():
        begun = time.monotonic()
        Process.send_after(self(), "tick", 0.05)
        assert receive(timeout=SOON) == "tick"
        return time.monotonic() - begun

    assert 0.05 <= result_at(place, body) < 0.05 + SOON
    assert not timers


def test_21_a_cancelled_timer_never_fires(place):
    def body():
        left = [Process.cancel_timer(Process.send_after(self(), "tick", 0.01)) for _ in range(1000)]
        Process.send_after(self(), "last", 0.05)
        receive("last", timeout=SOON)
        fired = messages()
        assert len(fired) <= left.count(None)  # on a busy machine some may be due before they can be cancelled
        return [seconds for seconds in left if seconds is not None]

    assert all(0 <= left <= 0.01 for left in result_at(place, body))


def test_21_a_cancel_that_comes_too_late_says_so(place):
    def body():
        ref = Process.send_after(self(), "tick", 0)
        assert receive(timeout=SOON) == "tick"
        return Process.cancel_timer(ref), Process.read_timer(ref), Process.cancel_timer(Ref())

    assert result_at(place, body) == (None, None, None)


def test_21_a_message_or_the_time_left_never_both_nor_neither(place):
    """Cancelling races with firing: 1,000 times exactly one of them wins."""

    def body():
        outcomes = []
        for _ in range(1000):
            ref = Process.send_after(self(), "tick", 0.0002)
            threading.Event().wait(0.0001)  # blocks the scheduler: the timer may be due by now
            left = Process.cancel_timer(ref)
            outcomes.append(left is not None)
            if left is None:
                assert receive(timeout=SOON) == "tick"
        assert messages() == []
        return outcomes

    result_at(place, body)


def test_21_timers_fire_in_the_order_of_their_times(place):
    def body():
        for number in range(1000):
            Process.send_after(self(), number, 0.01)
        assert [receive(timeout=SOON) for _ in range(1000)] == list(range(1000))
        due = {}
        for number in reversed(range(50)):
            ref = Process.send_after(self(), number, 0.5 + number / 1000)  # all are set before the first is due
            due[number] = timers[ref].at  # a machine that is busy may pause between two
        assert [receive(timeout=SOON) for _ in range(50)] == sorted(due, key=due.get)

    result_at(place, body)


def test_21_a_name_is_resolved_when_the_timer_fires(place):
    def body():
        Process.send_after("never", "tick", 0.01)
        timer = Process.send_after("later", "tick", 0.02)
        Process.register(self(), "later")
        while Process.read_timer(timer) is None:  # it was due before that, on a machine that is busy
            messages()
            Process.unregister("later")
            timer = Process.send_after("later", "tick", 0.02)
            Process.register(self(), "later")
        assert receive(timeout=SOON) == "tick"

    result_at(place, body)


def test_a_timer_outlives_its_maker_and_a_dead_receiver_harms_nobody(place):
    def body():
        here = self()
        _, ref = spawn_monitor(lambda: Process.send_after(here, "from the dead", 0.02))
        assert receive(Down(ref), timeout=SOON).reason == "normal"
        victim = spawn(forever)
        Process.send_after(victim, "lost", 0.01)
        kill(victim)
        assert receive(timeout=SOON) == "from the dead"

    result_at(place, body)


def test_the_message_is_a_snapshot_of_when_it_was_asked_for(place):
    def body():
        message = [1]
        Process.send_after(self(), message, 0.01)
        message.append(2)
        assert receive(timeout=SOON) == [1]

    result_at(place, body)


def test_an_interval_comes_again_until_it_is_cancelled(place):
    def body():
        begun = time.monotonic()
        ref = Process.send_interval(self(), ["tick"], 0.01)
        for _ in range(5):
            receive(timeout=SOON).append("own")
        assert time.monotonic() - begun >= 0.05
        assert 0 <= Process.read_timer(ref) <= 0.01
        assert Process.cancel_timer(ref) is not None
        messages()
        with pytest.raises(ReceiveTimeout):
            receive(timeout=0.03)
        return Process.read_timer(ref)

    assert result_at(place, body) is None
    assert not timers


def test_read_timer_tells_the_time_left():
    ref = Process.send_after("nobody", "tick", 100)
    assert 99 < Process.read_timer(ref) <= 100
    assert 99 < Process.cancel_timer(ref) <= 100


@pytest.mark.parametrize("bad", [-1, -0.001, float("nan")])
def test_a_time_that_is_past_is_a_value_error(bad):
    with pytest.raises(ValueError, match="cannot wait"):
        Process.send_after("nobody", "tick", bad)
    with pytest.raises(ValueError, match="cannot wait"):
        Process.send_interval("nobody", "tick", 0)


def test_what_cannot_be_is_refused_at_once():
    with pytest.raises(TypeError, match="number of seconds"):
        Process.send_after("nobody", "tick", "soon")
    with pytest.raises(TypeError, match="a timer sends to"):
        Process.send_after(5, "tick", 1)
    with pytest.raises(TypeError, match="a timer sends to"):
        Process.send_after(("a", 1), "tick", 1)
    with pytest.raises(NotSendable):
        Process.send_after("nobody", threading.Lock(), 1)
    assert not timers


def test_a_timer_of_another_thread_reaches_a_process():
    def main():
        here = self()
        threading.Thread(target=lambda: send(here, Process.send_after(here, "tick", 0.01))).start()
        assert receive(Ref, timeout=SOON)
        return receive(timeout=SOON)

    assert run(main) == "tick"


def test_what_is_shared_arrives_itself_each_time(place):
    def body():
        lock = threading.Lock()
        Process.send_after(self(), ["once", share(lock)], 0.01)
        assert receive(timeout=SOON)[1] is lock
        ref = Process.send_interval(self(), ["again", share(lock)], 0.01)
        one, other = receive(timeout=SOON), receive(timeout=SOON)
        Process.cancel_timer(ref)
        assert one is not other
        assert one[1] is lock
        assert other[1] is lock

    result_at(place, body)


class Once:
    """It can be copied when the timer starts, and never again."""

    copied = 0

    def __reduce__(self):
        Once.copied += 1
        if Once.copied > 1:
            raise ValueError("no more copies")
        return Once, ()


def test_a_message_that_fails_is_reported_and_ends_its_interval(caplog):
    logging.getLogger("pyex").setLevel(logging.ERROR)
    Once.copied = 0
    Process.send_interval(self(), Once(), 0.01)
    until(lambda: "could not be sent: NotSendable" in caplog.text)
    assert not timers
    assert not [record for record in caplog.records if record.name == "asyncio"]


def test_21_a_timer_ends_with_the_process_it_is_for_as_in_erlang(place):
    def body():
        pid = spawn(forever)
        refs = [Process.send_after(pid, "late", 1000), Process.send_interval(pid, "late", 1000)]
        assert Process.read_timer(refs[0]) is not None
        kill(pid)
        refs.append(Process.send_after(pid, "too late", 1000))
        assert [Process.read_timer(ref) for ref in refs] == [None] * 3
        assert [Process.cancel_timer(ref) for ref in refs] == [None] * 3
        ref = Process.send_after(self(), "in time", 0.001)
        assert receive(timeout=SOON) == "in time"
        assert Process.cancel_timer(ref) is None
        return dict(timers), dict(for_process)

    assert result_at(place, body) == ({}, {})


def test_an_interval_ends_with_the_process_it_is_for(place):
    def body():
        pid = spawn(forever)
        Process.send_interval(pid, "tick", 0.005)
        kill(pid)
        until(lambda: not timers)

    result_at(place, body)


def test_21_a_cancelled_interval_never_fires_again(place):
    def body():
        for _ in range(300):
            ref = Process.send_interval(self(), "tick", 0.0005)
            receive(timeout=SOON)
            assert Process.cancel_timer(ref) is not None
            messages()
            assert receive(timeout=0.001, default=None) is None

    with switching(1e-5):
        result_at(place, body)
