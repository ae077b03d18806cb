"""Under a finalizer nobody is interrupted: rule 3 of living inside CPython."""

import gc
import threading
import time
import weakref

import pytest

from pyex import PyexError, receive, self, send
from tests.core.hogs import tight
from tests.core.support import SOON, kill, start_at, until


class Unknown:
    """A context manager that nobody knows."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


class Finalized:
    """Computes while it is finalized."""

    places = []

    def __init__(self, how_long):
        self.me = self
        self.how_long = how_long

    def __del__(self):
        stop = time.perf_counter() + self.how_long
        while time.perf_counter() < stop:
            pass
        self.places.append(threading.get_ident())


def collector_works():
    """Whether a garbage cycle, made anywhere, is collected."""
    cycle = Unknown()
    cycle.me = cycle
    watch = weakref.ref(cycle)
    del cycle
    gc.collect()
    return watch() is None


@pytest.mark.parametrize("garbage", ["by counting", "in a collection", "a callback in a collection"])
def test_rule_3_finalizers_are_not_interrupted_and_the_collector_works_on(garbage):
    def make(parent):
        def callback(_ref):
            stop = time.perf_counter() + 0.05
            while time.perf_counter() < stop:
                pass

        for _ in range(3):
            thing = Finalized(0.05 if "callback" not in garbage else 0)
            if garbage == "by counting":
                thing.me = None
            watch = weakref.ref(thing, callback) if "callback" in garbage else None
            del thing
            gc.collect()
            del watch
        send(parent, "made")

    rivals = [start_at(0, tight) for _ in range(2)]
    for _ in range(2):
        start_at(0, make, self())
    receive("made", timeout=SOON)
    receive("made", timeout=SOON)
    until(collector_works)  # and not just at work in another thread
    kill(*rivals)
    until(collector_works)


def test_rule_3_in_a_collection_a_process_cannot_wait_but_can_send():
    class Sends:
        def __init__(self, parent):
            self.parent, self.me = parent, self

        def __del__(self):
            try:
                receive(timeout=0.01, default=None)
            except PyexError:
                send(self.parent, "refused")
            else:
                send(self.parent, "waited")

    def make(parent):
        Sends(parent)
        gc.collect()

    start_at(0, make, self())
    assert receive(str, timeout=SOON) == "refused"
    until(collector_works)  # and not just at work in another thread
