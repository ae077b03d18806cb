"""Statement 38: significant children, whose own end can be their supervisor's."""

import pytest

from pyex import Down, Exited, Process, Supervisor, SupervisorError, receive
from tests.core.support import SOON
from tests.otp.supervised import _trapping, all_news, end, kill, pids, reason_of, worker  # noqa: F401 - fixtures


def tree_of(auto_shutdown, *ids, restart="transient", **options):
    """A tree in which the children whose ids are upper case are significant."""
    children = [worker(id, restart=restart, significant=id.isupper()) for id in ids]
    return Supervisor.start_link(children, auto_shutdown=auto_shutdown, **options)


def test_38_any_significant_child_that_ends_shuts_the_supervisor_down():
    tree = tree_of("any_significant", "a", "B", "C")
    children = pids(tree)
    end(children["a"], "normal")
    assert pids(tree)["a"] is None  # not significant
    all_news()
    end(children["C"], "normal")
    assert receive(Exited(tree), timeout=SOON).reason == "shutdown"
    assert reason_of(children["B"]) == "noproc"
    assert all_news() == [("down", "C", "normal"), ("down", "B", "shutdown")]


def test_38_all_significant_children_have_to_end():
    tree = tree_of("all_significant", "A", "b", "C")
    children = pids(tree)
    end(children["A"], ("shutdown", "done"))
    assert pids(tree)["A"] is None
    end(children["C"], "normal")
    assert receive(Exited(tree), timeout=SOON).reason == "shutdown"


@pytest.mark.parametrize("auto_shutdown", ["any_significant", "all_significant"])
def test_38_one_that_is_restarted_has_not_ended(auto_shutdown):
    tree = tree_of(auto_shutdown, "A")
    kill(pids(tree)["A"])
    assert Process.alive(pids(tree)["A"])
    end(pids(tree)["A"], "normal")
    assert receive(Exited(tree), timeout=SOON).reason == "shutdown"


@pytest.mark.parametrize("auto_shutdown", ["any_significant", "all_significant"])
def test_38_a_temporary_one_that_crashes_has_ended(auto_shutdown):
    tree = tree_of(auto_shutdown, "A", restart="temporary")
    kill(pids(tree)["A"])
    assert receive(Exited(tree), timeout=SOON).reason == "shutdown"


@pytest.mark.parametrize("auto_shutdown", ["any_significant", "all_significant"])
def test_38_terminate_child_is_not_its_own_end(auto_shutdown):
    tree = tree_of(auto_shutdown, "A", "b")
    Supervisor.terminate_child(tree, "A")
    assert pids(tree)["A"] is None
    Supervisor.stop(tree)


def test_38_a_sibling_stopped_by_a_restart_has_not_ended_by_itself():
    tree = tree_of("any_significant", "A", "b", strategy="one_for_all")
    kill(pids(tree)["b"])
    assert Process.alive(pids(tree)["A"])
    Supervisor.stop(tree)


@pytest.mark.parametrize("auto_shutdown", ["any_significant", "all_significant"])
def test_38_under_simple_one_for_one(auto_shutdown):
    tree = tree_of(auto_shutdown, "A", strategy="simple_one_for_one")
    one, other = Supervisor.start_child(tree, []), Supervisor.start_child(tree, [])
    refs = [Process.monitor(one), Process.monitor(other)]
    end(one, "normal")
    if auto_shutdown == "all_significant":
        assert Supervisor.count_children(tree).active == 1
        end(other, "normal")
    assert receive(Exited(tree), timeout=SOON).reason == "shutdown"
    for ref in refs:
        assert receive(Down(ref), timeout=SOON)


def test_38_what_has_no_meaning_is_refused():
    with pytest.raises(SupervisorError, match="significant and permanent") as refused:
        worker("A", significant=True)
    assert refused.value.reason[0] == "bad_combination"
    significant = worker("A", significant=True, restart="transient")
    with pytest.raises(SupervisorError, match="auto_shutdown is 'never'") as refused:
        Supervisor.start_link([significant])
    assert refused.value.reason == ("bad_combination", (("auto_shutdown", "never"), ("significant", True)))
    with pytest.raises(SupervisorError, match="Did you mean 'any_significant'") as refused:
        Supervisor.start_link([significant], auto_shutdown="any_significent")
    assert refused.value.reason == ("invalid_auto_shutdown", "any_significent")
    tree = Supervisor.start_link([])
    with pytest.raises(SupervisorError, match="auto_shutdown is 'never'"):
        Supervisor.start_child(tree, significant)
    Supervisor.stop(tree)


@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all"])
def test_38_escalation_climbs_levels(strategy):
    inner = worker("A", restart="transient", significant=True)
    middle = Supervisor.child_spec(
        [inner], auto_shutdown="any_significant", id="MIDDLE", restart="transient", significant=True
    )
    tree = Supervisor.start_link([middle, worker("b")], auto_shutdown="any_significant", strategy=strategy)
    end(pids(pids(tree)["MIDDLE"])["A"], "normal")
    assert receive(Exited(tree), timeout=SOON).reason == "shutdown"
    assert [id for what, id, *_ in all_news() if what == "down"] == ["A", "b"]
