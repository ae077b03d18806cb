"""Supervisors: how children are started and stopped, and what is answered about them."""

import logging
import re

import pytest

from pyex import (
    ANY,
    ChildSpec,
    Crash,
    Down,
    Exited,
    GenServer,
    Ignore,
    Pid,
    Process,
    StartError,
    Supervisor,
    SupervisorError,
    SupervisorSpec,
    receive,
    self,
    send,
    spawn_link,
)
from tests.core.support import SOON, forever, messages, switching
from tests.otp.supervised import (  # noqa: F401 - fixtures
    Worker,
    _trapping,
    all_news,
    kill,
    news,
    pids,
    reason_of,
    records,
    worker,
)

IDS = ["a", "b", "c"]


class Ignored(Worker):
    def init(self, test, id):
        super().init(test, id)
        return Ignore()


def fail(*_):
    raise StartError("boom")


def stubborn(test):
    """Traps exits and takes no notice of them."""
    Process.flag("trap_exit", True)
    send(test, ("up", "stubborn"))
    forever()


# 33: order


@pytest.mark.parametrize("kind", ["on one scheduler", "on threads"])
def test_33_children_start_in_order_and_stop_in_reverse(kind):
    start = Worker.start_link
    if kind == "on threads":

        def start(*args):
            return Worker.start_link(*args, thread=True)

    with switching(1e-5):
        for _ in range(1000 if kind == "on one scheduler" else 100):
            tree = Supervisor.start_link([worker(id, start) for id in IDS])
            assert all_news() == [("up", id) for id in IDS]
            Supervisor.stop(tree)
            assert all_news() == [("down", id, "shutdown") for id in reversed(IDS)]
            assert receive(timeout=SOON) == Exited(tree, "normal")


def test_33_each_stop_is_awaited():
    class Slow(Worker):
        def terminate(self, reason):
            send(self.test, ("stopping", self.id, self()))
            receive("go on", timeout=SOON)
            super().terminate(reason)

    tree = Supervisor.start_link([worker(id, Slow.start_link, shutdown=None) for id in IDS])
    assert len(all_news()) == 3
    Process.exit(tree, "shutdown")
    for id in reversed(IDS):
        _, stopping, pid = news(("stopping", ANY, ANY))
        assert stopping == id
        assert receive(("stopping", ANY, ANY), timeout=0.02, default=None) is None
        send(pid, "go on")
        assert news() == ("down", id, "shutdown")
    assert receive(Exited(tree), timeout=SOON).reason == "shutdown"


def test_33_a_child_that_takes_too_long_is_killed(records):  # noqa: F811
    tree = Supervisor.start_link([ChildSpec("stubborn", (spawn_link, (stubborn, self())), shutdown=0.05)])
    assert news() == ("up", "stubborn")
    ref = Process.monitor(pids(tree)["stubborn"])
    Supervisor.stop(tree)
    assert receive(Down(ref), timeout=SOON).reason == "killed"
    assert ("shutdown_error", "stubborn", "killed") in records.said()


def test_33_a_child_can_be_killed_at_once(records):  # noqa: F811
    tree = Supervisor.start_link([worker("a", shutdown="brutal_kill")])
    ref = Process.monitor(pids(tree)["a"])
    Supervisor.stop(tree)
    assert receive(Down(ref), timeout=SOON).reason == "killed"
    assert all_news() == [("up", "a")]  # its terminate has not run
    assert [context for context, *_ in records.said()] == ["progress"]


def test_33_the_end_of_the_one_who_started_it_stops_it():
    test = self()

    def parent():
        send(test, Supervisor.start_link([worker_of(test, id) for id in IDS]))
        receive("end")

    def worker_of(test, id):
        return ChildSpec(id, (Worker.start_link, (test, id)))

    for _ in range(100):
        starter = spawn_link(parent)
        tree = receive(Pid, timeout=SOON)
        all_news()
        ref = Process.monitor(tree)
        send(starter, "end")
        assert receive(Down(ref), timeout=SOON).reason == "normal"
        assert all_news() == [("down", id, "shutdown") for id in reversed(IDS)]
        assert receive(Exited(starter), timeout=SOON)


# 34: a start that fails


@pytest.mark.parametrize("failing", range(3))
def test_34_a_failed_start_stops_those_before_it_in_reverse(failing):
    children = [worker(id) for id in IDS]
    children[failing] = ChildSpec(IDS[failing], (fail, ()))
    for _ in range(100):
        with pytest.raises(StartError, match=f"because of its child '{IDS[failing]}': 'boom'") as error:
            Supervisor.start_link(children, name="tree")
        assert error.value.reason == ("shutdown", ("failed_to_start_child", IDS[failing], "boom"))
        ups = [("up", id) for id in IDS[:failing]]
        assert all_news() == ups + [("down", id, "shutdown") for id in reversed(IDS[:failing])]
        assert Process.whereis("tree") is None
        assert messages() == []


