"""Processes started on other nodes, and those who start them."""

import sys

import cloudpickle
import pytest

from pyex import ANY, Down, Exited, Node, Pid, Process, exit, receive, self, send, sleep, spawn
from pyex.core.process import processes
from pyex.distribution.node import _current

# What these tests ship to other nodes is of this module, which those cannot import.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

BOB = "bob@127.0.0.1"


@pytest.fixture(autouse=True)
def mesh(bob_and_carol):
    return bob_and_carol


def tells_its_exit(listener):
    Process.flag("trap_exit", True)
    send(listener, ("running", self()))
    send(listener, receive(Exited(), timeout=60))


def test_47_a_process_whose_spawner_ended_meanwhile_is_told_so(mesh):
    [bob, _] = mesh
    here = self()
    bob.freeze()
    try:
        spawner = spawn(lambda: Node.spawn_link(BOB, tells_its_exit, here))
        while not _current.mesh.connections[BOB]._requests:
            sleep(0.001)  # until it waits for the answer of bob
        ref = Process.monitor(spawner)
        Process.exit(spawner, "kill")
        assert receive(Down(ref), timeout=60).reason == "killed"
    finally:
        bob.thaw()
    receive(("running", Pid), timeout=60)
    assert receive(Exited(), timeout=60) == Exited(spawner, "noproc")


def test_10_a_linked_child_that_dies_at_once_gives_its_real_reason():
    Process.flag("trap_exit", True)
    for number in range(300):
        reason = ("shutdown", number)  # one of which nothing is reported
        pid = Node.spawn_link(BOB, exit, reason)
        assert receive(timeout=60) == Exited(pid, reason)


def test_45_a_linked_process_dies_with_the_exit_of_the_other_node_s():
    here = self()

    def chain():
        Process.flag("trap_exit", True)
        middle = Node.spawn_link(
            "carol", lambda: (send(here, ("middle", self(), Node.spawn_link(BOB, receive))), receive())
        )
        send(here, ("end", receive(Exited(middle), timeout=60).reason))

    spawn(chain)
    _, middle, last = receive(("middle", ANY, ANY), timeout=60)
    ref = Process.monitor(middle)
    assert Node.ping("carol")  # where the monitor has come by now: an exit on another way could be there first
    Process.exit(last, "broken")
    assert receive(Down(ref), timeout=60).reason == "broken"  # through three nodes
    assert receive(("end", ANY), timeout=60) == ("end", "broken")


def test_52_exits_and_downs_come_after_what_was_sent_before_them():
    here = self()

    def talks(number):
        for word in range(5):
            send(here, (number, word))
        send(("name of the listener", "alice@127.0.0.1"), (number, "by name"))
        exit(("shutdown", number))

    Process.register(here, "name of the listener")
    Process.flag("trap_exit", True)
    try:
        for number in range(200):
            pid = Node.spawn_link(BOB, talks, number)
            expected = [(number, word) for word in (*range(5), "by name")]
            assert [receive(timeout=60) for _ in range(7)] == [*expected, Exited(pid, ("shutdown", number))]
    finally:
        Process.unregister("name of the listener")


def test_08_link_and_unlink_race_across_nodes():
    """Both sides link and unlink each other again and again; afterwards both agree that there is no link."""
    here = self()
    rounds = 1000

    def other():
        Process.flag("trap_exit", True)
        send(here, ("ready", self()))
        for _ in range(rounds):
            Process.link(here)
            Process.unlink(here)
        send(here, "done")
        receive("end")
        send(here, ("links", Process.info(self()).links))
        exit("finished")

    Process.flag("trap_exit", True)
    ref = Process.monitor(pid := Node.spawn(BOB, other))
    receive(("ready", pid), timeout=60)
    for _ in range(rounds):
        Process.link(pid)
        Process.unlink(pid)
    receive("done", timeout=60)
    send(pid, "end")
    assert list(receive(("links", ANY), timeout=60)[1]) == []
    assert receive(Down(ref), timeout=60).reason == "finished"
    assert pid not in [link for link, unlinking in (processes[here.key].links or {}).items() if unlinking is None]
    assert receive(timeout=0, default=None) is None
