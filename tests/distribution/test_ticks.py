"""Ticks: silence is noticed, idleness and a held scheduler are not taken for it. (Statement 50, rule 11.)"""

import heapq
import itertools
import sys
import time

import cloudpickle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyex import Down, Node, NodeDown, NodeUp, Process, receive, self, send, sleep
from pyex.core.errors import NodeStartError
from pyex.distribution import ticks
from pyex.distribution.handshake import Own, Peer

# What these tests ship to other nodes is of this module, which those cannot import.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

BOB = "bob@127.0.0.1"
SHORT = 1.0


class Time:
    """A loop whose time passes when it is told to."""

    def __init__(self):
        self.now = 0.0
        self.due = []
        self.numbers = itertools.count()

    def call_later(self, seconds, callback):
        timer = Timer(callback)
        heapq.heappush(self.due, (self.now + seconds, next(self.numbers), timer))
        return timer

    def run_until(self, end):
        while self.due and self.due[0][0] <= end:
            self.now, _, timer = heapq.heappop(self.due)
            timer.callback()
        self.now = end


class Timer:
    def __init__(self, callback):
        self.callback = callback

    def cancel(self):
        self.callback = lambda: None


class Wire:
    """One end of a connection, as a ticker sees it."""

    def __init__(self):
        self.receipts = self.sendings = 0
        self.other = None
        self.frozen = False

    def tick(self):
        if not self.frozen:
            self.sendings += 1
            self.other.receipts += 1


def pair(clock, own, peers, silences):
    one, other = Wire(), Wire()
    one.other, other.other = other, one
    ticks.Ticker(one, own, peers, lambda: silences.append(("one", clock.now)), clock)
    return other


times = st.floats(0.5, 10)


@settings(max_examples=60)
@given(times, times, st.floats(0, 1), st.floats(0, 10))
def test_50_silence_is_noticed_within_the_net_tick_time_and_a_quarter_and_idleness_is_not_silence(
    own, peers, apart, lived
):
    clock, silences = Time(), []
    other = pair(clock, own, peers, silences)
    clock.run_until(apart * min(own, peers) / 4)
    ticks.Ticker(other, peers, own, lambda: silences.append(("other", clock.now)), clock)
    frozen_at = clock.now + lived * own
    clock.run_until(frozen_at)
    assert silences == []
    other.frozen = True
    clock.run_until(frozen_at + 2 * own)
    [(who, noticed)] = [silence for silence in silences if silence[0] == "one"]
    assert who == "one"
    assert 0.75 * own <= noticed - frozen_at + 1e-6
    assert noticed - frozen_at <= 1.25 * own + 1e-6


@given(st.text(max_size=20) | st.floats().map(str))
def test_whatever_a_node_says_of_its_tick_time_is_a_time_that_can_be_kept(text):
    assert 0.1 <= Peer("bob@127.0.0.1", 1, "3.11", (f"net_ticktime={text}",)).net_ticktime <= 86400


def test_each_node_says_its_tick_time():
    own = Own("bob@127.0.0.1", 1, b"", net_ticktime=7.5)
    assert Peer("bob@127.0.0.1", 1, "3.11", own.capabilities).net_ticktime == 7.5


@pytest.mark.parametrize("seconds", [0, -1, 0.01, 1e9, float("nan")])
def test_a_tick_time_that_cannot_be_kept_is_refused(seconds):
    with pytest.raises(NodeStartError, match="net tick time"):
        Node.start("alice", net_ticktime=seconds)


def test_50_a_frozen_node_is_noticed_and_welcome_again_when_it_goes_on(name_service, nodes):
    [bob] = nodes("bob", options={"net_ticktime": SHORT})
    Node.start("alice", net_ticktime=SHORT)
    try:
        Node.monitor_nodes()
        Node.connect("bob")
        assert receive(timeout=60) == NodeUp(BOB)
        here = self()

        def tell_of_alice():
            Node.monitor_nodes()
            send(here, "watching")
            while True:
                send(here, ("bob saw", receive(NodeDown("alice@127.0.0.1"), NodeUp("alice@127.0.0.1"))))

        Node.spawn("bob", tell_of_alice)
        assert receive(timeout=60) == "watching"
        ref = Process.monitor(("main", BOB))
        assert Node.ping("bob") is True
        bob.freeze()
        begun = time.monotonic()
        assert Node.ping("bob") is False
        assert receive(Down(ref), timeout=20).reason == "noconnection"
        assert receive(NodeDown(BOB), timeout=60) == NodeDown(BOB)
        assert time.monotonic() - begun > SHORT / 2
        bob.thaw()
        while not Node.ping("bob"):
            sleep(0.01)
        assert receive(NodeUp(BOB), timeout=60)
        assert receive(("bob saw", NodeDown()), timeout=60)
        assert receive(("bob saw", NodeUp()), timeout=60)
        send(("main", BOB), (here, "echo", 1))
        assert receive(("echo", 1), timeout=60)
    finally:
        Node.monitor_nodes(on=False)
        Node.stop()
    assert "Nothing has come from" not in bob.errors()


def test_11_a_scheduler_that_is_held_loses_nobody_and_still_sends(name_service, nodes):
    """In both directions: bob's loop is held, and alice, who is idle, must not lose bob; nor bob her afterwards."""
    nodes("bob", options={"net_ticktime": SHORT})
    Node.start("alice", net_ticktime=SHORT)
    try:
        Node.monitor_nodes()
        Node.connect("bob")
        assert receive(timeout=60) == NodeUp(BOB)
        here = self()

        def hold():
            send(here, ("begun", Node.self()))
            time.sleep(2 * SHORT)
            send(here, ("held until", time.monotonic()))

        Node.spawn("bob", hold)
        assert receive(timeout=60) == ("begun", BOB)
        heard = time.monotonic()
        held, until = receive(timeout=60)
        assert held == "held until"
        assert heard < until, "what was written before waited for the end of it"
        send(("main", BOB), (here, "echo", 1))
        assert receive(timeout=60) == ("echo", 1)  # and nothing of a node that went
    finally:
        Node.monitor_nodes(on=False)
        Node.stop()


def test_50_an_idle_connection_is_kept(name_service, nodes):
    nodes("bob", options={"net_ticktime": 4 * SHORT})
    Node.start("alice", net_ticktime=SHORT)  # and bob sends as often as alice wants it
    try:
        Node.connect("bob")
        Node.monitor("bob")
        assert receive(timeout=2 * SHORT, default="still there") == "still there"
        assert Node.list() == [BOB]
        assert Node.monitor("bob", on=False)
        assert not Node.monitor("bob", on=False)
    finally:
        Node.stop()
