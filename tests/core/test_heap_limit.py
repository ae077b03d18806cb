"""When a process is over its limit: the rule by itself, and the readings it is fed with."""

import contextlib
import mmap
import sys
import threading
from pathlib import Path

import pytest

from pyex.core import heap_limit
from pyex.core.heap_limit import FEW_MESSAGES, FIRST, UNEXPLAINED, HeapLimit, Reading, between, read
from tests.core.support import program

MB = 1 << 20
LIMIT = 100 * MB

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells that of threads")


def known(size=10 * MB, limit=LIMIT, **walk):
    """A limit of a process that has been walked once."""
    fresh = HeapLimit(limit)
    assert fresh.walked(size, **walk) is False
    return fresh


def test_the_first_slice_makes_a_walk_due_since_nothing_is_known():
    limit = HeapLimit(LIMIT)
    assert limit.charge(0, 0, 0.001) is True
    assert limit.walked(1 * MB) is False
    assert limit.charge(0, 0, 0.001) is False


def test_a_walk_is_due_when_the_charge_could_have_reached_the_limit():
    limit = known()
    assert [limit.charge(30 * MB, 0, 0.01) for _ in range(3)] == [False, False, True]
    assert limit.walked(20 * MB) is False
    assert [limit.charge(30 * MB, 0, 0.01) for _ in range(3)] == [False, False, True]


def test_what_is_given_back_is_not_charged():
    limit = known()
    assert not any(limit.charge(growth * MB, 0, 0.001) for growth in [80, -80] * 10)
    assert limit.charge(-1000 * MB, 0, 0.001) is False
    assert limit.charge(95 * MB, 0, 0.001) is True  # what was given back before it does not count


def test_the_size_that_a_walk_finds_decides():
    limit = known()
    limit.charge(500 * MB, 0, 0.01)
    assert limit.walked(LIMIT) is False
    assert limit.walked(LIMIT + 1) is True
    assert limit.held == LIMIT + 1


def test_growth_that_is_not_found_ends_nobody():
    limit = known()
    assert limit.charge(5000 * MB, 5000 * MB, 0.01) is True
    assert limit.walked(10 * MB) is False
    assert limit.held == 10 * MB


def test_unless_c_code_is_under_way_and_the_growth_is_its_own():
    limit = known()
    for _ in range(10):
        due = limit.charge(10 * MB, 10 * MB, 0.01)
    assert due is True
    assert limit.walked(10 * MB, hidden=True) is True
    assert limit.held == 110 * MB


def test_growth_of_others_ends_nobody_though_c_code_is_under_way():
    limit = known()
    assert limit.charge(5000 * MB, 0, 0.01) is True
    assert limit.walked(10 * MB, hidden=True) is False


def test_growth_from_before_it_waited_ends_nobody():
    limit = known()
    limit.charge(95 * MB, 95 * MB, 0.01, waits=True)
    limit.charge(5 * MB, 5 * MB, 0.01)
    assert limit.walked(10 * MB, hidden=True) is False


def test_growth_that_is_found_is_not_counted_twice():
    limit = known()
    assert limit.charge(95 * MB, 95 * MB, 0.01) is True
    assert limit.walked(99 * MB, hidden=True) is False
    limit.charge(5 * MB, 5 * MB, 0.01)
    assert limit.walked(99 * MB, hidden=True) is False


def test_a_little_that_is_not_found_may_be_anything():
    limit = known(size=1, limit=1 * MB)
    assert limit.charge(UNEXPLAINED, UNEXPLAINED, 0.01) is True
    assert limit.walked(1, hidden=True) is False
    limit.charge(1, 1, 0.01)
    assert limit.walked(1, hidden=True) is True  # but it adds up, as long as the process does not wait


def test_growth_that_was_not_found_is_remembered_while_it_goes_on():
    limit = known()
    limit.charge(60 * MB, 60 * MB, 0.01)
    assert limit.walked(10 * MB, hidden=True) is False
    assert limit.held == 70 * MB
    assert [limit.charge(20 * MB, 20 * MB, 0.01) for _ in range(2)] == [False, True]
    assert limit.walked(10 * MB, hidden=True) is True


def test_messages_make_a_walk_due_whenever_they_are_twice_as_many():
    limit = known()
    walks = []
    for queued in range(10_000):
        if limit.charge(0, 0, 0, queued=queued):
            limit.walked(10 * MB, queued=queued)
            walks.append(queued)
    assert walks[0] == FEW_MESSAGES
    assert len(walks) == 8


def test_it_is_walked_now_and_then_though_nothing_grows():
    limit = known(seconds=0.1)
    slices = 0
    while not limit.charge(0, 0, 0.01):
        slices += 1
    assert slices == pytest.approx(100 * 0.1 / 0.01, abs=2)
    limit.walked(10 * MB, seconds=0.000_01)
    slices = 0
    while not limit.charge(0, 0, 0.01):
        slices += 1
    assert slices == pytest.approx(FIRST / 0.01, abs=2)


def test_near_its_limit_it_is_not_walked_all_the_time():
    limit = known(size=99 * MB, seconds=0.1)
    walks = 0
    for number in range(1000):  # ten seconds
        if limit.charge(MB if number % 2 else -MB, 0, 0.01):
            walks += 1
            limit.walked(99 * MB, seconds=0.1)
    assert walks <= 11


def test_but_at_once_when_it_grows_fast():
    limit = known(size=99 * MB, seconds=0.3)
    assert limit.charge(30 * MB, 30 * MB, 0.01) is True


def test_pages_of_other_threads_are_taken_off():
    page = heap_limit._FAULT
    assert between(Reading(100 * page, 10), Reading(150 * page, 10)) == (50 * page, 50 * page)
    assert between(Reading(100 * page, 10), Reading(150 * page, 30)) == (50 * page, 30 * page)
    assert between(Reading(100 * page, 10), Reading(150 * page, 99)) == (50 * page, 0)
    assert between(Reading(100 * page, 10), Reading(50 * page, 10)) == (-50 * page, 0)
    assert between(Reading(100, None), Reading(200, None)) == (100, 0)
    assert between(Reading(None, None), Reading(None, None)) == (0, 0)


@contextlib.contextmanager
def resident(size):
    """So many bytes of memory that are used; given back afterwards."""
    with mmap.mmap(-1, size) as memory:
        for place in range(0, size, 4096):
            memory[place] = 1
        yield


@linux
def test_what_this_thread_takes_is_its_own():
    before = read()
    with resident(32 * MB):
        growth, own = between(before, read())
    assert growth == pytest.approx(32 * MB, abs=8 * MB)
    assert own > 16 * MB


@linux
def test_what_another_thread_takes_is_not():
    taken, done = threading.Event(), threading.Event()

    def other():
        with resident(32 * MB):
            taken.set()
            done.wait()

    thread = threading.Thread(target=other)
    before = read()
    thread.start()
    taken.wait()
    growth, own = between(before, read())
    done.set()
    thread.join()
    assert growth > 24 * MB
    assert own < 8 * MB


@linux
def test_after_a_fork_it_is_about_the_child():
    ended = program(
        """
        from pyex.core import heap_limit
        ballast = bytearray(b"x") * (64 << 20)
        heap_limit.resident()
        child = os.fork()
        if not child:
            before = heap_limit.resident()
            more = bytearray(b"x") * (64 << 20)
            os._exit(0 if heap_limit.resident() - before > 32 << 20 else 1)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        """
    )
    assert ended.stdout == "0\n", ended.stderr


@linux
def test_a_reading_is_cheap_and_leaves_nothing_open():
    read()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(1000):
        read()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
