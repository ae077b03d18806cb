import os
import shutil
import signal
import socket
import struct
import subprocess
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyex import ConnectError, Node
from pyex.core.errors import NodeStartError
from pyex.distribution.epmd import Registration, pack_registration, unpack_registration
from pyex.distribution.mesh import Mesh


def until(condition, seconds=60.0):
    """Wait for something that another OS process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def names():
    try:
        return Node.names()
    except ConnectError:
        return None


@given(st.text(min_size=1, max_size=50), st.integers(0, 65535), st.binary(max_size=20), st.booleans())
def test_registrations_are_read_as_they_were_written(name, port, extra, hidden):
    registration = Registration(name, port, extra, hidden)
    assert unpack_registration(pack_registration(registration)) == registration


@given(st.binary(max_size=60))
def test_any_bytes_are_a_registration_or_a_value_error(data):
    try:
        unpack_registration(data)
    except ValueError:
        pass


def test_the_first_node_serves_names_and_others_are_found(alice, nodes):
    nodes("bob", "carol")
    assert Node.names() == ["alice", "bob", "carol"]


def test_without_a_name_a_node_takes_the_first_that_is_free(name_service, nodes):
    nodes("pyex1")
    assert Node.start() == "pyex2@127.0.0.1"
    Node.stop()


def test_a_name_in_use_is_refused_and_says_so(alice, nodes):
    nodes("bob")
    Node.stop()
    with pytest.raises(NodeStartError, match="'bob' is in use"):
        Node.start("bob")
    assert not Node.alive()
    Node.start("alice")


def test_the_name_of_a_killed_node_is_free(alice, nodes):
    for _ in range(3):
        [bob] = nodes("bob")
        bob.kill()
        until(lambda: names() == ["alice"])


def test_no_name_service_is_a_clear_error(name_service):
    with pytest.raises(ConnectError, match="no name service"):
        Node.names()


def test_when_the_serving_node_is_killed_another_takes_over(name_service, nodes):
    [first] = nodes("first")
    nodes("second", "third")
    Node.start("alice")
    try:
        for _ in range(3):
            first.kill()
            until(lambda: {"alice", "second", "third"} <= set(names() or ()))
            assert Node.connect("second")
            Node.disconnect("second")
            # Whoever serves now does not give a living node's name away.
            with pytest.raises(NodeStartError):
                _start_beside("third")
            [first] = nodes("first")
    finally:
        Node.stop()


def _start_beside(name):
    """What Node.start does with the name, in an interpreter that has a node already."""
    from pyex.core.runtime import runtime
    from pyex.distribution.handshake import Own
    from pyex.distribution.on_loop import call

    call(lambda: Mesh.start(runtime.first(), Own(f"{name}@127.0.0.1", 1, b"cookie"), "127.0.0.1", 0))


@pytest.mark.skipif(shutil.which("epmd") is None, reason="Erlang is not installed")
def test_an_epmd_that_runs_is_used_and_lists_our_nodes(name_service, nodes):
    port = os.environ["ERL_EPMD_PORT"]
    epmd = subprocess.Popen(["epmd", "-port", port])
    try:
        until(lambda: subprocess.run(["epmd", "-port", port, "-names"], capture_output=True).returncode == 0)
        nodes("bob")
        Node.start("alice")
        listed = subprocess.run(["epmd", "-port", port, "-names"], capture_output=True, text=True).stdout
        assert "name alice at port" in listed
        assert "name bob at port" in listed
        assert Node.connect("bob")
        with pytest.raises(NodeStartError, match="in use"):
            _start_beside("bob")
        # And when that epmd dies, we serve.
        epmd.kill()
        epmd.wait()
        until(lambda: names() == ["alice", "bob"])
        listed = subprocess.run(["epmd", "-port", port, "-names"], capture_output=True, text=True).stdout
        assert "name bob at port" in listed
    finally:
        epmd.kill()
        epmd.wait()
        Node.stop()


def test_a_port_in_use_is_refused_and_says_so(alice):
    from pyex.distribution.node import _current

    taken = _current.mesh.port
    Node.stop()
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", taken))
        sock.listen()
        with pytest.raises(NodeStartError, match=f"port {taken} of 127.0.0.1 is in use"):
            Node.start("alice", port=taken)
    assert Node.start("alice", port=taken)


def test_a_frozen_name_service_is_a_clear_error_and_not_a_long_silence(name_service, nodes, monkeypatch):
    from pyex.distribution import epmd

    [first] = nodes("first")
    monkeypatch.setattr(epmd, "PATIENCE", 0.5)
    first.process.send_signal(signal.SIGSTOP)
    assert os.WIFSTOPPED(os.waitpid(first.process.pid, os.WUNTRACED)[1])
    try:
        begun = time.monotonic()
        with pytest.raises(NodeStartError, match="does not answer: it is frozen, or no name service"):
            Node.start("alice")
        assert time.monotonic() - begun < 5
    finally:
        first.process.send_signal(signal.SIGCONT)
    # It now reads what it was asked while it was frozen: for a moment the name is that attempt's.
    until(lambda: names() == ["first"])
    assert Node.start("alice")
    Node.stop()


@pytest.mark.parametrize("port", ["abc", "0", "99999", "-1", ""])
def test_a_port_of_the_name_service_that_is_none_is_a_clear_error(name_service, monkeypatch, port):
    monkeypatch.setenv("ERL_EPMD_PORT", port)
    with pytest.raises(NodeStartError, match="ERL_EPMD_PORT"):
        Node.start("alice")


@pytest.mark.parametrize("name", [b"\x1b]0;pwned\x07evil", b"x at port 5\nname ghost", b"a b", b"a" * 100])
def test_names_that_would_steer_a_terminal_are_not_registered(alice, name):
    body = struct.pack(">HBBHHH", 5, 77, 0, 6, 5, len(name)) + name + struct.pack(">H", 0)
    request = bytes([120]) + body
    with socket.create_connection(("127.0.0.1", int(os.environ["ERL_EPMD_PORT"])), timeout=10) as sock:
        sock.sendall(struct.pack(">H", len(request)) + request)
        assert sock.recv(2)[1] == 1
    assert Node.names() == ["alice"]
