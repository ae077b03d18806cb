"""Schedulers: fairness, reuse of stacks, what a process leaves behind, and no lost wake-up."""

import asyncio
import contextvars
import gc
import sys
import time
import tracemalloc
import weakref

import pytest

from pyex import Down, Process, exit, receive, self, send, share, sleep, spawn, spawn_monitor
from pyex.core.monitor import monitor
from pyex.core.process import names, processes
from pyex.core.runtime import runtime
from pyex.core.scheduler import IDLE_WORKERS
from tests.core.support import (
    PLACES,
    SOON,
    ended,
    forever,
    monitor_at,
    result_at,
    scheduler,
    start_at,
    switching,
    until,
)

variable = contextvars.ContextVar("variable", default="empty")


@pytest.fixture(params=[0, "thread"])
def place(request):
    return request.param


def quiet():
    """No scheduler has anything to do."""
    return not any(it.ready or it.inbox or it.interrupted for it in runtime.schedulers)


def test_a_process_starts_with_an_empty_context(place):
    def setting(parent):
        send(parent, variable.get())
        variable.set("left behind")
        send(parent, variable.get())

    for _ in range(IDLE_WORKERS * 2):
        start_at(place, setting, self())
        assert receive(timeout=SOON) == "empty"
        assert receive(timeout=SOON) == "left behind"


def test_a_context_stays_with_its_process():
    def setting(parent, number):
        variable.set(number)
        for _ in range(3):
            receive("go on")
            assert variable.get() == number
        send(parent, number)

    variable_here = variable.get()
    pids = [spawn(setting, self(), number) for number in range(20)]
    for _ in range(3):
        for pid in pids:
            send(pid, "go on")
    assert sorted(receive(timeout=SOON) for _ in pids) == list(range(20))
    assert variable.get() == variable_here


def depth():
    frame, count = sys._getframe(), 0
    while frame is not None:
        frame, count = frame.f_back, count + 1
    return count


def test_recursion_depth_is_not_inherited():
    def recurse(n):
        return recurse(n - 1) + 1 if n else 0

    def generation(parent, left):
        recurse(sys.getrecursionlimit() - 100)
        if left:
            deep(lambda: spawn(generation, parent, left - 1), 200)
        else:
            send(parent, "bottom")

    def deep(fn, n):
        return deep(fn, n - 1) if n else fn()

    _, ref = spawn_monitor(generation, self(), 50)
    assert receive(Down(ref), timeout=SOON).reason == "normal"
    assert receive("bottom", timeout=SOON) == "bottom"


def test_recursion_depth_is_not_inherited_by_what_a_waiting_process_lets_begin():
    def chain(parent, left):
        if left:
            spawn(chain, parent, left - 1)
            receive("end", timeout=SOON)  # the next one begins while this one waits
        else:
            send(parent, depth())

    result = []
    for length in (1, 500):
        spawn(chain, self(), length)
        result.append(receive(int, timeout=SOON))
    assert result[0] == result[1]
    for pid in set(Process.list()) - {self()}:
        send(pid, "end")


def test_everything_is_back_after_many_processes():
    def life(number):
        Process.flag("trap_exit", True)
        receive(timeout=0, default=None)
        if number % 3 == 0:
            exit("shutdown")

    def generation(first, count):
        refs = [spawn_monitor(life, number)[1] for number in range(first, first + count)]
        for number in range(0, count, 50):
            spawn(int, name=f"name {first + number}")
        for ref in refs:
            receive(Down(ref), timeout=SOON)

    def sizes():
        until(quiet)
        return (
            len(processes), len(names),
            sum(len(it.ready) + len(it.inbox) + len(it.interrupted) for it in runtime.schedulers),
        )  # fmt: skip

    result_at(0, generation, 0, 2000)
    gc.collect()
    before = sizes()
    tracemalloc.start()
    try:
        base = tracemalloc.get_traced_memory()[0]
        for turn in range(5):
            result_at(0, generation, turn * 2000, 2000)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - base
    finally:
        tracemalloc.stop()
    assert sizes() == before
    assert grown < 400_000, f"{grown} bytes stayed"
    assert all(len(it.idle_workers) <= IDLE_WORKERS for it in runtime.schedulers)


class Held:
    pass


def holding(kept, how):
    held = Held()
    kept.append(weakref.ref(held))
    if how == "crash":
        raise ValueError(held)
    if how == "chained":
        try:
            raise KeyError(held)
        except KeyError as error:
            raise ValueError("outer") from error
    if how == "exit":
        exit("shutdown")
    if how == "killed":
        receive()
    if how == "kept in a local":
        try:
            raise ValueError(held)
        except ValueError as error:
            local = error
            raise local from None


@pytest.fixture
def unwatched(monkeypatch):
    """What holds its scheduler is looked at, and its frames are kept for that moment; on a busy machine that may be any."""
    monkeypatch.setattr(monitor, "_hold", lambda *_: None)


