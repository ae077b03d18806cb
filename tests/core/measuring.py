"""What the tests about memory share: processes that hold a thing, and their sizes."""

import contextvars

import pytest

from pyex import receive, self, send
from pyex.core.memory import Walk, measure
from pyex.core.process import processes
from tests.core.support import SOON, kill, start_at, until

MB = 1 << 20

TABLE = [b"x" * MB]

VARIABLE = contextvars.ContextVar("VARIABLE")

#: What any process may be told to hold beyond what it is about.
LITTLE = 50_000


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
