"""The same child several times, and the way to the one that a key leads to."""

import pytest

from pyex import (
    Agent,
    DynamicSupervisor,
    GenServer,
    NoProcess,
    PartitionSupervisor,
    Process,
    StartError,
    Supervisor,
    SupervisorError,
    self,
)
from tests.otp.supervised import Worker, _trapping, all_news, kill, worker  # noqa: F401 - fixtures


def test_a_key_leads_to_one_of_the_children_always_to_the_same():
    tree = PartitionSupervisor.start_link(worker("a"), partitions=3, name="parts")
    children = {child.id: child.pid for child in PartitionSupervisor.which_children("parts")}
    assert [*children] == [0, 1, 2]
    assert PartitionSupervisor.partitions("parts") == PartitionSupervisor.partitions(tree) == 3
    for key in range(-5, 10):
        assert GenServer.whereis(PartitionSupervisor.via("parts", key)) == children[key % 3]
    keys = ["alice", ("room", 7), self(), None, 2.5]
    for key in keys:
        found = GenServer.call(PartitionSupervisor.via(tree, key), "pid")
        assert found in children.values()
        assert GenServer.call(PartitionSupervisor.via("parts", key), "pid") == found
    assert len({GenServer.call(PartitionSupervisor.via("parts", f"key {n}"), "pid") for n in range(100)}) == 3
    Supervisor.stop(tree)
    with pytest.raises(NoProcess):
        GenServer.call(PartitionSupervisor.via("parts", 1), "pid")
    all_news()


def test_a_child_that_is_restarted_is_found_again():
    tree = PartitionSupervisor.start_link(worker("a"), partitions=2, name="parts", max_restarts=1000)
    for _ in range(100):
        before = GenServer.call(PartitionSupervisor.via("parts", 1), "pid")
        kill(before)
        PartitionSupervisor.count_children("parts")
        after = GenServer.call(PartitionSupervisor.via("parts", 1), "pid")
        assert after != before
    PartitionSupervisor.stop(tree)


def test_supervisors_can_be_partitioned():
    tree = Supervisor.start_link([PartitionSupervisor.child_spec(DynamicSupervisor, partitions=2, name="sups")])
    pids = [DynamicSupervisor.start_child(PartitionSupervisor.via("sups", n), worker(n)) for n in range(4)]
    assert all(map(Process.alive, pids))
    assert [DynamicSupervisor.count_children(PartitionSupervisor.via("sups", n)).active for n in range(2)] == [2, 2]
    assert Supervisor.count_children("sups") == (2, 2, 2, 0)
    assert Supervisor.get_childspec(tree, "sups").shutdown is None
    Supervisor.stop(tree)


def test_each_can_be_given_arguments_of_its_own():
    tree = PartitionSupervisor.start_link(
        worker("a"), partitions=2, name="parts", with_arguments=lambda args, number: (args[0], f"part {number}")
    )
    assert all_news() == [("up", "part 0"), ("up", "part 1")]
    Supervisor.stop(tree)


def test_agents_can_be_partitioned():
    tree = PartitionSupervisor.start_link((Agent, dict), partitions=2, name="agents")
    Agent.update(PartitionSupervisor.via("agents", "x"), lambda state: {**state, "x": 1})
    assert Agent.get(PartitionSupervisor.via("agents", "x"), lambda state: state) == {"x": 1}
    Supervisor.stop(tree)


def test_what_cannot_be_meant_is_refused():
    for wrong in (0, -1, 1.5, True, "two"):
        with pytest.raises(SupervisorError, match="1 or more"):
            PartitionSupervisor.start_link(Worker, partitions=wrong)
    with pytest.raises(SupervisorError, match="has no child_spec"):
        PartitionSupervisor.child_spec(int, name="parts")
    with pytest.raises(TypeError, match="one kind of child"):
        PartitionSupervisor.start_link(Worker, 5)
    with pytest.raises(TypeError, match="unhashable"):
        PartitionSupervisor.via("parts", [])
    with pytest.raises(StartError, match="cannot be given"):
        Worker.start_link(self(), "a", name=PartitionSupervisor.via("parts", 1))
    tree = Supervisor.start_link([])
    with pytest.raises(NoProcess, match="no PartitionSupervisor of this node"):
        GenServer.call(PartitionSupervisor.via(tree, 1), "pid")
    Supervisor.stop(tree)
