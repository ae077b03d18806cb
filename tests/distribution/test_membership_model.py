"""The rules by which a mesh falls into parts and grows together, with messages that take any time: no node, no socket."""

import random
from collections import deque

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pyex import ConnectError
from pyex.distribution.channel import MalformedError
from pyex.distribution.handshake import HIDDEN, Own, Peer
from pyex.distribution.membership import LOST, NODES, REMOVED, Membership

END = object()


class End:
    """One end of a connection; what it tells is under way until the world delivers it."""

    hidden = False

    def __init__(self, mesh, peer):
        self.mesh, self.peer = mesh, peer
        self.joined, self.open = False, True
        self.between_nodes = None
        self.under_way = deque()
        self.other = None

    def tell(self, op, fields):
        if self.open:
            self.under_way.append((op, tuple(fields)))


class Timer:
    def __init__(self, world, callback):
        self.world, self.callback = world, callback

    def cancel(self):
        self.world.timers.remove(self)


class Node:
    """What a mesh is, for its membership."""

    def __init__(self, world, own):
        self.world, self.own = world, own
        self.connections = {}
        self.membership = Membership(self)

    def nodes(self, _kind):
        return list(self.connections)

    def soon(self, callback, *args):
        callback(*args)

    def later(self, _seconds, callback):
        self.world.timers.append(timer := Timer(self.world, callback))
        return timer

    def start_task(self, coroutine):
        self.world.tasks.append(coroutine)

    async def connect(self, name):
        if self.world.busyness and self.world.random.random() < self.world.busyness:
            raise ConnectError(name)
        self.world.connect(self, self.world.nodes[name])

    def drop(self, end):
        self.remove(end)
        if end.open:
            end.open = False
            end.under_way.append(END)

    def remove(self, end):
        known = self.connections.get(end.peer.name) is end
        if known:
            del self.connections[end.peer.name]
        return known

    def lost(self, end):
        end.open = False
        if self.remove(end):
            self.membership.lost(end)

    def install(self, end):
        old = self.connections.get(end.peer.name)
        if old is not None:
            self.drop(old)
        self.membership.connected(end)
        self.connections[end.peer.name] = end


class World:
    """Some nodes, and everything that is under way between them."""

    def __init__(self, count, seed, busyness=0.0):
        self.random = random.Random(seed)
        #: how many of those that are told of a node cannot reach it
        self.busyness = busyness
        self.nodes = {name: Node(self, Own(name, 1, b"")) for name in "abcdefgh"[:count]}
        self.ends, self.tasks, self.timers, self.sessions = [], [], [], 0
        first, *others = self.nodes.values()
        for other in others:
            self.connect(first, other)
            self.settle()

    def connect(self, dialling, dialled):
        if dialled.own.name in dialling.connections or dialled is dialling:
            return
        self.sessions += 1
        ends = []
        for here, there in ((dialled, dialling), (dialling, dialled)):
            own = there.own
            ends.append(End(here, Peer(own.name, own.creation, "", own.capabilities, self.sessions)))
        ends[0].other, ends[1].other = ends[1], ends[0]
        self.ends += ends
        for end in ends:
            end.mesh.install(end)

    def cut(self, node, other):
        end = self.nodes[node].connections.get(other)
        if end is not None:
            for one in (end, end.other):
                one.open = False
                one.under_way.clear()
                one.under_way.append(END)

    def step(self):
        """Deliver the next of what is under way on some connection, or let a node dial; False if nothing is left."""
        busy = [end for end in self.ends if end.under_way]
        count = len(busy) + len(self.tasks)
        if self.timers and (not count or self.random.random() < 0.02):
            self.timers.pop(0).callback()
            return True
        if not count:
            return False
        choice = self.random.randrange(count)
        if choice >= len(busy):
            coroutine = self.tasks.pop(choice - len(busy))
            with pytest.raises(StopIteration):
                coroutine.send(None)
            return True
        end = busy[choice]
        message, receiver = end.under_way.popleft(), end.other
        if message is END:
            receiver.mesh.lost(receiver)
            receiver.under_way.clear()
            if end.mesh.connections.get(end.peer.name) is end:
                receiver.under_way.append(END)
        elif receiver.mesh.connections.get(receiver.peer.name) is receiver:
            receiver.between_nodes(*message)
        return True

    def settle(self):
        while self.step():
            pass

    def parts(self):
        """Which nodes are together; every one of a part sees just the others."""
        views = {name: frozenset({name, *node.connections}) for name, node in self.nodes.items()}
        for view in views.values():
            for name in view:
                assert views[name] == view, views
        return {*views.values()}


