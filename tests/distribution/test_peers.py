"""Peers: nodes started by a node."""

import doctest
import itertools
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cloudpickle
import pytest

from pyex import Down, Node, NodeStartError, NotDistributed, Process, Task, erpc, receive, self, send

# What these tests ship to other nodes is of this module, which those cannot import.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


def ask(node, fn, *args):
    return erpc.call(node, fn, *args, timeout=60)


def gone(os_pid):
    """Wait until a process of the system is no more."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.kill(os_pid, 0)
            if Path(f"/proc/{os_pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True  # nobody has waited for it
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.01)
    return False


def test_without_a_node_there_are_no_peers():
    with pytest.raises(NotDistributed, match=r"Node.start\(name\)"):
        Node.start_peer()


def test_peers_are_nodes_of_the_mesh_in_processes_of_their_own(alice):
    peers = [Node.start_peer() for _ in range(2)]
    assert len(set(peers)) == 2
    assert all(peer.startswith("alice-peer") and peer.endswith("@127.0.0.1") for peer in peers)
    assert sorted(Node.list()) == sorted(peers)
    pids = [ask(peer, os.getpid) for peer in peers]
    assert len({*pids, os.getpid()}) == 3
    assert ask(peers[0], lambda: sys.path) == sys.path
    assert ask(peers[0], Node.cookie) == Node.cookie()
    assert ask(peers[0], os.read, 0, 1) == b""
    ref = Process.monitor(Node.spawn(peers[0], receive))
    assert Node.stop_peer(peers[0]) is True
    assert receive(Down(ref), timeout=60).reason == "noconnection"
    assert gone(pids[0])
    assert Node.stop_peer(peers[0]) is False
    Node.stop()
    assert gone(pids[1])


def test_a_peer_that_has_started_is_connected_here_too_however_slow_this_node_is(alice, monkeypatch):
    from pyex.distribution.membership import Membership

    take_up = Membership.connected

    def take_up_slowly(membership, connection):
        time.sleep(0.5)  # the peer knows already
        take_up(membership, connection)

    monkeypatch.setattr(Membership, "connected", take_up_slowly)
    for count in (1, 2, 3):
        Node.start_peer()
        assert len(Node.list()) == count


def test_a_peer_can_be_named_and_its_name_must_be_free(alice):
    assert Node.start_peer("zoe") == "zoe@127.0.0.1"
    assert ask("zoe", Node.self) == "zoe@127.0.0.1"
    with pytest.raises(NodeStartError, match="the peer zoe@127.0.0.1 did not start: the name 'zoe' is in use"):
        Node.start_peer("zoe")
    assert ask("zoe", Node.self) == "zoe@127.0.0.1"


def test_what_a_peer_s_processes_print_appears_where_they_were_spawned(alice):
    leader = self()
    Process.group_leader(self(), leader)
    peer = Node.start_peer()
    pid = Node.spawn(peer, lambda: print("hello"))
    match receive(timeout=60):
        case ("io_request", sender, _, ("put_chars", text)):
            assert (sender, text) == (pid, "hello\n")


@pytest.mark.parametrize("end", [signal.SIGKILL, None])
def test_a_peer_ends_with_its_parent(name_service, end):
    program = """
import os, sys
from pyex import *
Node.start("parent")
print(erpc.call(Node.start_peer(), os.getpid, timeout=60), flush=True)
sys.stdin.read()
"""
    parent = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with parent:
        os_pid = int(parent.stdout.readline())
        if end is None:
            parent.stdin.close()
        else:
            parent.send_signal(end)
        assert gone(os_pid)
    send(self(), "done")
    assert receive() == "done"


def test_streams_of_tasks_use_all_peers_as_the_example_shows(alice):
    names = {"Node": Node, "Task": Task, "erpc": erpc, "itertools": itertools, "math": math, "os": os}
    example = doctest.DocTestParser().get_doctest(
        Node.start_peer.__doc__, names | {"__name__": "__main__"}, "start_peer", None, None
    )
    report = []
    assert doctest.DocTestRunner().run(example, out=report.append, clear_globs=False).failed == 0, report
    peers = example.globs["peers"]
    jobs = zip(itertools.cycle(peers), range(6))
    pids = list(Task.async_stream(lambda job: ask(job[0], os.getpid), jobs, max_concurrency=4, timeout=None))
    assert pids == [ask(peer, os.getpid) for peer in itertools.islice(itertools.cycle(peers), 6)]
    assert len(set(pids)) == min(len(peers), 6)
