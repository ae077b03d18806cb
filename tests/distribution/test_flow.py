"""Large messages and slow nodes: neither holds up anybody but who sends to them."""

import sys

import cloudpickle
import pytest

from pyex import ANY, Down, Node, Process, receive, self, send, sleep, spawn
from pyex.distribution.channel import BUSY, LIMIT, ROOM
from pyex.distribution.node import _current

# What these tests ship to other nodes is of this module, which those cannot import.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

BOB = "bob@127.0.0.1"
CAROL = "carol@127.0.0.1"


@pytest.fixture(autouse=True)
def mesh(bob_and_carol):
    return bob_and_carol


def measure():
    """Tells the length of what it gets, and who it is from."""
    while True:
        sender, data = receive()
        send(sender, ("length", len(data)))


def echo():
    while True:
        sender, message = receive()
        send(sender, ("echo", message))


def channel(node):
    return _current.mesh.connections[node].channel


def are_suspended(*pids):
    """Whether they wait for room. When the system takes somewhat more after that, they wait on, until half of it has gone."""
    return channel(BOB).outbox.size > ROOM and all(Process.info(pid).status == "waiting" for pid in pids)


@pytest.mark.parametrize("size", [0, 1, LIMIT - 100, LIMIT - 40, LIMIT, LIMIT + 1, 3 * LIMIT, 5_000_000])
def test_messages_of_every_size_arrive_whole(size):
    message = bytes(range(256)) * (size // 256) + b"." * (size % 256)
    send(("main", BOB), (self(), "echo", message))
    assert receive(("echo", bytes), timeout=60) == ("echo", message)


def test_52_a_large_message_and_what_its_sender_sends_next_keep_their_order():
    pid = Node.spawn(BOB, echo)
    Process.link(pid)
    Process.flag("trap_exit", True)
    for number in range(20):
        send(pid, (self(), bytes(300_000)))
        send(pid, (self(), number))
    for number in range(20):
        assert receive(timeout=60) == ("echo", bytes(300_000))
        assert receive(timeout=60) == ("echo", number)
    send(pid, (self(), bytes(2_000_000)))
    Process.exit(pid, "kill")
    while receive(timeout=60)[0] != "EXIT":
        pass


def test_a_large_message_does_not_delay_the_small_ones_of_others():
    here = self()
    large = bytes(64_000_000)
    sink, small = Node.spawn(BOB, measure), Node.spawn(BOB, echo)

    def send_large():
        send(sink, (here, large))

    def ping():
        for number in range(3):
            send(small, (self(), number))
            assert receive(timeout=60) == ("echo", number)
        send(here, "pinged")

    spawn(send_large)
    spawn(ping)
    assert receive(timeout=60) == "pinged"
    assert receive(timeout=60) == ("length", len(large))


def test_a_sender_to_a_slow_node_is_suspended_at_a_bound_and_nobody_else_is(mesh):
    [bob, _] = mesh
    here, total = self(), 40_000
    counter = Node.spawn(BOB, count, here, total)
    assert receive(timeout=60) == "counting"
    bob.freeze()
    try:
        flooder = spawn(flood, counter, total)
        doomed = spawn(flood, counter, total)
        while not are_suspended(flooder, doomed):
            sleep(0.01)
        assert channel(BOB).outbox.size < 2 * BUSY
        # The node goes on meanwhile: its own processes, and those that send elsewhere.
        pid = spawn(echo)
        send(pid, (self(), "here"))
        assert receive(("echo", ANY), timeout=60) == ("echo", "here")
        send(("main", CAROL), (self(), "echo", "there"))
        assert receive(("echo", ANY), timeout=60) == ("echo", "there")
        # One that is suspended can be ended.
        ref = Process.monitor(doomed)
        Process.exit(doomed, "enough")
        assert receive(Down(ref), timeout=60).reason == "enough"
    finally:
        bob.thaw()
    ref = Process.monitor(flooder)
    assert receive(Down(ref), timeout=60).reason == "normal"
    assert receive(("counted", ANY), timeout=60) == ("counted", total)


def flood(pid, total):
    padding = "x" * 1000
    for number in range(total):
        send(pid, (self(), number, padding))


def flood_until_told(pid):
    while receive("enough", timeout=0, default=None) is None:
        send(pid, "x" * 1000)


def count(listener, total):
    """Counts the messages of each sender, which come in order, until one has sent all."""
    counted = {}
    send(listener, "counting")
    while total not in counted.values():
        sender, number, _ = receive()
        assert number == counted.get(sender, 0)
        counted[sender] = number + 1
    send(listener, ("counted", total))


def test_those_that_are_suspended_go_on_when_the_connection_is_lost(mesh):
    [bob, _] = mesh
    counter = Node.spawn(BOB, count, self(), 40_000)
    assert receive(timeout=60) == "counting"
    bob.freeze()
    try:
        flooder = spawn(flood_until_told, counter)
        while not are_suspended(flooder):
            sleep(0.01)
        ref = Process.monitor(flooder)
        send(flooder, "enough")
        Node.disconnect(BOB)
        assert receive(Down(ref), timeout=60).reason == "normal"
    finally:
        bob.thaw()
    Node.connect(BOB)
