"""The handshake, from the side of somebody who does not mean well."""

import os
import socket
import struct
import time

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyex import ConnectError, Node
from pyex.distribution import handshake
from pyex.distribution.channel import HANDSHAKE_LIMIT
from pyex.distribution.handshake import MAGIC, VERSION
from pyex.distribution.node import _current


class Stranger:
    """A TCP client that speaks the frames by hand."""

    def __init__(self, port=None):
        self.port = port or _current.mesh.port
        self.sock = socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, frame):
        self.sock.sendall(struct.pack(">I", len(frame)) + frame)

    def hello(self, *, version=VERSION, name="mallory@127.0.0.1", target="alice@127.0.0.1", port=None, nonce=None):
        fields = (version, name, 1, nonce or os.urandom(32), "3.11", (), "127.0.0.1", port or self.port, target)
        frame = MAGIC + msgpack.packb(fields)
        self.send(frame)
        return frame

    def frame(self):
        """The next frame, or None at the end."""
        head = self._exactly(4)
        if head is None:
            return None
        return self._exactly(struct.unpack(">I", head)[0])

    def answer(self):
        frame = self.frame()
        return None if frame is None else msgpack.unpackb(frame[len(MAGIC) :], use_list=False)

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            try:
                part = self.sock.recv(count - len(data))
            except ConnectionResetError:
                return None
            if not part:
                return None
            data += part
        return data


def test_a_wrong_cookie_is_refused_and_explained_on_both_sides(alice, nodes):
    [bob] = nodes("bob", PYEX_COOKIE="another cookie, also long enough")
    with pytest.raises(ConnectError, match="bob@127.0.0.1 has another cookie. Start both nodes with the same one"):
        Node.connect("bob")
    assert Node.list() == []
    bob.errors("Refused a connection from alice@127.0.0.1: its cookie is another one")


def test_a_stranger_without_the_cookie_learns_nothing(alice):
    with Stranger() as stranger:
        stranger.hello()
        assert stranger.answer()[:3] == ("ok", VERSION, "alice@127.0.0.1")
        stranger.send(MAGIC + os.urandom(32))
        assert stranger.answer()[:2] == ("no", "cookie")
        assert stranger.frame() is None
    assert Node.list() == []


def test_a_proof_of_the_dialled_side_is_no_proof_of_the_dialling_one(alice):
    """Reflection: what alice says in one connection does not open another one."""
    with Stranger() as first, Stranger() as second:
        first.hello()
        answer = first.frame()
        second.hello(nonce=msgpack.unpackb(answer[len(MAGIC) :], use_list=False)[4])
        second.frame()
        first.send(answer)
        assert first.answer()[:2] == ("no", "cookie")


def test_a_replayed_handshake_is_refused(alice, nodes, name_service):
    """What one connection proved is worthless in the next: the answer's nonce is a new one."""
    own = _current.mesh.own
    with Stranger() as stranger:
        hello = stranger.hello()
        answer = stranger.frame()
        proof = MAGIC + handshake._proof(own.cookie, b"dials", hello, answer)
        stranger.send(proof)
        assert stranger.frame() == MAGIC + handshake._proof(own.cookie, b"is dialled", hello, answer)
    with Stranger() as stranger:
        stranger.send(hello)
        assert stranger.answer()[0] == "ok"
        stranger.send(proof)
        assert stranger.answer()[:2] == ("no", "cookie")


def test_another_version_is_refused_and_says_what_to_do(alice):
    with Stranger() as stranger:
        stranger.hello(version=99)
        no, code, text = stranger.answer()
        assert (no, code) == ("no", "version")
        assert "Install the same pyex on both" in text


def test_a_node_of_another_version_is_explained(alice, nodes, monkeypatch):
    nodes("bob")
    monkeypatch.setattr(handshake, "VERSION", 99)
    with pytest.raises(ConnectError, match="speaks version 1 of the protocol, not 99. Install the same pyex"):
        Node.connect("bob")


def test_a_relayed_handshake_is_refused(alice):
    """A false name service that sends a node to an address which relays to the real one gains nothing."""
    with Stranger() as stranger:
        stranger.hello(port=stranger.port + 1)
        assert stranger.answer()[:2] == ("no", "address")


def test_a_call_for_somebody_else_is_refused(alice):
    with Stranger() as stranger:
        stranger.hello(target="bob@127.0.0.1")
        assert stranger.answer()[:2] == ("no", "name")


def test_a_caller_under_this_nodes_own_name_is_refused(alice):
    with Stranger() as stranger:
        stranger.hello(name="alice@127.0.0.1")
        assert stranger.answer()[:2] == ("no", "name")


def test_a_long_frame_before_the_proof_closes_the_connection(alice):
    with Stranger() as stranger:
        stranger.sock.sendall(struct.pack(">I", HANDSHAKE_LIMIT + 1))
        assert stranger.frame() is None


def test_one_that_says_nothing_is_dropped_after_its_time(name_service, monkeypatch):
    monkeypatch.setattr(handshake, "PATIENCE", 0.05)
    Node.start("alice")
    try:
        with Stranger() as stranger:
            assert stranger.frame() is None
    finally:
        Node.stop()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=100) | st.binary(max_size=60).map(lambda data: MAGIC + data), max_size=4))
def test_any_frames_are_refused_and_the_node_lives_on(alice, frames):
    with Stranger() as stranger:
        try:
            for frame in frames:
                stranger.send(frame)
            stranger.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused before all of it was sent
        while stranger.frame() is not None:
            pass
    assert Node.list() == []
    assert Node.names() == ["alice"]


def test_a_malformed_frame_after_the_proof_closes_that_connection_and_nothing_else(alice, nodes):
    nodes("bob")
    assert Node.connect("bob")
    own = _current.mesh.own
    for frame in (b"garbage", msgpack.packb((999, None, None, None)), msgpack.packb((1, (1, 0), b"\xc1", None))):
        with Stranger() as stranger:
            hello = stranger.hello()
            answer = stranger.frame()
            stranger.send(MAGIC + handshake._proof(own.cookie, b"dials", hello, answer))
            stranger.frame()
            nodes_frame = stranger.frame()
            assert nodes_frame is not None
            stranger.send(frame)
            while stranger.frame() is not None:
                pass  # what was on its way
        assert "bob@127.0.0.1" in Node.list()


def test_a_stranger_under_a_nodes_name_does_not_keep_us_from_that_node(alice, nodes):
    nodes("bob")
    with Stranger() as stranger:
        stranger.hello(name="bob@127.0.0.1")
        assert stranger.answer()[0] == "ok"
        begun = time.monotonic()
        assert Node.connect("bob")
        assert time.monotonic() - begun < handshake.PATIENCE / 2
