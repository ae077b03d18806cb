"""What a process ends with, and that others are told whatever that is: statement 5 of the behaviour contract."""

import threading

import pytest

from pyex import (
    Crash,
    Down,
    Exit,
    Exited,
    Pid,
    Process,
    Ref,
    exit,
    receive,
    share,
    spawn,
)
from pyex.core.carrier import route
from pyex.core.process import processes
from tests.core.support import (
    PLACES,
    SOON,
    forever,
    link_at,
    monitor_at,
    result_at,
    settle,
    start_at,
    trap,
)


@pytest.fixture(params=PLACES.values(), ids=PLACES)
def places(request):
    """Where the process that acts lives, and where the other one does."""
    return request.param


def test_05_an_uncaught_exception_ends_with_its_crash(places):
    def body():
        trap()
        pid = link_at(places[1], lambda: 1 // 0)
        reason = receive(Exited(pid), timeout=SOON).reason
        assert "ZeroDivisionError" in reason.stacktrace
        return reason

    assert result_at(places[0], body) == Crash(ZeroDivisionError("integer division or modulo by zero"))


@pytest.mark.parametrize("reason", ["boom", ("a", [1, {"b": 2}]), None, 42])
def test_05_exit_ends_with_its_reason(places, reason):
    def body():
        trap()
        pid = link_at(places[1], exit, reason)
        return receive(Exited(pid), timeout=SOON).reason

    assert result_at(places[0], body) == reason


def test_05_an_exit_that_is_caught_ends_nothing():
    def body():
        with pytest.raises(Exit) as raised:
            exit("caught")
        return raised.value.reason

    assert result_at(0, body) == "caught"


@pytest.mark.parametrize(
    ("code", "reason"), [(None, "normal"), (0, "normal"), (3, ("exit", 3)), ("text", ("exit", "text"))]
)
def test_05_system_exit_ends_that_process_only(places, code, reason):
    def body():
        _, ref = monitor_at(places[1], raising, SystemExit(code))
        return receive(Down(ref), timeout=SOON).reason

    assert result_at(places[0], body) == reason


def raising(error):
    raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), GeneratorExit(), BaseException("base")])
def test_05_every_base_exception_ends_that_process_only(places, error):
    def body():
        _, ref = monitor_at(places[1], raising, error)
        return receive(Down(ref), timeout=SOON).reason

    assert result_at(places[0], body) == Crash(error)


def test_05_a_reason_that_cannot_be_copied_ends_it_all_the_same(places):
    def body():
        import threading

        _, ref = monitor_at(places[1], lambda: raising(Exit(threading.Lock())))
        return receive(Down(ref), timeout=SOON).reason

    assert "lock" in result_at(places[0], body)


def test_5_a_reason_that_cannot_be_copied_again_is_described_to_all(places):
    def body():
        trap()
        pid = link_at(places[1], forever)
        refs = [Process.monitor(pid), Process.monitor(pid)]
        Process.exit(pid, share(threading.Lock()))
        reasons = [receive(Down(ref), timeout=SOON).reason for ref in refs]
        return [*reasons, receive(Exited(pid), timeout=SOON).reason]

    one, *others = result_at(places[0], body)
    assert one.startswith("<unlocked _thread.lock")
    assert others == [one, one]


class Stubborn:
    """It can be copied so often."""

    def __init__(self, copies):
        self.copies = copies

    def __reduce__(self):
        if not self.copies:
            raise ValueError("no more copies")
        return Stubborn, (self.copies - 1,)


def test_5_a_reason_whose_copy_fails_later_keeps_nobody_from_being_told(places):
    def body():
        pid = start_at(places[1], forever)
        refs = [Process.monitor(pid) for _ in range(3)]
        Process.exit(pid, Stubborn(2))
        return [receive(Down(ref), timeout=SOON).reason for ref in refs]

    assert all(isinstance(reason, str) and "Stubborn" in reason for reason in result_at(places[0], body))


def test_5_a_way_to_another_node_that_fails_keeps_nobody_from_being_told(monkeypatch):
    class Refusing:
        def deliver(self, *_):
            raise ValueError("cannot be encoded")

    pid = spawn(forever)
    settle(pid)
    far = Pid("0.1.0", "far@nowhere")
    processes[pid.key].link_to(far)
    watch = Ref()
    processes[pid.key].watchers = {watch.key: (far, watch, pid)}
    ref = Process.monitor(pid)
    settle(pid)
    monkeypatch.setattr(route, "carrier", Refusing())
    Process.exit(pid, "over")
    assert receive(Down(ref), timeout=SOON).reason == "over"
    assert not Process.alive(pid)
