"""Supervisors and children on other nodes."""

import pytest

from pyex import (
    ANY,
    ChildSpec,
    Exited,
    GenServer,
    Node,
    Process,
    Reply,
    StartError,
    Supervisor,
    SupervisorError,
    receive,
    self,
    send,
    sleep,
)
from tests.core.support import SOON
from tests.distribution.conftest import alice, name_service, nodes
from tests.otp.supervised import _trapping, kill, pids  # noqa: F401 - fixtures

__all__ = ["alice", "name_service", "nodes"]

BOB = "bob@127.0.0.1"


def counter_class():
    """Made in a function: so it travels by value to a node that has no such module."""

    class Counter(GenServer):
        def init(self, n):
            self.n = 100 // n

        def handle_call(self, request, caller):
            return Reply(self.n)

    return Counter


def test_a_supervisor_of_another_node_is_asked_as_one_of_this(nodes, alice):
    nodes("bob")
    here, counter = self(), counter_class()
    Node.connect(BOB)

    def above():
        Process.flag("trap_exit", True)
        send(here, Supervisor.start_link([counter.child_spec(10, name="ten")], name="tree"))
        sleep(None)

    Node.spawn(BOB, above)
    tree = receive(ANY, timeout=SOON)
    assert tree.node == BOB
    for supervisor in (tree, ("tree", BOB)):
        (line,) = Supervisor.which_children(supervisor)
        assert (line.id, line.pid.node, line.type) == ("ten", BOB, "worker")
    pid = Supervisor.start_child(("tree", BOB), ChildSpec("five", (counter.start_link, (5,))))
    assert GenServer.call(pid, "get") == 20
    assert Supervisor.count_children(tree) == (2, 2, 0, 2)
    with pytest.raises(SupervisorError, match="there is a child 'five' already") as refused:
        Supervisor.start_child(tree, ChildSpec("five", (counter.start_link, (5,))))
    assert refused.value.reason == ("already_started", pid)
    with pytest.raises(StartError, match="ZeroDivisionError"):
        Supervisor.start_child(tree, ChildSpec("zero", (counter.start_link, (0,))))
    kill(pid)
    again = pids(tree)["five"]
    assert again != pid
    assert GenServer.call(again, "get") == 20
    Supervisor.stop(("tree", BOB))


def test_children_on_another_node_are_restarted_there_and_lost_with_it(nodes, alice):
    (bob,) = nodes("bob")
    here = self()
    Node.connect(BOB)

    def there():
        return Node.spawn_link(BOB, lambda: (send(here, ("up", Node.self())), sleep(None)))

    tree = Supervisor.start_link([ChildSpec("there", (there, ()))], max_restarts=2, max_seconds=1000)
    assert receive(("up", ANY), timeout=SOON) == ("up", BOB)
    first = pids(tree)["there"]
    kill(first)
    assert receive(("up", ANY), timeout=SOON) == ("up", BOB)
    second = pids(tree)["there"]
    assert second != first
    assert (second.node, Supervisor.count_children(tree).active) == (BOB, 1)
    bob.kill()
    assert receive(Exited(tree), timeout=SOON * 3).reason == "shutdown"  # a start that is lost is a restart, too
