"""Task: statement 42 of the behaviour contract, and what else a task promises."""

import asyncio

import pytest

import pyex
from pyex import (
    Crash,
    Down,
    Exit,
    Exited,
    NotOwner,
    NotSendable,
    Process,
    Task,
    TaskDown,
    TaskTimeout,
    receive,
    self,
    send,
    sleep,
    spawn,
    spawn_monitor,
)
from tests.core.support import SOON, ended, messages, result_at, settle, until


@pytest.fixture(params=[0, "thread"], ids=["scheduler", "thread"])
def place(request):
    return request.param


def gated(value):
    """A task that is done when it is sent ``go``."""
    task = Task.async_(lambda: (receive("go"), value)[1])
    return task, lambda: send(task.pid, "go")


def boom():
    raise ValueError("boom")


def test_a_task_computes_beside_its_owner(place):
    def body():
        me = self()
        task = Task.async_(lambda: (self(), Process.info(self()).links))
        pid, links = task.await_(SOON)
        assert pid == task.pid != me
        assert links == (me,)
        assert task.owner == me
        ended(pid)
        assert messages() == []

    result_at(place, body)


def test_a_tasks_functions_are_its_methods():
    assert Task.await_(Task.async_(pow, 2, 5)) == Task.async_(pow, 2, 5).await_() == 32


def test_what_a_task_carries_is_a_snapshot():
    items, kept = [1], []

    def work(more):
        items.append(2)
        kept.append(more)
        return items, kept

    more = [3]
    task = Task.async_(work, more)
    more.append(4)
    assert task.await_(SOON) == ([1, 2], [[3]])
    assert (items, kept) == ([1], [])


def test_42_past_its_time_the_caller_exits_and_no_reply_comes_late(place):
    def body():
        task, go = gated("late")
        with pytest.raises(TaskTimeout) as caught:
            task.await_(0.01)
        assert isinstance(caught.value, Exit)
        assert isinstance(caught.value, TimeoutError)
        assert caught.value.reason == "timeout"
        watch = Process.monitor(task.pid)
        go()
        assert receive(Down(watch), timeout=SOON).reason == "normal"
        assert messages() == []

    result_at(place, body)


def test_42_an_uncaught_timeout_ends_the_caller_and_its_task():
    me = self()

    def main():
        task = Task.async_(sleep, None)
        send(me, task.pid)
        task.await_(0.01)

    _, ref = spawn_monitor(main)
    task = receive(pyex.Pid, timeout=SOON)
    assert receive(Down(ref), timeout=SOON).reason == "timeout"
    assert ended(task) in ("timeout", "noproc")


def test_42_yield_leaves_the_task_running(place):
    def body():
        task, go = gated("slow")
        assert task.yield_(0) is None
        assert Task.yield_(task, 0.01) is None
        assert Process.alive(task.pid)
        go()
        assert task.yield_(SOON) == ("ok", "slow")
        assert messages() == []

    result_at(place, body)


def test_42_only_the_owner_can_wait():
    task, go = gated(1)

    def stranger(task):
        refused = 0
        for use in (
            task.await_, task.yield_, task.shutdown, task.ignore,
            lambda: Task.await_many([task]), lambda: Task.yield_many([task]),
        ):  # fmt: skip
            with pytest.raises(NotOwner, match="which started it"):
                use()
            refused += 1
        return refused

    assert result_at(0, stranger, task) == 6
    go()
    assert task.await_(SOON) == 1


def test_a_reply_never_comes_late_however_the_race_goes():
    def body():
        for turn in range(1000):
            task = Task.async_(lambda: "value")
            if turn % 2:
                sleep(0)
            try:
                assert task.await_(0) == "value"
            except TaskTimeout:
                pass
            ended(task.pid)
            assert messages() == []

    result_at(0, body)
    result_at("thread", body)


