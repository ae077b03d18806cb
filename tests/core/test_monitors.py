"""Monitors: statements 14 to 17 of the behaviour contract, wherever the two processes live."""

import pytest

from pyex import Down, Pid, Process, Ref, exit, receive, self, send, sleep, spawn, spawn_monitor
from pyex.core.identity import identity
from pyex.core.process import processes
from tests.core.support import (
    PLACES,
    SOON,
    dead,
    forever,
    kill,
    messages,
    monitor_at,
    result_at,
    settle,
    start_at,
)


@pytest.fixture(params=PLACES.values(), ids=PLACES)
def places(request):
    """Where the process that acts lives, and where the other one does."""
    return request.param


@pytest.fixture
def many(places):
    return 200 if "thread" in places else 1000


def test_14_monitoring_a_dead_process_gives_noproc(places):
    def body():
        gone = dead(places[1])
        ref = Process.monitor(gone)
        return receive(timeout=SOON) == ("DOWN", ref, "process", gone, "noproc")

    assert result_at(places[0], body)


def test_14_monitoring_a_pid_never_used_gives_noproc():
    ref = Process.monitor(Pid("0.99999999.0"))
    assert receive(Down(ref), timeout=0).reason == "noproc"


def test_14_monitoring_by_name_gives_name_and_node(places):
    def body():
        start_at(places[1], exit_when_told, name="watched")
        ref = Process.monitor("watched")
        send("watched", "over")
        down = receive(Down(ref), timeout=SOON)
        assert down.reason == "over"
        assert down.pid[0] == "watched"
        assert "@" in down.pid[1]
        again = Process.monitor("watched")
        return receive(timeout=SOON) == Down(again, down.pid, "noproc")

    assert result_at(places[0], body)


def exit_when_told():
    exit(receive())


def test_14_a_monitor_by_name_stays_with_the_process():
    first = spawn(exit_when_told, name="moving")
    ref = Process.monitor("moving")
    Process.unregister("moving")
    second = spawn(forever, name="moving")
    assert Process.demonitor(ref, info=True)
    settle(first)
    assert not processes[first.key].watchers
    ref = Process.monitor(("moving", identity.name or "nonode@nohost"))
    send(first, "over")
    kill(second)
    assert receive(Down(ref), timeout=SOON).reason == "killed"


def test_14_a_race_with_the_end_gives_the_reason_or_noproc(places, many):
    def body():
        for turn in range(many):
            pid = start_at(places[1], exit, turn)
            ref = Process.monitor(pid)
            assert receive(Down(ref), timeout=SOON).reason in (turn, "noproc")
        return messages()

    assert result_at(places[0], body) == []


def test_14_what_cannot_be_monitored_is_a_type_error():
    for target in (42, ("a", "b", "c"), None):
        with pytest.raises(TypeError, match=r"Process\.monitor takes"):
            Process.monitor(target)
    assert not processes[self().key].monitors


def test_15_n_monitors_give_n_downs(places):
    def body():
        pid = start_at(places[1], exit_when_told)
        refs = [Process.monitor(pid) for _ in range(100)]
        assert len(set(refs)) == 100
        send(pid, "over")
        downs = [receive(timeout=SOON) for _ in refs]
        return {down.ref for down in downs} == set(refs) and {down.reason for down in downs} == {"over"}

    assert result_at(places[0], body)


def test_15_refs_are_never_reused():
    assert len({Ref() for _ in range(10_000)}) == 10_000


@pytest.mark.parametrize("place", [0, "thread"])
@pytest.mark.parametrize("alias", [None, "explicit_unalias", "reply_demonitor"])
def test_15_monitoring_oneself_makes_a_reference_and_nothing_else(place, alias):
    def body():
        Process.register(self(), "mirror")
        refs = [Process.monitor(target, alias=alias) for target in (self(), "mirror")]
        for ref in refs:
            send(ref, "to an alias that is none")
        return len(set(refs)), [Process.demonitor(ref, info=True) for ref in refs], messages()

    assert result_at(place, body) == (2, [False, False], [])


def test_16_demonitor_ends_a_monitor(places, many):
    def body():
        for _ in range(many):
            pid, ref = monitor_at(places[1], exit_when_told)
            other = Process.monitor(pid)
            assert Process.demonitor(ref, info=True)
            send(pid, "over")
            assert receive(timeout=SOON) == Down(other, pid, "over")
        return messages()

    assert result_at(places[0], body) == []


def test_16_demonitor_leaves_a_queued_down_and_flush_removes_it(places):
    def body():
        pid, ref = monitor_at(places[1], exit_when_told)
        other = Process.monitor(pid)
        third = Process.monitor(pid)
        send(pid, "over")
        receive(Down(third), timeout=SOON)
        assert Process.demonitor(ref) is True
        assert Process.demonitor(ref, info=True) is False
        assert Process.demonitor(ref, info=True) is False
        assert Process.demonitor(other, flush=True) is True
        return messages() == [Down(ref, pid, "over")]

    assert result_at(places[0], body)


def test_16_after_a_flushing_demonitor_nothing_arrives(places, many):
    def body():
        for turn in range(many):
            _, ref = monitor_at(places[1], exit, turn)
            Process.demonitor(ref, flush=True)
            assert messages() == []
        sleep(0.05)
        return messages()

    assert result_at(places[0], body) == []


def test_16_only_the_owner_can_end_a_monitor(places):
    def other(ref, parent):
        send(parent, Process.demonitor(ref, info=True))

    def body():
        pid, ref = monitor_at(places[1], exit_when_told)
        start_at(places[1], other, ref, self())
        assert receive(bool, timeout=SOON) is False
        send(pid, "over")
        return receive(Down(ref), timeout=SOON).reason

    assert result_at(places[0], body) == "over"


def test_17_when_down_is_seen_the_name_is_free_and_alive_is_false(places, many):
    def body():
        for turn in range(many):
            pid = start_at(places[1], exit_when_told, name="seventeen")
            ref = Process.monitor(pid)
            send(pid, turn)
            assert receive(Down(ref), timeout=SOON).reason == turn
            assert Process.whereis("seventeen") is None
            assert not Process.alive(pid)
            assert pid not in Process.list()

    result_at(places[0], body)


def test_spawn_monitor_can_link_too():
    Process.flag("trap_exit", True)
    pid, ref = spawn_monitor(exit, "both", link=True)
    assert sorted([receive(timeout=SOON), receive(timeout=SOON)], key=len) == [
        ("EXIT", pid, "both"),
        ("DOWN", ref, "process", pid, "both"),
    ]


def test_the_monitors_of_an_ended_process_are_gone(places):
    def watch(target, parent):
        Process.monitor(target)
        settle(target)
        send(parent, "watching")

    def body():
        target = start_at(places[1], forever)
        _, ref = monitor_at(places[0], watch, target, self())
        receive("watching", timeout=SOON)
        receive(Down(ref), timeout=SOON)
        settle(target)
        watchers = dict(processes[target.key].watchers or {})
        kill(target)
        return watchers

    assert result_at(places[0], body) == {}


@pytest.mark.parametrize("target", [(1, 2), ("name", 2), ("name",), 5, None])
def test_what_can_be_no_process_is_not_monitored(target):
    with pytest.raises(TypeError, match="a registered name or"):
        Process.monitor(target)
    assert messages() == []
