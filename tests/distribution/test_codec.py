import datetime
import inspect
import linecache
import threading

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyex import ANY, Atom, Crash, Down, NotSendable, Pid, Port, Ref, share
from pyex.core.identity import identity
from pyex.distribution.codec import Encoded, HoldsObjectsError, decode, decode_plain, encode

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text()
    | st.binary()
    | st.binary().map(bytearray)
    | st.text().map(Atom)
    | st.dates()
    | st.datetimes()
    | st.times()
    | st.timedeltas()
    | st.builds(lambda n: Pid(f"0.{n}.0"), st.integers(0, 2**28 - 1))
    | st.builds(lambda n: Pid(f"0.{n}.0", "bob@127.0.0.1"), st.integers(0, 2**28 - 1))
    | st.builds(lambda n: Port(f"0.{n}.0"), st.integers(0, 2**28 - 1))
    | st.builds(lambda n: Port(f"0.{n}.0", "bob@127.0.0.1"), st.integers(0, 2**28 - 1))
    | st.builds(Ref)
)
keys = st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.tuples(st.integers(), st.text())
terms = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(keys, inner)
        | st.sets(keys)
        | st.frozensets(keys)
    ),
    max_leaves=20,
)


def same(one, other):
    """Equal, and of the same types all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(item, other[key]) for key, item in one.items())
    return one == other


@given(terms)
def test_a_term_arrives_equal_and_of_the_same_types(term):
    assert same(decode(encode(term).data), term)
    assert same(decode_plain(encode(term).data), term)


@pytest.mark.parametrize("kind", [Pid, Port, Ref])
@pytest.mark.parametrize("wrap", [lambda it: it, lambda it: {"p": Point(it)}])
def test_a_local_identifier_arrives_as_a_remote_one_and_comes_home_local(monkeypatch, kind, wrap):
    def unwrap(it):
        return it["p"].x if isinstance(it, dict) else it

    monkeypatch.setattr(identity, "name", "alice@127.0.0.1")
    monkeypatch.setattr(identity, "creation", 7)
    sent = encode(wrap(kind("0.110.0"))).data
    assert unwrap(decode(sent)) == kind("0.110.0")
    monkeypatch.setattr(identity, "name", "bob@127.0.0.1")
    there = unwrap(decode(sent))
    assert repr(there) == f"{kind.__name__}('0.110.0', 'alice@127.0.0.1')"
    again = encode(wrap(there)).data
    monkeypatch.setattr(identity, "name", "alice@127.0.0.1")
    assert unwrap(decode(again)) == kind("0.110.0")
    assert unwrap(decode(again)).key == kind("0.110.0").key
    monkeypatch.setattr(identity, "creation", 8)
    assert unwrap(decode(again)) != kind("0.110.0")


@pytest.mark.parametrize("code", [1, 2, 12])
def test_an_identifier_without_a_number_of_its_kind_is_refused(code):
    data = msgpack.packb(msgpack.ExtType(code, msgpack.packb((-5, "", 0))))
    with pytest.raises(ValueError, match="not an identifier"):
        decode(data)


class Point:
    def __init__(self, x):
        self.x = x


def test_objects_travel_but_are_not_decoded_where_no_code_may_run():
    data = encode(("ok", ValueError("x"), Down(Ref(), Pid("0.1.0"), "r"))).data
    with pytest.raises(HoldsObjectsError):
        decode_plain(data)
    ok, error, down = decode(data)
    assert (ok, type(error), error.args, type(down), down.reason) == ("ok", ValueError, ("x",), Down, "r")
    assert decode(encode(ANY).data) is ANY
    assert decode(encode(Crash(ValueError(1), "trace")).data) == Crash(ValueError(1))


def test_a_pid_inside_an_object_is_translated_too(monkeypatch):
    monkeypatch.setattr(identity, "name", "alice@127.0.0.1")
    point = {"p": Point(Pid("0.110.0"))}
    data = encode(point).data
    monkeypatch.setattr(identity, "name", "bob@127.0.0.1")
    assert repr(decode(data)["p"].x) == "Pid('0.110.0', 'alice@127.0.0.1')"


def test_code_is_known_as_such():
    assert not encode((1, len, ValueError)).has_code
    scope = {"__name__": "__main__"}
    exec("def f(): return g()\ndef g(): return 42", scope)
    encoded = encode(scope["f"])
    assert encoded.has_code
    assert decode(encoded.data)() == 42


def test_the_lines_of_code_typed_at_a_prompt_travel_with_it():
    name, line = "<somewhere@127.0.0.1 1>", "def typed(): return 1 / 0\n"
    linecache.cache[name] = (len(line), None, [line], name)
    scope = {"__name__": "__main__"}
    exec(compile(line, name, "exec"), scope)
    data = encode(scope["typed"]).data
    del linecache.cache[name]
    fn = decode(data)
    assert inspect.getsource(fn) == line
    del linecache.cache[name]


def test_names_beneath_a_shells_bindings_travel_along():
    import builtins

    from pyex import self

    scope = {"__name__": "__main__", "__builtins__": vars(builtins) | {"who": self}}
    exec("def f(): return who, len", scope)
    assert decode(encode(scope["f"]).data)() == (self, len)


def test_cycles_survive():
    ring = [1]
    ring.append(ring)
    copy = decode(encode(ring).data)
    assert copy[1] is copy


@pytest.mark.parametrize("value", [threading.Lock(), share([]), (i for i in "x")])
def test_what_cannot_leave_the_node_is_refused(value):
    with pytest.raises(NotSendable):
        encode(("message", value))


def test_an_open_file_is_refused(tmp_path):
    with (tmp_path / "f").open("w+") as file, pytest.raises(NotSendable, match="open file"):
        encode([file])


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_any_bytes_decode_or_raise_an_exception_and_run_no_code(data):
    try:
        decode_plain(data)
    except MemoryError:
        raise
    except Exception:
        pass  # a clear refusal


@given(st.integers(1, 20), st.binary(max_size=60))
def test_any_extension_decodes_or_raises_an_exception(code, data):
    try:
        decode_plain(msgpack.packb(msgpack.ExtType(code, data)))
    except MemoryError:
        raise
    except Exception:
        pass  # a clear refusal


def test_tuples_of_plain_values_are_plain_msgpack():
    message = ("add", 5, b"x", None, 1.5)
    assert encode(message) == Encoded([msgpack.packb(message)])


def test_a_time_with_a_zone_keeps_its_zone():
    zoned = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))
    assert decode_plain(encode(zoned).data) == zoned
    assert decode_plain(encode(zoned).data).utcoffset() == zoned.utcoffset()
