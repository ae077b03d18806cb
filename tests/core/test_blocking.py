"""``blocking``: a call on another thread, while its process waits and the others run."""

import asyncio
import contextvars
import gc
import os
import threading
import time
import traceback
import weakref

import pytest

from pyex import (
    Crash,
    Exited,
    Process,
    PyexError,
    areceive,
    await_,
    blocking,
    receive,
    run,
    self,
    send,
    share,
    spawn,
    spawn_monitor,
)
from pyex.core import blocking as module
from pyex.core.process import aliases, processes
from tests.core.support import SOON, ended, messages, program, result_at, start_at, until

PLACES = [0, "thread"]

variable = contextvars.ContextVar("variable", default="nobody's")


@pytest.fixture
def gate():
    """What calls can wait for; opened at the end, so that no thread is left behind."""
    global the_gate
    the_gate = threading.Event()
    yield the_gate
    the_gate.set()


def at_the_gate():
    return the_gate.wait(SOON)


def open_the_gate():
    the_gate.set()


@pytest.fixture
def pool(monkeypatch):
    """A pool of its own, of two threads."""
    monkeypatch.setattr(module, "MOST_THREADS", 2)
    monkeypatch.setattr(module, "IDLE", 0.01)
    fresh = module._Pool()
    monkeypatch.setattr(module, "_pool", fresh)
    return fresh


@pytest.mark.parametrize("place", PLACES)
def test_the_value_comes_back(place):
    assert result_at(place, blocking, int, "17") == 17
    assert result_at(place, lambda: blocking(sorted, [2, 3, 1], reverse=True)) == [3, 2, 1]


def test_what_is_passed_is_not_copied():
    def main():
        thing = [object()]
        return blocking(lambda it: it, thing) is thing

    assert result_at(0, main)


def test_others_of_the_scheduler_run_meanwhile(gate):
    first = start_at(0, lambda parent: send(parent, blocking(at_the_gate)), self())
    start_at(0, open_the_gate)
    assert receive(timeout=SOON) is True
    ended(first)


@pytest.mark.parametrize("place", PLACES)
def test_what_it_raises_is_raised_with_its_traceback(place):
    def fails():
        raise ValueError("in the call")

    def main():
        try:
            blocking(fails)
        except ValueError as error:
            return str(error), [frame.name for frame in traceback.extract_tb(error.__traceback__)]

    assert result_at(place, main) == ("in the call", ["main", "blocking", "fails"])


def test_an_uncaught_one_is_the_crash_of_the_process():
    spawn_monitor(blocking, divmod, 1, 0)
    match receive(timeout=SOON):
        case ("DOWN", _, _, _, Crash(ZeroDivisionError())):
            pass
        case other:
            pytest.fail(repr(other))


@pytest.mark.parametrize(("code", "reason"), [(None, "normal"), (3, ("exit", 3))])
def test_system_exit_in_the_call_ends_the_process_only(code, reason):
    def leave():
        raise SystemExit(code)

    pid = start_at(0, lambda: (receive("go"), blocking(leave)))
    ref = Process.monitor(pid)
    send(pid, "go")
    assert receive(timeout=SOON) == ("DOWN", ref, "process", pid, reason)
    assert result_at(0, blocking, int) == 0


def test_a_killed_process_ends_at_once_and_its_call_goes_on(gate):
    called, finished = threading.Event(), threading.Event()
    begun, over = share(called), share(finished)

    def call():
        begun.set()
        at_the_gate()
        over.set()

    pid = start_at(0, lambda: blocking(call))
    until(called.is_set)
    Process.monitor(pid)
    Process.exit(pid, "kill")
    assert receive(timeout=SOON).reason == "killed"
    assert not finished.is_set()
    gate.set()
    until(finished.is_set)
    assert messages() == []


def test_messages_and_trapped_exits_wait_in_their_order(gate):
    def main(parent):
        Process.flag("trap_exit", True)
        send(parent, "trapping")
        blocking(at_the_gate)
        send(parent, [receive(timeout=0) for _ in range(3)])

    pid = start_at(0, main, self())
    assert receive(timeout=SOON) == "trapping"
    send(pid, 1)
    Process.exit(pid, "asked to")
    send(pid, 2)
    assert Process.alive(pid)
    gate.set()
    assert receive(timeout=SOON) == [1, Exited(self(), "asked to"), 2]


def test_context_variables_are_carried():
    def main():
        variable.set("mine")
        seen = blocking(lambda: (variable.get(), variable.set("the call's")))[0]
        return seen, variable.get()

    assert result_at(0, main) == ("mine", "mine")
    assert result_at(0, blocking, variable.get) == "nobody's"


def test_a_process_with_a_thread_makes_the_call_there():
    assert blocking(threading.get_ident) == threading.get_ident()
    assert blocking(self) == self()
    assert result_at(
        "thread", lambda: blocking(self) == self() and blocking(threading.get_ident) == threading.get_ident()
    )
    assert run(lambda: blocking(self) == self())


