"""Which children are started again, when, with whom, and how often."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyex import (
    ANY,
    ChildSpec,
    Crash,
    Exited,
    GenServer,
    Process,
    ServerDown,
    Supervisor,
    SupervisorSpec,
    receive,
    self,
)
from pyex.otp.restarts import RestartWindow, is_orderly, wants_restart
from tests.core.support import SOON, switching, until
from tests.otp.supervised import (  # noqa: F401 - fixtures
    Scripted,
    Worker,
    _trapping,
    all_news,
    end,
    kill,
    news,
    pids,
    reason_of,
    records,
    worker,
)

IDS = ["a", "b", "c"]
ORDERLY = ["normal", "shutdown", ("shutdown", "anything")]
ABNORMAL = ["boom", "killed", ("shutdown",), ("shutdown", 1, 2), ("stop", "shutdown"), None, Crash(ValueError())]


def downs(*ids, reason="shutdown"):
    return [("down", id, reason) for id in ids]


def ups(*ids):
    return [("up", id) for id in ids]


# 35: how often


@given(st.integers(0, 5), st.floats(0.1, 10), st.lists(st.floats(0, 5), max_size=30))
def test_35_the_window_slides(most, seconds, pauses):
    window = RestartWindow(most, seconds)
    times = list(itertools.accumulate(pauses))
    for number, now in enumerate(times):
        within = [one for one in times[: number + 1] if one >= now - seconds]
        assert window.another(now) == (len(within) <= most)


@pytest.mark.parametrize("most", [0, 1, 3])
def test_35_one_restart_more_than_there_may_be_ends_the_supervisor(most, records):  # noqa: F811
    tree = Supervisor.start_link([worker("a"), worker("b")], max_restarts=most, max_seconds=1000)
    for _ in range(most):
        kill(pids(tree)["a"])
        assert Process.alive(pids(tree)["a"])
    all_news()
    one, other = pids(tree).values()
    kill(one)
    assert receive(Exited(tree), timeout=SOON).reason == "shutdown"
    assert reason_of(other) == "noproc"
    assert all_news() == downs("b")
    assert records.said()[-1] == ("shutdown", "a", "reached_max_restart_intensity")


def test_35_spaced_restarts_never_end_it():
    tree = Supervisor.start_link([worker("a")], max_restarts=1, max_seconds=0.02)
    for _ in range(10):
        kill(pids(tree)["a"])
        assert Process.alive(pids(tree)["a"])
        restarted = time.monotonic()
        while time.monotonic() - restarted < 0.03:
            receive(("never", ANY), timeout=0.01, default=None)
    Supervisor.stop(tree)


def test_35_each_failed_attempt_counts(records):  # noqa: F811
    script = Scripted(True, False, False, False, False)
    tree = Supervisor.start_link([worker("a", script.start)], max_restarts=3, max_seconds=1000)
    kill(pids(tree)["a"])
    assert receive(Exited(tree), timeout=SOON).reason == "shutdown"
    assert script.attempts == [True, False, False, False]
    assert [context for context, *_ in records.said()] == [
        "progress", "child_terminated", "start_error", "start_error", "start_error", "shutdown",
    ]  # fmt: skip


def test_35_a_restart_that_succeeds_in_the_end_goes_on():
    script = Scripted(True, False, False, True)
    tree = Supervisor.start_link([worker("a", script.start)], max_restarts=3, max_seconds=1000)
    assert news() == ("up", "a")
    kill(pids(tree)["a"])
    assert news() == ("up", "a")
    assert Process.alive(pids(tree)["a"])
    Supervisor.stop(tree)


# 36: with whom

RESTARTED = {
    ("one_for_one", "b"): ([], ["b"]),
    ("one_for_all", "b"): (["c", "a"], ["a", "b", "c"]),
    ("rest_for_one", "a"): (["c", "b"], ["a", "b", "c"]),
    ("rest_for_one", "b"): (["c"], ["b", "c"]),
    ("rest_for_one", "c"): ([], ["c"]),
}


@pytest.mark.parametrize(("strategy", "ended"), RESTARTED)
def test_36_who_is_stopped_in_reverse_and_started_in_order(strategy, ended):
    stopped, started = RESTARTED[strategy, ended]
    tree = Supervisor.start_link([worker(id) for id in IDS], strategy=strategy, max_restarts=1000)
    with switching(1e-5):
        for _ in range(200):
            before = pids(tree)
            all_news()
            kill(before[ended])
            after = pids(tree)
            assert all_news() == downs(*stopped) + ups(*started)
            assert [id for id in IDS if after[id] != before[id]] == started
    Supervisor.stop(tree)


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
def test_36_many_restarted_children_are_one_restart(strategy):
    tree = Supervisor.start_link([worker(id) for id in IDS], strategy=strategy, max_restarts=2, max_seconds=1000)
    for _ in range(2):
        kill(pids(tree)["a"])
        assert all(map(Process.alive, pids(tree).values()))
    kill(pids(tree)["a"])
    assert receive(Exited(tree), timeout=SOON).reason == "shutdown"


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
@pytest.mark.parametrize("sibling", IDS)
def test_36_a_sibling_that_fails_during_a_restart_leaves_no_orphan(strategy, sibling):
    outside = set(Process.list())
    script = Scripted(True, False, False, True)
    children = [worker(id, script.start if id == sibling else Worker.start_link) for id in IDS]
    tree = Supervisor.start_link(children, strategy=strategy, max_restarts=3, max_seconds=1000)
    kill(pids(tree)["a"])
    until(lambda: len(script.attempts) >= 2)
    while "restarting" in pids(tree).values():
        pass  # asking gives the supervisor its turn
    assert script.attempts == [True, False, False, True]
    assert set(Process.list()) - outside == {tree, *pids(tree).values()}
    assert all(map(Process.alive, pids(tree).values()))
    Supervisor.stop(tree)
    assert set(Process.list()) <= outside


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
def test_36_siblings_that_end_at_once_leave_no_orphan(strategy):
    outside = set(Process.list())
    tree = Supervisor.start_link([worker(id) for id in IDS], strategy=strategy, max_restarts=10**6)
    with switching(1e-5):
        for _ in range(300):
            victims = pids(tree)
            for id in IDS:
                Process.exit(victims[id], "kill")
            for id in IDS:
                reason_of(victims[id])
    pids(tree)
    assert set(Process.list()) - outside == {tree, *pids(tree).values()}
    Supervisor.stop(tree)
    assert set(Process.list()) <= outside


# 37: when


@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
def test_37_the_restart_type_decides(restart):
    spec = ChildSpec("a", (Worker.start_link, ()), restart=restart)
    for reason in ORDERLY:
        assert is_orderly(reason)
        assert wants_restart(spec, reason) == (restart == "permanent")
    for reason in ABNORMAL:
        assert not is_orderly(reason)
        assert wants_restart(spec, reason) == (restart != "temporary")


@pytest.mark.parametrize("reason", ["normal", "shutdown", ("shutdown", 1), "boom"])
def test_37_real_children_are_restarted_as_their_type_says(reason, records):  # noqa: F811
    types = ["permanent", "transient", "temporary"]
    tree = Supervisor.start_link([worker(type, restart=type) for type in types], max_restarts=10)
    before = pids(tree)
    for type in types:
        end(before[type], reason)
    after = pids(tree)
    assert after["permanent"] not in (None, before["permanent"])
    if reason == "boom":
        assert after["transient"] not in (None, before["transient"])
    else:
        assert after["transient"] is None
    assert "temporary" not in after
    told = [id for context, id, _ in records.said() if context == "child_terminated"]
    assert told == (types if reason == "boom" else ["permanent"])
    Supervisor.stop(tree)


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
def test_37_a_temporary_sibling_is_not_brought_back(strategy):
    children = [worker("a"), worker("b", restart="temporary"), worker("c", restart="transient")]
    tree = Supervisor.start_link(children, strategy=strategy)
    all_news()
    kill(pids(tree)["a"])
    assert [*pids(tree)] == ["a", "c"]
    assert all_news() == [*downs("c", "b"), *ups("a", "c")]
    Supervisor.stop(tree)


def test_37_a_transient_sibling_that_has_ended_is_brought_back_by_one_for_all():
    tree = Supervisor.start_link([worker("a"), worker("b", restart="transient")], strategy="one_for_all")
    end(pids(tree)["b"], "normal")
    assert pids(tree)["b"] is None
    kill(pids(tree)["a"])
    assert Process.alive(pids(tree)["b"])
    Supervisor.stop(tree)


def test_the_caller_of_a_child_that_crashes_finds_the_next_one_with_the_state_it_began_with():
    class Counter(GenServer):
        def init(self, n, items):
            self.n, self.items = n, items

        def handle_call(self, request, caller):
            self.items.append(request)
            raise ValueError(len(self.items))

    tree = Supervisor.start_link([ChildSpec("c", (Counter.start_link, (1, [])))])
    for _ in range(3):
        with pytest.raises(ServerDown) as down:
            GenServer.call(pids(tree)["c"], "x")
        assert down.value.reason == Crash(ValueError(1))  # the arguments are as they were, however they were changed
    Supervisor.stop(tree)


def test_escalation_climbs():
    class Inner(Supervisor):
        def init(self, test):
            return SupervisorSpec([ChildSpec("a", (Worker.start_link, (test, "a")))], max_restarts=0)

    tree = Supervisor.start_link([(Inner, self()), worker("b")], strategy="one_for_all")
    inner = pids(tree)["Inner"]
    all_news()
    kill(pids(inner)["a"])
    assert reason_of(inner) in ("shutdown", "noproc")
    assert pids(tree)["Inner"] != inner
    assert all_news() == [*downs("b"), *ups("a", "b")]
    Supervisor.stop(tree)
