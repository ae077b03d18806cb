"""What a process has open is closed when it is killed, wherever it waits: every ``__exit__`` and ``finally`` runs, once."""

import contextlib
import random
import threading

import pytest

from pyex import Down, Process, receive, self, send, share, sleep
from tests.core.support import PLACES, SOON, forever, link_at, messages, monitor_at, result_at, settle, until

#: Kills of each way to hold something, at each place.
KILLS = 150


class Ledger:
    """What is open; one for all processes."""

    def __init__(self):
        self.open = set()
        self.total = 0
        self.lock = threading.Lock()

    def acquire(self):
        entry = object()
        with self.lock:
            self.open.add(entry)
            self.total += 1
        return entry

    def release(self, entry):
        with self.lock:
            self.open.remove(entry)


class Thing:
    """Is open inside a ``with``; twice, if it is entered twice."""

    def __init__(self, ledger):
        self.ledger = ledger
        self.entries = []

    def __enter__(self):
        self.entries.append(self.ledger.acquire())
        return self

    def __exit__(self, *exc_info):
        self.ledger.release(self.entries.pop())


#: Seeded, as far as threads let that mean something; shared by all processes, as any global.
chance = random.Random(1)


def wait():
    """One of the ways to wait."""
    way = chance.randrange(8)
    if way == 0:
        receive("never", timeout=0.001, default=None)
    elif way == 1:
        receive(timeout=0, default=None)
    elif way == 2:
        send(self(), "myself")
        receive("myself", timeout=SOON)
    elif way == 3:
        sleep(0.0005)
    elif way == 4:
        receive("never")
    else:
        sleep(0)


def with_statement(ledger):
    with Thing(ledger):
        wait()
    wait()


def nested(ledger):
    with Thing(ledger) as one, Thing(ledger):
        wait()
        with one:
            wait()
        wait()


def try_finally(ledger):
    entry = ledger.acquire()
    try:
        wait()
    finally:
        ledger.release(entry)


def finally_that_waits(ledger):
    entry = ledger.acquire()
    try:
        wait()
    finally:
        try:
            wait()
        finally:
            ledger.release(entry)


def exit_that_waits(ledger):
    class Slow(Thing):
        def __exit__(self, *exc_info):
            try:
                wait()
            finally:
                super().__exit__(*exc_info)

    with Slow(ledger), Slow(ledger):
        wait()


def enter_that_waits(ledger):
    class Slow(Thing):
        def __enter__(self):
            wait()
            return super().__enter__()

    with Slow(ledger), Slow(ledger):
        pass


def while_handling(ledger):
    try:
        raise LookupError
    except LookupError:
        with Thing(ledger):
            wait()


def suppressing(ledger):
    with contextlib.suppress(Exception), Thing(ledger):
        wait()
        raise LookupError


@contextlib.contextmanager
def opened(ledger):
    entry = ledger.acquire()
    try:
        yield
    finally:
        ledger.release(entry)


def context_managers(ledger):
    with opened(ledger), opened(ledger):
        wait()


def exit_stack(ledger):
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(Thing(ledger))
            wait()
        stack.callback(ledger.release, ledger.acquire())


def generator(ledger):
    def numbers():
        with Thing(ledger):
            yield wait()
            yield wait()

    for _ in numbers():
        wait()


def recursive(ledger, depth=20):
    with Thing(ledger):
        if depth:
            recursive(ledger, depth - 1)
        wait()


WAYS = [
    with_statement, nested, try_finally, finally_that_waits, exit_that_waits, enter_that_waits, while_handling,
    suppressing, context_managers, exit_stack, generator, recursive,
]  # fmt: skip


def again_and_again(way, ledger):
    while True:
        way(ledger)


@pytest.mark.parametrize("places", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("way", WAYS)
def test_a_kill_leaves_nothing_open(places, way):
    def body(ledger):
        left = []
        for number in range(KILLS):
            pid, ref = monitor_at(places[1], again_and_again, way, share(ledger))
            for _ in range(chance.randrange(8)):
                sleep(0)
            if number % 5 == 0:
                sleep(0.0003)
            Process.exit(pid, "kill" if number % 2 else "boom")
            assert receive(Down(ref), timeout=SOON).reason == ("killed" if number % 2 else "boom")
            left.append(len(ledger.open))  # by the time the end is known
        return left, messages()

    ledger = Ledger()
    assert result_at(places[0], body, share(ledger)) == ([0] * KILLS, [])
    assert ledger.total > KILLS / 5


@pytest.mark.parametrize("places", PLACES.values(), ids=PLACES)
def test_a_broken_link_leaves_nothing_open(places):
    def holder(ledger, linked):
        if linked:
            link_at(places[1], holder, share(ledger), linked - 1)
        with Thing(ledger):
            forever()

    def body(ledger):
        for _ in range(20):
            before = set(Process.list())
            head, ref = monitor_at(places[0], holder, share(ledger), 20)
            until(lambda: len(ledger.open) == 21)
            watched = [Process.monitor(pid) for pid in set(Process.list()) - before]
            Process.exit(head, "boom")
            assert [receive(Down(ref), timeout=SOON).reason for ref in (ref, *watched)] == ["boom"] * 22
            assert not ledger.open
        return ledger.total, messages()

    ledger = Ledger()
    assert result_at(places[0], body, share(ledger)) == (420, [])


@pytest.mark.parametrize("places", PLACES.values(), ids=PLACES)
def test_a_last_word_comes_before_the_word_of_the_end(places):
    def speaker(boss):
        try:
            with Thing(Ledger()):
                forever()
        finally:
            send(boss, "last word")

    def body():
        for _ in range(KILLS):
            pid, ref = monitor_at(places[1], speaker, self())
            settle(pid)
            sleep(0)
            Process.exit(pid, "kill")
            if (first := receive(timeout=SOON)) == "last word":
                first = receive(timeout=SOON)
            assert first == Down(ref, pid, "killed")
        return messages()

    assert result_at(places[0], body) == []
