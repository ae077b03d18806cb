"""How much a process holds: what counts for it, what does not, and that measuring it changes nothing."""

import array
import asyncio
import collections
import contextvars
import functools
import gc
import logging
import sys
import threading
import time
import weakref

import pytest

from pyex import Process, receive, run, self, send, share, spawn
from pyex.core import frames, memory, sharing
from pyex.core.memory import Walk, measure
from pyex.core.process import processes
from tests.core.support import SOON, forever, kill, result_at, start_at, until

MB = 1 << 20

TABLE = [b"x" * MB]

VARIABLE = contextvars.ContextVar("VARIABLE")

#: What any process may be told to hold beyond what it is about.
LITTLE = 50_000

needs_frames = pytest.mark.skipif(not frames.KNOWN, reason="the memory of frames is not known on this Python")


def walked(process, portion=1000):
    walk = Walk(process)
    while not walk.advance(portion):
        pass
    return walk


def size_of(hold, *args, place=0):
    """The size of a process that calls ``hold(wait, *args)``, which holds something and waits."""

    def main(parent):
        def wait(value=None):
            send(parent, "it holds")
            receive("go on")
            return value

        hold(wait, *args)

    pid = start_at(place, main, self())
    receive("it holds", timeout=SOON)
    process = processes[pid.key]
    until(lambda: is_parked(process))
    size = measure(process)
    kill(pid)
    return size


def holding(make):
    """A process of the first scheduler that holds a thing and waits."""

    def main():
        thing = make()
        receive("never")
        return thing

    pid = start_at(0, main)
    until(lambda: is_parked(processes[pid.key]))
    return pid


def is_parked(process):
    """Whether it waits, and has left its stack: it says so a moment before it does."""
    return process.waiting and (process.greenlet is None or process.greenlet.gr_frame is not None)


def about(size):
    return pytest.approx(size, abs=LITTLE)


def fresh(size=MB):
    """A bytes object that nobody else has."""
    return bytes([1]) * size


class Plain:
    def __init__(self, value):
        self.value = value


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value


def make_closure(value):
    return lambda: value


def make_generator(value):
    yield 1
    yield value


def started(generator):
    next(generator)
    return generator