def test_34_a_caller_that_does_not_trap_gets_the_exit():
    def start():
        Supervisor.start_link([ChildSpec("a", (fail, ()))])

    pid = spawn_link(start)
    assert receive(Exited(pid), timeout=SOON).reason in (
        ("shutdown", ("failed_to_start_child", "a", "boom")),
        Crash(StartError(("shutdown", ("failed_to_start_child", "a", "boom")), ANY)),
    )


def test_34_what_a_start_raises_or_returns_is_the_reason():
    def crash():
        raise KeyError("k")

    def leave():
        raise SystemExit(3)

    starts = {
        "crash": (crash, Crash(KeyError("k"))),
        "leave": (leave, ("exit", 3)),
        "number": (lambda: 5, ("bad_return_value", 5)),
    }
    for start, reason in starts.values():
        with pytest.raises(StartError) as error:
            Supervisor.start_link([ChildSpec("a", (start, ()))])
        assert error.value.reason == ("shutdown", ("failed_to_start_child", "a", reason))
    assert isinstance(error.value, RuntimeError)


def test_34_the_cause_is_found_however_deep():
    class Broken(GenServer):
        def init(self):
            raise ZeroDivisionError("deep")

    inner = Supervisor.child_spec([Broken], id="inner")
    with pytest.raises(StartError, match="its child 'inner', its child 'Broken': ZeroDivisionError: deep") as error:
        Supervisor.start_link([inner])
    assert isinstance(error.value.__cause__, ZeroDivisionError)


# 41: what is asked


def test_41_which_and_count_children():
    tree = Supervisor.start_link([worker("a"), worker("b", Ignored.start_link), Supervisor.child_spec([], id="s")])
    lines = Supervisor.which_children(tree)
    assert [(line.id, line.type) for line in lines] == [("a", "worker"), ("b", "worker"), ("s", "supervisor")]
    assert lines[1] == ("b", None, "worker")
    assert Process.alive(lines[0].pid)
    assert Supervisor.count_children(tree) == (3, 2, 1, 2)
    assert Supervisor.count_children(tree)._asdict() == {"specs": 3, "active": 2, "supervisors": 1, "workers": 2}
    kill(tree)


def test_41_start_terminate_restart_delete():
    tree = Supervisor.start_link([worker("a")])
    pid = Supervisor.start_child(tree, worker("b"))
    assert pids(tree)["b"] == pid
    for call, reason in (
        (lambda: Supervisor.start_child(tree, worker("b")), ("already_started", pid)),
        (lambda: Supervisor.restart_child(tree, "b"), "running"),
        (lambda: Supervisor.delete_child(tree, "b"), "running"),
        (lambda: Supervisor.restart_child(tree, "x"), "not_found"),
        (lambda: Supervisor.delete_child(tree, "x"), "not_found"),
        (lambda: Supervisor.terminate_child(tree, "x"), "not_found"),
        (lambda: Supervisor.get_childspec(tree, []), "not_found"),
    ):
        with pytest.raises(SupervisorError) as error:
            call()
        assert error.value.reason == reason
    assert Supervisor.terminate_child(tree, "b") is None
    assert reason_of(pid) == "noproc"
    assert pids(tree)["b"] is None
    assert Supervisor.terminate_child(tree, "b") is None  # twice is fine
    with pytest.raises(SupervisorError) as error:
        Supervisor.start_child(tree, worker("b"))
    assert error.value.reason == "already_present"
    again = Supervisor.restart_child(tree, "b")
    assert again == pids(tree)["b"] != pid
    Supervisor.terminate_child(tree, "b")
    assert Supervisor.delete_child(tree, "b") is None
    assert [*pids(tree)] == ["a"]
    assert Supervisor.get_childspec(tree, "a").id == "a"
    Supervisor.stop(tree)


def test_41_a_child_that_does_not_start_changes_nothing():
    tree = Supervisor.start_link([worker("a")])
    with pytest.raises(StartError, match="the child 'b' could not be started: 'boom'") as error:
        Supervisor.start_child(tree, ChildSpec("b", (fail, ())))
    assert error.value.reason == "boom"
    assert [*pids(tree)] == ["a"]
    assert Supervisor.start_child(tree, worker("c", Ignored.start_link, restart="temporary")) is None
    assert Supervisor.start_child(tree, worker("d", Ignored.start_link)) is None
    assert [*pids(tree)] == ["a", "d"]
    assert Supervisor.restart_child(tree, "d") is None
    Supervisor.stop(tree)


