"""Who is connected to whom, and who is told. (Statements 45, 48, 49, 51, 53.)"""

import sys
import threading

import cloudpickle
import pytest

from pyex import ConnectError, Down, Node, NodeDown, NodeUp, Process, receive, self, send, sleep, spawn, spawn_monitor
from pyex.core.errors import NodeNameError
from pyex.distribution import node_events
from pyex.distribution.names import lan_address

# What these tests ship to other nodes is of this module, which those cannot import.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

BOB = "bob@127.0.0.1"
CAROL = "carol@127.0.0.1"
GHOST = "ghost@127.0.0.1"


def lists(node):
    """What the three kinds of lists of another node have in them."""
    here = self()
    Node.spawn(node, lambda: send(here, ("lists", [Node.list(kind) for kind in ("visible", "hidden", "connected")])))
    return receive(("lists", list), timeout=60)[1]


def test_51_hidden_nodes_are_not_listed_and_not_transitive(alice, nodes):
    nodes("bob")
    nodes("ghost", options={"hidden": True})
    Node.monitor_nodes()
    Node.connect("bob")
    Node.connect("ghost")
    assert Node.list() == Node.list("visible") == [BOB]
    assert Node.list("hidden") == [GHOST]
    assert Node.list("connected") == [BOB, GHOST]
    assert lists(GHOST) == [[], ["alice@127.0.0.1"], ["alice@127.0.0.1"]]
    # It was not told of bob, nor bob of it; each can reach the other by itself.
    assert lists(BOB) == [["alice@127.0.0.1"], [], ["alice@127.0.0.1"]]
    assert receive(timeout=60) == NodeUp(BOB)
    assert Node.monitor("ghost")
    Node.disconnect("ghost")
    assert receive(timeout=60) == NodeDown(GHOST)  # by that monitor: the others are told of visible nodes only
    assert Node.monitor_nodes(on=False)
    assert receive(timeout=0, default=None) is None


def test_lists_of_unknown_kinds_are_refused():
    with pytest.raises(ValueError, match="'visible', 'hidden' or 'connected'"):
        Node.list("all")


def test_45_a_node_monitor_fires_once_for_each_time_it_was_asked_for(alice, nodes):
    [bob] = nodes("bob")
    for _ in range(3):
        Node.monitor("bob")  # connects, too
    Node.monitor("bob", on=False)
    while not Node.list():
        sleep(0.01)
    bob.kill()
    assert [receive(timeout=60) for _ in range(2)] == [NodeDown(BOB)] * 2
    assert receive(timeout=0, default=None) is None
    assert node_events._watchers == {}
    Node.monitor("nobody")
    assert receive(timeout=60) == NodeDown("nobody@127.0.0.1")
    assert Node.monitor("alice")  # of itself: nothing ever comes


def test_a_monitor_ends_with_its_process(alice, nodes):
    nodes("bob")
    Node.connect("bob")

    def watch():
        Node.monitor("bob")
        Node.monitor_nodes()

    dead, ref = spawn_monitor(watch)
    assert receive(Down(ref), timeout=60).reason == "normal"
    Node.disconnect("bob")
    assert dead not in node_events._subscribers


def test_53_nodedown_comes_before_the_next_nodeup(alice, nodes):
    """For each of several that watch, while both sides cut and dial."""
    nodes("bob")
    here, rounds = self(), 40

    def watch():
        Node.monitor_nodes()
        send(here, "watching")
        send(here, [receive(timeout=60) for _ in range(2 * rounds)])

    for _ in range(3):
        spawn(watch)
        assert receive("watching", timeout=60)

    for number in range(rounds):
        assert Node.connect("bob")
        if number % 2:
            Node.disconnect("bob")
        else:
            Node.spawn("bob", lambda: Node.disconnect("alice"))
            while Node.list():
                sleep(0.001)
    for _ in range(3):
        assert receive(list, timeout=60) == [NodeUp(BOB), NodeDown(BOB)] * rounds


