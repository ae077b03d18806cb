"""Objects that do something when they are asked: completion does not ask them."""

import builtins

import pytest

from shell.completion import complete
from shell.surroundings import Surroundings

ran = []


def caught(*args, **kwargs):
    ran.append(args)
    raise RuntimeError("code of the user's ran")


class Meta(type):
    __getattribute__ = __getattr__ = __dir__ = __repr__ = __eq__ = __call__ = __instancecheck__ = __subclasscheck__ = (
        caught
    )

    def __hash__(cls):
        return caught()

    __name__ = property(caught)
    __mro__ = property(caught)
    __dict__ = property(caught)
    __doc__ = property(caught)


def hostile_class():
    class Hostile(metaclass=Meta):
        __slots__ = ("__dict__", "__weakref__", "slot")
        __getattribute__ = __getattr__ = __dir__ = __repr__ = __str__ = __eq__ = __len__ = __iter__ = __bool__ = caught
        __getitem__ = __contains__ = __get__ = __call__ = __format__ = __missing__ = keys = items = caught

        def __hash__(self):
            return caught()

        computed = property(caught)

        def method(self, when, *, timeout=None): ...

    return Hostile


class Lying:
    """Says that it is something else, and hides its dictionary."""

    __class__ = property(caught)
    __dict__ = property(caught)


class Descriptor:
    __get__ = __set_name__ = caught


class BadDict(dict):
    __getitem__ = __iter__ = __contains__ = __len__ = keys = items = get = __eq__ = __repr__ = caught


class BadText(str):
    __slots__ = ()
    __eq__ = __str__ = __repr__ = startswith = lower = isidentifier = caught
    __hash__ = str.__hash__


@pytest.fixture
def names():
    ran.clear()
    cls = hostile_class()
    thing = object.__new__(cls)
    object.__setattr__(thing, "own", 5)
    object.__setattr__(thing, "slot", [])
    descriptor = object.__new__(Descriptor)

    class Holder:
        pass

    type.__setattr__(Holder, "described", descriptor)
    holder = Holder()
    vars(holder)["mine"] = thing
    bad = BadDict()
    dict.__setitem__(bad, "key", thing)
    dict.__setitem__(bad, BadText("bad"), 1)
    swapped = Holder()
    swapped.__dict__ = bad
    ring = lambda: None
    ring.__wrapped__ = ring
    return {
        **vars(builtins), "cls": cls, "thing": thing, "holder": holder, "bad": bad, "lying": Lying(), "swapped": swapped, "ring": ring,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("before", "some"),
    [
        ("thi", ["thing"]),
        ("thing.", ["computed", "method", "own", "slot"]),
        ("thing.computed.", []),
        ("thing.slot.app", ["append"]),
        ("thing.method(ti", ["timeout="]),
        ("thing(", []),
        ("thing[", []),
        ("thing['", []),
        ("thing + th", ["thing"]),
        ("cls.", ["computed", "method"]),
        ("cls().met", ["method"]),
        ("cls(", []),
        ("holder.", ["described", "mine"]),
        ("holder.described.", []),
        ("holder.mine.ow", ["own"]),
        ("bad['", ["key"]),
        ("bad['key'].ow", ["own"]),
        ("bad.fromk", ["fromkeys"]),
        ("lying.", []),
        ("lying.x.", []),
        ("swapped.", ["described", "key"]),
        ("ring(", []),
        ("f'{thing.ow", ["own"]),
        ("send(thing, ('", []),
        ("GenServer.call(cls, '", []),
        ("Pid(thing, '", []),
        ("open(thing).", []),
    ],
)
def test_nothing_runs(names, before, some):
    found = [one.text for one in complete(before, names, Surroundings()).candidates]
    assert ran == []
    assert [one for one in some if one not in found] == []
    if not some:
        assert not {"own", "computed"} & {*found}


def test_the_traps_would_snap(names):
    """They do run when somebody asks."""
    for ask in (
        lambda: names["thing"].x,
        lambda: dir(names["thing"]),
        lambda: hash(names["cls"]),
        lambda: [*names["bad"]],
    ):
        with pytest.raises(RuntimeError):
            ask()
    assert len(ran) >= 4
