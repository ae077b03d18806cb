"""Values are shown within bounds of size and time, whatever their own code does."""

import time
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field

import pytest

import pyex
from shell import bounded as module
from shell.bounded import LIMIT, bounded

Pair = namedtuple("Pair", "a b")  # noqa: PYI024 - it is shown as typing.NamedTuple is


@dataclass
class Point:
    x: int
    y: object = None
    hidden: int = field(default=0, repr=False)


class Loops:
    def __repr__(self):
        while True:
            pass


class Sleeps:
    def __repr__(self):
        time.sleep(20)
        return "late"


class Raises:
    def __repr__(self):
        raise SystemExit(3)


@pytest.fixture
def hurry(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.3)


@pytest.mark.parametrize("value", [
    1, -2.5, None, "a'b", b"\x00", [1, [2, (3,)]], (), (1,), {"a": [1]}, set(), {1}, frozenset(), frozenset({1}),
    deque([1]), deque([1], maxlen=3), defaultdict(int, {1: 2}), defaultdict(list), Counter("aab"), OrderedDict(a=1), {}.keys(),
    {1: 2}.keys(), {1: 2}.values(), {1: 2}.items(), Pair(1, [2]), Point(1, [Point(2)]), range(3), ValueError("x"), bytearray(b"x"),
    pyex.Pid("0.110.0"), int, len, [Point], 2**3000,
])  # fmt: skip
def test_what_is_short_is_shown_as_python_does(value):
    assert bounded(value) == repr(value)


@pytest.mark.parametrize("value", [[], (), {}, set(), frozenset(), deque(), {"a": [1, (2, {3}), [[], {}, ()]]}])
def test_what_is_of_python_alone_takes_no_process(value, monkeypatch):
    monkeypatch.setattr(pyex, "spawn_monitor", None)
    assert bounded(value) == repr(value)


def test_containers_in_themselves():
    loop = [1]
    loop.append(loop)
    assert bounded(loop) == repr(loop)
    loop = {}
    loop["a"] = loop
    assert bounded(loop) == repr(loop)


def test_of_a_great_container_only_what_is_shown_is_looked_at():
    class Counted:
        asked = 0

        def __repr__(self):
            Counted.asked += 1
            return "x" * 100

    text = bounded([Counted() for _ in range(10_000)])
    assert Counted.asked < 200
    assert len(text) < LIMIT + 100
    assert text.endswith("more items)")


@pytest.mark.parametrize("value", [range(10**6), [[1] * 10**6], {1: [1] * 10**6}, Point(1, [1] * 10**6)])
def test_what_is_cut_says_how_much(value):
    text = bounded([*value] if isinstance(value, range) else value)
    assert LIMIT <= len(text) < LIMIT + 100
    left = int(text.rpartition("(cut: ")[2].partition(" ")[0].replace(",", ""))
    assert 990_000 < left < 999_000


def test_enormous_texts_and_numbers():
    assert bounded("x" * 20_000).endswith("x... (cut: 10,002 more characters)")
    assert bounded("x" * 5_000_000).endswith("more characters)")
    assert bounded(b"x" * 5_000_000).endswith("more characters)")
    assert bounded(2**1_000_000) == "<an int of 1,000,001 bits>"


def test_nested_deeply():
    value = []
    for _ in range(100_000):
        value = [value]
    text = bounded(value)
    assert text.startswith("[[[[")
    assert len(text) < LIMIT


def test_a_repr_that_never_ends_is_ended(hurry):
    assert bounded([1, Loops(), 2]) == "[1, <Loops object whose repr took longer than 0.3 s>"


def test_a_repr_in_foreign_code_is_not_waited_for(hurry):
    began = time.monotonic()
    assert bounded(Point(1, Sleeps())) == "Point(x=1, y=<Sleeps object whose repr took longer than 0.3 s>"
    assert time.monotonic() - began < 10


def test_a_repr_that_would_end_the_process_ends_nothing():
    assert bounded(Raises()) == "<Raises object whose repr raised SystemExit: 3>"


def test_nothing_is_left_in_the_mailbox(hurry):
    bounded(Loops())
    bounded(Point(Raises()))
    assert pyex.receive(timeout=0.2, default="nothing") == "nothing"


def test_lines_are_broken_at_the_width():
    assert bounded({"a": 1, "b": 2}, 40) == "{'a': 1, 'b': 2}"
    assert bounded({"name": "x" * 20, "other": ["y" * 20, "z"]}, 30) == (
        "{'name': 'xxxxxxxxxxxxxxxxxxxx',\n 'other': ['yyyyyyyyyyyyyyyyyyyy',\n           'z']}"
    )
    lines = bounded([*range(100)], 40).splitlines()
    assert all(len(line) <= 40 for line in lines)
    assert len(lines) < 15
    assert bounded([Point(n, "x" * 30) for n in range(2)], 50).splitlines() == [
        f"[Point(x=0, y='{'x' * 30}'),",
        f" Point(x=1, y='{'x' * 30}')]",
    ]


@pytest.mark.parametrize("width", [1, 5, 20, 80])
def test_broken_lines_mean_the_same(width):
    value = {"a": [1, (2, {3}), {"b": [[], {}, ()]}], (1, 2): frozenset({1}), "c": ["text " * 9] * 3}
    assert eval(bounded(value, width)) == value


def test_a_container_that_changes_meanwhile():
    class Grows:
        def __init__(self, where):
            self.where = where

        def __repr__(self):
            self.where[len(self.where)] = 1
            return "grows"

    value = {}
    value[0] = Grows(value)
    value[1] = 1
    assert bounded(value).startswith("{0: grows")
