"""Two nodes that dial each other, one of them held up on its way: statement 49."""

import asyncio
import threading

import pytest

from pyex import Node, NodeUp, receive, self, send, spawn
from pyex.distribution import handshake, mesh
from tests.distribution.controlled import Controlled

BOB = "bob@127.0.0.1"


@pytest.fixture
def bob(name_service):
    bob = Controlled("bob")
    yield bob.ready()
    bob.discard()


@pytest.mark.parametrize(("module", "step"), [(mesh, "reach"), (handshake, "greet")])
def test_49_a_dial_that_is_held_up_leaves_the_connection_that_has_come_meanwhile(bob, alice, monkeypatch, module, step):
    here, held, go_on = self(), threading.Event(), threading.Event()
    take_step = getattr(module, step)

    async def hold_up(*args):
        outcome = await take_step(*args)
        held.set()
        await asyncio.to_thread(go_on.wait, 60)
        return outcome

    monkeypatch.setattr(module, step, hold_up)
    Node.monitor_nodes()
    spawn(lambda: send(here, ("connected", Node.connect("bob"))))
    assert held.wait(30)
    assert bob.ask("attempt('alice', 30)") is True
    assert receive(timeout=60) == NodeUp(BOB)
    go_on.set()
    assert receive(timeout=60) == ("connected", True)
    assert Node.ping("bob")
    assert receive(timeout=0, default=None) is None
    assert bob.ask("lost()") == []
    Node.monitor_nodes(on=False)
