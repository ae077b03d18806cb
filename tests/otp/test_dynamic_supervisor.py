"""Children that are started on request: DynamicSupervisor and simple_one_for_one."""

import pytest

from pyex import (
    ANY,
    ChildSpec,
    Down,
    DynamicSupervisor,
    DynamicSupervisorSpec,
    Exited,
    Ignore,
    Process,
    StartError,
    Supervisor,
    SupervisorError,
    receive,
    self,
    send,
)
from tests.core.support import SOON, until
from tests.otp.supervised import (  # noqa: F401 - fixtures
    Scripted,
    Worker,
    _trapping,
    all_news,
    end,
    kill,
    news,
    reason_of,
    records,
    worker,
)

KINDS = ["DynamicSupervisor", "simple_one_for_one"]


def tree_of(kind, start=Worker.start_link, fields=None, **options):
    """A supervisor, and what starts a child of it with that id."""
    fields = fields or {}
    if kind == "DynamicSupervisor":
        tree = DynamicSupervisor.start_link(**options)
        return tree, lambda name: DynamicSupervisor.start_child(tree, worker(name, start, **fields))
    spec = ChildSpec("any", (start, (self(),)), **fields)
    tree = Supervisor.start_link([spec], strategy="simple_one_for_one", **options)
    return tree, lambda name: Supervisor.start_child(tree, [name])


def living(tree):
    return {child.pid for child in Supervisor.which_children(tree)}


@pytest.mark.parametrize("kind", KINDS)
def test_39_children_stop_all_at_once(kind):
    class Together(Worker):
        def terminate(self, reason):
            send(self.test, ("stopping", self.id, self()))
            receive("all are", timeout=SOON)

    for _ in range(20):
        tree, start = tree_of(kind, Together.start_link, {"shutdown": None})
        children = [start(id) for id in range(20)]
        Process.exit(tree, "shutdown")
        stopping = [receive(("stopping", ANY, ANY), timeout=SOON) for _ in children]  # each waits for the last
        for pid in {pid for _, _, pid in stopping}:
            send(pid, "all are")
        assert receive(Exited(tree), timeout=SOON).reason == "shutdown"
        assert not any(map(Process.alive, children))
    all_news()


@pytest.mark.parametrize("kind", KINDS)
def test_39_those_that_ignore_it_are_killed_after_one_time_for_all(kind, records):  # noqa: F811
    class Deaf(Worker):
        def terminate(self, reason):
            receive("never")

    tree, start = tree_of(kind, Deaf.start_link, {"shutdown": 0.1})
    refs = [Process.monitor(start(id)) for id in range(30)]
    Supervisor.stop(tree, timeout=SOON)
    assert {receive(Down(ref), timeout=SOON).reason for ref in refs} == {"killed"}
    assert sum(context == "shutdown_error" for context, *_ in records.said()) == 30
    all_news()


def test_39_each_has_its_own_time_under_a_dynamic_supervisor():
    class Waits(Worker):
        def terminate(self, reason):
            send(self.test, ("stopping", self.id, self()))
            receive("go on")

    tree = DynamicSupervisor.start_link()
    patient = DynamicSupervisor.start_child(tree, worker("patient", Waits.start_link, shutdown=None))
    brutal = DynamicSupervisor.start_child(tree, worker("brutal", Waits.start_link, shutdown="brutal_kill"))
    hasty = DynamicSupervisor.start_child(tree, worker("hasty", Waits.start_link, shutdown=0.01))
    refs = {pid: Process.monitor(pid) for pid in (patient, brutal, hasty)}
    Process.exit(tree, "shutdown")
    assert receive(Down(refs[brutal]), timeout=SOON).reason == "killed"
    assert receive(Down(refs[hasty]), timeout=SOON).reason == "killed"
    send(patient, "go on")
    assert receive(Down(refs[patient]), timeout=SOON).reason == "shutdown"
    assert receive(Exited(tree), timeout=SOON).reason == "shutdown"


@pytest.mark.parametrize("kind", KINDS)
def test_a_child_is_restarted_by_itself(kind):
    tree, start = tree_of(kind)
    children = [start(id) for id in "abc"]
    all_news()
    kill(children[1])
    assert len(living(tree)) == 3
    assert living(tree) & set(children) == {children[0], children[2]}
    assert all_news() == [("up", "b")]
    Supervisor.stop(tree)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
@pytest.mark.parametrize("reason", ["normal", ("shutdown", 1), "boom"])
def test_one_that_has_ended_for_good_is_forgotten(kind, restart, reason):
    tree, start = tree_of(kind, fields={"restart": restart})
    child = start("a")
    end(child, reason)
    restarted = restart == "permanent" or (restart == "transient" and reason == "boom")
    assert len(living(tree)) == restarted
    assert child not in living(tree)
    Supervisor.stop(tree)


@pytest.mark.parametrize("kind", KINDS)
def test_too_many_restarts_end_it(kind):
    tree, start = tree_of(kind, max_restarts=2, max_seconds=1000)
    other = start("other")
    for _ in range(2):
        kill(start("a"))
        assert len(living(tree)) >= 2
    kill(start("a"))
    assert receive(Exited(tree), timeout=SOON).reason == "shutdown"
    assert reason_of(other) == "noproc"


