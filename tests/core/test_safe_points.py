"""Where a process is not to be interrupted: inside locks, inside what must not be entered again, in finalizers."""

import asyncio
import collections
import contextlib
import logging
import os
import queue
import sys
import threading
import time
import weakref
from pathlib import Path

import pytest

from pyex import Down, Process, receive, self, send, share
from pyex.core import monitor as monitoring
from pyex.core.process import processes
from pyex.core.safe_points import verdict
from tests.core.hogs import ask, echo
from tests.core.support import SOON, monitor_at, result_at, scheduler, start_at, until


@pytest.fixture
def short_slices(monkeypatch):
    """Processes are interrupted some thousand times a second."""
    for name in ("TICK", "QUICK_TICK", "NEXT_TURN"):
        monkeypatch.setattr(monitoring, name, 0.0001)


LOCKS = {
    "Lock": threading.Lock,
    "RLock": threading.RLock,
    "Condition": threading.Condition,
    "Semaphore": threading.Semaphore,
    "BoundedSemaphore": threading.BoundedSemaphore,
}


a_lock = None


class Holder:
    def __init__(self, lock):
        self.lock = lock
        self.holder = self


def spin(events):
    events.append("in")
    while "stop" not in events:
        pass
    events.append("out")


def as_a_global(shared, events):
    with a_lock:
        spin(events.value)


def as_a_local(shared, events):
    lock = shared.value
    with lock:
        spin(events.value)


def as_an_attribute(shared, events):
    holder = Holder(shared.value)
    with holder.lock:
        spin(events.value)


def as_an_attribute_of_an_attribute(shared, events):
    holder = Holder(shared.value)
    with holder.holder.lock:
        spin(events.value)


def in_a_closure(shared, events):
    lock = shared.value

    def inner():
        with lock:
            spin(events.value)

    inner()


def among_others(shared, events):
    lock = shared.value
    with contextlib.suppress(KeyError), lock, contextlib.suppress(ValueError):
        try:
            spin(events.value)
        finally:
            events.value.append("finally")


WAYS = [as_a_global, as_a_local, as_an_attribute, as_an_attribute_of_an_attribute, in_a_closure, among_others]


class Shared:
    """Passed by reference."""

    def __init__(self, value):
        self.value = value


@pytest.mark.parametrize("kind", LOCKS)
@pytest.mark.parametrize("way", WAYS)
def test_rule_1_never_are_two_in_a_lock_and_killing_the_hog_frees_it(way, kind, monkeypatch):
    lock = LOCKS[kind]()
    monkeypatch.setattr(sys.modules[__name__], "a_lock", lock)
    first, second = [], []
    hog, ref = monitor_at(0, way, share(Shared(lock)), share(Shared(first)))
    until(lambda: first == ["in"])
    _, other = monitor_at(0, way, share(Shared(lock)), share(Shared(second)))
    time.sleep(0.03)
    assert second == []  # it waits
    Process.exit(hog, "kill")
    assert receive(Down(ref), timeout=SOON).reason == "killed"
    assert "out" not in first
    until(lambda: second == ["in"])
    second.append("stop")
    assert receive(Down(other), timeout=SOON).reason == "normal"
    assert lock.acquire(timeout=1)


