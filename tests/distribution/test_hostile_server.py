"""Who dials somebody that does not mean well, or is sent there by a false name service: refused, in bounded time."""

import contextlib
import os
import socket
import struct
import threading
import time

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyex import ConnectError, Node
from pyex.distribution import epmd, handshake
from pyex.distribution.channel import HANDSHAKE_LIMIT
from pyex.distribution.epmd import EXTRA, PORT2_RESP, Registration, pack_registration
from pyex.distribution.handshake import MAGIC, VERSION
from pyex.distribution.node import _current


class Server:
    """Accepts, and does the same with each connection, in a thread."""

    def __init__(self, port=0):
        self.behave = lambda sock: None
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._one, args=self.listener.accept()[:1], daemon=True).start()

    def _one(self, sock):
        with sock, contextlib.suppress(OSError):
            sock.settimeout(30)
            self.behave(sock)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture
def lured(alice, server, monkeypatch):
    """The name service of this machine says that bob is at the server's port."""

    async def look_up(_host, name):
        return Registration(name, server.port, EXTRA)

    monkeypatch.setattr(epmd, "look_up", look_up)
    return server


def frame(data):
    return struct.pack(">I", len(data)) + data


def exactly(sock, count):
    data = b""
    while len(data) < count:
        if not (part := sock.recv(count - len(data))):
            raise OSError("closed")
        data += part
    return data


def read(sock):
    return exactly(sock, struct.unpack(">I", exactly(sock, 4))[0])


def answer(name="bob@127.0.0.1", nonce=None):
    return MAGIC + msgpack.packb(("ok", VERSION, name, 1, nonce or os.urandom(32), "3.11", ()))


fields = st.one_of(
    st.none(), st.booleans(), st.integers(-(1 << 63), (1 << 64) - 1), st.binary(max_size=40), st.text(max_size=20)
)
answers = st.one_of(
    st.binary(max_size=200),
    st.lists(fields, max_size=9).map(lambda values: MAGIC + msgpack.packb(values)),
    st.tuples(st.sampled_from(["ok", "no"]), fields, fields, fields, fields, fields, fields).map(
        lambda values: MAGIC + msgpack.packb(values)
    ),
    st.just(answer()),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(answers, min_size=1, max_size=3), st.binary(max_size=20))
def test_whatever_the_other_side_answers_it_is_refused_with_a_reason(lured, frames, rest):
    def behave(sock):
        read(sock)
        for one in frames:
            sock.sendall(frame(one))
        sock.sendall(rest)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(1000):
            pass

    lured.behave = behave
    with pytest.raises(ConnectError, match=r"bob@127\.0\.0\.1"):
        Node.connect("bob")
    assert Node.list() == []


def test_one_that_does_not_know_the_cookie_learns_a_proof_that_is_good_for_nothing(lured):
    proofs = []

    def behave(sock):
        read(sock)
        sock.sendall(frame(answer()))
        proofs.append(read(sock))
        sock.sendall(frame(proofs[-1]))  # reflected

    lured.behave = behave
    for _ in range(2):
        with pytest.raises(ConnectError, match="bob@127.0.0.1 has another cookie"):
            Node.connect("bob")
    assert len({*proofs}) == 2
    assert Node.list() == []


@pytest.mark.parametrize(
    "behave",
    [
        lambda sock: sock.sendall(struct.pack(">I", HANDSHAKE_LIMIT + 1)),
        lambda sock: [sock.sendall(b"\0" * 65536) for _ in range(2000)],
        lambda sock: [sock.sendall(frame(b"x" * HANDSHAKE_LIMIT)) for _ in range(2000)],
        lambda sock: sock.recv(1),
        lambda sock: exactly(sock, 1 << 20),
        lambda sock: [(sock.sendall(b"\0"), time.sleep(0.05)) for _ in range(100)],
    ],
    ids=["a long frame", "endless ticks", "endless frames", "hangs up", "nothing", "drops"],
)
def test_endless_and_missing_answers_end_in_bounded_time(lured, behave, monkeypatch):
    monkeypatch.setattr(handshake, "PATIENCE", 0.5)
    lured.behave = behave
    with pytest.raises(ConnectError):
        Node.connect("bob")
    assert Node.list() == []


def test_a_name_that_leads_to_another_node_is_refused(alice, nodes, monkeypatch):
    """The false name service sends who asks for bob to carol, and to the caller itself."""
    nodes("carol")
    real = epmd.look_up
    for name in ("carol", "alice"):

        async def look_up(host, _asked, name=name):
            return await real(host, name)

        monkeypatch.setattr(epmd, "look_up", look_up)
        with pytest.raises(ConnectError, match=r"bob@127\.0\.0\.1"):
            Node.connect("bob")
    assert Node.list() == []


def test_a_relay_to_the_real_node_is_refused_by_that(alice, nodes, server, monkeypatch):
    """What stands between two nodes, at an address of its own, can pass on what they say and gains nothing by it."""
    nodes("bob")
    port = Node.names() and _port_of("bob")

    def relay(sock):
        with socket.create_connection(("127.0.0.1", port)) as bob:
            bob.sendall(frame(read(sock)))
            sock.sendall(frame(read(bob)))

    server.behave = relay

    async def look_up(_host, name):
        return Registration(name, server.port, EXTRA)

    monkeypatch.setattr(epmd, "look_up", look_up)
    with pytest.raises(ConnectError, match=f"it was dialled at 127.0.0.1:{server.port}"):
        Node.connect("bob")


def _port_of(name):
    from pyex.distribution.on_loop import call

    return call(lambda: epmd.look_up("127.0.0.1", name)).port


GARBAGE = {
    "garbage": lambda sock: sock.sendall(os.urandom(100)),
    "endless": lambda sock: [sock.sendall(b"x" * 65536) for _ in range(10_000)],
    "nothing": lambda sock: sock.recv(1000),
    "silence": lambda sock: exactly(sock, 1 << 20),
    "port 0": lambda sock: sock.sendall(bytes([PORT2_RESP, 0]) + pack_registration(Registration("bob", 0, EXTRA))),
    "truncated": lambda sock: sock.sendall(bytes([PORT2_RESP, 0, 1, 2, 3])),
    "no utf-8": lambda sock: sock.sendall(
        bytes([PORT2_RESP, 0]) + struct.pack(">HBBHHH", 9, 77, 0, 6, 5, 2) + b"\xff\xfe" + struct.pack(">H", 0)
    ),
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_a_name_service_that_answers_nonsense_is_an_error_in_bounded_time(alice, server, kind, monkeypatch):
    monkeypatch.setattr(epmd, "PATIENCE", 0.3)
    monkeypatch.setattr(handshake, "PATIENCE", 3.0)
    monkeypatch.setenv("ERL_EPMD_PORT", str(server.port))
    server.behave = GARBAGE[kind]
    with pytest.raises(ConnectError):
        Node.connect("bob")
    with contextlib.suppress(ConnectError):
        assert all(map(str.isprintable, Node.names()))
    assert Node.list() == []
    assert _current.mesh is not None