@pytest.mark.usefixtures("unwatched")
@pytest.mark.parametrize("how", ["normal", "crash", "chained", "exit", "killed", "kept in a local"])
@pytest.mark.parametrize("places", PLACES.values(), ids=PLACES)
def test_memory_is_freed_before_down_is_seen(places, how):
    def body():
        kept = []
        shared = share(kept)
        for _ in range(20):
            pid, ref = monitor_at(places[1], holding, shared, how)
            if how == "killed":
                until(lambda: kept)
                Process.exit(pid, "kill")
            receive(Down(ref), timeout=SOON)
            assert kept.pop()() is None

    gc.collect()
    gc.disable()
    try:
        result_at(places[0], body)
    finally:
        gc.enable()


@pytest.mark.usefixtures("unwatched")
def test_what_a_function_carried_is_freed_with_its_process():
    def body():
        kept = []
        hand_over = share(kept)

        def make():
            held = Held()

            def carrying():
                hand_over.append(weakref.ref(held))
                receive("end", timeout=SOON)

            return carrying

        parked = spawn(forever)
        pid, ref = spawn_monitor(make())
        sleep(0)
        sleep(0)  # this process is parked behind the new one, and the new one behind others
        send(pid, "end")
        receive(Down(ref), timeout=SOON)
        Process.exit(parked, "kill")
        return kept[0]() is None

    gc.disable()
    try:
        assert result_at(0, body)
    finally:
        gc.enable()


def test_asyncio_runs_inside_a_process(place):
    async def main():
        await asyncio.sleep(0.001)
        return asyncio.get_running_loop() is not None

    def body():
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        assert asyncio.run(main())
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        send(self(), "still works")
        return receive(timeout=1)

    for _ in range(3):
        assert result_at(place, body) == "still works"


def test_processes_take_turns():
    def turn(parent, name):
        for _ in range(3):
            send(parent, name)
            sleep(0)

    def body():
        for name in "abc":
            spawn(turn, self(), name)
        return "".join(receive(timeout=SOON) for _ in range(9))

    # The one that spawns them may be interrupted at it, on a machine that is busy.
    assert any(result_at(0, body) == "abcabcabc" for _ in range(5))


def test_a_chatter_that_never_stops_leaves_the_loop_its_timers():
    def chatter():
        peer = receive()
        while True:
            send(peer, 1)
            receive()

    def body():
        one, other = spawn(chatter), spawn(chatter)
        send(one, other)
        send(other, one)
        begin = time.monotonic()
        sleep(0.05)
        taken = time.monotonic() - begin
        Process.exit(one, "kill")
        Process.exit(other, "kill")
        return taken

    assert result_at(0, body) < SOON


def test_a_chatter_that_never_stops_leaves_the_inbox_its_turn():
    def chatter():
        peer = receive()
        while True:
            send(peer, 1)
            receive()

    one, other = start_at(0, chatter), start_at(0, chatter)
    send(one, other)
    send(other, one)
    for _ in range(50):
        _, ref = monitor_at(0, int)
        assert receive(Down(ref), timeout=SOON).reason == "normal"
    Process.exit(one, "kill")
    assert ended(one) in ("killed", "noproc")


def echo():
    while True:
        caller, number = receive()
        send(caller, number + 1)


@pytest.mark.parametrize("places", PLACES.values(), ids=PLACES)
def test_no_wake_up_is_lost_in_cross_thread_chatter(places):
    def body(turns):
        for _ in range(turns):
            pid = start_at(places[1], echo)
            number = 0
            for _ in range(4):
                send(pid, (self(), number))
                number = receive(timeout=SOON)
            assert number == 4
            Process.exit(pid, "kill")

    for interval in (1e-6, 1e-4, 5e-3):
        with switching(interval):
            result_at(places[0], body, 100 if "thread" in places else 333, timeout=50)


def test_no_wake_up_is_lost_with_many_at_once():
    def pinger(parent, peer):
        number = 0
        for _ in range(20):
            send(peer, (self(), number))
            number = receive(timeout=SOON)
        send(parent, number)

    with switching(1e-5):
        peers = [start_at(place, echo) for place in (0, 1, "thread")]
        pingers = [
            start_at(place, pinger, self(), peer) for peer in peers for place in (0, 1, "thread") for _ in range(10)
        ]
        assert [receive(int, timeout=SOON * 2) for _ in pingers] == [20] * len(pingers)


def test_a_callback_that_fails_does_not_stop_the_scheduler():
    it = scheduler(0)
    failed = []
    it.loop.set_exception_handler(lambda loop, context: failed.append(context["exception"]))

    try:
        pid = start_at(0, forever)
        processes[pid.key].owner.post(processes[pid.key], "no such signal", ())
        until(lambda: failed)
        assert receive(Down(monitor_at(0, int)[1]), timeout=SOON).reason == "normal"
    finally:
        it.loop.set_exception_handler(None)


def test_many_processes_park_and_end():
    def body():
        pids = [spawn(forever) for _ in range(5000)]
        sleep(0)
        for pid in pids:
            Process.exit(pid, "kill")
        refs = {Process.monitor(pid) for pid in pids}
        downs = [receive(Down, timeout=SOON) for _ in pids]
        assert {down.ref for down in downs} == refs
        return {down.reason for down in downs}

    assert result_at(0, body) <= {"killed", "noproc"}
