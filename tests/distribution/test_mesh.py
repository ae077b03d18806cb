"""Nodes and the processes on them."""

import logging
import subprocess
import sys

import cloudpickle
import pytest

from pyex import (
    ANY,
    ConnectError,
    Down,
    Exited,
    Node,
    NotDistributed,
    Pid,
    Process,
    Ref,
    erpc,
    exit,
    receive,
    run,
    self,
    send,
    sleep,
    spawn,
)
from pyex.core.errors import NodeNameError, NodeStartError
from pyex.core.identity import identity
from tests.distribution.controlled import until

# What these tests ship to other nodes is of this module, which those cannot import.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

ALICE, BOB = "alice@127.0.0.1", "bob@127.0.0.1"


def in_process(test):
    """Run a test as a process of its own, so that its mailbox is its own."""

    def wrapper(alice, nodes):
        run(test, nodes)

    wrapper.__name__ = test.__name__
    return wrapper


def echo():
    while True:
        match receive():
            case (Pid() as sender, text):
                send(sender, ("echo", text))
            case other:
                exit(other)


def test_a_node_is_alive_between_start_and_stop(name_service):
    assert (Node.self(), Node.alive(), Node.list()) == ("nonode@nohost", False, [])
    assert Node.start("alice") == "alice@127.0.0.1"
    assert (Node.self(), Node.alive()) == ("alice@127.0.0.1", True)
    with pytest.raises(NodeStartError, match="has a name already"):
        Node.start("carol")
    assert Node.stop() is True
    assert Node.stop() is False
    assert Node.self() == "nonode@nohost"


def test_without_a_name_the_errors_say_how_to_get_one():
    for call in (lambda: Node.connect("bob"), Node.cookie, lambda: Node.disconnect("bob")):
        with pytest.raises(NotDistributed, match=r"Node.start\(name\)"):
            call()


def test_malformed_names_are_refused_everywhere(alice):
    for call in (Node.connect, Node.ping, Node.disconnect, lambda name: Node.spawn(name, echo)):
        with pytest.raises(NodeNameError):
            call("bob@@")


@in_process
def test_connect_list_ping_disconnect(nodes):
    nodes("bob")
    assert Node.list() == []
    assert Node.connect("bob") is True
    assert Node.connect(BOB) is True
    assert Node.connect(Node.self()) is True
    assert Node.list() == [BOB]
    assert Node.ping("bob") is True
    assert Node.disconnect("bob") is True
    assert Node.list() == []
    assert Node.disconnect("bob") is False
    assert Node.cookie() == "a cookie for tests, long enough"


def test_nobody_there_is_explained(alice):
    with pytest.raises(
        ConnectError, match="no node named 'nobody' runs on 127.0.0.1. Running there: alice .this node."
    ):
        Node.connect("nobody")
    assert Node.ping("nobody") is False
    with pytest.raises(ConnectError, match="Did you mean alice@127.0.0.1[?] Running there: alice"):
        Node.connect("alcie")


def test_another_machine_cannot_be_dialled_from_a_loopback_name(alice):
    with pytest.raises(ConnectError, match="its own name is of this machine alone"):
        Node.connect("bob@192.0.2.1")


@in_process
def test_messages_of_every_kind_arrive_as_they_were(nodes):
    nodes("bob")
    message = ("m", [1, (2, {3})], {"k": None, (1, 2): b"x"}, 2**80, 1.5, self(), Ref(), {"set"}, ValueError("v"))
    send(("main", BOB), (self(), "echo", message))
    _, answer = receive(("echo", ANY), timeout=60)
    assert answer[:-1] == message[:-1]
    assert repr(answer[-1]) == repr(message[-1])


@in_process
def test_a_function_of_the_moment_runs_on_another_node(nodes):
    nodes("bob")
    word, here = "hello", self()
    pid = Node.spawn(BOB, lambda: send(here, (word, self(), Node.self())))
    hello, there, node = receive(("hello", ANY, ANY), timeout=60)
    assert (hello, there, node) == (word, pid, BOB)
    assert pid.node == BOB
    assert repr(pid).endswith(f", '{BOB}')")
    assert eval(repr(pid)) == pid


@in_process
def test_an_echo_process_on_another_node_answers(nodes):
    nodes("bob")
    pid = Node.spawn("bob", echo)
    send(pid, (self(), "hello"))
    assert receive(timeout=60) == ("echo", "hello")


@in_process
def test_52_messages_keep_their_order_by_pid_and_by_name_and_before_the_end(nodes):
    nodes("bob")
    here = self()

    def count():
        Process.register(self(), "counter")
        send(here, "registered")
        for expected in range(3000):
            assert receive() == expected
        for answer in range(3000):
            send(here, answer)
        exit("counted")

    _, ref = Node.spawn_monitor("bob", count)
    receive("registered", timeout=60)
    name = ("counter", BOB)
    pid_of_counter = receive_pid(name)
    for number in range(3000):
        send(name if number % 2 else pid_of_counter, number)
    for expected in range(3000):
        assert receive(timeout=60) == expected
    assert receive(timeout=60) == Down(ref, pid_of_counter, "counted")


def receive_pid(name):
    """The pid that a remote name stands for."""
    here = self()
    short, node = name
    Node.spawn(node, lambda: send(here, ("whereis", Process.whereis(short))))
    return receive(("whereis", Pid), timeout=60)[1]


@in_process
def test_45_losing_a_node_is_told_once_to_each_link_and_monitor(nodes):
    [bob] = nodes("bob")
    Process.flag("trap_exit", True)
    pid = Node.spawn_link("bob", echo)
    refs = [Process.monitor(pid), Process.monitor(pid), Process.monitor(("main", BOB))]
    bob.kill()
    assert receive(Exited(pid), timeout=60).reason == "noconnection"
    for ref in refs:
        assert receive(Down(ref), timeout=60).reason == "noconnection"
    assert receive(timeout=0, default=None) is None
    assert Node.list() == []


