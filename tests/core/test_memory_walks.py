"""The walk over what a process holds goes on in portions, keeps nothing alive and harms nobody."""

import collections
import gc
import sys
import threading
import time
import weakref

import pytest

from pyex import receive, self, send, share, spawn
from pyex.core import memory
from pyex.core.memory import Walk, measure
from pyex.core.process import processes
from tests.core.measuring import MB, Plain, about, fresh, holding, size_of, walked
from tests.core.support import SOON, kill, result_at, start_at, until


class Liar:
    def __sizeof__(self):
        raise AssertionError("called")


class Boaster(list):
    def __sizeof__(self):
        return 1 << 40


class Strange(type):
    def __hash__(cls):
        raise AssertionError("called")

    def __eq__(cls, other):
        raise AssertionError("called")

    def __getattribute__(cls, name):
        raise AssertionError("called")


class Odd(metaclass=Strange):
    def __getattribute__(self, name):
        raise AssertionError("called")

    def __eq__(self, other):
        raise AssertionError("called")

    __hash__ = None

    def __len__(self):
        raise AssertionError("called")

    __iter__ = __bool__ = __len__


def test_no_code_of_users_is_called():
    def hold(wait):
        values = [Liar(), Boaster([fresh()]), Odd(), [Odd() for _ in range(100)], [Boaster() for _ in range(100)]]
        wait()
        return values

    assert size_of(hold) == about(MB)


def test_what_is_held_by_attributes_is_measured_as_what_it_is():
    def hold(wait):
        values = [Plain(float(number)) for number in range(10_000)]
        wait()
        return values

    each = size_of(hold) / 10_000
    assert 80 < each < 160  # a list's place, an object with one attribute, and a float


def nested(deep, around):
    value = None
    for number in range(deep):
        value = around(value, number)
    return value


def chain(make):
    class Link:
        def __init__(self, to):
            self.to = to

    return {
        "list": lambda value, _: [value],
        "tuple": lambda value, number: (number, value),
        "dict": lambda value, _: {"next": value},
        "object": lambda value, _: Link(value),
    }[make]


@pytest.mark.parametrize("make", ["list", "tuple", "dict"])
def test_a_million_deep_is_no_matter(make):
    def hold(wait):
        value = nested(1_000_000, chain(make))
        wait()
        return value

    assert size_of(hold) > 1_000_000 * 50


def test_cycles_end():
    def hold(wait):
        value = [fresh()]
        value += [value, {"value": value}, Plain(value)]
        wait()
        value.clear()

    assert size_of(hold) == about(MB)


def many_things():
    words = [str(number) * 3 for number in range(20_000)]
    return [
        words, tuple(words), set(words), dict.fromkeys(words), collections.deque(words), [[word] for word in words],
        {number: (number, [number]) for number in range(30_000)}, [Plain(word) for word in words[:5000]],
        nested(3000, chain("object")), frozenset(range(50_000, 80_000)), list(map(float, range(30_000))),
    ]  # fmt: skip


def test_every_portion_leads_to_the_same_size():
    def body():
        pid = holding(many_things)
        process = processes[pid.key]
        sizes = {walked(process, portion).size for portion in (7, 100, 1000, 12345, 1 << 30)}
        kill(pid)
        return sizes

    assert len(result_at(0, body)) == 1


def test_a_portion_looks_at_about_as_many_objects_as_it_is_told():
    def body():
        pid = holding(many_things)
        process = processes[pid.key]
        walk = Walk(process)
        portions = []
        before = 0
        while not walk.advance(1000):
            portions.append(walk.objects - before)
            before = walk.objects
        kill(pid)
        return portions

    portions = result_at(0, body)
    assert len(portions) > 100
    assert max(portions) < 3000


def test_what_changes_between_portions_does_no_harm():
    def body():
        things = [
            dict.fromkeys(range(50_000)),
            set(range(50_000)),
            list(range(50_000)),
            collections.deque(range(50_000)),
        ]
        table, some, row, queue = things
        walk = Walk(processes[self().key])
        number = 100_000
        while not walk.advance(500):
            number += 1
            table[number] = number
            some.add(number)
            row.pop()
            queue.append(number)
            queue.popleft()
        return walk.size, len(things)

    size, _ = result_at(0, body)
    assert size > 4 * 50_000 * 8