def test_a_task_that_crashes_takes_its_owner_with_it():
    me = self()

    def main():
        task = Task.async_(boom)
        send(me, "started")
        task.await_()

    _, ref = spawn_monitor(main)
    reason = receive(Down(ref), timeout=SOON).reason
    assert reason == Crash(ValueError("boom"))


def test_an_owner_that_traps_exits_is_told_why():
    Process.flag("trap_exit", True)
    task = Task.async_(boom)
    with pytest.raises(TaskDown, match="boom") as caught:
        task.await_(SOON)
    assert caught.value.reason == Crash(ValueError("boom"))
    assert isinstance(caught.value.__cause__, ValueError)
    assert receive(Exited(task.pid), timeout=SOON).reason == caught.value.reason
    task = Task.async_(pyex.exit, "bored")
    assert task.yield_(SOON) == ("exit", "bored")
    task = Task.async_(pyex.exit)
    with pytest.raises(TaskDown) as caught:
        task.await_(SOON)
    assert caught.value.reason == "normal"


def test_a_value_that_cannot_be_sent_is_the_tasks_crash():
    Process.flag("trap_exit", True)
    with pytest.raises(TaskDown) as caught:
        Task.async_(lambda: (number for number in range(3))).await_(SOON)
    assert isinstance(caught.value.__cause__, NotSendable)


def test_a_task_ends_with_its_owner():
    me = self()

    def main():
        send(me, Task.async_(sleep, None).pid)
        pyex.exit("over")

    spawn(main)
    assert ended(receive(pyex.Pid, timeout=SOON)) in ("over", "noproc")


def test_a_server_may_take_the_messages_itself():
    task = Task.async_(lambda: "value")
    assert receive((task.ref, pyex.ANY), timeout=SOON) == (task.ref, "value")
    assert receive(Down(task.ref), timeout=SOON).reason == "normal"


def test_shutdown_ends_a_task(place):
    def body():
        task = Task.async_(sleep, None)
        assert task.shutdown() is None
        task = Task.async_(sleep, None)
        assert task.shutdown("brutal_kill") is None
        assert messages() == []

    result_at(place, body)


def test_shutdown_kills_one_that_does_not_end():
    def stubborn(asker):
        Process.flag("trap_exit", True)
        send(asker, "ready")
        receive("never")

    task = Task.async_(stubborn, self())
    receive("ready", timeout=SOON)
    assert task.shutdown(0.01) == ("exit", "killed")


def test_shutdown_of_one_that_is_done_gives_what_it_did(place):
    def body():
        Process.flag("trap_exit", True)
        task = Task.async_(lambda: "done")
        ended(task.pid)
        assert task.shutdown() == ("ok", "done")
        assert task.shutdown() == ("exit", "noproc")
        assert receive(Exited(task.pid), timeout=0).reason == "normal"
        task = Task.async_(pyex.exit, "bored")
        ended(task.pid)
        assert task.shutdown("brutal_kill") == ("exit", "bored")
        receive(Exited(task.pid), timeout=0)
        assert messages() == []

    result_at(place, body)


def test_shutdown_knows_why_a_task_ended_however_the_race_goes():
    def body():
        Process.flag("trap_exit", True)
        for turn in range(1000):
            task = Task.async_(pyex.exit, "bored") if turn % 2 else Task.async_(lambda: 5)
            if turn % 3:
                sleep(0)
            assert task.shutdown() in (None, ("exit", "bored") if turn % 2 else ("ok", 5))
            for message in messages():
                assert type(message) is Exited

    result_at(0, body)
    result_at("thread", body)


def test_an_ignored_task_goes_on_and_says_nothing(place):
    def body():
        task, go = gated("value")
        assert task.ignore() is None
        assert Process.info(task.pid).links == ()
        ref = Process.monitor(task.pid)
        go()
        assert receive(Down(ref), timeout=SOON).reason == "normal"
        assert messages() == []
        done, go = gated("value")
        go()
        ended(done.pid)
        assert done.ignore() == ("ok", "value")

    result_at(place, body)


