"""Statement 40: no child can hang or orphan its tree."""

import pytest

from pyex import (
    ANY,
    ChildSpec,
    Down,
    Exited,
    GenServer,
    Process,
    Reply,
    Supervisor,
    SupervisorError,
    receive,
    self,
    send,
    spawn_link,
)
from tests.core.support import SOON, forever, until
from tests.otp.supervised import (  # noqa: F401 - fixtures
    Scripted,
    Worker,
    _trapping,
    all_news,
    kill,
    pids,
    records,
    worker,
)

STRATEGIES = ["one_for_one", "one_for_all", "rest_for_one"]


def unlinked(test):
    parent = receive(("parent", ANY))[1]
    Process.unlink(parent)
    send(test, ("unlinked", self()))
    forever()


def deaf(test):
    """Catches whatever ends it, and goes on."""
    Process.flag("trap_exit", True)
    send(test, ("deaf", self()))
    while True:
        try:
            forever()
        except BaseException:
            pass


def test_40_a_child_that_has_unlinked_itself_is_stopped_all_the_same():
    for _ in range(100):
        tree = Supervisor.start_link([ChildSpec("u", (spawn_link, (unlinked, self()))), worker("a")])
        pid = pids(tree)["u"]
        ref = Process.monitor(pid)
        send(pid, ("parent", tree))
        receive(("unlinked", pid), timeout=SOON)
        Supervisor.stop(tree)
        assert receive(Down(ref), timeout=SOON).reason == "shutdown"


def test_40_one_that_has_unlinked_itself_and_ended_is_in_nobodys_way():
    tree = Supervisor.start_link([ChildSpec("u", (spawn_link, (unlinked, self())))])
    pid = pids(tree)["u"]
    send(pid, ("parent", tree))
    receive(("unlinked", pid), timeout=SOON)
    kill(pid)
    assert Supervisor.count_children(tree) == (1, 0, 0, 1)
    Supervisor.terminate_child(tree, "u")
    assert pids(tree) == {"u": None}
    Supervisor.stop(tree)


@pytest.mark.parametrize("shutdown", [0, 0.02, "brutal_kill"])
def test_40_a_child_that_ignores_shutdown_is_killed(shutdown):
    tree = Supervisor.start_link([worker("a"), ChildSpec("d", (spawn_link, (_trapper, self())), shutdown=shutdown)])
    ref = Process.monitor(receive(("trapping", ANY), timeout=SOON)[1])
    Supervisor.stop(tree)
    assert receive(Down(ref), timeout=SOON).reason == "killed"


def _trapper(test):
    Process.flag("trap_exit", True)
    send(test, ("trapping", self()))
    forever()


def test_40_one_that_swallows_every_exit_is_declared_dead_and_the_tree_ends():
    tree = Supervisor.start_link([ChildSpec("d", (spawn_link, (deaf, self())), shutdown=0.01)])
    ref = Process.monitor(receive(("deaf", ANY), timeout=SOON)[1])
    Supervisor.stop(tree, timeout=30)
    assert receive(Down(ref), timeout=SOON).reason == "killed"


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("how", ["stop", "exit", "terminate_child", "parent"])
def test_40_a_restart_that_fails_for_ever_can_be_asked_about_and_stopped(strategy, how):
    outside = set(Process.list())
    endless = Scripted(True, *[False] * 1_000_000)
    children = [worker("a"), worker("b", endless.start), worker("c")]
    top = Supervisor.start_link(
        [Supervisor.child_spec(children, strategy=strategy, max_restarts=10**9, id="tree")], name="top"
    )
    tree = pids(top)["tree"]
    kill(pids(tree)["b"])
    until(lambda: len(endless.attempts) > 10)
    for _ in range(20):
        assert pids(tree)["b"] == "restarting"
    for call in (Supervisor.restart_child, Supervisor.delete_child):
        with pytest.raises(SupervisorError) as refused:
            call(tree, "b")
        assert refused.value.reason == "restarting"
    with pytest.raises(SupervisorError) as refused:
        Supervisor.start_child(tree, worker("b"))
    assert refused.value.reason == "already_present"
    ref, over = Process.monitor(tree), Process.monitor(top)
    if how == "terminate_child":
        Supervisor.terminate_child(tree, "b")
        attempts = len(endless.attempts)
        assert pids(tree)["b"] is None
        assert len(endless.attempts) == attempts
    elif how == "stop":
        Supervisor.stop(tree, "shutdown")
    elif how == "exit":
        kill(tree)
    if how in ("stop", "exit"):
        # The tree cannot be started again either, so the one above gives up.
        assert receive(Down(over), timeout=SOON).reason == "shutdown"
    else:
        Supervisor.stop(top)
        assert receive(Down(over), timeout=SOON).reason == "normal"
    assert receive(Down(ref), timeout=SOON)
    until(lambda: set(Process.list()) <= outside)


