"""Nothing is shared: messages, spawn arguments and what functions carry are snapshots."""

import array
import collections
import contextvars
import copy
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import pathlib
import re
import threading
import uuid
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyex import Pid, Ref, exit, receive, self, send, share, spawn, spawn_monitor
from pyex.core.isolation import snapshot
from tests.core.support import SOON, ended


@dataclasses.dataclass
class Box:
    content: Any


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    content: Any


class Slotted:
    __slots__ = ("__dict__", "a", "b")

    def __init__(self, a):
        self.a = a
        self.extra = a


class Bag(dict):
    pass


class Row(list):
    pass


class Pair(NamedTuple):
    left: Any
    right: Any


class Stateful:
    def __init__(self, items):
        self.items = items

    def __getstate__(self):
        return {"saved": self.items}

    def __setstate__(self, state):
        self.items = state["saved"]


class Colour(enum.Enum):
    RED = 1


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.binary(max_size=5))


hashables = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=5)


values = st.recursive(
    st.one_of(scalars, st.binary(max_size=5).map(bytearray), st.sets(hashables, max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(hashables, inner, max_size=4),
        st.builds(Box, inner),
        st.builds(Frozen, inner),
        st.builds(Pair, inner, inner),
        st.lists(inner, max_size=3).map(Row),
        st.dictionaries(st.text(max_size=3), inner, max_size=3).map(Bag),
        st.lists(inner, max_size=3).map(collections.deque),
    ),
    max_leaves=15,
)


def mutables(value, found=None):
    """Every changeable thing in a value, by id."""
    found = {} if found is None else found
    if id(value) in found:
        return found
    if isinstance(value, list | dict | set | bytearray | collections.deque | Box | Slotted):
        found[id(value)] = value
    if isinstance(value, dict):
        for item in value.values():
            mutables(item, found)
    elif isinstance(value, list | tuple | collections.deque):
        for item in value:
            mutables(item, found)
    elif isinstance(value, Box | Frozen):
        mutables(value.content, found)
    return found


def scramble(value):
    """Change everything in a value that can be."""
    for thing in mutables(value).values():
        match thing:
            case list() | collections.deque():
                thing.append("changed")
            case dict():
                thing["changed"] = "changed"
            case set():
                thing.add("changed")
            case bytearray():
                thing += b"changed"
            case Box():
                thing.content = "changed"


@given(values)
def test_a_copy_is_equal_and_shares_nothing_that_can_change(value):
    copied = snapshot(value)
    assert copied == value
    assert type(copied) is type(value)
    assert not mutables(copied).keys() & mutables(value).keys()
    assert len(mutables(copied)) == len(mutables(value))


@given(values)
def test_what_the_sender_does_later_the_receiver_never_sees(value):
    reference = copy.deepcopy(value)
    send(self(), value)
    scramble(value)
    received = receive(timeout=0)
    assert received == reference


@given(values)
def test_what_the_receiver_does_the_sender_never_sees(value):
    reference = copy.deepcopy(value)
    send(self(), value)
    scramble(receive(timeout=0))
    assert value == reference


@given(values, values)
def test_shared_references_stay_shared_inside_a_message(one, other):
    inner = [one]
    copied = snapshot((inner, {"again": inner, "other": other}, Box(inner)))
    assert copied[0] is copied[1]["again"] is copied[2].content
    assert copied[0] is not inner


def test_a_partial_that_is_twice_in_a_message_is_one_there_too():
    call = functools.partial(print, [])
    first, second, box = snapshot((call, call, Box(call)))
    assert first is second is box.content
    assert first.args[0] is not call.args[0]


def test_cycles_stay_cycles():
    loop = []
    loop.append(loop)
    copied = snapshot(loop)
    assert copied[0] is copied
    assert copied is not loop
    knot = {}
    knot["self"] = (knot, [knot])
    copied = snapshot(knot)
    assert copied["self"][0] is copied
    assert copied["self"][1][0] is copied
    box = Box(None)
    box.content = (box, frozenset({1}))
    copied = snapshot(box.content)
    assert copied[0].content is copied
    assert copied[0] is not box


def test_a_method_kept_in_its_own_object_belongs_to_the_copy():
    class Owner:
        def method(self):
            return self

    owner = Owner()
    owner.callback = owner.method
    copied = snapshot(owner)
    assert copied.callback() is copied
    copied = snapshot(owner.callback)
    assert copied() is not owner


@pytest.mark.parametrize(
    "value",
    [
        Slotted([1]),
        Stateful([1, [2]]),
        collections.OrderedDict(a=[1]),
        collections.Counter("abca"),
        collections.defaultdict(list, a=[1]),
        collections.deque([[1], 2], maxlen=2),
        array.array("i", [1, 2]),
        functools.partial(sorted, key=len),
        iter([1, 2, 3]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_objects_of_any_class_are_copied(value):
    copied = snapshot(value)
    assert copied is not value
    assert type(copied) is type(value)
    if isinstance(value, Slotted):
        assert copied.a == copied.extra == [1]
        assert copied.a is copied.extra
        assert copied.a is not value.a
    elif isinstance(value, Stateful):
        assert copied.items == [1, [2]]
        assert copied.items[1] is not value.items[1]
    elif isinstance(value, functools.partial):
        assert copied(["ccc", "a"]) == ["a", "ccc"]
    elif isinstance(value, collections.abc.Iterator):
        assert list(copied) == [1, 2, 3]
        assert next(value) == 1
    else:
        assert copied == value
        assert getattr(copied, "maxlen", None) == getattr(value, "maxlen", None)


@pytest.mark.parametrize(
    "value",
    [
        1, 1.5, 2j, "s", b"b", None, True, ..., NotImplemented, range(3), Pid("0.1.0"), Ref(), Colour.RED, int, Box, len,
        test_cycles_stay_cycles, re, re.compile("x"), decimal.Decimal(1), fractions.Fraction(1, 2), uuid.uuid4(),
        datetime.datetime.now(datetime.UTC), pathlib.Path("/"), (1, ("a", b"b")), frozenset({1, (2,)}), list[int],
        int | str, str.join, "s".join, dict.fromkeys, contextvars.ContextVar("variable"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_nobody_can_change_passes_as_it_is(value):
    assert snapshot(value) is value
    assert snapshot([value])[0] is value


@pytest.mark.parametrize(
    ("method", "args"),
    [
        ([].append, (1,)),
        ({}.update, ({"a": 1},)),
        (set().add, (1,)),
        (bytearray().extend, (b"x",)),
        ({}.__setitem__, (1, 1)),
    ],
    ids=["list", "dict", "set", "bytearray", "wrapper"],
)
def test_a_builtin_method_goes_with_a_copy_of_its_object(method, args):
    copied, its_object = snapshot((method, method.__self__))
    copied(*args)
    assert copied.__self__ is its_object
    assert its_object
    assert not method.__self__
    assert ended(spawn(method, *args)) in ("normal", "noproc")
    assert not method.__self__


class Fussy(Exception):
    """Takes other arguments than it hands on."""

    def __init__(self, code, *, where):
        super().__init__(f"code {code} at {where}")
        self.code = code
        self.where = where


class Doubling(Exception):
    def __init__(self, text):
        super().__init__(f"bad {text}")


class Chatty(Exception):
    def __str__(self):
        raise RuntimeError("I have no text")


def raised_from():
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise ValueError("outer", [1]) from inner
    except ValueError as outer:
        return outer


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x", [1, 2]),
        Fussy(3, where=["here"]),
        Doubling("text"),
        Chatty(1),
        OSError(2, "No such file", "/nowhere"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "why"),
        StopIteration(5),
        SystemExit(3),
        KeyboardInterrupt(),
        ImportError("no", name="module"),
        ExceptionGroup("several", [ValueError(1), Fussy(1, where=2)]),
        raised_from(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_exceptions_are_copied_by_class_arguments_and_attributes(error):
    copied = snapshot(error)
    assert copied is not error
    assert type(copied) is type(error)
    assert repr(copied.args) == repr(error.args)
    assert repr(copied.__dict__) == repr(error.__dict__)
    assert copied.__traceback__ is None
    assert copied.__suppress_context__ == error.__suppress_context__
    for name in ("errno", "filename", "strerror", "value", "code", "name", "object", "reason"):
        assert getattr(copied, name, None) == getattr(error, name, None)
    assert repr(copied.__cause__) == repr(error.__cause__)
    assert copied.__cause__ is None or copied.__cause__ is not error.__cause__
    assert repr(snapshot(copied)) == repr(copied)


# What cannot be sent


def test_share_passes_the_object_itself():
    lock = threading.Lock()
    send(self(), ("use", share(lock), [share(lock)]))
    assert receive(timeout=0)[1] is lock
    pid, ref = spawn_monitor(lambda it: exit(("type", type(it).__name__)), share(lock))
    assert receive(timeout=SOON) == ("DOWN", ref, "process", pid, ("type", "lock"))
    shared = share(lock)
    parent = self()
    spawn(lambda: send(parent, share(shared)))
    assert receive(timeout=SOON) is lock
