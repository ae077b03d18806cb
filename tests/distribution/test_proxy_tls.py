"""The same faults of a line that is encrypted: none goes unnoticed, and none changes what arrives."""

import random

import pytest
import trustme

from pyex import Node
from tests.distribution.proxy import once
from tests.distribution.test_proxy import FAULTS, LINE, line, pair, proxy, sent, whole

__all__ = ["line", "proxy"]

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    authority, folder = trustme.CA(), tmp_path_factory.mktemp("tls")
    certificate = authority.issue_cert("node.example")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate.private_key_pem.write_to_path(str(folder / "node.key"))
    (folder / "node.pem").write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    return [str(folder / name) for name in ("node.pem", "node.key", "ca.pem")]


@pytest.fixture(scope="module")
def bob(proxy, files):
    yield from pair(proxy, files)


@pytest.mark.parametrize("fault", FAULTS)
def test_with_tls_whatever_is_done_to_the_line_ends_the_connection(bob, proxy, line, fault):
    randomness = random.Random(fault.__name__)
    for at in [randomness.randrange(20, 1500), randomness.randrange(6000, LINE // 2)]:
        line(bob, once(at, fault), patience=0.5)
        if Node.list():
            come, connected = sent(bob)
            assert come == whole(len(come))
            assert not connected
    line(bob)
    assert sent(bob, 10) == (whole(10), True)
