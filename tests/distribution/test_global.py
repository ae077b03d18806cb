"""Names and locks that hold in the whole mesh."""

import subprocess
import sys

import cloudpickle
import pytest

from pyex import (
    ANY,
    Down,
    Exited,
    Global,
    LockTaken,
    Node,
    NoProcess,
    Pid,
    Process,
    erpc,
    exit,
    receive,
    self,
    send,
    sleep,
    spawn,
)

# What these tests ship to other nodes is of this module, which those cannot import.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

ALICE, BOB, CAROL = "alice@127.0.0.1", "bob@127.0.0.1", "carol@127.0.0.1"


@pytest.fixture(autouse=True)
def mesh(bob_and_carol):
    together()
    yield bob_and_carol
    together()
    for name in Global.registered_names():
        Global.unregister_name(name)


def ask(node, fn, *args):
    return erpc.call(node, fn, *args, timeout=30)


def until(condition):
    """Wait until it holds; what comes from other nodes comes in its own time."""
    for _ in range(10_000):
        if condition():
            return
        sleep(0.001)
    raise AssertionError("it does not become true")


def together():
    """All three nodes are connected, and know each other's names."""
    for node in (BOB, CAROL):
        Node.connect(node)
    ask(BOB, Node.connect, CAROL)
    until(lambda: all(len(ask(node, Node.list)) == 2 for node in (ALICE, BOB, CAROL)))
    for node in (ALICE, BOB, CAROL):
        assert ask(node, Global.sync) is True


def alone(node):
    """Cut a node off from the others."""
    Node.spawn(node, Global.disconnect)
    until(lambda: is_alone(node))


def is_alone(node):
    """No other node sees it, and so none calls it by trying to tell it something."""
    return all(node not in ask(other, Node.list) for other in (ALICE, BOB, CAROL) if other != node)


def waits(node=ALICE):
    """A process that does nothing."""
    return ask(node, spawn, sleep, None)


def everywhere(name):
    """What the nodes, asked one after the other, say a name is."""
    return [ask(node, Global.whereis_name, name) for node in (ALICE, BOB, CAROL)]


def test_54_a_name_is_known_everywhere_once_it_is_registered():
    for number, (home, registrar) in enumerate((a, b) for a in (ALICE, BOB) for b in (ALICE, BOB, CAROL)):
        pid, name = waits(home), f"n{number}"
        assert ask(registrar, Global.register_name, name, pid) is True
        assert everywhere(name) == [pid] * 3
        assert ask(CAROL, Global.register_name, name, waits()) is False
        assert Global.unregister_name(name) is True
        assert everywhere(name) == [None] * 3
    assert Global.unregister_name("never registered") is True


def test_one_process_can_have_several_names():
    pid = waits(BOB)
    assert Global.register_name("one", pid)
    assert ask(CAROL, Global.register_name, "two", pid)
    assert ask(BOB, Global.registered_names) == ["one", "two"]
    Process.exit(pid, "kill")
    until(lambda: Global.registered_names() == ask(CAROL, Global.registered_names) == [])


def test_54_a_name_goes_with_its_process():
    for home in (ALICE, BOB):
        for _ in range(20):
            pid = waits(home)
            Global.register_name("mortal", pid)
            ref = Process.monitor(pid)
            Process.exit(pid, "kill")
            assert receive(Down(ref), timeout=30)
            assert Global.register_name("mortal", waits(home)) is True
            Global.unregister_name("mortal")


def test_54_a_name_goes_with_its_node_and_comes_back_with_it():
    pid = waits(CAROL)
    Global.register_name("away", pid)
    alone(CAROL)
    until(lambda: Global.whereis_name("away") is None and ask(BOB, Global.whereis_name, "away") is None)
    together()
    assert everywhere("away") == [pid] * 3