def test_40_a_child_that_hangs_while_it_starts_goes_with_its_supervisor():
    class Hanging(GenServer):
        def init(self, test):
            send(test, ("hanging", self()))
            receive("never")

        def handle_call(self, request, caller):
            return Reply(request)

    test = self()
    inner = Supervisor.child_spec([worker("a")], id="tree", shutdown=0.05)
    top = Supervisor.start_link([inner])
    tree = pids(top)["tree"]
    spawn_link(lambda: Supervisor.start_child(tree, ChildSpec("h", (Hanging.start_link, (test,)))))
    child = Process.monitor(receive(("hanging", ANY), timeout=SOON)[1])
    watch = Process.monitor(tree)
    Supervisor.stop(top, timeout=SOON)
    assert receive(Down(child), timeout=SOON).reason == "killed"
    # Whether it gives up the child in time is its own affair.
    assert receive(Down(watch), timeout=SOON).reason in ("killed", "shutdown")


class Hanging(Worker):
    """Is never ready."""

    def init(self, test, id):
        send(test, ("hanging", id))
        receive("never")


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("how", ["stop", "its parent"])
def test_40_a_child_that_hangs_in_its_restart_does_not_keep_the_tree_from_ending(strategy, how):
    outside = set(Process.list())
    starts = []

    def start(test, id):
        starts.append(id)
        return (Worker if len(starts) == 1 else Hanging).start_link(test, id)

    inner = Supervisor.child_spec([worker("a"), worker("h", start), worker("c")], strategy=strategy, id="inner")
    top = Supervisor.start_link([inner])
    tree = pids(top)["inner"]
    kill(pids(tree)["h"])
    receive(("hanging", "h"), timeout=SOON)
    ref = Process.monitor(tree)
    if how == "stop":
        Supervisor.stop(tree, "shutdown", timeout=SOON)
    else:
        Supervisor.stop(top, timeout=SOON)
    assert receive(Down(ref), timeout=SOON).reason == "shutdown"
    if how == "stop":
        Process.exit(top, "kill")  # it has started another one
    until(lambda: set(Process.list()) <= outside)


def test_40_a_child_that_hangs_in_its_first_start_does_not_either():
    outside = set(Process.list())
    inner = Supervisor.child_spec([worker("a"), worker("h", Hanging.start_link)], id="inner")

    def above():
        Process.flag("trap_exit", True)
        Supervisor.start_link([inner])

    parent = spawn_link(above)
    assert receive(("hanging", "h"), timeout=SOON)
    Process.exit(parent, "kill")
    assert receive(Exited(parent), timeout=SOON).reason == "killed"
    until(lambda: set(Process.list()) <= outside)


def test_40_a_supervisor_that_is_killed_leaves_no_child():
    outside = set(Process.list())
    for _ in range(100):
        tree = Supervisor.start_link([worker("a"), Supervisor.child_spec([worker("b"), worker("c")], id="inner")])
        kill(tree)
        receive(Exited(tree), timeout=SOON)
        until(lambda: set(Process.list()) <= outside)
    all_news()
