"""How much a process holds: what counts for it, what does not, and that measuring it changes nothing."""

import array
import asyncio
import collections
import functools
import logging
import sys
import threading
import weakref

import pytest

from pyex import Process, receive, run, self, send, share, spawn
from pyex.core import frames, memory, sharing
from pyex.core.memory import Walk, measure
from pyex.core.process import processes
from tests.core.measuring import LITTLE, MB, TABLE, VARIABLE, Plain, about, fresh, holding, size_of, walked
from tests.core.support import SOON, forever, kill, result_at, start_at, until

needs_frames = pytest.mark.skipif(not frames.KNOWN, reason="the memory of frames is not known on this Python")


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


def with_frame(generator):
    """There is an object for its frame, as when it has been interrupted."""
    assert generator.gi_frame
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
        lambda: with_frame(started(make_generator(fresh()))),
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