def test_54_what_was_removed_while_a_node_was_away_never_returns():
    Global.register_name("gone", waits())
    alone(CAROL)
    Global.unregister_name("gone")
    together()
    assert everywhere("gone") == [None] * 3

    Global.register_name("gone", waits(CAROL))
    Node.spawn(CAROL, removes_alone, "gone", self())
    assert receive(("removed", True), timeout=30)
    together()
    assert everywhere("gone") == [None] * 3


def removes_alone(name, listener):
    Global.disconnect()
    send(listener, ("removed", Global.unregister_name(name)))  # connects again


def test_54_a_conflict_when_clusters_join_kills_exactly_one_holder():
    for _ in range(20):
        here = waits(BOB)
        claimer = Node.spawn(CAROL, claims_alone, "chief", self())
        until(lambda: is_alone(CAROL))
        assert Global.register_name("chief", here) is True
        ref = Process.monitor(here)
        send(claimer, "go on")
        _, there = receive(("claimed", ANY), timeout=30)
        together()
        [winner] = {*everywhere("chief")}
        assert winner == here  # bob comes before carol
        until(lambda pid=there: ask(CAROL, Process.alive, pid) is False)
        assert ask(BOB, Process.alive, here) is True
        assert Process.demonitor(ref, flush=True, info=True)
        Global.unregister_name("chief")


def claims_alone(name, listener, resolve=None):
    """Give a process of this node a name while it is cut off, and connect again."""
    pid = spawn(sleep, None)
    Global.disconnect()
    while not Global.register_name(name, pid, resolve):
        Global.disconnect()  # somebody has called, and knew the name
    receive("go on")
    send(listener, ("claimed", pid))


def test_54_racing_registrations_have_one_winner_and_nobody_is_killed():
    here = self()

    def race(number):
        send(here, ("ready", self()))
        receive("go")
        send(here, ("outcome", Global.register_name(f"race {number}", self()), self()))
        receive("end")

    for number in range(20):
        racers = [Node.spawn(node, race, number) for node in (ALICE, BOB, CAROL) for _ in range(2)]
        for racer in racers:
            receive(("ready", racer), timeout=30)
        for racer in racers:
            send(racer, "go")
        outcomes = [receive(("outcome", bool, ANY), timeout=30) for _ in racers]
        [winner] = [pid for _, won, pid in outcomes if won]
        assert everywhere(f"race {number}") == [winner] * 3
        refs = [Process.monitor(racer) for racer in racers]
        for racer in racers:
            send(racer, "end")
        for ref in refs:
            assert receive(Down(ref), timeout=30).reason == "normal"


def test_a_name_is_taken_over_and_at_no_time_nobody_s():
    pids = [waits(node) for node in (ALICE, BOB, CAROL)] * 5
    here = self()

    def watch():
        seen = set()
        while receive("stop", timeout=0, default=None) is None:
            seen.add(Global.whereis_name("baton"))
            sleep(0)
        send(here, ("seen", seen))

    Global.register_name("baton", pids[-1])
    watcher = Node.spawn(BOB, watch)
    for number, pid in enumerate(pids):
        assert ask((ALICE, BOB, CAROL)[number % 2], Global.re_register_name, "baton", pid) is True
        assert everywhere("baton") == [pid] * 3
    send(watcher, "stop")
    assert receive(("seen", ANY), timeout=30)[1] <= {*pids}
    for node in (ALICE, BOB, CAROL):
        assert all(ask(pid.node, Process.alive, pid) for pid in pids if pid.node == node)


def test_bad_arguments_are_refused():
    for call in (Global.register_name, Global.re_register_name):
        with pytest.raises(TypeError, match="takes a name and a pid"):
            call("name", "pid")
        with pytest.raises(TypeError, match="str that is not empty"):
            call("", self())
    with pytest.raises(NoProcess, match="out of reach"):
        Global.register_name("x", Pid("0.110.0", "nobody@127.0.0.1"))
    assert Global.whereis_name("x") is None
    with pytest.raises(TypeError, match="namespace"):
        Global()