@in_process
def test_45_the_remote_ends_of_links_die_with_the_connection(nodes):
    nodes("bob")
    here = self()
    Process.flag("trap_exit", True)

    def linked():
        Process.flag("trap_exit", True)
        Process.register(self(), "linked")
        Process.link(here)
        send(here, "linked")
        match receive():
            case Exited(_, reason):
                Process.register(spawn(sleep, None), f"saw_{reason}")

    Node.spawn("bob", linked)
    receive("linked", timeout=60)
    Node.disconnect("bob")
    Node.connect("bob")
    while True:  # the other side notices in its own time
        ref = Process.monitor(("saw_noconnection", BOB))
        if receive(Down(ref), timeout=0.05, default=None) is None:
            break


@in_process
def test_47_spawning_on_a_node_out_of_reach_gives_a_pid_and_then_noconnection(nodes):
    Process.flag("trap_exit", True)
    pid = Node.spawn_link("nobody", echo)
    assert receive(timeout=60) == Exited(pid, "noconnection")
    pid, ref = Node.spawn_monitor("nobody", echo)
    assert receive(timeout=60) == Down(ref, pid, "noconnection")
    assert send(Node.spawn("nobody", echo), "lost") == "lost"


def test_47_and_the_log_says_why(alice, caplog):
    with caplog.at_level(logging.WARNING, "pyex"):
        Node.spawn("nobody", echo)
    assert "Cannot spawn on nobody@127.0.0.1: no node named 'nobody'" in caplog.text


@in_process
def test_48_the_pids_of_a_restarted_node_are_not_its_old_ones(nodes):
    [bob] = nodes("bob")
    old = Node.spawn("bob", echo)
    ref = Process.monitor(old)
    bob.kill()
    receive(Down(ref), timeout=60)
    nodes("bob")
    new = [Node.spawn("bob", echo) for _ in range(3)]
    assert old not in new
    for pid in new:
        send(pid, (self(), "alive"))
        assert receive(timeout=60) == ("echo", "alive")
    ref = Process.monitor(old)
    assert receive(Down(ref), timeout=60).reason == "noproc"
    assert send(old, "to nobody") == "to nobody"


@in_process
def test_connecting_to_one_node_connects_to_all_it_knows(nodes):
    nodes("bob", "carol", "dave")
    here = self()
    Node.spawn("bob", lambda: send(here, [Node.connect(name) for name in ("carol", "dave")]))
    assert receive(timeout=60) == [True, True]
    for name in (ALICE, "bob", "carol", "dave"):  # carol and dave have heard of this node, and of each other, and call
        until(lambda name=name: len(erpc.call(name, Node.list)) == 3)


@in_process
def test_a_signal_to_a_node_not_connected_yet_connects_and_keeps_its_order(nodes):
    nodes("bob")
    for number in range(100):
        send(("main", BOB), (self(), "echo", number))
    assert [receive(timeout=60)[1] for _ in range(100)] == list(range(100))
    assert Node.list() == [BOB]


def test_52_nobody_is_overtaken_while_a_connection_comes_up(alice, nodes):
    """From a thread, whose signals go to the loop first and straight to the connection later."""
    nodes("bob")
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for _ in range(10):
            for number in range(1000):
                send(("main", BOB), (self(), "echo", number))
            assert [receive(("echo", ANY), timeout=60)[1] for _ in range(1000)] == list(range(1000))
            Node.disconnect(BOB)
    finally:
        sys.setswitchinterval(interval)


@in_process
def test_a_pid_typed_in_before_its_node_was_met_is_that_process(nodes):
    nodes("bob")
    Process.flag("trap_exit", True)
    pid = Node.spawn("bob", echo)
    Node.disconnect("bob")
    identity.creations.clear()
    typed = eval(repr(pid))
    assert typed.key[2] == 0
    assert typed == pid
    assert hash(typed) == hash(pid)
    Process.link(typed)
    ref = Process.monitor(typed)
    here = self()
    Node.spawn("bob", lambda: send(here, Process.alive(typed)))
    assert receive(bool, timeout=60) is True
    send(typed, "done")
    assert receive(Exited(pid), timeout=60).reason == "done"
    assert receive(Down(ref), timeout=60).reason == "done"


@in_process
def test_the_pid_of_what_could_not_be_started_is_never_anybodys(nodes):
    Process.flag("trap_exit", True)
    pids = [Node.spawn("bob", echo) for _ in range(50)]
    assert len(set(pids)) == 50
    nodes("bob")
    for _ in range(200):
        Node.spawn("bob", echo)
    for pid in pids:
        ref = Process.monitor(pid)
        assert receive(Down(ref), timeout=60).reason == "noproc"


@in_process
def test_nodes_are_started_one_at_a_time(nodes):
    Node.stop()
    here = self()

    def begin(name):
        try:
            send(here, ("started", Node.start(name)))
        except NodeStartError as error:
            send(here, ("refused", str(error)))

    def both():
        for name in ("one", "two"):
            spawn(begin, name)

    spawn(both)
    outcomes = sorted(receive(timeout=60)[0] for _ in range(2))
    assert outcomes == ["refused", "started"]


def test_a_node_leaves_in_bounded_time_also_when_its_scheduler_is_stuck(name_service):
    program = "import time\nfrom pyex import *\nNode.start('lib')\nspawn(time.sleep, 60)\ntime.sleep(0.2)\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
