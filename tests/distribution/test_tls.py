"""Nodes that speak TLS with each other, and those that cannot join them."""

import contextlib
import socket
import sys

import cloudpickle
import pytest
import trustme

from pyex import ConnectError, Node, receive, self, send
from pyex.core.errors import NodeStartError

# What these tests ship to other nodes is of this module, which those cannot import.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

BOB = "bob@127.0.0.1"


class Authority:
    """Makes the three files of a node."""

    def __init__(self, folder):
        self._ca = trustme.CA()
        self._folder = folder
        folder.mkdir()
        self._ca.cert_pem.write_to_path(str(folder / "ca.pem"))

    def files(self, name):
        certificate = self._ca.issue_cert(f"{name}.example")
        paths = [self._folder / f"{name}.pem", self._folder / f"{name}.key", self._folder / "ca.pem"]
        paths[0].write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
        certificate.private_key_pem.write_to_path(str(paths[1]))
        return [str(path) for path in paths]


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls") / "theirs")


@pytest.fixture
def secure_alice(name_service, ours):
    Node.start("alice", tls=ours.files("alice"))
    yield
    Node.stop()


def test_everything_works_over_tls(secure_alice, nodes, ours):
    nodes("bob", options={"tls": ours.files("bob")})
    assert Node.connect("bob")
    assert receive(timeout=0, default=None) is None
    here = self()
    pid = Node.spawn(BOB, lambda: [send(here, receive()) for _ in range(52)])
    for message in (*range(50), bytes(3_000_000), "x" * 100_000):
        send(pid, message)
    assert [receive(timeout=60) for _ in range(50)] == list(range(50))
    assert receive(timeout=60) == bytes(3_000_000)
    assert receive(timeout=60) == "x" * 100_000
    assert Node.list() == [BOB]


def test_the_line_is_encrypted(secure_alice, nodes, ours):
    from pyex.distribution.node import _current

    nodes("bob", options={"tls": ours.files("bob")})
    Node.connect("bob")
    assert _current.mesh.connections[BOB].channel._sock.version() == "TLSv1.3"


def test_a_node_of_another_authority_or_without_tls_is_refused_both_ways(secure_alice, nodes, theirs):
    [stranger, plain] = nodes("bob", options={"tls": theirs.files("bob")}) + nodes("carol")
    for name in ("bob", "carol"):
        with pytest.raises(ConnectError, match="Start all nodes of the mesh with --tls"):
            Node.connect(name)
    assert Node.list() == []
    stranger.errors("Refused a connection: the other side does not speak TLS")
    assert plain.process.poll() is None


def test_a_plain_node_learns_nothing_from_one_that_speaks_tls(alice, nodes, ours):
    nodes("bob", options={"tls": ours.files("bob")})
    with pytest.raises(ConnectError, match="bob@127.0.0.1 cannot be reached"):
        Node.connect("bob")


def test_one_that_only_listens_gets_no_further(secure_alice):
    from pyex.distribution.node import _current

    with socket.create_connection(("127.0.0.1", _current.mesh.port), timeout=10) as sock:
        sock.sendall(b"PYEX" * 100)
        with contextlib.suppress(ConnectionResetError):
            while sock.recv(1000):
                pass  # an alert of TLS, and the end
    assert Node.list() == []


@pytest.mark.parametrize("files", [["a"], "abc", ["no", "such", "files"]])
def test_files_that_are_no_certificates_are_refused(name_service, files):
    with pytest.raises(NodeStartError, match=r"TLS takes three files|is no certificate of an authority"):
        Node.start("alice", tls=files)


def test_a_key_that_is_not_the_certificates_is_refused(name_service, ours):
    certificate, _, authority = ours.files("alice")
    with pytest.raises(NodeStartError, match="are no certificate and its key"):
        Node.start("alice", tls=(certificate, ours.files("bob")[1], authority))
