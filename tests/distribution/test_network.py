"""Two nodes in network namespaces of their own, whose packets are dropped without a word."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.distribution.conftest import COOKIE, free_port
from tests.distribution.controlled import Controlled, until

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0 or shutil.which("ip") is None, reason="namespaces need root"
    ),
]

#: Seconds of silence after which a node is lost, in this test.
TICKTIME = 4


def ip(*words, check=True):
    return subprocess.run(["ip", *words], check=check, capture_output=True, text=True)


@pytest.fixture
def spaces():
    """Two namespaces with a cable between them."""
    names = [f"pyex{os.getpid()}{side}" for side in "ab"]
    try:
        for name in names:
            if ip("netns", "add", name, check=False).returncode:
                pytest.skip("no namespaces can be made here")
        cable = ("link", "add", "cable", "netns", names[0], "type", "veth", "peer", "name", "cable", "netns", names[1])
        if ip(*cable, check=False).returncode:
            pytest.skip("no cables can be made here")
        for number, name in enumerate(names, 1):
            ip("-n", name, "address", "add", f"10.200.0.{number}/24", "dev", "cable")
            for device in ("cable", "lo"):
                ip("-n", name, "link", "set", device, "up")
        yield names
    finally:
        for name in names:
            ip("netns", "delete", name, check=False)


def test_50_dropped_packets_are_noticed_on_both_sides_and_the_nodes_meet_again(spaces, tmp_path, monkeypatch):
    monkeypatch.setenv("ERL_EPMD_PORT", str(free_port()))
    monkeypatch.setenv("PYEX_COOKIE", COOKIE)
    nodes = []
    try:
        for number, space in enumerate(spaces, 1):
            inside = tmp_path / space
            inside.write_text(f'#!/bin/sh\nexec ip netns exec {space} {sys.executable} "$@"\n')
            inside.chmod(0o700)
            nodes.append(
                Controlled(f"n{number}@10.200.0.{number}", python=str(inside), options={"net_ticktime": TICKTIME})
            )
        one, other = [node.ready() for node in nodes]
        until(lambda: one.ask("Node.ping('n2@10.200.0.2')"))
        until(lambda: other.ask("Node.list()") == ["n1@10.200.0.1"])
        ip("-n", spaces[0], "link", "set", "cable", "down")
        until(lambda: one.ask("Node.list()") == other.ask("Node.list()") == [])
        ip("-n", spaces[0], "link", "set", "cable", "up")
        until(lambda: one.ask("Node.ping('n2@10.200.0.2')"))
        until(lambda: other.ask("Node.list()") == ["n1@10.200.0.1"])
        assert "for 4 s: disconnected" in one.errors() + other.errors()
    finally:
        for node in nodes:
            node.discard()
