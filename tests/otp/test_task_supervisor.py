"""TaskSupervisor: statement 43 of the behaviour contract, and who ends with whom."""

import threading

import pytest

import pyex
from pyex import (
    Crash,
    Down,
    Exit,
    Exited,
    GenServer,
    NoProcess,
    NotSendable,
    Process,
    Reply,
    Supervisor,
    SupervisorError,
    TaskDown,
    TaskSupervisor,
    TaskTimeout,
    receive,
    self,
    send,
    share,
    sleep,
    spawn,
    spawn_monitor,
)
from tests.core.support import PATIENCE, SOON, ended, messages, result_at, until


@pytest.fixture
def tasks():
    TaskSupervisor.start_link(name="tasks")
    return "tasks"


def boom(*_):
    raise ValueError("boom")


def test_a_task_is_a_child_of_the_supervisor_and_linked_to_both(tasks):
    me, supervisor = self(), Process.whereis(tasks)
    task = TaskSupervisor.async_(tasks, lambda: (receive("go"), set(Process.info(self()).links))[1])
    assert TaskSupervisor.children(tasks) == [task.pid]
    send(task.pid, "go")
    assert task.await_(SOON) == {me, supervisor}
    until(lambda: TaskSupervisor.children(tasks) == [], "the end of the task")
    assert messages() == []


def test_43_async_nolink_survives_its_task(tasks):
    task = TaskSupervisor.async_nolink(tasks, boom)
    assert task.yield_(SOON) == ("exit", Crash(ValueError("boom")))
    with pytest.raises(TaskDown) as caught:
        TaskSupervisor.async_nolink(tasks, pyex.exit, "bored").await_(SOON)
    assert caught.value.reason == "bored"
    assert TaskSupervisor.async_nolink(tasks, pow, 2, 5).await_(SOON) == 32
    assert messages() == []


def test_43_and_its_task_survives_it(tasks):
    me = self()

    def owner():
        send(me, TaskSupervisor.async_nolink(tasks, receive).pid)
        pyex.exit("over")

    ended(spawn(owner))
    task = receive(pyex.Pid, timeout=SOON)
    assert Process.alive(task)
    watch = Process.monitor(task)
    send(task, "end")
    assert receive(Down(watch), timeout=SOON).reason == "normal"


def test_a_linked_task_and_its_owner_end_together(tasks):
    _, ref = spawn_monitor(lambda: TaskSupervisor.async_(tasks, boom).await_(SOON))
    assert receive(Down(ref), timeout=SOON).reason == Crash(ValueError("boom"))
    me = self()

    def owner():
        send(me, TaskSupervisor.async_(tasks, receive).pid)
        pyex.exit("over")

    ended(spawn(owner))
    assert ended(receive(pyex.Pid, timeout=SOON)) in ("over", "noproc")


def test_when_the_supervisor_stops_so_do_the_tasks(tasks):
    Process.flag("trap_exit", True)
    linked = TaskSupervisor.async_(tasks, receive)
    free = TaskSupervisor.async_nolink(tasks, receive)
    TaskSupervisor.stop(tasks)
    assert linked.yield_(SOON) == free.yield_(SOON) == ("exit", "shutdown")
    assert receive(Exited(linked.pid), timeout=SOON).reason == "shutdown"


def test_a_task_whose_owner_is_gone_before_it_has_its_work_ends(tasks):
    from pyex.otp.working import work_to_come

    owner = spawn(receive)
    _, ref = spawn_monitor(work_to_come, owner)
    send(owner, "end")
    assert receive(Down(ref), timeout=SOON).reason[0] == "shutdown"


def test_work_that_cannot_be_sent_leaves_no_task(tasks):
    with pytest.raises(NotSendable, match="lock"):
        TaskSupervisor.async_nolink(tasks, len, [threading.Lock()])
    assert TaskSupervisor.children(tasks) == []


def test_what_a_task_carries_is_copied_and_what_is_shared_is_shared(tasks):
    items, lock = [1], share(threading.Lock())

    def work(more, given):
        with lock, given:
            items.append(more)
            return items

    assert TaskSupervisor.async_nolink(tasks, work, 2, share(threading.Lock())).await_(SOON) == [1, 2]
    assert items == [1]
    me = self()
    TaskSupervisor.start_child(
        tasks, lambda more, given: send(me, (work(3, given), more)), [5], share(threading.Lock())
    )
    assert receive(tuple, timeout=SOON) == ([1, 3], [5])


def test_43_streams_run_under_the_supervisor(tasks):
    def parent(n):
        return n, Process.whereis("tasks") in Process.info(self()).links

    for stream in (TaskSupervisor.async_stream, TaskSupervisor.async_stream_nolink):
        assert list(stream(tasks, parent, range(5), max_concurrency=2)) == [(n, True) for n in range(5)]
    assert messages() == []


