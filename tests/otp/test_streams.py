"""Streams of tasks: statements 42 and 43 of the behaviour contract, and that nothing of a stream is left behind."""

import gc
import itertools
import threading
import weakref

import pytest

import pyex
from pyex import (
    Crash,
    Down,
    Exit,
    Process,
    Ref,
    Task,
    TaskTimeout,
    receive,
    self,
    send,
    share,
    sleep,
    spawn,
    spawn_monitor,
)
from tests.core.support import PATIENCE, SOON, ended, messages, result_at, start_at, until


@pytest.fixture(params=[0, "thread"], ids=["scheduler", "thread"])
def place(request):
    return request.param


@pytest.fixture
def nothing_left():
    """After the test there are no other processes than before."""
    before = {self(), *Process.list()}
    yield
    until(lambda: set(Process.list()) <= before, "the end of all that the stream began")


def wait_for(order):
    """A task that says it is there, and is done when told."""
    n, asker = order
    send(asker, (n, self()))
    receive("go")
    return n


def test_43_values_come_in_the_order_of_the_items(place, nothing_left):
    def body():
        def slower_at_first(n):
            sleep((10 - n) / 500)
            return n * n

        assert list(Task.async_stream(slower_at_first, range(10), max_concurrency=5)) == [n * n for n in range(10)]
        assert messages() == []

    result_at(place, body)


def test_43_or_as_they_are_done():
    def tell():
        there = dict(receive((int, pyex.Pid), timeout=SOON) for _ in range(3))
        for n in (2, 0, 1):
            send(there[n], "go")
            ended(there[n])

    teller = spawn(tell)
    stream = Task.async_stream(wait_for, [(n, teller) for n in range(3)], max_concurrency=3, ordered=False)
    assert list(stream) == [2, 0, 1]


def test_43_no_more_tasks_run_than_may(place):
    def body():
        running, most, lock = [], [], threading.Lock()

        def work(item):
            n, running, most, lock = item
            with lock:
                running.append(n)
                most.append(len(running))
            sleep(0.001)
            with lock:
                running.remove(n)

        items = [(n, share(running), share(most), share(lock)) for n in range(60)]
        list(Task.async_stream(work, items, max_concurrency=4, timeout=SOON))
        assert max(most) == 4

    result_at(place, body)


def test_43_a_task_that_is_killed_for_its_time_gives_an_exit(place, nothing_left):
    def body():
        for timeout in PATIENCE:
            stream = Task.async_stream(sleep, [0, None, 0], timeout=timeout, on_timeout="kill_task", max_concurrency=3)
            first, late, last = stream
            assert isinstance(late, Exit)
            assert late.reason == "timeout"
            assert messages() == []
            if (first, last) == (None, None):
                return
        raise AssertionError("those that are done at once have been killed")

    result_at(place, body)


def test_43_a_task_that_computes_or_traps_exits_is_killed_too(nothing_left):
    def compute(n):
        while True:
            n += 1

    def stubborn(n):
        Process.flag("trap_exit", True)
        while True:
            receive("never")

    for work in (compute, stubborn):
        (late,) = Task.async_stream(work, [1], timeout=0.05, on_timeout="kill_task")
        assert late.reason == "timeout"


def test_43_else_its_user_exits_by_timeout(place, nothing_left):
    def body():
        values = []
        with pytest.raises(TaskTimeout) as caught:
            values.extend(Task.async_stream(sleep, [0, None, None], timeout=0.05, max_concurrency=3))
        assert caught.value.reason == "timeout"
        assert len(values) <= 1
        assert messages() == []

    result_at(place, body)


def test_the_time_of_a_task_begins_with_the_task():
    """Each has its own; they run one after the other."""
    assert list(Task.async_stream(sleep, [0.06] * 4, timeout=SOON / 2, max_concurrency=1)) == [None] * 4

    def kinds(timeout):
        stream = Task.async_stream(
            sleep, [0, None, 0, None], timeout=timeout, max_concurrency=2, on_timeout="kill_task"
        )
        return [type(value) for value in stream]

    assert any(kinds(timeout) == [type(None), Exit, type(None), Exit] for timeout in PATIENCE)


def fail_at_two(n):
    if n == 2:
        raise ValueError("two")
    return n


def test_a_task_that_crashes_is_the_crash_of_the_user(nothing_left):
    _, ref = spawn_monitor(lambda: list(Task.async_stream(fail_at_two, range(5), max_concurrency=2)))
    assert receive(Down(ref), timeout=SOON).reason == Crash(ValueError("two"))


def test_of_one_who_traps_exits_it_is_a_value(place, nothing_left):
    def body():
        Process.flag("trap_exit", True)
        values = list(Task.async_stream(fail_at_two, range(4), max_concurrency=2))
        assert values[:2] + values[3:] == [0, 1, 3]
        assert isinstance(values[2], Exit)
        assert values[2].reason == Crash(ValueError("two"))
        assert isinstance(values[2].__cause__, ValueError)
        (killed,) = Task.async_stream(lambda _: Process.exit(self(), "kill"), [1])
        assert killed.reason == "killed"
        (normal,) = Task.async_stream(lambda _: pyex.exit(), [1])
        assert normal.reason == "normal"
        assert messages() == []

    result_at(place, body)