def parts(*names):
    return {frozenset(part) for part in names}


def test_two_that_lose_each_other_lose_all_others_who_stay_together():
    for seed in range(200):
        world = World(5, seed)
        assert world.parts() == parts("abcde")
        world.cut("b", "d")
        world.settle()
        # One that all have left before it has noticed anything itself can tell nobody any more.
        assert world.parts() in (parts("b", "d", "ace"), parts("b", "acde"), parts("d", "abce"))
        world.connect(world.nodes["b"], world.nodes["a"])
        world.connect(world.nodes["d"], world.nodes["e"])
        world.settle()
        assert world.parts() == parts("abcde")


def test_one_that_dies_takes_nobody_with_it():
    for seed in range(50):
        world = World(6, seed)
        for other in "abdef":
            world.cut("c", other)
        world.settle()
        assert world.parts() == parts("c", "abdef")


def test_one_that_dies_and_is_there_again_at_once_stays():
    for seed in range(200):
        world = World(5, seed)
        for other in "abde":
            world.cut("c", other)
        world.nodes["c"] = Node(world, Own("c", 2, b""))
        for _ in range(world.random.randrange(30)):
            world.step()
        world.connect(world.nodes["c"], world.nodes["d"])
        world.settle()
        assert world.parts() == parts("abcde")


def test_those_that_cannot_be_reached_at_first_are_joined_later():
    for seed in range(50):
        assert World(5, seed, busyness=0.5).parts() == parts("abcde")


@settings(max_examples=200, deadline=None)
@given(
    st.integers(3, 6),
    st.integers(0, 1 << 30),
    st.sampled_from([0.0, 0.3]),
    st.lists(
        st.tuples(st.sampled_from(["cut", "connect"]), st.integers(0, 5), st.integers(0, 5), st.integers(0, 20)),
        max_size=12,
    ),
)
@example(  # c and d lose each other before anything has come on their connection
    4, 1571, 0.0,
    [("cut", 0, 1, 19), ("cut", 0, 3, 12), ("connect", 0, 1, 8), ("connect", 0, 3, 6), ("cut", 2, 3, 0)],
)  # fmt: skip
def test_whatever_is_cut_and_dialled_at_whatever_time_all_of_a_part_see_the_same(count, seed, busyness, script):
    world = World(count, seed, busyness)
    names = list(world.nodes)
    for what, one, other, steps in script:
        node, target = names[one % count], names[other % count]
        if what == "cut":
            world.cut(node, target)
        else:
            world.connect(world.nodes[node], world.nodes[target])
        for _ in range(steps):
            world.step()
    world.settle()
    world.parts()
    for name in names[1:]:
        world.connect(world.nodes[names[0]], world.nodes[name])
        world.settle()
    assert world.parts() == {frozenset(names)}


def test_a_connection_that_the_other_node_has_not_taken_up_is_no_loss():
    world = World(3, 0)
    end = world.nodes["a"].connections["b"]
    end.joined = False
    world.nodes["a"].lost(end)
    world.settle()
    assert "c" in world.nodes["a"].connections
    assert "c" in world.nodes["b"].connections


def test_where_it_is_switched_off_nothing_is_told_or_done():
    world = World(3, 0)
    a, b, c = world.nodes.values()
    a.own = b.own = c.own = Own("a", 1, b"", prevent_overlapping_partitions=False)
    assert not Peer("a", 1, "", a.own.capabilities).prevents_overlapping_partitions
    assert Peer("a", 1, "", Own("a", 1, b"").capabilities).prevents_overlapping_partitions
    assert not Peer("a", 1, "", (*Own("a", 1, b"").capabilities, HIDDEN)).prevents_overlapping_partitions
    world.cut("a", "b")
    world.settle()
    assert (sorted(a.connections), sorted(b.connections), sorted(c.connections)) == (["c"], ["c"], ["a", "b"])


@pytest.mark.parametrize("fields", [(), ("a", "b", 1), ("a", "b", 1, "2"), (1, 2, 3, 4)])
def test_what_is_no_loss_is_malformed(fields):
    world = World(2, 0)
    end = world.nodes["a"].connections["b"]
    for op in (LOST, REMOVED):
        with pytest.raises(MalformedError):
            end.between_nodes(op, fields)
    end.between_nodes(NODES, ())
