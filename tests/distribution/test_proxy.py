"""Lines between nodes that lose, change, repeat, delay and swap what is sent: noticed, or without effect."""

import itertools
import random
import time

import pytest

from pyex import Node, NodeDown, Process, receive, self
from tests.distribution.conftest import COOKIE, free_port
from tests.distribution.controlled import Controlled, until
from tests.distribution.idleness import is_idle
from tests.distribution.proxy import Proxy, corrupt, cut, duplicate, once, pass_on, reorder, truncate

RUNS = itertools.count()
FAULTS = [truncate, corrupt, duplicate, reorder, cut]

#: About the bytes that a node dialling sends of its handshake, and those of a line of messages after it.
HANDSHAKE, LINE = 300, 20_000

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def proxy():
    proxy = Proxy()
    yield proxy
    proxy.close()


@pytest.fixture(scope="module")
def bob(proxy):
    yield from pair(proxy, None)


def pair(proxy, tls):
    """This interpreter as alice, and bob, who dials through the proxy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ERL_EPMD_PORT", str(free_port()))
        patch.setenv("PYEX_COOKIE", COOKIE)
        bob = Controlled("bob", PROXY=str(proxy.port), options={"tls": tls})
        try:
            bob.ready()
            Node.start("alice", tls=tls)
            yield bob
        finally:
            Node.stop()
            for name in ("pg", "global_name_server"):
                if (pid := Process.whereis(name)) is not None:
                    Process.exit(pid, "kill")
                    until(lambda pid=pid: not Process.alive(pid))
            bob.discard()


@pytest.fixture
def line(proxy):
    """A new connection of bob's, through a proxy that treats it as told; afterwards there is none."""

    def line(bob, outward=pass_on, inward=pass_on, patience=30.0):
        until(lambda: are_apart(bob, proxy))
        while receive(timeout=0, default=None) is not None:
            pass
        proxy.outward, proxy.inward = outward, inward
        return until(lambda: bob.ask(f"attempt('alice', {patience})") is True or patience < 1)

    Node.monitor_nodes()
    yield line
    Node.monitor_nodes(on=False)
    proxy.outward = proxy.inward = pass_on


def are_apart(bob, proxy):
    """Cut what there is, and tell whether that was all, and nothing is on its way to either, through the proxy or not."""
    proxy.cut()
    Node.disconnect("bob")
    return bob.ask("is_idle()") and proxy.is_idle() and is_idle() and bob.ask("is_idle()")


def sent(bob, count=200):
    """What comes of numbers that bob sends while he is connected, and whether he was so to the end."""
    run = f"taker{next(RUNS)}"  # what comes late of another run is nobody's
    Process.register(self(), run)
    come = []
    try:
        bob.ask(f"[send(({run!r}, 'alice@127.0.0.1'), ('n', n, 'x' * (n % 97))) for n in range({count})] and None")
        while len(come) < count:
            match receive(timeout=0.1, default=None):
                case NodeDown():
                    return come, False
                case None:  # what follows shows that something is missing
                    bob.ask(f"send(({run!r}, 'alice@127.0.0.1'), ('more', 'y' * 50)) and None")
                case ("n", int(), _) as message:
                    come.append(message)
                case ("more", _):
                    break  # what was sent before and has not come never will
        return come, True
    finally:
        Process.unregister(run)


def whole(count):
    return [("n", n, "x" * (n % 97)) for n in range(count)]


def test_a_line_that_delays_and_cuts_to_pieces_changes_nothing(bob, proxy, line):
    randomness = random.Random(1)

    def slow(data, _count):
        time.sleep(randomness.random() / 200)
        return data

    line(bob, slow, slow)
    assert sent(bob) == (whole(200), True)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("side", ["outward", "inward"])
def test_faults_during_the_handshake_end_it_and_it_can_be_tried_again(bob, proxy, line, fault, side):
    for at in random.Random(fault.__name__ + side).sample(range(4, 200), 2):
        line(bob, **{side: once(at, fault)}, patience=0.5)
    line(bob)
    assert sent(bob, 10) == (whole(10), True)


@pytest.mark.parametrize("fault", [truncate, duplicate, reorder, cut])
def test_what_is_lost_twice_or_out_of_order_ends_the_connection_and_nothing_else(bob, proxy, line, fault):
    for at in random.Random(fault.__name__).sample(range(HANDSHAKE + 200, LINE // 2), 2):
        line(bob, once(at, fault))
        come, connected = sent(bob)
        if connected:  # bytes were swapped within a message, or are the same: the line has no seal without TLS
            as_they_were = [message for message in whole(200) if message in come]
            assert len(as_they_were) >= 199
            assert [message for message in come if message in as_they_were] == as_they_were
        else:  # the last one may have the wrong text, likewise
            assert [message[1] for message in come] == sorted({message[1] for message in come})
            assert come[:-1] == whole(200)[: max(len(come) - 1, 0)]
    line(bob)
    assert sent(bob, 10) == (whole(10), True)