def test_a_completed_task_has_its_value_and_no_process():
    task = Task.completed([1])
    assert task.pid is None
    assert task.await_(0) == [1]
    for use in (task.shutdown, task.ignore):
        with pytest.raises(ValueError, match="no process"):
            use()
    assert Task.await_many([Task.completed(1), Task.async_(lambda: 2)], SOON) == [1, 2]


def test_start_is_linked_to_nobody_and_start_link_to_the_caller():
    me = self()
    pid = Task.start(lambda: send(me, Process.info(self()).links))
    assert receive(tuple, timeout=SOON) == ()
    ended(pid)
    Process.flag("trap_exit", True)
    pid = Task.start_link(pyex.exit, "bored")
    assert receive(Exited(pid), timeout=SOON).reason == "bored"


def test_a_task_as_a_child():
    spec = Task.child_spec(len, "abc")
    assert spec.restart == "temporary"
    assert spec.start == (Task.start_link, (len, "abc"))
    assert spec.id == "Task"


def test_a_report_names_the_function_of_the_task():
    me = self()
    task = Task.async_(lambda: send(me, Process.info(self()).initial_call))
    assert "test_a_report_names_the_function_of_the_task.<locals>.<lambda>" in receive(str, timeout=SOON)
    task.await_(SOON)


def test_an_interrupted_start_leaves_no_process(monkeypatch):
    from pyex.otp import working

    def interrupted(*args, **options):
        raise KeyboardInterrupt

    before = set(Process.list())
    with monkeypatch.context() as patch:
        patch.setattr(working.Process, "monitor", interrupted)
        with pytest.raises(KeyboardInterrupt):
            Task.async_(sleep, None)
    until(lambda: set(Process.list()) <= before, "the end of the task")


async def coroutine():
    await asyncio.sleep(0)


def generator():
    yield


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (lambda: Task(len), "Task.async_"),
        (lambda: Task.async_(5), "a function to run"),
        (lambda: Task.async_(coroutine), "is async"),
        (lambda: Task.async_(generator), "is a generator"),
        (lambda: Task.async_(sleep, seconds=3), "lambda"),
        (lambda: Task.start(coroutine), "is async"),
        (lambda: Task.start_link(None), "a function to run"),
        (lambda: Task.await_(5), "takes a task"),
        (lambda: Task.await_many(Task.completed(1)), "a list of tasks"),
        (lambda: Task.await_many([5]), "takes a task"),
        (lambda: Task.completed(1).await_("5"), "seconds"),
    ],
)
def test_errors_say_what_to_do(use, words):
    with pytest.raises(TypeError, match=words):
        use()


def test_a_task_is_immutable_and_passes_in_messages():
    task = Task.completed(1)
    with pytest.raises(AttributeError):
        task.pid = self()
    with pytest.raises(AttributeError):
        del task.ref
    send(self(), task)
    copy = receive(Task, timeout=SOON)
    assert copy == task
    assert hash(copy) == hash(task)
    assert repr(task.ref) in repr(copy)
    assert copy.await_(0) == 1
    settle(self())


def test_waiting_for_a_task_again_says_that_its_value_is_gone():
    task = Task.async_(lambda: 5)
    assert task.await_(SOON) == 5
    with pytest.raises(TaskTimeout, match="has been waited for before: its value is given once"):
        task.await_(0)


def test_a_process_ended_while_it_awaits_is_told_so_once():
    def waits():
        task = Task.async_(pyex.sleep, 60)
        Process.unlink(task.pid)
        Process.send_after(parent, "end me", 0)
        try:
            task.await_(None)
        except BaseException as error:
            told.append((type(error), error.__context__))

    what = []
    parent, told = pyex.self(), pyex.share(what)
    pid, ref = pyex.spawn_monitor(waits)
    receive("end me", timeout=SOON)
    Process.exit(pid, "over")
    receive(Down(ref), timeout=SOON)
    assert what == [(pyex.Terminated, None)]
