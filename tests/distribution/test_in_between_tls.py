"""One of the same authority cannot stand between two nodes that speak TLS, nor take it away."""

import ssl

import pytest

from pyex import Node
from tests.distribution.between import PROOF, on_the_line, refused
from tests.distribution.test_tls import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("between") / "ours")


def test_what_passes_unaltered_connects_the_two(authority):
    for tls in (False, True):
        alice, bob = ({"tls": authority.files(name)} if tls else {} for name in ("alice", "bob"))
        with on_the_line(alice, bob) as between:
            between.raw = tls
            assert Node.connect("bob")
            assert Node.list() == ["bob@127.0.0.1"]
            assert tls or [len(frame) for frame in between.frames[PROOF:]] == [36, 36]


def speaking(files, *, server):
    """What makes of a socket one that speaks TLS, with a certificate that both nodes trust."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(files[2])
    context.load_cert_chain(*files[:2])
    context.verify_mode = ssl.CERT_REQUIRED
    return lambda sock: context.wrap_socket(sock, server_side=server)


def test_one_of_the_same_authority_cannot_stand_between_two_nodes(authority):
    mallory, alice, bob = map(authority.files, ("mallory", "alice", "bob"))
    with on_the_line({"tls": alice}, {"tls": bob}) as between:
        between.near_tls, between.far_tls = speaking(mallory, server=True), speaking(mallory, server=False)
        refused(between)
        assert len(between.frames) == 4  # the line was fine, but for the proofs
        # With the certificates of those whom it stands between, which it can get at no node, it would do.
        between.near_tls, between.far_tls = speaking(bob, server=True), speaking(alice, server=False)
        assert Node.connect("bob")


def test_tls_cannot_be_taken_away(authority):
    mallory = authority.files("mallory")
    with on_the_line({"tls": authority.files("alice")}, {}) as between:
        between.near_tls = speaking(mallory, server=True)
        refused(between)
        assert len(between.frames) == 4
    with on_the_line({}, {"tls": authority.files("bob")}) as between:
        between.far_tls = speaking(mallory, server=False)
        refused(between)
        assert len(between.frames) == 4