class Unknown:
    """A context manager that nobody knows."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def held_by(context, seconds, clock=time.monotonic):
    """Hog in a ``with`` on it; how soon after its beginning an echo on the same scheduler has answered."""

    def hog(shared, parent):
        made = shared.value()
        with made:
            begun = clock()
            send(parent, ("in", begun))
            while clock() < begun + seconds:
                pass

    echoer = start_at(0, echo)
    _, ref = monitor_at(0, hog, share(Shared(context)), self())
    _, begun = receive(("in", float), timeout=SOON)
    ask(echoer)
    took = clock() - begun
    assert receive(Down(ref), timeout=SOON).reason == "normal"
    return took


def test_rule_1_a_with_on_something_unknown_counts_as_a_lock_for_a_while():
    # A machine that stands still may do so before the block, which is in doubt for less, or in it.
    assert any(0.05 < held_by(Unknown, 0.5) < 0.4 for _ in range(20))


def test_rule_1_a_with_on_a_file_does_not():
    # What other programs have of the machine does not count.
    assert any(held_by(Path(os.devnull).open, 0.3, time.process_time) < 0.08 for _ in range(20))


def test_rule_1_a_with_on_a_lock_is_never_interrupted():
    assert held_by(threading.Lock, 0.4) >= 0.4


def test_closures_that_other_threads_assign_to_are_not_set_back(short_slices):
    """Python before 3.13 writes back the variables of a frame that was asked for them."""

    def count(parent):
        context = contextlib.suppress(KeyError)
        seen = []
        for _ in range(10):
            n, over = 0, []

            def others(over=over):
                nonlocal n
                for _ in range(200):
                    n += 1
                    time.sleep(0)
                over.append(True)

            with context:
                thread = threading.Thread(target=others)
                thread.start()
                while not over:
                    pass
                seen.append(n)
                thread.join()
        send(parent, seen)

    for _ in range(3):
        start_at(0, count, self())
    assert [receive(list, timeout=SOON) for _ in range(3)] == [[200] * 10] * 3


def test_rule_2_modules_that_are_not_reentrant_are_not_broken(short_slices):
    """Eight processes of one scheduler at once, in the modules that hold locks or heaps."""

    def hammer(parent, number):
        log = logging.getLogger("tests.hammer")
        log.propagate, records = False, []
        log.handlers = [handler := logging.Handler()]
        handler.emit = records.append
        things = queue.Queue()
        event, condition = threading.Event(), threading.Condition()
        weak = weakref.WeakValueDictionary()
        # Before it began, it may have left a scheduler that was held; two threads at this would be in each other's way.
        here = processes[self().key].owner is scheduler(0)
        for n in range(60):
            loop = asyncio.new_event_loop()
            order, now = [], loop.time()
            for delay in (3, 1, 2):
                loop.call_at(now + delay / 10000, order.append, delay)
            loop.call_at(now + 0.0005, loop.stop)
            loop.run_forever()
            loop.close()
            assert order == [1, 2, 3]
            log.warning("%s %s", number, n)
            things.put((number, n))
            assert things.get() == (number, n)
            event.set()
            assert event.wait(0)
            with condition:
                condition.notify_all()
            weak[n] = thing = Unknown()
            assert weak[n] is thing
            del thing
            if here:
                sys.modules.pop("colorsys", None)
                import colorsys

                assert colorsys.ONE_THIRD
        send(parent, number)

    refs = [monitor_at(0, hammer, self(), number)[1] for number in range(8)]
    assert {receive(Down(ref), timeout=SOON * 3).reason for ref in refs} == {"normal"}
    assert sorted(receive(int) for _ in refs) == list(range(8))


def test_rule_2_the_schedulers_own_timers_survive_processes_that_set_timers(short_slices):
    def hammer():
        fired = []
        loop = processes[self().key].owner.loop  # before it began it may have left a scheduler that was held
        stop = time.monotonic() + 0.5
        while time.monotonic() < stop:
            due = loop.call_later(0.001, fired.append, 1)
            loop.call_later(0.002, fired.append, 1)
            due.cancel()

    loop = scheduler(0).loop
    refs = [monitor_at(0, hammer)[1] for _ in range(6)]
    for _ in range(50):
        Process.send_after(self(), "tick", 0.005)
        receive("tick", timeout=SOON)
    assert {receive(Down(ref), timeout=SOON).reason for ref in refs} == {"normal"}

    async def is_in_order():
        heap = loop._scheduled
        return all(heap[(n - 1) // 2] <= heap[n] for n in range(1, len(heap)))

    assert asyncio.run_coroutine_threadsafe(is_in_order(), loop).result(SOON)


def seen_from(*modules):
    """What may be done to a process in code of the last of these modules, each called by the one before."""
    call = lambda: verdict(sys._getframe(1), 1.0)
    for module in reversed(modules):
        scope = {"__name__": module, "inner": call}
        exec("def call(): return inner()", scope)
        call = scope["call"]
    return result_at(0, call)


@pytest.mark.parametrize(
    ("modules", "ends"),
    [
        (["__main__"], True),
        (["random"], True),  # the very function that was spawned
        (["__main__", "random"], True),
        (["pyex.core.patterns", "__main__"], True),  # a guard
        (["__main__", "pyex.core.patterns"], False),
        (["__main__", "pyex.core.threads", "contextlib"], False),  # the runtime's own work
        (["pyex.core.threads", "contextlib", "__main__"], False),
    ],
)
def test_rule_5_no_exit_is_raised_in_what_the_runtime_calls_for_itself(modules, ends):
    assert seen_from(*modules).end is ends


def test_rule_5_no_exit_is_raised_between_entering_and_what_is_to_close_it():
    def body():
        ends = []

        class Watching(collections.deque):
            def append(self, callback):
                ends.append(verdict(sys._getframe(), 1.0).end)
                super().append(callback)

        with contextlib.ExitStack() as stack:
            stack._exit_callbacks = Watching()
            stack.enter_context(contextlib.nullcontext())
            stack.push(contextlib.nullcontext())
            stack.callback(int)
            Watching().append(None)
        return ends

    assert result_at(0, body) == [False, False, False, True]


def test_a_process_near_the_limit_of_recursion_is_not_pushed_over_it(short_slices):
    def deep(parent):
        def down(n):
            if n == 0:
                for _ in range(200):
                    pass
                return 0
            return 1 + down(n - 1)

        room = 0
        with contextlib.suppress(RecursionError):
            while down(room) == room:
                room += 20
        room -= 40
        for _ in range(300):
            assert down(room) == room
        send(parent, "fine")

    refs = [monitor_at(0, deep, self())[1] for _ in range(3)]
    assert {receive(Down(ref), timeout=SOON).reason for ref in refs} == {"normal"}
