"""Great numbers of interruptions: right results, nothing left behind; beside debuggers and the like; at exit."""

import contextlib
import decimal
import gc
import inspect
import json
import os
import random
import sys
import textwrap
import threading
import time
from contextvars import ContextVar

import pytest

from pyex import Down, Process, receive, self, send
from pyex.core import monitor as monitoring
from pyex.core import safe_points
from tests.core.hogs import HOGS
from tests.core.support import SOON, monitor_at, program, programs, switching, until, usual_switch_interval

variable = ContextVar("variable")


def sorting(k):
    numbers = random.Random(k)
    return sorted([numbers.random() for _ in range(200)], key=lambda number: -number)


def swapping(k):
    numbers = list(range(30))
    random.Random(k).shuffle(numbers)
    for _ in numbers:
        for place in range(len(numbers) - 1):
            if numbers[place] > numbers[place + 1]:
                numbers[place], numbers[place + 1] = numbers[place + 1], numbers[place]
    return numbers


def encoding(k):
    return json.loads(json.dumps({str(n): [n, {"k": k}] for n in range(30)}, indent=1))


def fibonacci(k):
    return k if k < 2 else fibonacci(k - 1) + fibonacci(k - 2)


def raising(k):
    n = k
    for i in range(60):
        try:
            try:
                if i % 3:
                    raise ValueError(i)
                n += 1
            except ValueError as error:
                n += error.args[0]
                raise KeyError(n) from error
            finally:
                n ^= i
        except KeyError:
            n += 7
        else:
            n -= 1
    return n


def generating(k):
    def numbers():
        for i in range(60):
            yield i
            yield from (x * x for x in range(3))

    return sum(numbers()) + k


def entering(k):
    log = []

    @contextlib.contextmanager
    def entered(i):
        log.append(i)
        try:
            yield i
        finally:
            log.append(-i)

    for i in range(10):
        with entered(i) as it, entered(it + k), contextlib.suppress(ZeroDivisionError):
            1 // (i % 2)
    return log


def dividing(k):
    with decimal.localcontext() as context:
        context.prec = 5 + k
        number = decimal.Decimal(1)
        for _ in range(40):
            number = number / 3 + 1
        return str(number)


def in_context(k):
    token = variable.set(k)
    total = sum([variable.get() for _ in range(100)])
    variable.reset(token)
    return total


def too_deep(k):
    def down(n):
        return down(n + 1) + 1

    try:
        down(0)
    except RecursionError:
        return k


def executing(k):
    space = {}
    exec(f"n = 0\nfor i in range(100):\n    n += i * {k}\n", space)
    return space["n"]


WORKS = [
    sorting, swapping, encoding, fibonacci, raising, generating, entering, dividing, in_context, too_deep, executing,
]  # fmt: skip


@pytest.fixture
def short_slices(monkeypatch):
    """Processes are interrupted as often as can be, in all of their code."""
    before = usual_switch_interval()
    for name in ("TICK", "QUICK_TICK", "NEXT_TURN"):
        monkeypatch.setattr(monitoring, name, 0.00002)
    monkeypatch.setattr(monitoring, "SWITCH_INTERVAL", 0.00002)
    monkeypatch.setattr(safe_points, "WELL_OVERDUE", 0.0)
    yield
    until(lambda: monitoring.monitor.asleep, "the monitor's sleep")
    sys.setswitchinterval(before)


def left_behind():
    """What the interrupter still has armed."""
    interrupter = monitoring.monitor._interrupter
    return [getattr(interrupter, name, None) or None for name in ("_armed", "_counts", "_ending", "_marked")]


def nothing_stays_armed():
    with contextlib.suppress(AssertionError):
        until(lambda: left_behind() == [None] * 4)
    assert left_behind() == [None] * 4


def test_what_is_interrupted_all_the_time_computes_the_right_results(short_slices):
    expected = {(work, k): WORKS[work](k) for work in range(len(WORKS)) for k in range(10)}

    def compute(parent, seed):
        choice = random.Random(seed)
        for _ in range(100):
            key = choice.randrange(len(WORKS)), choice.randrange(10)
            if WORKS[key[0]](key[1]) != expected[key]:
                send(parent, WORKS[key[0]].__name__)

    refs = [monitor_at(number % 2, compute, self(), number)[1] for number in range(20)]
    assert {receive(Down(ref), timeout=SOON * 3).reason for ref in refs} == {"normal"}
    assert receive(timeout=0, default="nothing wrong") == "nothing wrong"
    nothing_stays_armed()


