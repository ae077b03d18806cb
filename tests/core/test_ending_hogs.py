"""Where a process that does not give way is ended: what it holds is given back, and ending always ends."""

import contextlib
import itertools
import logging
import random
import threading
import time

import pytest

from pyex import Down, Process, exit, receive, self, send, share
from pyex.core import monitor as monitoring
from pyex.core import preemption
from pyex.core.errors import Terminated
from tests.core.hogs import ask, echo
from tests.core.support import SOON, kill, monitor_at, names, start_at, until

#: Kills for each way of holding something; together they make the 1,500 of the experiment.
KILLS = 190


@pytest.fixture
def short_slices(monkeypatch):
    """Processes are interrupted some thousand times a second."""
    for name in ("TICK", "QUICK_TICK", "NEXT_TURN"):
        monkeypatch.setattr(monitoring, name, 0.0003)


lock = threading.Lock()


def work():
    n = 0
    while n < 100:
        n += 1


def in_a_with():
    while True:
        with lock:
            n = 0
            while n < 300:
                n += 1


def in_a_with_and_a_for():
    while True:
        with lock:
            for _ in range(300):
                pass


def acquired():
    while True:
        lock.acquire()
        try:
            n = 0
            while n < 300:
                n += 1
        finally:
            lock.release()


def released_by_a_function():
    def release():
        work()
        lock.release()
        work()

    while True:
        lock.acquire()
        try:
            for _ in range(100):
                pass
        finally:
            release()


def cleaned_up_by_functions():
    while True:
        with lock:
            try:
                for _ in range(50):
                    pass
            finally:
                work()
                work()


class Slow:
    """A context manager that computes on its way in and out."""

    def __enter__(self):
        work()
        lock.acquire()
        work()
        return self

    def __exit__(self, *_):
        work()
        lock.release()
        work()


def in_a_slow_with():
    while True:
        with Slow():
            n = 0
            while n < 300:
                n += 1


def nested():
    while True:
        with Slow():
            try:
                try:
                    work()
                finally:
                    work()
            except Exception:
                pass
            else:
                work()


@contextlib.contextmanager
def made():
    lock.acquire()
    try:
        yield
    finally:
        work()
        lock.release()


def in_a_made_with():
    while True:
        with made():
            work()


HOLDERS = [
    in_a_with, in_a_with_and_a_for, acquired, released_by_a_function, cleaned_up_by_functions, in_a_slow_with, nested,
    in_a_made_with,
]  # fmt: skip


@pytest.mark.parametrize("holder", HOLDERS)
def test_rule_5_kills_leave_nothing_held(holder, short_slices):
    for number in range(KILLS):
        pid, ref = monitor_at(number % 2, holder)
        time.sleep(random.random() * 0.004)
        Process.exit(pid, "kill")
        assert receive(Down(ref), timeout=SOON).reason == "killed"
        assert lock.acquire(timeout=SOON), f"kill number {number} left the lock held"
        lock.release()


def test_a_kill_runs_the_finally_blocks_and_the_handlers_of_a_loop():
    def hog(parent):
        try:
            try:
                send(parent, "begun")
                while True:
                    pass
            except BaseException as error:
                send(parent, ("caught", type(error) is Terminated))
                raise
        finally:
            send(parent, "finally")

    pid, ref = monitor_at(0, hog, self())
    receive("begun", timeout=SOON)
    Process.exit(pid, "kill")
    assert receive(Down(ref), timeout=SOON).reason == "killed"
    assert receive(timeout=0) == ("caught", True)
    assert receive(timeout=0) == "finally"


def swallows():
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass


def never_cleaned_up():
    try:
        while True:
            pass
    finally:
        while True:
            pass


def cleans_up_in_exit():
    class Endless:
        def __enter__(self):
            pass

        def __exit__(self, *_):
            while True:
                pass

    with Endless():
        while True:
            pass


def swallows_in_c():
    numbers = map(lambda n: n, itertools.count())  # noqa: C417 - Python called from C
    while True:
        with contextlib.suppress(BaseException):
            sum(numbers)


@pytest.mark.parametrize("hog", [swallows, never_cleaned_up, cleans_up_in_exit, swallows_in_c])
def test_13b_one_that_does_not_end_is_declared_dead(hog, monkeypatch, caplog):
    monkeypatch.setattr(preemption, "CLEAN_UP", 0.2)
    logging.getLogger("pyex").setLevel(logging.NOTSET)
    pid = start_at(0, hog, name="stubborn")
    ref = Process.monitor(pid)
    echoer = start_at(0, echo)
    ask(echoer)
    Process.exit(pid, "enough")
    assert receive(Down(ref), timeout=SOON).reason == "enough"
    assert not Process.alive(pid)
    assert "stubborn" not in names
    assert "Declared dead" in caplog.text
    for _ in range(3):
        ask(echoer)
    kill(echoer)


def test_13b_the_stack_of_one_declared_dead_is_never_resumed(monkeypatch):
    monkeypatch.setattr(preemption, "CLEAN_UP", 0.1)
    beats = []

    class Beats:
        value = beats

    def hog(shared):
        while True:
            try:
                while True:
                    shared.value.append(None) if len(shared.value) < 10**6 else None
            except BaseException:
                pass

    pid, ref = monitor_at(0, hog, share(Beats))
    until(lambda: beats)
    Process.exit(pid, "kill")
    assert receive(Down(ref), timeout=SOON).reason == "killed"
    beats.clear()
    ask(start_at(0, echo))
    time.sleep(0.05)
    assert not beats


def test_13b_cleaning_up_is_not_disturbed_by_a_second_exit():
    def hog(parent):
        try:
            send(parent, "begun")
            while True:
                pass
        finally:
            stop = time.monotonic() + 0.15
            while time.monotonic() < stop:
                pass
            send(parent, "cleaned up")

    pid, ref = monitor_at(0, hog, self())
    receive("begun", timeout=SOON)
    echoer = start_at(0, echo)
    Process.exit(pid, "first")
    ask(echoer)  # the others go on meanwhile
    Process.exit(pid, "kill")
    assert receive(Down(ref), timeout=SOON).reason == "first"
    assert receive("cleaned up", timeout=0) == "cleaned up"


def test_one_that_is_killed_before_it_has_begun_never_does():
    def begun(parent):
        send(parent, "begun")

    hog = start_at(0, work_for_ever)
    ask(start_at(0, echo))
    pids = [monitor_at(0, begun, self()) for _ in range(20)]
    for pid, _ in pids:
        Process.exit(pid, "kill")
    reasons = {receive(Down(ref), timeout=SOON).reason for _, ref in pids}
    assert reasons <= {"killed", "normal", "noproc"}
    kill(hog)


def work_for_ever():
    while True:
        work()


def test_a_hog_that_exits_by_itself_while_it_is_to_be_killed():
    def hog():
        work()
        exit("itself")

    for _ in range(50):
        pid, ref = monitor_at(0, hog)
        Process.exit(pid, "kill")
        assert receive(Down(ref), timeout=SOON).reason in ("killed", "itself", "noproc")