def test_41_a_temporary_child_is_forgotten_when_it_is_stopped():
    tree = Supervisor.start_link([worker("a", restart="temporary")])
    Supervisor.terminate_child(tree, "a")
    assert pids(tree) == {}
    Supervisor.stop(tree)


# The class


def test_a_subclass_says_in_init_what_it_is_to_do():
    class Tree(Supervisor):
        def init(self, *ids):
            return SupervisorSpec([worker_of(id) for id in ids], strategy="rest_for_one")

    test = self()

    def worker_of(id):
        return ChildSpec(id, (Worker.start_link, (test, id)))

    tree = Tree.start_link("a", "b", name="tree")
    assert [*pids("tree")] == ["a", "b"]
    with pytest.raises(StartError, match="the name 'tree' is taken") as taken:
        Tree.start_link("c", name="tree")
    assert taken.value.reason == ("already_started", tree)
    assert all_news() == [("up", "a"), ("up", "b")]
    outer = Supervisor.start_link([Tree.child_spec("x", id="inner"), (Tree, "y")])
    assert Supervisor.count_children(outer) == (2, 2, 2, 0)
    assert Supervisor.get_childspec(outer, "inner").shutdown is None
    Supervisor.stop(outer)
    Supervisor.stop("tree")


def test_a_supervisor_may_not_be_wanted():
    class Tree(Supervisor):
        def init(self):
            return Ignore()

    assert Tree.start_link() is None
    tree = Supervisor.start_link([Tree])
    assert pids(tree) == {"Tree": None}
    Supervisor.stop(tree)


def test_mistakes_in_a_supervisor_are_explained():
    class Forgetful(Supervisor):
        def init(self):
            SupervisorSpec([])

    class Lists(Supervisor):
        def init(self):
            return []

    with pytest.raises(StartError, match=r"Forgetful.init returned None.*Was the return forgotten\?"):
        Forgetful.start_link()
    with pytest.raises(StartError, match=re.escape("Write SupervisorSpec([])")):
        Lists.start_link()
    with pytest.raises(TypeError, match="defines __init__.*that is init"):

        class Wrong(Supervisor):
            def __init__(self):
                pass

    with pytest.raises(TypeError, match=r"Supervisor\.start_link\(\.\.\.\) starts a process"):
        Supervisor([])
    with pytest.raises(TypeError, match="'stratgy'. Did you mean 'strategy'"):
        Supervisor.start_link([], stratgy="one_for_one")
    with pytest.raises(TypeError, match=r"strategy: that is for .*Lists\.init to say"):
        Lists.start_link(strategy="one_for_all")
    with pytest.raises(SupervisorError, match="Did you mean 'one_for_all'"):
        Supervisor.child_spec([], strategy="one_for_al")


def test_it_is_a_server_like_any_other():
    class Tree(Supervisor):
        def init(self, child):
            return SupervisorSpec([child])

    tree = Tree.start_link(worker("a"), name="tree")
    assert GenServer.whereis("tree") == tree
    assert Process.info(tree).initial_call.endswith("Tree.init")
    send(tree, "a message that nobody knows")
    assert [*pids("tree")] == ["a"]
    state = GenServer.get_status("tree").state
    assert state == {"callback": Tree, "children": Supervisor.which_children("tree")}
    Supervisor.stop(tree)


def test_32_a_suspended_supervisor_restarts_and_answers_later():
    tree = Supervisor.start_link([worker("a")], name="tree")
    before = pids(tree)["a"]
    GenServer.suspend(tree)
    GenServer.suspend(tree)  # once is as good as twice
    kill(before)
    test = self()
    asker = spawn_link(lambda: send(test, ("asked", self(), pids(tree)["a"])))
    assert news() == ("up", "a")
    assert receive(("up", ANY), ("asked", ANY, ANY), timeout=0.05, default=None) is None
    GenServer.resume(tree)
    assert news() == ("up", "a")
    assert receive(("asked", asker, ANY), timeout=SOON)[2] not in (before, None)
    GenServer.stop("tree", "shutdown")
    assert receive(Exited(tree), timeout=SOON).reason == "shutdown"


def test_reports_say_what_has_happened(records):  # noqa: F811
    tree = Supervisor.start_link([worker("a")], name="tree")
    pid = pids(tree)["a"]
    kill(pid)
    pids(tree)
    started, ended, again = records.records
    assert (started.levelno, ended.levelno) == (logging.INFO, logging.ERROR)
    assert ended.getMessage().splitlines()[:2] == [
        "Child 'a' of supervisor 'tree' ended: 'killed'",
        f"Pid: {pid!r}",
    ]
    assert "Start: Worker.start_link(" in ended.getMessage()
    assert (ended.pid, ended.child_pid, ended.reason) == (tree, pid, "killed")
    assert again.getMessage().startswith("Child 'a' of supervisor 'tree' was started\n")
    Supervisor.stop(tree)