def test_48_a_node_that_restarts_at_once_under_its_name_is_another_one(alice, nodes):
    Node.monitor_nodes()
    old, here = None, self()
    for _ in range(3):
        [bob] = nodes("bob")
        if old is None:
            Node.connect("bob")
        else:
            while not Node.ping("bob"):
                pass
        assert receive(timeout=60) == NodeUp(BOB)
        new = Node.spawn("bob", lambda: send(here, ("pid", self())) and receive())
        assert receive(timeout=60) == ("pid", new)
        if old is not None:
            ref = Process.monitor(old)
            assert receive(timeout=60) == ("DOWN", ref, "process", old, "noproc")
        old = new
        bob.kill()
        assert receive(timeout=60) == NodeDown(BOB)
    Node.monitor_nodes(on=False)


def test_each_node_can_have_a_cookie_of_its_own(alice, nodes):
    nodes("bob", PYEX_COOKIE="the secret of bob, also long enough")
    with pytest.raises(ConnectError, match="another cookie"):
        Node.connect("bob")
    assert Node.cookie("bob", cookie="the secret of bob, also long enough") == "the secret of bob, also long enough"
    assert Node.cookie() != Node.cookie("bob")
    assert Node.connect("bob")
    Node.disconnect("bob")
    # The other way too: bob dials, and alice knows him by that secret, whatever that of all others is now.
    assert Node.cookie(cookie="a new secret for everybody else") == Node.cookie("carol@127.0.0.1")
    Node.connect("bob")
    here = self()

    def come_again():
        Node.disconnect("alice")
        Node.connect("alice")
        send(("waits for bob", "alice@127.0.0.1"), "came again")

    Process.register(here, "waits for bob")
    Node.spawn("bob", come_again)
    assert receive(timeout=60) == "came again"
    Process.unregister("waits for bob")


def test_signals_of_many_threads_to_a_node_not_met_yet_make_one_connection(alice, nodes):
    nodes("bob")
    here = self()
    threads = [threading.Thread(target=lambda: send(("main", BOB), (here, "echo", 1))) for _ in range(20)]
    for thread in threads:
        thread.start()
    assert [receive(timeout=60) for _ in threads] == [("echo", 1)] * len(threads)
    for thread in threads:
        thread.join()


def test_lan_names_the_node_by_this_machines_address(name_service):
    try:
        address = lan_address()
    except NodeNameError:
        pytest.skip("this machine is in no network")
    assert Node.start("alice", lan=True) == f"alice@{address}"
    assert Node.names(address) == ["alice"]
    Node.stop()
    with pytest.raises(NodeNameError, match="of this machine alone"):
        Node.start("alice@127.0.0.1", lan=True)


def test_20_nodes_form_a_mesh_and_it_heals(alice, nodes):
    names = [f"n{number}" for number in range(20)]
    started = nodes(*names)
    here = self()
    everybody = sorted([node.name for node in started] + ["alice@127.0.0.1"])
    for name in names:
        while not Node.ping(name):  # each hears of those that are there
            sleep(0.01)

    def complete(present):
        """Whether each of them is connected to all others."""
        for node in present:
            if node != Node.self():
                Node.spawn(node, lambda: send(here, ("list", Node.self(), Node.list())))
        lists = {Node.self(): Node.list()}
        while len(lists) < len(present):
            match receive(("list", str, list), timeout=5, default=None):
                case None:
                    return False  # one could not be reached in its time, on a busy machine
                case (_, node, known):
                    lists[node] = known
        return all(sorted([node, *known]) == sorted(present) for node, known in lists.items())

    while not complete(everybody):
        sleep(0.05)
    Node.monitor_nodes()
    for node in started[:3]:
        node.kill()
    left = [name for name in everybody if name not in {node.name for node in started[:3]}]
    while not complete(left):
        sleep(0.05)
    lost = [receive(NodeDown(), timeout=60).node for _ in range(3)]
    assert sorted(lost) == sorted(node.name for node in started[:3])
    assert receive(NodeDown(), NodeUp(), timeout=0, default=None) is None, "those that are left have stayed together"
    Node.monitor_nodes(on=False)
    nodes(*names[:3])
    for name in names[:3]:
        while not Node.ping(name):
            sleep(0.01)
    while not complete(everybody):
        sleep(0.05)
