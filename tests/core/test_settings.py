"""``pyex.configure``: what holds for the whole node."""

import pytest

import pyex
from pyex.core.options import Limits, set_default_max_heap_size
from pyex.core.runtime import runtime
from tests.core.support import program


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    monkeypatch.setattr(runtime, "usual", runtime.usual)
    yield
    set_default_max_heap_size(None)
    Limits.smallest = 0


def test_what_is_not_given_stays():
    pyex.configure(schedulers=3)
    pyex.configure(max_heap_size=10**9)
    pyex.configure()
    assert (runtime.usual, Limits.default) == (3, 10**9)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"schedulers": 0}, ValueError, "at least one scheduler"),
        ({"schedulers": "2"}, TypeError, "a whole number, not '2'"),
        ({"max_heap_size": -1}, ValueError, "above zero"),
        ({"max_heap_size": 1.5}, TypeError, "whole number of bytes"),
    ],
)
def test_what_makes_no_sense_is_refused(settings, error, words):
    with pytest.raises(error, match=words):
        pyex.configure(**settings)


def test_there_are_as_many_schedulers_as_were_asked_for():
    done = program("""
    pyex.configure(schedulers=1)
    for _ in range(100): spawn(receive)
    from pyex.core.runtime import runtime
    print(len(runtime.schedulers))
    """)
    assert done.stdout == "1\n", done.stderr
