"""Tasks under a supervisor on another node: statements 42 and 43 do not stop at its border."""

import sys

import cloudpickle
import pytest

from pyex import Crash, Exit, Node, Process, TaskDown, TaskSupervisor, TaskTimeout, self, sleep
from tests.core.support import SOON, ended, messages
from tests.distribution.conftest import PROGRAM, alice, name_service, nodes

__all__ = ["alice", "name_service", "nodes"]

WITH_TASKS = PROGRAM.replace(
    'Process.register(self(), "main")',
    'main = self(); Process.register(main, "main"); TaskSupervisor.start_link(name="tasks")',
)


@pytest.fixture
def tasks(alice, nodes):
    nodes("bob", program=WITH_TASKS)
    Node.connect("bob@127.0.0.1")
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # bob has no tests
    yield ("tasks", "bob@127.0.0.1")
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


def where(n):
    return n, Node.self()


def test_tasks_run_where_their_supervisor_is(tasks):
    assert TaskSupervisor.async_(tasks, where, 1).await_(SOON) == (1, "bob@127.0.0.1")
    task = TaskSupervisor.async_nolink(tasks, lambda: 1 / 0)
    kind, reason = task.yield_(SOON)
    assert kind == "exit"
    assert isinstance(reason, Crash)
    assert isinstance(reason.exception, ZeroDivisionError)
    task = TaskSupervisor.async_nolink(tasks, sleep, 60)
    with pytest.raises(TaskTimeout):
        task.await_(0.01)
    assert TaskSupervisor.async_nolink(tasks, sleep, 60).shutdown() is None
    TaskSupervisor.terminate_child(tasks, task.pid)
    assert TaskSupervisor.children(tasks) == []
    pid = TaskSupervisor.start_child(tasks, sleep, 60)
    assert TaskSupervisor.children(tasks) == [pid]
    for stream in (TaskSupervisor.async_stream, TaskSupervisor.async_stream_nolink):
        assert list(stream(tasks, where, range(20), max_concurrency=5)) == [(n, "bob@127.0.0.1") for n in range(20)]
    late = list(TaskSupervisor.async_stream_nolink(tasks, sleep, [60], timeout=0.1, on_timeout="kill_task"))
    assert isinstance(late[0], Exit)
    assert TaskSupervisor.children(tasks) == [pid]
    assert messages() == []


def test_a_task_whose_node_is_lost(tasks, nodes):
    (carol,) = nodes("carol", program=WITH_TASKS)
    Node.connect(carol.name)
    task = TaskSupervisor.async_nolink(("tasks", carol.name), sleep, 60)
    other = TaskSupervisor.async_nolink(("tasks", carol.name), sleep, 60)
    stream = TaskSupervisor.async_stream_nolink(
        ("tasks", carol.name), lambda n: n and sleep(60), range(3), max_concurrency=3
    )
    assert next(stream) == 0
    carol.kill()
    with pytest.raises(TaskDown, match="cannot be reached, or was lost") as caught:
        task.await_(SOON)
    assert caught.value.reason == ("nodedown", carol.name)
    with pytest.raises(TaskDown):
        other.yield_(SOON)
    assert next(stream).reason == "noconnection"
    stream.close()
    assert Process.alive(self())
    assert messages() == []
    assert ended(task.pid) == "noconnection"