def test_thousands_of_interruptions_leave_nothing_behind_and_slow_nothing_down(short_slices):
    def loop():
        n = 0
        for k in range(20000):
            n += k
        return n

    def speed():
        took = []
        for _ in range(9):
            begun = time.perf_counter()
            loop()
            took.append(time.perf_counter() - begun)
        return min(took)

    def hog(parent):
        stop = time.monotonic() + 0.7
        while time.monotonic() < stop:
            loop()
        send(parent, "done")

    def elsewhere():
        """The same in an interpreter of its own: other programs may slow this one down, for good."""
        code = textwrap.dedent(inspect.getsource(loop)) + textwrap.dedent(inspect.getsource(speed)) + "print(speed())"
        return float(program(code).stdout)

    before = speed()
    for number in range(4):
        monitor_at(number % 2, hog, self())
    for _ in range(4):
        receive("done", timeout=SOON)
    until(lambda: monitoring.monitor.asleep, "the monitor's sleep")
    nothing_stays_armed()
    gc.collect()
    until(lambda: speed() < before * 1.5 or speed() < elsewhere() * 1.5, "the speed of before")


def test_code_that_is_made_and_dropped_while_it_is_armed(short_slices):
    def hog():
        stop = time.monotonic() + 0.5
        while time.monotonic() < stop:
            exec("for k in range(300):\n    k += 1\n", {})

    refs = [monitor_at(number % 2, hog)[1] for number in range(6)]
    assert {receive(Down(ref), timeout=SOON).reason for ref in refs} == {"normal"}
    nothing_stays_armed()


def test_the_switch_interval_is_as_it_was_once_all_is_quiet():
    before = usual_switch_interval()
    hog, ref = monitor_at(0, HOGS["tight"])
    until(lambda: sys.getswitchinterval() == monitoring.SWITCH_INTERVAL)
    Process.exit(hog, "kill")
    receive(Down(ref), timeout=SOON)
    until(lambda: sys.getswitchinterval() == before)


def test_who_sets_the_switch_interval_meanwhile_leaves_it_as_it_was():
    """One who sets it and puts it back may find the runtime's own, and put that back when all is quiet."""
    monitor, before = monitoring.monitor, usual_switch_interval()
    monitor.wake()
    with switching(1e-5):
        until(lambda: monitor.asleep)
        monitor.wake()
    until(lambda: sys.getswitchinterval() == before)


TRACERS = {
    "a trace function for all threads": "threading.settrace(lambda *_: tracer)",
    "a profile function for all threads": "threading.setprofile(lambda *_: None)",
    "tools that monitor": """
        for tool in range(3) if hasattr(sys, "monitoring") else ():
            sys.monitoring.use_tool_id(tool, str(tool))
            sys.monitoring.set_events(tool, sys.monitoring.events.LINE)
            sys.monitoring.register_callback(tool, sys.monitoring.events.LINE, lambda *_: None)""",
    "all tools taken": """
        for tool in range(6) if hasattr(sys, "monitoring") else ():
            sys.monitoring.use_tool_id(tool, str(tool))""",
}


@pytest.mark.parametrize("kind", TRACERS)
def test_beside_debuggers_and_the_like(kind):
    code = """
def tracer(*_):
    return tracer
""" + textwrap.dedent(TRACERS[kind]) + """
def hog(parent, seconds):
    stop = time.monotonic() + seconds
    n = 0
    while time.monotonic() < stop:
        n += 1
    send(parent, "done")
for _ in range(3):
    spawn(hog, self(), 0.15)
for _ in range(3):
    receive("done", timeout=20)
print("fine")
"""  # fmt: skip
    done = program(code)
    assert (done.returncode, done.stdout) == (0, "fine\n"), done.stderr


#: How often a program with each kind of hog ends.
EXITS = int(os.environ.get("PYEX_EXITS", "28")) // len(HOGS)


@pytest.mark.parametrize("kind", HOGS)
def test_14_a_program_with_hogs_ends_in_order(kind):
    code = f"""
from tests.core.hogs import HOGS
for _ in range(3):
    spawn(HOGS[{kind!r}])
time.sleep(0.03)
"""
    results = programs(code, times=EXITS, at_once=2)
    assert {(done.returncode, done.stderr, done.stdout) for done in results} == {(0, "", "")}


def test_threads_beside_hogs_go_on():
    pids = [monitor_at(0, HOGS["tight"]) for _ in range(2)]
    beats = []

    def beat():
        for _ in range(20):
            beats.append(None)
            time.sleep(0.001)

    thread = threading.Thread(target=beat)
    thread.start()
    thread.join(SOON)
    assert len(beats) == 20
    for pid, ref in pids:
        Process.exit(pid, "kill")
        receive(Down(ref), timeout=SOON)
