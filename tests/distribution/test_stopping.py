"""A node that stops while others connect to it, and while its own processes connect."""

import asyncio
import socket
import sys
import threading

import pytest

from pyex import ConnectError, Node, NodeDown, NotDistributed, receive, self, send, spawn
from pyex.distribution import epmd
from pyex.distribution.epmd import EXTRA, Registration
from pyex.distribution.outbox import Outbox
from pyex.distribution.sockets import Listener


def test_what_was_accepted_in_the_moment_of_the_end_is_closed():
    async def accept_and_close():
        begun = []

        async def welcome(sock):
            begun.append(sock)
            sock.close()

        for turns in range(3):
            listener = await Listener.start("127.0.0.1", 0, welcome)
            with socket.create_connection(("127.0.0.1", listener.port), timeout=30) as caller:
                for _ in range(turns):
                    await asyncio.sleep(0)
                if not listener._tasks:
                    listener._accept(listener._sockets[0])
                listener.close()
                await asyncio.sleep(0)
                assert await asyncio.get_running_loop().run_in_executor(None, caller.recv, 1) == b""
            assert not listener._fresh

    asyncio.run(accept_and_close())


@pytest.fixture
def mute(alice, monkeypatch):
    """Bob is said to be at a port where nobody ever answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        async def look_up(_host, name):
            return Registration(name, server.getsockname()[1], EXTRA)

        monkeypatch.setattr(epmd, "look_up", look_up)
        server.settimeout(30)
        yield server


def test_who_waits_for_a_connection_when_the_node_stops_is_told_so(mute):
    here = self()

    def connect():
        try:
            send(here, ("connected", Node.connect("bob")))
        except (ConnectError, NotDistributed) as error:  # one may begin when the node has stopped
            send(here, ("refused", str(error)))

    for _ in range(3):
        spawn(connect)
    Node.monitor("bob")
    dialled, _ = mute.accept()
    with dialled:
        assert dialled.recv(4)  # the dial is at the handshake
        assert Node.stop() is True
        outcomes = [receive(("refused", str), ("connected", bool), timeout=60) for _ in range(3)]
        assert {what for what, _ in outcomes} == {"refused"}
        assert all(
            "bob@127.0.0.1 is not connected to: this node has been stopped" in why or "has no name" in why
            for _, why in outcomes
        )
        assert receive(NodeDown("bob@127.0.0.1"), timeout=60)
        while dialled.recv(1 << 12):
            pass  # what was sent of the hello, and the end


def test_what_many_threads_put_into_an_outbox_is_counted_exactly():
    outbox, threads, each = Outbox(), 8, 2000
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        putting = [
            threading.Thread(target=lambda: [outbox.put(None, b"x" * 10, None) for _ in range(each)])
            for _ in range(threads)
        ]
        for thread in putting:
            thread.start()
        taken = 0
        while any(thread.is_alive() for thread in putting) or outbox:
            taken += sum(len(part) for part in outbox.batch())
        for thread in putting:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert taken
    assert taken % (threads * each) == 0
    assert outbox.size == 0
