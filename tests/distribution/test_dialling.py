"""Two nodes that dial each other at once: one connection comes of it, which stays."""

import asyncio
import itertools
import sys
import threading

import cloudpickle
import pytest

from pyex import Node, NodeUp, Task, receive, self, send
from pyex.distribution import handshake
from tests.distribution.controlled import Controlled, until

# What these tests ship to other nodes is of this module, which those cannot import.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

BOB = "bob@127.0.0.1"


def test_49_two_nodes_that_dial_each_other_at_once_get_one_connection(alice, nodes):
    nodes("bob")
    here = self()

    def dial_back():
        while True:
            match receive():
                case "dial":
                    send(here, ("dialled", Node.ping("alice")))

    Node.connect("bob")
    pid = Node.spawn("bob", dial_back)
    for _ in range(100):
        Node.disconnect("bob")
        send(pid, "dial")  # makes this node dial, too
        assert Node.connect("bob")
        assert receive(("dialled", bool), timeout=60) == ("dialled", True)
        assert Node.list() == [BOB]


@pytest.mark.parametrize("proved", [False, True])
def test_49_a_dial_that_is_overtaken_ends_no_connection(alice, monkeypatch, proved):
    """Bob arrives while this node's own dial has yet to say hello, or while his proof, after which he left, is not read."""
    bob = Controlled("bob").ready()
    held = threading.Event()
    handshaking = handshake.dial

    async def arrival():
        held.set()
        while BOB not in Node.list():  # noqa: ASYNC110 - nothing tells, and it is soon
            await asyncio.sleep(0.001)

    async def dial(channel, *args):
        straight, count = channel.read, itertools.count(1)

        async def read():
            came = await straight()
            if next(count) == 2:
                await arrival()
            return came

        if proved:
            channel.read = read
        else:
            await arrival()
        return await handshaking(channel, *args)

    monkeypatch.setattr(handshake, "dial", dial)
    Node.monitor_nodes()
    dialling = Task.async_(Node.connect, "bob")
    try:
        assert held.wait(10)
        if proved:
            until(lambda: bob.ask("Node.disconnect('alice')"))  # it is sent before it is installed
        bob.connect("alice")
        assert Task.await_(dialling) is True
        assert Node.ping("bob") is True
        assert bob.ask("lost()") == (["alice"] if proved else [])
        assert receive(timeout=60) == NodeUp(BOB)
        assert receive(timeout=0, default="nothing") == "nothing"
    finally:
        Node.monitor_nodes(on=False)
        bob.discard()
