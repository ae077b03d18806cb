"""A process that holds more than its ``max_heap_size`` is killed, wherever it grows; its neighbours never notice."""

import logging
import re

import pytest

from pyex import Down, Process, receive, self, send, sleep, spawn, spawn_monitor
from pyex.core.monitor import monitor
from pyex.core.options import Limits, set_default_max_heap_size
from tests.core.support import SOON, ended, kill, until

LIMIT = 20_000_000


@pytest.fixture(autouse=True)
def no_limits_stay():
    yield
    Limits.default, Limits.smallest = None, 0


def growing_list():
    held = []
    while True:
        held.append("x" * 100 + str(len(held)))


def growing_comprehension():
    return ["x" * 100 + str(number) for number in range(10**9)]


def sorting_a_generator():
    return sorted("x" * 100 + str(number) for number in range(10**9))


def growing_state():
    held = []
    while True:
        receive(timeout=0.0005, default=None)
        held.append("x" * 100_000 + str(len(held)))


def growing_dictionary():
    number = 0
    while True:
        Process.put(number, "x" * 10_000 + str(number))
        number += 1
        sleep(0)


def never_reads():
    receive("never")


HOGS = [growing_list, growing_comprehension, sorting_a_generator, growing_state, growing_dictionary]


@pytest.mark.parametrize("grow", HOGS, ids=lambda hog: hog.__name__)
def test_13_a_process_that_grows_is_killed(grow):
    _, ref = spawn_monitor(grow, max_heap_size=LIMIT)
    assert receive(Down(ref), timeout=SOON * 3).reason == "killed"


def test_13_a_growing_mailbox_counts():
    pid, ref = spawn_monitor(never_reads, max_heap_size=LIMIT)
    for number in range(4000):
        send(pid, "x" * 10_000 + str(number))
    assert receive(Down(ref), timeout=SOON * 3).reason == "killed"


def test_13_one_huge_message_counts():
    pid, ref = spawn_monitor(never_reads, max_heap_size=LIMIT)
    send(pid, [str(number) * 10 for number in range(600_000)])
    assert receive(Down(ref), timeout=SOON * 3).reason == "killed"


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.1, 0.15, 0.2])
def test_13_a_message_that_comes_just_before_all_is_quiet_counts(delay):
    message = [str(number) * 10 for number in range(300_000)]  # held here too: it makes the program little larger
    pid, ref = spawn_monitor(never_reads, max_heap_size=LIMIT)
    until(lambda: Process.info(pid).status == "waiting")
    until(lambda: monitor.asleep)
    monitor.wake()
    sleep(delay)
    send(pid, message)
    assert receive(Down(ref), timeout=SOON).reason == "killed"


def test_13_one_that_traps_exits_is_killed_all_the_same():
    def trapping():
        Process.flag("trap_exit", True)
        growing_list()

    _, ref = spawn_monitor(trapping, max_heap_size=LIMIT)
    assert receive(Down(ref), timeout=SOON * 3).reason == "killed"


def test_13_a_process_can_limit_itself():
    def limited():
        Process.flag("max_heap_size", LIMIT)
        growing_list()

    _, ref = spawn_monitor(limited)
    assert receive(Down(ref), timeout=SOON * 3).reason == "killed"


def test_13_the_nodes_limit_holds_for_those_without_their_own():
    set_default_max_heap_size(LIMIT)
    _, ref = spawn_monitor(growing_list)
    assert receive(Down(ref), timeout=SOON * 3).reason == "killed"


def test_13_the_report_names_the_size_and_the_limit(caplog):
    logging.getLogger("pyex").setLevel(logging.ERROR)
    _, ref = spawn_monitor(growing_list, max_heap_size=LIMIT, name="hoarder")
    assert receive(Down(ref), timeout=SOON * 3).reason == "killed"
    report = next(text for text in caplog.messages if "is killed" in text)
    assert re.search(
        r"\('hoarder'\) is killed: it holds [\d,]+ bytes, more than its max_heap_size of 20,000,000", report
    )


def test_13_neighbours_never_notice():
    def innocent():
        mine = ["x" * 100 + str(number) for number in range(50_000)]
        while True:
            receive("stop", timeout=0.005, default=None)
            mine[0] = "changed"

    innocents = [spawn(innocent, max_heap_size=LIMIT) for _ in range(5)]
    for hog in HOGS:
        _, ref = spawn_monitor(hog, max_heap_size=LIMIT)
        assert receive(Down(ref), timeout=SOON * 3).reason == "killed"
    unlimited = spawn(growing_state)
    sleep(0.3)  # time in which it grows, unlimited, beside them
    assert all(map(Process.alive, innocents))
    assert Process.alive(unlimited)
    kill(unlimited, *innocents)


everybodys = ["x" * 1000 + str(number) for number in range(40_000)]  # a module's: nobody's in particular


def test_13_modules_and_code_are_not_charged():
    def user(parent):
        for _ in range(3):
            receive("look")
            send(parent, len(everybodys) + sum(map(len, everybodys)))

    pid = spawn(user, self(), max_heap_size=LIMIT)
    for _ in range(3):
        send(pid, "look")
        assert receive(int, timeout=SOON) > LIMIT
    assert ended(pid) in ("normal", "noproc")