@pytest.mark.parametrize("place", [0, "thread"])
def test_43_a_stream_that_is_not_linked_survives_its_tasks(tasks, place):
    def body():
        values = list(TaskSupervisor.async_stream_nolink(tasks, lambda n: 10 // n, [1, 0, 2], max_concurrency=3))
        assert values[::2] == [10, 5]
        assert isinstance(values[1], Exit)
        assert type(values[1].reason.exception) is ZeroDivisionError

        def kinds(timeout):
            late = TaskSupervisor.async_stream_nolink(tasks, sleep, [None, 0], timeout=timeout, on_timeout="kill_task")
            return [type(value) for value in late]

        assert any(kinds(timeout) == [Exit, type(None)] for timeout in PATIENCE)
        with pytest.raises(TaskTimeout):
            list(TaskSupervisor.async_stream_nolink(tasks, sleep, [None], timeout=0.05))
        assert TaskSupervisor.children(tasks) == []
        assert messages() == []

    result_at(place, body)


def test_a_linked_stream_is_its_users_crash(tasks):
    _, ref = spawn_monitor(lambda: list(TaskSupervisor.async_stream(tasks, boom, [1, 2])))
    assert receive(Down(ref), timeout=SOON).reason == Crash(ValueError("boom"))
    until(lambda: TaskSupervisor.children(tasks) == [], "the end of the tasks")


@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize("end", ["leave", "kill", "exit"])
def test_a_stream_that_is_abandoned_leaves_no_task(tasks, linked, end):
    me, before = self(), set(Process.list())

    def user():
        start = TaskSupervisor.async_stream if linked else TaskSupervisor.async_stream_nolink
        for value in start(tasks, lambda n: n and receive("never"), range(10), max_concurrency=5):
            send(me, value)
            if end == "leave":
                return
            receive("go")
            pyex.exit("over")

    pid = spawn(user)
    assert receive(int, timeout=SOON) == 0
    if end == "kill":
        Process.exit(pid, "kill")
    elif end == "exit":
        send(pid, "go")
    ended(pid)
    until(lambda: set(Process.list()) == before, "the end of all that the stream began")
    assert TaskSupervisor.children(tasks) == []


def test_start_child_is_for_the_effect(tasks):
    me = self()
    pid = TaskSupervisor.start_child(tasks, lambda: (send(me, self()), receive("go")))
    assert receive(pyex.Pid, timeout=SOON) == pid
    assert TaskSupervisor.children(tasks) == [pid]
    assert TaskSupervisor.count_children(tasks).active == 1
    TaskSupervisor.terminate_child(tasks, pid)
    assert not Process.alive(pid)
    with pytest.raises(SupervisorError) as caught:
        TaskSupervisor.terminate_child(tasks, pid)
    assert caught.value.reason == "not_found"


def test_start_child_may_be_restarted_with_what_it_had(tasks):
    me, lock = self(), share(threading.Lock())

    def main(items, lock):
        with lock:
            items.append(2)
        send(me, items)
        receive("go")
        pyex.exit("failed" if len(messages()) else "normal")

    TaskSupervisor.start_child(tasks, main, [1], lock, restart="transient")
    for _ in range(2):
        assert receive(list, timeout=SOON) == [1, 2]
        (pid,) = TaskSupervisor.children(tasks)
        send(pid, "fail")
        send(pid, "go")
        ended(pid)
    assert receive(list, timeout=SOON) == [1, 2]
    (pid,) = TaskSupervisor.children(tasks)
    send(pid, "go")
    ended(pid)
    until(lambda: TaskSupervisor.children(tasks) == [], "the end of the task")


def test_max_children_holds_for_tasks_and_streams():
    few = TaskSupervisor.start_link(max_children=2)
    TaskSupervisor.start_child(few, receive)
    task = TaskSupervisor.async_nolink(few, receive)
    for start in (TaskSupervisor.async_, TaskSupervisor.async_nolink, TaskSupervisor.start_child):
        with pytest.raises(SupervisorError) as caught:
            start(few, receive)
        assert caught.value.reason == "max_children"
    with pytest.raises(SupervisorError, match="max_children"):
        list(TaskSupervisor.async_stream_nolink(few, len, ["abc"]))
    assert task.shutdown() is None
    assert list(TaskSupervisor.async_stream_nolink(few, len, ["abc"], max_concurrency=1)) == [3]


def test_without_a_supervisor():
    with pytest.raises(NoProcess, match="tasks"):
        TaskSupervisor.async_("tasks", len, "abc")
    with pytest.raises(NoProcess):
        list(TaskSupervisor.async_stream("tasks", len, ["abc"]))
    with pytest.raises(TypeError, match="a function to run"):
        TaskSupervisor.start_child("tasks", 5)


def test_it_is_a_child_like_any_other():
    Supervisor.start_link([TaskSupervisor.child_spec(name="tasks")])
    assert TaskSupervisor.async_("tasks", len, "abc").await_(SOON) == 3


class Worker(GenServer):
    """Has its work done by tasks, and is told."""

    def init(self):
        self.done = []

    def handle_call(self, request, caller):
        match request:
            case ("divide", by):
                self.task = TaskSupervisor.async_nolink("tasks", lambda: 100 // by)
                return Reply(self.task.pid)
            case "done":
                return Reply(self.done)

    def handle_info(self, message):
        match message:
            case (self.task.ref, value):
                Process.demonitor(self.task.ref, flush=True)
                self.done.append(value)
            case Down(self.task.ref, _, Crash(error)):
                self.done.append(type(error))


def test_a_server_gets_the_value_as_a_message(tasks):
    worker = Worker.start_link()
    for by in (5, 0):
        ended(GenServer.call(worker, ("divide", by)))
    until(lambda: GenServer.call(worker, "done") == [20, ZeroDivisionError])  # it may be told later than this process
