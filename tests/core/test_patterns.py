"""Patterns mean what they mean in ``case``, except that names are values."""

import dataclasses
import enum
from typing import Any, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyex import ANY, Atom, Down, Exited, NodeDown, NodeUp, Pid, Ref, self
from pyex.core.isolation import snapshot
from pyex.core.patterns import matches

scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary())
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.text(), inner, max_size=4),
    ),
    max_leaves=12,
)


@dataclasses.dataclass
class Point:
    x: int
    y: int


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Version(tuple):
    __slots__ = ()


@given(values)
def test_any_matches_everything(value):
    assert matches(ANY, value)
    assert matches(type(value), value)
    assert matches(object, value)


@given(values)
def test_a_value_matches_its_own_copy(value):
    assert matches(value, snapshot(value))


@given(values, values)
def test_what_matches_is_equal_when_there_is_nothing_wild_in_it(pattern, value):
    if matches(pattern, value):
        loose = not isinstance(pattern, dict) and "{" not in repr(pattern)
        assert not loose or pattern == value


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        (int, 3),
        (int, True),
        ((int, str), (3, "x")),
        (("ok", ANY), ("ok", None)),
        ([1, ANY], [1, 2]),
        ({"a": int}, {"a": 1, "b": 2}),
        ({}, {"a": 1}),
        ((), ()),
        (Point(1, ANY), Point(1, 2)),
        (Point(int, int), Point(1, 2)),
        (lambda n: n > 3, 4),
        (("n", lambda n: n > 3), ("n", 4)),
        (callable, len),
        (1, 1.0),
        (0, False),
        (None, None),
        (True, True),
        (Colour.RED, Colour.RED),
        (Atom("ok"), "ok"),
        ("ok", Atom("ok")),
        ((1, 2), Version((1, 2))),
        (Version((1, 2)), (1, 2)),
        (b"x", b"x"),
        ({1, 2}, {2, 1}),
        (Pid, Pid("0.1.0")),
        (int | str, "x"),
        (int | None, None),
        (Optional[int], None),  # noqa: UP045 - as people write it
        (("n", int | str), ("n", 3)),
        (Pid("0.1.0"), Pid("0.1.0")),
    ],
)
def test_it_matches(pattern, value):
    assert matches(pattern, value)


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        (int, "3"),
        ((1, 2), [1, 2]),
        ([1, 2], (1, 2)),
        ((1, 2), (1, 2, 3)),
        ((1, 2, 3), (1, 2)),
        ([], ()),
        ({"a": int}, {"a": "x"}),
        ({"a": ANY}, {}),
        ({}, []),
        (Point(1, ANY), Point(2, 2)),
        (Point(1, 2), (1, 2)),
        (lambda n: n > 3, 3),
        (lambda n: n > 3, "text"),
        (lambda n: 1 // 0, 3),
        (True, 1),
        (False, 0),
        (None, 0),
        (None, False),
        (Colour.RED, Colour.BLUE),
        (Colour.RED, 1),
        ("ok", b"ok"),
        (Pid("0.1.0"), Pid("0.2.0")),
        (Pid("0.1.0"), Ref("0.1.0")),
        (int | str, b"x"),
        (Optional[int], "x"),  # noqa: UP045
    ],
)
def test_it_does_not_match(pattern, value):
    assert not matches(pattern, value)


def test_what_cannot_be_compared_does_not_match():
    class Odd:
        def __eq__(self, other):
            raise RuntimeError("no")

        __hash__ = None

    assert not matches(Odd(), 1)
    assert not matches(1, Odd())
    assert not matches((1, 2), (1, Odd()))


def test_a_reference_is_pinned_by_writing_it():
    mine, others = Ref(), Ref()
    assert matches((mine, ANY), (mine, 1))
    assert not matches((mine, ANY), (others, 1))


def test_the_runtimes_messages_are_patterns_tuples_and_classes():
    ref, pid = Ref(), self()
    down = Down(ref, pid, "over")
    assert down == ("DOWN", ref, "process", pid, "over")
    assert repr(down) == repr(("DOWN", ref, "process", pid, "over"))
    assert matches(Down(ref), down)
    assert matches(Down, down)
    assert matches(Down(reason="over"), down)
    assert matches(("DOWN", ref, "process", ANY, ANY), down)
    assert not matches(Down(Ref()), down)
    assert not matches(Exited(pid), down)
    assert matches(Exited(pid), Exited(pid, "x"))
    assert (down.ref, down.pid, down.reason) == (ref, pid, "over")
    assert NodeUp("a@b") == ("nodeup", "a@b")
    assert NodeDown("a@b").node == "a@b"
    match down:
        case Down(its_ref, its_pid, reason):
            assert (its_ref, its_pid, reason) == (ref, pid, "over")
    match Exited(pid, "x"):
        case ("EXIT", its_pid, reason):
            assert (its_pid, reason) == (pid, "x")
    for message in (down, Exited(pid, ["x"]), NodeUp("a@b"), NodeDown("a@b")):
        assert snapshot(message) == message
        assert type(snapshot(message)) is type(message)


@pytest.mark.parametrize(
    ("pattern", "instead"),
    [(list[int], "write list"), (int | list[int], "write list"), (Any, "write ANY")],
)
def test_what_only_a_type_checker_understands_is_refused(pattern, instead):
    with pytest.raises(TypeError, match=instead):
        matches(pattern, [1])