def test_the_thread_is_a_process_of_its_own_that_ends_with_the_call(pool):
    def call():
        send(self(), "for nobody")
        return self(), receive(timeout=0, default="empty")

    def look():
        return self(), receive(timeout=0, default="empty")

    def main():
        mine = self()
        (first, _), (second, got) = blocking(call), blocking(look)
        return mine, first, second, got

    mine, first, second, got = result_at(0, main)
    assert len({mine, first, second}) == 3
    assert got == "empty"
    assert first.key not in processes
    assert second.key not in processes


def test_a_call_can_send_and_wait():
    def call(parent):
        echo = spawn(lambda: send(*receive()))
        send(echo, (self(), "hello"))
        send(parent, receive(timeout=SOON))

    assert result_at(0, lambda: (blocking(call, self()), receive(timeout=SOON))[1]) == "hello"


def test_no_more_threads_than_it_may(pool, gate):
    counts = [0, 0]
    lock, shared = share(threading.Lock()), share(counts)

    def call():
        with lock:
            shared[0] += 1
            shared[1] = max(shared[1], shared[0])
        time.sleep(0.001)
        with lock:
            shared[0] -= 1

    pids = [start_at(index % 2, lambda: blocking(call)) for index in range(20)]
    ended(*pids)
    until(lambda: counts[0] == 0)
    assert counts[1] == 2
    until(lambda: pool._threads == 0, "the end of idle threads")
    assert result_at(0, blocking, int) == 0


def test_what_has_not_begun_is_not_called_for_a_dead_process(pool, gate):
    called = []
    holders = [start_at(0, blocking, at_the_gate) for _ in range(2)]
    until(lambda: pool._threads == 2 and not pool._calls)
    waiting = start_at(0, lambda called: blocking(called.append, 1), share(called))
    until(lambda: pool._calls)
    Process.exit(waiting, "kill")
    ended(waiting)
    gate.set()
    ended(*holders)
    until(lambda: not pool._calls)
    assert result_at(0, blocking, int) == 0
    assert called == []


def test_in_a_coroutine_it_says_what_to_use():
    async def coroutine():
        return blocking(int)

    for place in PLACES:
        with pytest.raises(AssertionError, match=r"asyncio\.to_thread"):
            result_at(place, lambda: await_(coroutine()))
    with pytest.raises(AssertionError, match=r"asyncio\.to_thread"):
        result_at(0, lambda: asyncio.run(coroutine()))
    assert asyncio.run(coroutine()) == 0  # on a thread it simply calls, as any function


def test_its_error_is_a_pyex_error():
    async def coroutine():
        with pytest.raises(PyexError):
            blocking(int)
        send(self(), "went on")
        return await areceive(timeout=SOON)

    assert result_at(0, lambda: await_(coroutine())) == "went on"


@pytest.mark.parametrize("fails", [False, True])
def test_memory_is_freed_at_once(fails):
    class Thing:
        pass

    def call(thing):
        if fails:
            raise ValueError(thing)
        return thing

    def main():
        thing = Thing()
        ref = weakref.ref(thing)
        try:
            blocking(call, thing)
        except ValueError:
            pass
        del thing
        blocking(int)  # the thread that made the call has put it away by then, or another one makes this
        return ref() is None

    gc.disable()
    try:
        assert result_at(0, main)
    finally:
        gc.enable()


def test_a_thousand_kills_leave_nothing(gate):
    aliases_before = len(aliases)
    for _ in range(10):
        pids = [start_at(index % 2, blocking, at_the_gate) for index in range(100)]
        for pid in pids:
            Process.exit(pid, "kill")
        assert set(ended(*pids)) <= {"killed", "noproc"}
    assert not {pid.key for pid in pids} & set(processes)
    gate.set()
    until(lambda: not module._pool._calls)
    until(lambda: module._pool._idle == module._pool._threads)
    assert module._pool._threads <= module.MOST_THREADS
    assert len(aliases) == aliases_before
    assert result_at(0, blocking, int) == 0


@pytest.mark.parametrize("call", ["time.sleep(1000)", "exec('while True: pass')", "threading.Event().wait()"])
def test_14_the_program_ends_though_calls_go_on(call):
    done = program(
        f"""
        def main():
            blocking(lambda: {call})
        for _ in range(5):
            spawn(main)
        spawn(lambda: send(parent, blocking(int)))
        print(receive(timeout=10))
        """.replace("def main", "parent = self()\n        def main"),
        timeout=SOON * 2,
    )
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_15_after_a_fork_the_pool_begins_anew():
    result_at(0, blocking, int)
    assert module._pool._threads
    child = os.fork()
    if not child:
        os._exit(module._pool._threads + module._pool._idle + len(module._pool._calls))
    assert os.waitpid(child, 0)[1] == 0
    assert module._pool._threads