@pytest.mark.parametrize("kind", KINDS)
def test_40_a_restart_that_fails_is_tried_again_and_can_be_stopped(kind):
    script = Scripted(True, False, False, True, *[False] * 1_000_000)
    tree, start = tree_of(kind, script.start, max_restarts=10**9)
    child = start("a")
    all_news()
    kill(child)
    assert news() == ("up", "a")
    (again,) = living(tree)
    assert again != child
    kill(again)
    until(lambda: len(script.attempts) > 10)
    assert living(tree) == {"restarting"}
    assert Supervisor.count_children(tree).active == 0
    Supervisor.terminate_child(tree, again)  # it is known by its last pid
    attempts = len(script.attempts)
    assert living(tree) == set()
    assert len(script.attempts) == attempts
    Supervisor.stop(tree)


@pytest.mark.parametrize("kind", KINDS)
def test_a_child_that_is_not_wanted_is_not_kept(kind):
    class Ignored(Worker):
        def init(self, test, id):
            return Ignore()

    tree, start = tree_of(kind, Ignored.start_link)
    assert start("a") is None
    assert living(tree) == set()
    Supervisor.stop(tree)


def test_a_restart_may_find_that_it_is_not_wanted():
    wanted = [True]
    tree = DynamicSupervisor.start_link()
    spec = ChildSpec("a", (lambda test: Worker.start_link(test, "a") if wanted.pop() else None, (self(),)))
    child = DynamicSupervisor.start_child(tree, spec)
    wanted.append(False)
    kill(child)
    assert living(tree) == set()
    Supervisor.stop(tree)


@pytest.mark.parametrize("kind", KINDS)
def test_41_terminate_child_takes_a_pid(kind):
    tree, start = tree_of(kind)
    child = start("a")
    assert Supervisor.terminate_child(tree, child) is None
    assert living(tree) == set()
    assert reason_of(child) == "noproc"
    with pytest.raises(SupervisorError) as refused:
        Supervisor.terminate_child(tree, self())
    assert refused.value.reason == "not_found"
    if kind == "simple_one_for_one":
        assert Supervisor.terminate_child(tree, child) is None  # as in OTP, one that is dead is fine
    else:
        with pytest.raises(SupervisorError) as refused:
            DynamicSupervisor.terminate_child(tree, child)
        assert refused.value.reason == "not_found"
    Supervisor.stop(tree)


def test_41_simple_one_for_one_refuses_what_needs_ids():
    tree, start = tree_of("simple_one_for_one")
    start("a")
    for call in (Supervisor.terminate_child, Supervisor.restart_child, Supervisor.delete_child):
        with pytest.raises(SupervisorError) as refused:
            call(tree, "a")
        assert refused.value.reason == "simple_one_for_one"
    with pytest.raises(SupervisorError, match="start_child takes a list"):
        Supervisor.start_child(tree, Worker)
    with pytest.raises(SupervisorError, match="has one child specification"):
        Supervisor.start_link([], strategy="simple_one_for_one")
    assert Supervisor.count_children(tree) == (1, 1, 0, 1)
    start("b")
    assert Supervisor.count_children(tree) == (1, 2, 0, 2)
    assert [(child.id, child.type) for child in Supervisor.which_children(tree)] == [(None, "worker")] * 2
    Supervisor.stop(tree)


@pytest.mark.parametrize("kind", KINDS)
def test_41_a_child_that_does_not_start_changes_nothing(kind):
    tree, start = tree_of(kind, Scripted(False).start)
    with pytest.raises(StartError) as failed:
        start("a")
    assert failed.value.reason == "boom"
    assert living(tree) == set()
    Supervisor.stop(tree)


def test_a_dynamic_supervisor_counts_and_limits():
    tree = DynamicSupervisor.start_link(max_children=2)
    children = [DynamicSupervisor.start_child(tree, worker(id)) for id in "ab"]
    assert DynamicSupervisor.count_children(tree) == (2, 2, 0, 2)
    with pytest.raises(SupervisorError, match="there are 2 children already") as refused:
        DynamicSupervisor.start_child(tree, worker("c"))
    assert refused.value.reason == "max_children"
    DynamicSupervisor.terminate_child(tree, children[0])
    assert DynamicSupervisor.start_child(tree, worker("c"))
    DynamicSupervisor.stop(tree)


def test_extra_arguments_come_first_and_stay():
    tree = DynamicSupervisor.start_link(extra_arguments=[self(), "a"])
    child = DynamicSupervisor.start_child(tree, {"id": 1, "start": (Worker.start_link, (False,))})
    assert news() == ("up", "a")
    kill(child)
    assert news() == ("up", "a")
    DynamicSupervisor.stop(tree)


def test_it_can_be_subclassed():
    class Players(DynamicSupervisor):
        def init(self, most):
            return DynamicSupervisorSpec(max_children=most)

    tree = Supervisor.start_link([(Players, 0)])
    with pytest.raises(SupervisorError, match="there are 0 children"):
        DynamicSupervisor.start_child(Supervisor.which_children(tree)[0].pid, worker("a"))
    Supervisor.stop(tree)


def test_what_cannot_be_meant_is_refused():
    for options, reason in (
        ({"max_children": -1}, ("invalid_max_children", -1)),
        ({"extra_arguments": 5}, ("invalid_extra_arguments", 5)),
        ({"strategy": "one_for_all"}, ("invalid_strategy", "one_for_all")),
        ({"max_restarts": -1}, ("invalid_intensity", -1)),
        ({"max_seconds": 0}, ("invalid_period", 0)),
    ):
        with pytest.raises(SupervisorError) as refused:
            DynamicSupervisor.start_link(**options)
        assert refused.value.reason == reason
    tree = DynamicSupervisor.start_link(strategy="one_for_one")
    with pytest.raises(SupervisorError, match="none of them is significant"):
        DynamicSupervisor.start_child(tree, worker("A", significant=True, restart="transient"))
    DynamicSupervisor.stop(tree)
