"""Overlapping partitions are prevented, as OTP does: whoever is connected is so with all that those are connected to."""

import subprocess
import sys

import pytest

from pyex import Global, Node
from tests.distribution.controlled import Controlled, parts, together, until, views


@pytest.fixture(scope="module")
def place():
    """A name service for all tests of the module."""
    with pytest.MonkeyPatch.context() as patch:
        from tests.distribution.conftest import COOKIE, free_port

        patch.setenv("ERL_EPMD_PORT", str(free_port()))
        patch.setenv("PYEX_COOKIE", COOKIE)
        yield


@pytest.fixture(scope="module")
def start(place):
    """A function that starts nodes."""
    started = []

    def start(*names, **options):
        new = [Controlled(name, **options) for name in names]
        started.extend(new)
        return [node.ready() for node in new]

    yield start
    for node in started:
        node.discard()


@pytest.fixture(scope="module")
def four(start):
    return start("a", "b", "c", "d")


@pytest.fixture
def nodes(four):
    together(four)
    return four


#: What may come of a link of b and c: one that the others leave before it has noticed anything can tell nobody any more.
TORN = [{"b", "c", "ad"}, {"b", "acd"}, {"c", "abd"}]


def test_a_link_that_is_cut_costs_its_ends_the_rest_of_the_mesh_and_it_heals(nodes):
    a, b, _c, d = nodes
    b.ask("cut('c')")
    until(lambda: parts(nodes) in TORN)
    a.connect("b")
    d.connect("c")
    until(lambda: parts(nodes) == {"abcd"})


def test_a_node_that_is_disconnected_from_on_purpose_is_lost_to_all_as_in_otp(nodes):
    a, _b, *_ = nodes
    assert a.ask("Node.disconnect('b')") is True
    until(lambda: parts(nodes) in [{"a", "b", "cd"}, {"a", "bcd"}, {"b", "acd"}])


def test_a_node_that_connects_again_at_once_is_not_torn_away_by_word_of_the_loss(nodes):
    a, _b, c, _ = nodes
    for _ in range(3):
        a.ask("(Node.disconnect('b'), Node.connect('b'))")
        until(lambda: (found := parts(nodes)) and any({"a", "b"} <= {*part} for part in found))
        c.connect("a")
        until(lambda: parts(nodes) == {"abcd"})


def test_one_that_leaves_leaves_the_others_together(nodes):
    a, _b, _, d = nodes
    before = {name: len(node.ask("lost()")) for name, node in zip("abcd", nodes, strict=True)}
    assert d.ask("Global.disconnect()") == [f"{name}@127.0.0.1" for name in "abc"]
    until(lambda: parts(nodes) == {"abc", "d"})
    assert {name: node.ask("lost()")[before[name] :] for name, node in zip("abc", nodes, strict=False)} == {
        key: ["d"] for key in "abc"
    }
    a.connect("d")
    until(lambda: parts(nodes) == {"abcd"})
    assert Global.disconnect() == []
    assert not Node.alive()


def lost(nodes, before):
    """What each has lost since it had lost so many."""
    return [node.ask("lost()")[count:] for node, count in zip(nodes, before, strict=True)]


def test_48_a_node_that_dies_and_is_there_again_at_once_tears_nothing(nodes, start):
    for number in range(3):
        before = [len(node.ask("lost()")) for node in nodes]
        [e] = start("e", options={"prevent_overlapping_partitions": True})
        e.connect("abcd"[number])
        until(lambda e=e: parts([*nodes, e]) == {"abcde"})
        e.kill()
        (again,) = start("e")
        until(lambda again=again: again.ask("Node.ping('b')"))
        until(lambda again=again: parts([*nodes, again]) == {"abcde"})
        again.kill()
        until(lambda: parts(nodes) == {"abcd"})
        until(lambda before=before: lost(nodes, before) == [["e", "e"]] * 4)


def test_one_that_could_not_be_reached_when_it_was_heard_of_is_joined_later(start):
    p, q, r = start("p", "q", "r")
    p.connect("q")
    q.freeze()
    assert r.ask("attempt('p', 0.3)") is True
    until(lambda: "q@127.0.0.1 is part of the mesh, but cannot be joined" in r.logged())
    r.ask("setattr(handshake, 'PATIENCE', 5.0)")
    q.thaw()
    until(lambda: parts([p, q, r]) == {"pqr"})


def test_51_hidden_nodes_take_no_part(nodes, start):
    _, b, c, _ = nodes
    (ghost,) = start("ghost", options={"hidden": True})
    b.connect("ghost")
    c.connect("ghost")
    before = [len(node.ask("lost()")) for node in nodes]
    ghost.ask("cut('b')")
    until(lambda: b.ask("Node.list('hidden')") == [])
    assert c.ask("Node.list('hidden')") == ["ghost@127.0.0.1"]
    assert [node.ask("lost()")[count:] for node, count in zip(nodes, before, strict=True)] == [[]] * 4
    b.connect("ghost")
    b.ask("cut('c')")
    until(lambda: parts(nodes) in TORN)
    assert ghost.ask("Node.list('hidden')") == ["b@127.0.0.1", "c@127.0.0.1"]
    ghost.kill()


def test_it_can_be_switched_off(start):
    nodes = start("x", "y", "z", options={"prevent_overlapping_partitions": False})
    together(nodes)
    nodes[0].ask("cut('y')")
    until(lambda: views(nodes) == {"x": {"x", "z"}, "y": {"y", "z"}, "z": {"x", "y", "z"}})
    for node in nodes:
        assert "overlapping" not in node.errors()


def test_what_happens_is_told_in_the_log(nodes):
    _, b, _, _ = nodes
    b.ask("cut('c')")
    until(lambda: parts(nodes) in TORN)
    errors = "".join(node.errors() for node in nodes)
    assert "127.0.0.1 has lost " in errors
    assert ": disconnected from " in errors
    assert ", to prevent overlapping partitions" in errors


def test_a_program_that_is_no_node_can_leave_too(place):
    program = "from pyex import Global; print(Global.disconnect())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", "")