def test_locks_exclude_and_are_given_back_by_the_end_of_their_process():
    here = self()

    def holder():
        send(here, ("took", Global.set_lock("printer")))
        receive("end")

    pid = Node.spawn(BOB, holder)
    assert receive(("took", ANY), timeout=30) == ("took", True)
    assert Global.set_lock("printer", retries=0) is False
    assert Global.set_lock("printer", retries=2) is False
    with pytest.raises(LockTaken, match="'printer' is taken"):
        Global.trans("printer", exit, retries=0)
    waiting = spawn(lambda: send(here, ("waited", Global.set_lock("printer"), receive("end", timeout=0, default=1))))
    Process.exit(pid, "kill")
    assert receive(("waited", True, 1), timeout=30)
    ref = Process.monitor(waiting)
    receive(Down(ref), timeout=30)
    assert Global.set_lock("printer") is True
    assert Global.set_lock("printer") is True  # its own
    Global.del_lock("printer")
    assert ask(CAROL, Global.set_lock, "printer", None, 0) is False
    Global.del_lock("printer")
    assert ask(CAROL, Global.set_lock, "printer", None, 0) is True


def test_who_share_a_name_share_the_lock():
    assert Global.set_lock(("door", "us")) is True
    assert ask(BOB, Global.set_lock, ("door", "us"), None, 0) is True
    assert ask(BOB, Global.set_lock, ("door", "them"), None, 0) is False
    Global.del_lock(("door", "us"))


def test_who_gives_up_waiting_for_a_lock_does_not_get_it():
    Global.set_lock("slow")
    here = self()

    def impatient():
        send(here, "waits")
        Global.set_lock("slow")

    pid = Node.spawn(CAROL, impatient)
    receive("waits", timeout=30)
    ref = Process.monitor(pid)
    Process.exit(pid, "enough")
    receive(Down(ref), timeout=30)
    Global.del_lock("slow")
    assert Global.trans("slow", lambda: "mine") == "mine"


def test_transactions_on_all_nodes_are_one_after_the_other():
    here = self()

    def adds():
        for _ in range(20):
            Global.trans("sum", lambda: (send(here, ("read", self())), send(here, ("write", receive(int) + 1))))
        send(here, "done")

    for node in (ALICE, BOB, CAROL):
        Node.spawn(node, adds)
    total = done = 0
    while done < 3:
        match receive(timeout=30):
            case ("read", pid):
                send(pid, total)
                what, total = receive(("read", ANY), ("write", ANY), timeout=30)
                assert what == "write"
            case "done":
                done += 1
    assert total == 60


def test_a_conflict_can_be_decided_by_who_registered(mesh):
    here = self()

    def notify(name, one, other):
        send(here, ("conflict", name, {one, other}))

    claimer = Node.spawn(CAROL, claims_alone, "ours", here, notify)
    until(lambda: is_alone(CAROL))
    pids = [waits(BOB)]
    assert ask(BOB, Global.register_name, "ours", pids[0], notify) is True
    send(claimer, "go on")
    pids.append(receive(("claimed", ANY), timeout=30)[1])
    together()
    assert receive(("conflict", ANY, ANY), timeout=30) == ("conflict", "ours", {*pids})
    until(lambda: everywhere("ours") == [None] * 3)
    assert all(ask(pid.node, Process.alive, pid) for pid in pids)


def test_names_work_without_a_node():
    program = """
from pyex import *
print(Global.register_name("me", self()), Global.whereis_name("me") == self(), Global.trans("x", lambda: 1), Global.sync())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == ("True True 1 True\n", "")


def test_the_server_is_not_disturbed_by_what_anybody_sends_it():
    for message in (
        "junk",
        ("sync", 1, 2),
        ("call", 1, 2),
        ("add", self(), 1),
        Exited(self(), "x"),
        ("resolved", "x", self()),
    ):
        send("global_name_server", message)
    assert Global.sync()