def ring(size=3):
    """Objects each of which has one holder, the one before it; and one from outside that is about to go."""
    first = last = []
    for _ in range(size):
        last.append([])
        last = last[0]
    last.append(first)
    return first


def test_a_walk_of_what_the_process_has_dropped_ends():
    walk = Walk(processes[self().key])
    walk._frame, walk._pending = None, [ring(), [ring()]]  # the process had them until now
    while not walk.advance(1):
        assert walk.objects < 1000
    assert walk.size == 8 * sys.getsizeof(ring()) + sys.getsizeof([None])  # each once


def test_a_walk_ends_under_which_another_thread_has_dropped_a_cycle(monkeypatch):
    """Another thread that a process has lent its things to, and which lets go of them in the midst of a portion."""
    walk = Walk(processes[self().key])
    walk._frame, walk._pending = None, [[None]]
    looked = gc.get_referents

    def drop_and_look(*found):
        return [ring()] if found[0] == [None] else looked(*found)

    monkeypatch.setattr(memory, "_get_referents", drop_and_look)
    walk._doubtful = 1000
    monkeypatch.setattr(sys, "getallocatedblocks", lambda: 1000)
    while not walk.advance(1000, at_once=walk.objects > 0):
        assert walk.objects < 10_000
    assert walk.objects > 2000  # it did go round


def test_a_process_that_runs_drops_cycles_under_its_walk():
    def busy(go_on):
        while not go_on.is_set():
            [ring() for _ in range(10)]

    go_on = threading.Event()
    pid = spawn(busy, share(go_on), thread=True)
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        measure(processes[pid.key])
    go_on.set()
    kill(pid)


@pytest.mark.parametrize("place", [0, "thread"])
def test_a_walk_keeps_nothing_alive(place):
    def main(parent):
        while True:
            thing = Plain([bytearray(10)])
            send(parent, share(weakref.ref(thing)))
            receive("drop it")
            del thing
            send(parent, "dropped")

    pid = start_at(place, main, self())
    process = processes[pid.key]
    for _ in range(20):
        ref = receive(timeout=SOON)
        until(lambda: process.waiting)
        walk = Walk(process)
        while not walk.advance(3):
            pass
        assert ref() is not None
        send(pid, "drop it")
        assert receive("dropped", timeout=SOON)
        assert ref() is None
    kill(pid)


def test_a_walk_that_is_dropped_halfway_keeps_nothing_either():
    def body():
        thing = Plain(many_things())
        ref = weakref.ref(thing)
        walk = Walk(processes[self().key])
        walk.advance(50)
        walk.close()
        del thing
        return ref() is None and walk.advance(10)

    assert result_at(0, body) is True


def test_counts_of_references_are_what_they_were():
    def body():
        value = [object(), fresh()]
        gc.collect()
        before = [sys.getrefcount(one) for one in value]
        size = measure(processes[self().key])
        return before == [sys.getrefcount(one) for one in value], size

    assert result_at(0, body) == (True, about(MB))


def test_a_process_that_runs_on_another_thread_can_be_walked_there():
    def busy(parent, go_on):
        data = [fresh()]
        send(parent, "begun")
        while not go_on.is_set():
            local = list(range(10))
            local.sort(key=lambda value: -value)
        return data

    for place in (0, "thread"):
        go_on = threading.Event()
        pid = start_at(place, busy, self(), share(go_on))
        receive("begun", timeout=SOON)
        sizes = [measure(processes[pid.key]) for _ in range(300)]
        go_on.set()
        kill(pid)
        # One that has just been interrupted is between two slices, and not to be looked at from here.
        assert sorted(sizes)[len(sizes) // 2] == about(MB)


def test_frames_that_end_while_they_are_read_do_no_harm():
    def busy(go_on):
        def deep(number, *values):
            local = [number, values]
            return deep(number - 1, local, [number]) if number else local

        while not go_on.is_set():
            deep(50)

    go_on = threading.Event()
    pid = spawn(busy, share(go_on), thread=True)
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        measure(processes[pid.key])
    go_on.set()
    kill(pid)
