"""Crash: the reason after an uncaught exception can always be copied, compared and read (13c)."""

import pickle
import threading

import pytest

from pyex import Crash, Down, receive, spawn_monitor
from pyex.core.crash import Unportable, format_user_traceback
from pyex.core.isolation import snapshot
from tests.core.support import PLACES, SOON, monitor_at, result_at


class Locked(Exception):
    def __init__(self, *args):
        super().__init__(*args)
        self.lock = threading.Lock()


class Needy(Exception):
    def __init__(self, one, *, two):
        super().__init__(f"{one} and {two}")
        self.one = one
        self.two = two


class Speechless(Exception):
    def __str__(self):
        raise RuntimeError("no words")

    __repr__ = __str__


class Uncopyable(Exception):
    def __reduce_ex__(self, version):
        raise RuntimeError("no copies")


class Odd(Exception):
    def __getattr__(self, name):
        raise RuntimeError(name)


class LockedAndSpeechless(Locked):
    __str__ = Speechless.__str__


def crash_with(make):
    def crashing():
        raise make()

    _, ref = spawn_monitor(crashing)
    return receive(Down(ref), timeout=SOON).reason


@pytest.mark.parametrize(
    ("make", "kept"),
    [
        (lambda: ValueError("plain", [1]), True),
        (lambda: Needy(1, two=[2]), True),
        (lambda: Speechless(1), True),
        (lambda: OSError(2, "gone", "/nowhere"), True),
        (lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "why"), True),
        (lambda: SyntaxError("bad", ("file", 1, 2, "text")), True),
        (lambda: ExceptionGroup("both", [ValueError(1), Needy(1, two=2)]), True),
        (lambda: Locked("locked"), False),
        (lambda: Uncopyable("uncopyable"), False),
        (lambda: Odd("odd"), None),
        (lambda: LockedAndSpeechless(1), False),
        (lambda: ValueError(threading.Lock()), False),
    ],
)
def test_13c_a_crash_can_always_be_copied_and_sent(make, kept):
    error = make()
    crash = crash_with(make)
    assert type(crash) is Crash
    if kept is not None:
        assert type(crash.exception) is (type(error) if kept else Unportable)
    if kept is False:
        assert type(error).__qualname__ in str(crash.exception)
    copied = snapshot(snapshot(crash))
    assert copied == crash
    assert hash(copied) == hash(crash)
    assert copied.exception is not crash.exception
    assert copied.stacktrace == crash.stacktrace
    assert "in crashing" in crash.stacktrace


def test_13c_attributes_are_kept():
    crash = crash_with(lambda: Needy(1, two=[2]))
    assert (crash.exception.one, crash.exception.two, str(crash.exception)) == (1, [2], "1 and [2]")


def test_13c_the_trace_is_text_and_begins_in_user_code():
    crash = crash_with(lambda: ValueError("x"))
    lines = crash.stacktrace.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "test_crash.py" in lines[1]
    assert lines[-1] == "ValueError: x"
    assert "pyex/core" not in crash.stacktrace


def test_13c_the_cause_is_in_the_trace():
    def crashing():
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise ValueError("outer") from inner

    _, ref = spawn_monitor(crashing)
    crash = receive(Down(ref), timeout=SOON).reason
    assert "KeyError: 'inner'" in crash.stacktrace
    assert "direct cause" in crash.stacktrace
    assert isinstance(crash.exception.__cause__, KeyError)


def test_crashes_are_compared_by_class_and_arguments():
    assert Crash(ValueError(1)) == Crash(ValueError(1), "another trace")
    assert Crash(ValueError(1)) != Crash(ValueError(2))
    assert Crash(ValueError(1)) != Crash(TypeError(1))
    assert Crash(ValueError(1)) != ValueError(1)
    assert Crash(ValueError(1)) != "x"
    assert repr(Crash(ValueError(1))) == "Crash(ValueError(1))"
    assert pickle.loads(pickle.dumps(Crash(ValueError(1), "t"))).stacktrace == "t"
    match Crash(ValueError(1), "t"):
        case Crash(ValueError(), trace):
            assert trace == "t"


@pytest.mark.parametrize("places", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("depth", [5, None])
def test_recursion_without_end_is_a_crash_like_any_other(places, depth):
    def endless(n):
        return n == depth or endless(n + 1)

    def body():
        _, ref = monitor_at(places[1], endless, 0)
        return receive(Down(ref), timeout=SOON).reason

    reason = result_at(places[0], body)
    assert reason == "normal" if depth else type(reason.exception) is RecursionError


def test_an_error_before_the_first_line_of_user_code_has_no_frames():
    _, ref = spawn_monitor(lambda missing: missing)
    trace = receive(Down(ref), timeout=SOON).reason.stacktrace
    assert trace.startswith("TypeError: ")
    assert "lifecycle" not in trace


def test_a_trace_ends_where_user_code_calls_the_runtime_whatever_that_calls():
    def runs(name, source, **names):
        space = {"__name__": name, **names}
        exec(source, space)
        return space["fn"]

    library = runs("json.decoder", "def fn(call=None):\n    return call() if call else 1 / 0")
    runtime = runs("pyex.core.some", "def fn(call):\n    return call()")
    mine = runs("mine", "def fn(*calls):\n    return calls[0](*calls[1:])")

    def trace_of(*calls):
        with pytest.raises(ZeroDivisionError) as caught:
            mine(*calls)
        return "".join(format_user_traceback(caught.value)).count('File "<string>"')

    assert trace_of(library) == 2  # mine, library
    assert trace_of(runtime, library) == 1  # mine
    assert trace_of(lambda: runtime(lambda: mine(library))) == 4  # mine, runtime, mine, library: it was called back