@pytest.mark.parametrize("place", [0, "thread"])
@pytest.mark.parametrize(
    "make",
    [
        fresh,
        lambda: bytearray(MB),
        lambda: fresh().decode(),
        lambda: array.array("b", [1]) * MB,
        lambda: memoryview(fresh())[10:20],
        lambda: [fresh()],
        lambda: (fresh(),),
        lambda: {1: fresh()},
        lambda: {fresh()},
        lambda: frozenset({fresh()}),
        lambda: collections.deque([fresh()]),
        lambda: collections.OrderedDict(a=fresh()),
        lambda: collections.defaultdict(list, a=[fresh()]),
        lambda: Plain(fresh()),
        lambda: Slotted(fresh()),
        lambda: make_closure(fresh()),
        lambda: started(make_generator(fresh())),
        lambda: functools.partial(print, fresh()),
        lambda: Plain(fresh()).__init__,
        lambda: [fresh()].append,
        lambda: iter([fresh()]),
        lambda: ValueError(fresh()),
        lambda: map(str, [fresh()]),
        lambda: 1 << (8 * MB * 15 // 16),
    ],
)
def test_what_a_variable_holds_counts(make, place):
    def hold(wait):
        value = make()
        wait()
        return value

    assert size_of(hold, place=place) == about(MB)


def test_nothing_is_little():
    assert size_of(lambda wait: wait()) < LITTLE
    pid = spawn(forever)
    assert measure(processes[pid.key]) < LITTLE


def test_arguments_count_before_and_while_it_runs():
    def body():
        pid = spawn(lambda _: receive("never"), bytearray(MB))
        before = measure(processes[pid.key])
        until(lambda: processes[pid.key].waiting)
        after = measure(processes[pid.key])
        kill(pid)
        return before, after

    assert result_at(0, body) == (about(MB), about(MB))


def test_what_the_function_carries_counts():
    data = [fresh()]
    assert size_of(functools.partial(lambda _, wait: wait(), [bytearray(MB)])) == about(MB)
    assert size_of(lambda wait: wait(data)) == about(MB)

    class Holder:
        def __init__(self):
            self.data = bytearray(MB)

        def hold(self, wait):
            wait()

    assert size_of(Holder().hold) == about(MB)


def test_what_others_have_too_is_counted_once_in_each_and_once_only():
    def hold(wait):
        value = [fresh()]
        again, twice = value, [value, value, {1: value}, Plain(value)]
        wait()
        return again, twice

    assert size_of(hold) == about(MB)


def test_the_mailbox_and_the_dictionary_count():
    def hold(wait):
        send(self(), bytearray(MB))
        Process.put("key", bytearray(2 * MB))
        wait()

    assert size_of(hold) == about(3 * MB)
    assert size_of(hold, place="thread") == about(3 * MB)


def test_context_variables_count():
    def hold(wait):
        VARIABLE.set(fresh())
        wait()
        return size

    def size():
        VARIABLE.set(fresh())
        return measure(processes[self().key])

    assert size_of(hold) == about(MB)
    assert result_at(0, size) == about(MB)


@needs_frames
def test_what_is_under_construction_counts():
    def comprehension(wait):
        return [wait() if number == 3 else fresh() for number in range(5)]

    def display(wait):
        return [fresh(), fresh(), fresh(), wait()]

    def call(wait):
        return print(fresh(), fresh(), fresh(), wait())

    def deeper(wait):
        return display(wait)

    for hold in (comprehension, display, call, deeper):
        assert size_of(hold) == about(3 * MB), hold


def test_inner_frames_and_callers_count():
    def inner(wait):
        own = fresh()
        wait()
        return own

    def outer(wait):
        own = fresh()
        inner(wait)
        return own

    def through_c(wait):
        own = fresh()
        sum(len(inner(wait)) for _ in range(1))
        return own

    assert size_of(outer) == about(2 * MB)
    assert size_of(through_c) == about(2 * MB)


@needs_frames
def test_it_tells_of_calls_that_c_code_carries_out():
    def hidden(hold):
        def main(parent):
            def wait(value=None):
                send(parent, "it holds")
                receive("go on")

            hold(wait)

        pid = spawn(main, self())
        receive("it holds", timeout=SOON)
        until(lambda: processes[pid.key].waiting)
        walk = walked(processes[pid.key])
        kill(pid)
        return walk.hidden

    def body():
        return [
            hidden(hold)
            for hold in (
                lambda wait: [wait()],
                lambda wait: [wait() for _ in range(3)],
                lambda wait: list(map(wait, [1])),
                lambda wait: sorted([1, 2], key=wait),
                lambda wait: sum(wait() for _ in range(3)),
            )
        ]

    assert result_at(0, body) == [False, False, True, True, True]


def test_what_is_everybodys_does_not_count():
    def hold(wait):
        table, modules, code = TABLE, sys.modules["os"], hold.__code__
        logger, lock, thread = logging.getLogger("x"), threading.Lock(), threading.current_thread()
        function, kind, method = test_nothing_is_little, Plain, Plain.__init__
        block, loop = processes[self().key], asyncio.new_event_loop()
        loop.close()
        wait()
        return table, modules, code, logger, lock, thread, function, kind, method, block

    assert size_of(hold) < LITTLE


def test_what_is_shared_does_not_count():
    data, instance = {fresh()}, Plain(bytearray(MB))

    def main(parent, *things):
        send(parent, "ready")
        receive("never", things)

    def body():
        pid = spawn(main, self(), share(data), {"the": share(instance)}, share(data), [bytearray(MB)])
        receive("ready")
        until(lambda: processes[pid.key].waiting)
        size = measure(processes[pid.key])
        kill(pid)
        return size

    assert result_at(0, share_all(body, data, instance)) == about(MB)
    assert size_of(lambda wait: wait([bytearray(MB)])) == about(MB)


def share_all(fn, *things):
    """A function over things that it shares instead of copying them."""
    cells = [cell for cell in fn.__closure__ if any(cell.cell_contents is thing for thing in things)]
    for cell in cells:
        cell.cell_contents = share(cell.cell_contents)
    return fn


def test_what_is_shared_is_remembered_while_it_lives_and_never_kept():
    thing = Plain(1)
    gone = weakref.ref(thing)
    sharing.note_shared(thing)
    assert sharing.is_shared(thing)
    del thing
    assert gone() is None
    kept = []
    for _ in range(2 * sharing.REMEMBERED):
        sharing.note_shared([])
        kept.append(Plain(1))
        sharing.note_shared(kept[-1])
    assert len(sharing._shared) <= sharing.REMEMBERED
    before = len(sharing._shared)
    sharing.note_shared(row := [1])
    assert not sharing.is_shared(row)  # a later list may have its id
    assert len(sharing._shared) == before


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


def test_info_says_it(places):
    def body():
        def main(parent):
            data = bytearray(MB)
            send(parent, "ready")
            receive("never")
            return data

        pid = start_at(places[1], main, self())
        receive("ready", timeout=SOON)
        until(lambda: Process.info(pid).status == "waiting")
        size = Process.info(pid).memory
        kill(pid)
        own = bytearray(2 * MB)
        return size, Process.info(self()).memory, len(own)

    other, own, _ = result_at(places[0], body)
    assert other == about(MB)
    assert own == about(2 * MB)


@pytest.fixture(params=[(0, 0), (0, 1), (0, "thread"), ("thread", 0), ("thread", "thread")], ids=str)
def places(request):
    """Where the process that asks lives, and where the other one does."""
    return request.param


def test_of_a_program_run_as_a_process_what_it_was_given_counts():
    def main(data):
        return Process.info(self()).memory, len(data)

    assert run(main, bytearray(MB))[0] == about(MB)


def test_kept_tracebacks_count_with_their_frames():
    def fail():
        data = fresh()
        raise ValueError(len(data))

    def hold(wait):
        try:
            fail()
        except ValueError as error:
            kept = error
        wait()
        kept.__traceback__ = None

    assert size_of(hold) == about(MB)


def test_caches_of_functions_are_everybodys_unless_a_process_made_them():
    def hold(wait):
        @functools.cache
        def own(_number):
            return fresh()

        own(1)
        everybodys = cached
        everybodys(1)
        wait()
        return own

    assert size_of(hold) == about(MB)


@functools.cache
def cached(_number):
    return [fresh()]


def test_arrays_of_numpy_count_and_what_they_are_views_of():
    numpy = pytest.importorskip("numpy")

    def plain(wait):
        value = numpy.ones(MB, dtype="i1")
        wait()
        return value

    def view(wait):
        value = numpy.ones(MB, dtype="i1")[10:20].reshape(2, 5)
        wait()
        return value

    def objects(wait):
        value = numpy.array([[fresh(), None]], dtype=object)
        wait()
        return value

    for hold in (plain, view, objects):
        assert size_of(hold) == about(MB)


def test_the_count_of_one_holder_is_right():
    def body():
        pid = holding(lambda: [str(number) * 9 for number in range(5000)])
        process = processes[pid.key]
        walk = Walk(process)
        while not walk.advance(100, at_once=True):
            most = len(walk._seen) - len(memory._EVERYBODYS)
        kill(pid)
        return walk.objects, most

    objects, remembered = result_at(0, body)
    assert objects > 5000
    assert remembered < 2500  # what modules have in their variables is among it