def test_42_a_forged_down_or_reply_does_not_fool_a_stream(place):
    def forge(n):
        server, user = Process.info(self()).parent, users[0]
        for target in (server, user):
            for ref in (Ref(), n, "x"):
                send(target, Down(ref, self(), "forged"))
                send(target, (ref, "forged"))
                send(target, (ref, [(n, "value", "forged")]))
            send(target, ("EXIT", self(), "forged"))
            send(target, "forged")
            Process.exit(server, "normal")
        return n

    users = [None]

    def body():
        users[0] = self()
        assert list(Task.async_stream(forge, range(20), max_concurrency=4)) == list(range(20))
        assert len(messages()) == 20 * 11

    result_at(place, body)


def test_a_stream_asks_for_items_only_as_they_are_needed():
    asked = []

    def items():
        for n in itertools.count():
            asked.append(n)
            yield n

    stream = Task.async_stream(lambda n: n, items(), max_concurrency=1)
    assert asked == []
    assert next(stream) == 0
    assert asked == [0]
    assert next(stream) == 1
    assert asked == [0, 1]
    stream.close()
    assert asked == [0, 1]


def test_a_stream_that_is_left_early_takes_its_tasks_with_it(place, nothing_left):
    def body():
        before = set(Process.list())

        def work(n):
            return n if n == 0 else receive("never")

        for value in Task.async_stream(work, itertools.count(), max_concurrency=10):
            assert value == 0
            break
        assert set(Process.list()) == before
        stream = Task.async_stream(work, itertools.count(), max_concurrency=10)
        next(stream)
        stream.close()
        assert set(Process.list()) == before
        assert messages() == []

    result_at(place, body)


@pytest.mark.parametrize("end", ["normal", "over", "kill", "return"])
def test_a_user_who_ends_takes_the_tasks_with_him(place, end, nothing_left):
    def main(asker):
        def work(n):
            send(asker, "working")
            receive("never") if n else None

        for _ in Task.async_stream(work, range(10), max_concurrency=5):
            send(asker, "one")
            if end == "return":
                return
            receive("go")
            pyex.exit(end)

    user = start_at(place, main, self())
    for _ in range(5):
        receive("working", timeout=SOON)
    receive("one", timeout=SOON)
    if end == "kill":
        Process.exit(user, "kill")
    else:
        send(user, "go")
    ended(user)


def test_a_user_who_is_killed_while_he_waits_takes_the_tasks_with_him(place, nothing_left):
    def main(asker):
        next(Task.async_stream(wait_for, [(n, asker) for n in range(5)], max_concurrency=5))

    user = start_at(place, main, self())
    for _ in range(5):
        receive((int, pyex.Pid), timeout=SOON)
    Process.exit(user, "kill")
    ended(user)


def test_a_stream_in_a_cycle_is_ended_by_the_collector(nothing_left):
    def main(asker):
        class Cycle:
            pass

        cycle = Cycle()
        cycle.self = cycle
        cycle.stream = Task.async_stream(lambda n: n and receive("never"), range(5), max_concurrency=3)
        next(cycle.stream)
        gone = weakref.ref(cycle)
        del cycle
        gc.collect()
        send(asker, gone() is None)
        receive("end")

    user = spawn(main, self())
    assert receive(bool, timeout=SOON) is True
    until(lambda: len(Process.info(user).monitored_by) == 0, "the end of the stream")
    assert Process.info(user).message_queue_len == 0
    send(user, "end")
    ended(user)


def test_when_its_process_is_killed_so_are_the_tasks(nothing_left):
    Process.flag("trap_exit", True)
    stream = Task.async_stream(
        lambda n: Process.info(self()).parent if n == 0 else receive("never"), range(3), max_concurrency=3
    )
    server = next(stream)
    Process.exit(server, "kill")
    with pytest.raises(Exit) as caught:
        next(stream)
    assert caught.value.reason in ("killed", "noproc")


def test_what_items_raise_is_raised_and_ends_the_stream(nothing_left):
    def items():
        yield 1
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        list(Task.async_stream(lambda n: n, items(), max_concurrency=1))
    with pytest.raises(pyex.NotSendable):
        list(Task.async_stream(lambda n: n, [threading.Lock()]))


def test_what_the_function_carries_is_copied_for_each_task():
    seen = []

    def work(n):
        seen.append(n)
        return seen

    assert list(Task.async_stream(work, range(3), max_concurrency=1)) == [[0], [1], [2]]
    assert seen == []


def test_streams_within_streams():
    def square(n):
        return sum(Task.async_stream(lambda k: k * n, range(4)))

    assert list(Task.async_stream(square, range(4))) == [0, 6, 12, 18]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"max_concurrency": 0}, ValueError, "1 or more"),
        ({"max_concurrency": True}, ValueError, "1 or more"),
        ({"timeout": "5"}, TypeError, "seconds"),
        ({"timeout": -1}, ValueError, "seconds"),
        ({"timeout": float("nan")}, ValueError, "seconds"),
        ({"on_timeout": "kill"}, ValueError, "'kill_task'"),
    ],
)
def test_options_that_cannot_be_meant_are_refused_at_once(options, error, words):
    with pytest.raises(error, match=words):
        Task.async_stream(len, [], **options)


def test_arguments_in_the_wrong_order_are_refused_at_once():
    with pytest.raises(TypeError, match="a function to run"):
        Task.async_stream([1, 2], len)
    with pytest.raises(TypeError, match="not 5"):
        Task.async_stream(len, 5)
