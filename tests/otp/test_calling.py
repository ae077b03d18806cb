"""Calls and casts, wherever client and server live: statements 25, 26 and 31 of the behaviour contract."""

import re
import time

import pytest

from pyex import (
    CallTimeout,
    Crash,
    Down,
    Exit,
    GenServer,
    NoProcess,
    Process,
    Reply,
    ServerDown,
    Terminated,
    receive,
    self,
    send,
    spawn,
    spawn_monitor,
)
from pyex.core.process import aliases
from tests.core.support import PLACES, SOON, kill, messages, monitor_at, result_at, settle, switching, until
from tests.otp.servers import Counter, no_traces_of_calls, server_at


@pytest.fixture(params=PLACES.values(), ids=PLACES)
def places(request):
    return request.param


def test_calls_are_answered_and_casts_are_done_in_order(places):
    def body():
        server = server_at(places[1], Counter, 1)
        for k in range(100):
            GenServer.cast(server, ("add", k))
        assert GenServer.call(server, "get") == 1 + sum(range(100))
        assert GenServer.call(server, ("echo", [1, {"a": (2,)}])) == [1, {"a": (2,)}]
        assert GenServer.call(server, ("echo", None)) is None
        settle(server)
        assert no_traces_of_calls(server)
        GenServer.stop(server)
        assert messages() == []

    result_at(places[0], body)
    assert not aliases


@pytest.mark.parametrize("waiting", [0, 200])
def test_a_call_takes_its_answer_from_behind_what_is_queued(places, waiting):
    def body():
        server = server_at(places[1], Counter, 1)
        for number in range(waiting):
            send(self(), number)
        GenServer.cast(server, ("tell", self(), "before"))
        assert GenServer.call(server, "get") == 1
        assert GenServer.call(server, "get", timeout=None) == 1
        assert messages() == [*range(waiting), "before"]

    result_at(places[0], body)


def test_what_a_reply_holds_is_a_snapshot():
    class Keeper(Counter):
        def handle_call(self, request, caller):
            return Reply(self.n)

    def body():
        server = Keeper.start([1])
        GenServer.call(server, "get").append(2)
        return GenServer.call(server, "get")

    assert result_at(0, body) == [1]


def test_25_no_answer_comes_after_the_time_is_over_1000_times(places):
    times = 1000 if places == (0, 0) else 300

    def body():
        server = server_at(places[1], Counter)
        late = 0
        for number in range(times):
            try:
                seconds = 0.0008 + number % 9 * 0.0001 if number % 25 else 0.02
                assert GenServer.call(server, ("sleep", seconds, number), timeout=0.0012) == number
            except CallTimeout:
                late += 1
        assert GenServer.call(server, ("echo", "still there"), timeout=SOON) == "still there"
        settle(server)
        assert messages() == []
        assert no_traces_of_calls(server)
        return late

    with switching(1e-4):
        assert 0 < result_at(places[0], body, timeout=60)
    assert not aliases


@pytest.mark.parametrize("seconds", [1, 0.05, 0])
def test_25_a_call_has_its_time_and_an_answer_given_later_goes_nowhere(places, seconds):
    if seconds == 1 and places != (0, 0):
        pytest.skip("that length of time is peculiar to one scheduler")

    def body():
        server = server_at(places[1], Counter)
        begun = time.monotonic()
        with pytest.raises(CallTimeout) as caught:
            GenServer.call(server, "wait", timeout=seconds)
        assert time.monotonic() - begun >= seconds
        assert caught.value.reason == "timeout"
        assert isinstance(caught.value, TimeoutError)
        send(server, "go on")
        assert GenServer.call(server, "get") == 0
        assert messages() == []

    result_at(places[0], body)


def test_a_timeout_tells_where_the_server_waits_or_works():
    def spin():
        until_ = time.monotonic() + 2
        while time.monotonic() < until_:
            pass

    class Other(Counter):
        def handle_call(self, request, caller):
            time.sleep(1.5) if request == "block" else spin()
            return Reply(1)

    def told(place, server, request):
        """What is told of a server that does not answer."""
        with pytest.raises(CallTimeout) as caught:
            GenServer.call(server_at(place, server), request, timeout=0.1)
        return str(caught.value)

    for place, server, request, words in (
        (
            0, Counter, "wait",
            r"did not answer 'wait' within 0.1 s. It was waiting in .*Counter.handle_call \(.*servers.py:\d+\)",
        ),
        (1, Other, "spin", r"It was busy in .*spin \(.*test_calling.py:\d+\)"),
        (2, Other, "block", r"It holds its scheduler, in a call of C code in .*Other.handle_call|It was busy in "),
        (0, Counter, "never", r"It was waiting for messages, with 0 in its mailbox"),
    ):  # fmt: skip
        # On a machine that stands still it may not have come to that yet.
        assert any(re.search(words, told(place, server, request)) for _ in range(5)), words
    assert messages() == []


def test_26_a_call_fails_with_the_reason_of_the_servers_end(places):
    def body():
        for request, error, reason in (
            (("exit", "bored"), ServerDown, "bored"),
            (("exit", "noproc"), NoProcess, "noproc"),
            (("stop", "normal"), ServerDown, "normal"),
            (("stop", "shutdown"), ServerDown, "shutdown"),
            (("divide", 0), ServerDown, Crash(ZeroDivisionError("integer division or modulo by zero"))),
            ("nothing", ServerDown, ("bad_return_value", None)),
        ):
            server = server_at(places[1], Counter)
            with pytest.raises(error) as caught:
                GenServer.call(server, request)
            assert caught.value.reason == reason
            with pytest.raises(NoProcess) as caught:
                GenServer.call(server, "get")
            assert caught.value.reason == "noproc"
        server = server_at(places[1], Counter)
        assert GenServer.call(server, ("stop", "normal", "bye")) == "bye"
        assert messages() == []

    result_at(places[0], body)
    assert not aliases


def test_26_a_server_that_is_killed_meanwhile_fails_the_call_1000_times(places):
    times = 1000 if places == (0, 0) else 150

    def killer(victim, done):
        Process.exit(victim, "kill")
        send(done, "killed")

    def body():
        answered = 0
        for _ in range(times):
            server = server_at(places[1], Counter) if places[1] == "thread" else Counter.start()
            other = spawn(killer, server, self())
            try:
                GenServer.call(server, "get")
                answered += 1
            except ServerDown as error:
                assert error.reason == "killed"  # noqa: PT017
            except NoProcess:
                pass
            receive("killed", timeout=SOON)
            assert messages() == []
        kill(other)
        return answered

    with switching(1e-4):
        assert result_at(places[0], body, timeout=60) <= times
    assert not aliases


def test_26_the_cause_is_the_exception_of_the_server_and_tells_the_request(places):
    def body():
        server = server_at(places[1], Counter, 7)
        with pytest.raises(ServerDown, match="crashed with ZeroDivisionError") as caught:
            GenServer.call(server, ("divide", 0))
        assert type(caught.value.__cause__) is ZeroDivisionError
        notes = caught.value.__cause__.__notes__
        assert notes == [f"Last message: the call ('divide', 0) from {self()!r}", "State: {'n': 7}"]

    result_at(places[0], body)


def test_26_calling_oneself_says_so():
    server = Counter.start(name="counter")
    for request in (("call", server, "get"), ("call", "counter", "get")):
        with pytest.raises(ServerDown) as caught:
            GenServer.call("counter", request)
        assert caught.value.reason == "calling_self"
        until(lambda: Process.whereis("counter") is None)
        server = Counter.start(name="counter")
    for call in (lambda: GenServer.call(self(), "get"), lambda: GenServer.stop(self())):
        with pytest.raises(Exit, match="wait") as caught:
            call()
        assert caught.value.reason == "calling_self"
    assert result_at(0, lambda: _reason(lambda: GenServer.call(self(), 1))) == "calling_self"


def _reason(call):
    try:
        call()
    except Exit as error:
        return error.reason


def test_26_nobody_there_and_no_server_at_all_are_told():
    Counter.start(name="counter")
    with pytest.raises(NoProcess, match="no process is registered as 'conter'.*'counter'.*start_link") as caught:
        GenServer.call("conter", "get")
    assert caught.value.reason == "noproc"
    with pytest.raises(NoProcess):
        GenServer.call(("conter", "nonode@nohost"), "get")
    assert GenServer.call(("counter", "nonode@nohost"), "get") == 0
    with pytest.raises(ServerDown) as caught:
        GenServer.call(("counter", "lost@127.0.0.1"), "get")
    assert caught.value.reason == ("nodedown", "lost@127.0.0.1")
    for nonsense, hint in (
        (Counter, "what Counter.start_link\\(\\) returns"),
        (None, "Was it started"),
        (5, "5 is no server"),
    ):
        with pytest.raises(TypeError, match=hint):
            GenServer.call(nonsense, "get")
    assert messages() == []


def test_a_caller_that_is_killed_leaves_nothing_with_the_server(places):
    server = server_at(places[1], Counter)
    pid, ref = monitor_at(places[0], lambda: GenServer.call(server, "wait", timeout=None))
    until(lambda: pid in Process.info(server).monitored_by)  # not only who has started it
    Process.exit(pid, "kill")
    assert receive(Down(ref), timeout=SOON).reason == "killed"
    send(server, "go on")
    assert GenServer.call(server, "get") == 0
    assert not aliases


def test_a_caller_that_goes_on_after_its_exit_takes_no_answer(places):
    """It has caught the exit; a call raises it again."""

    def caller(server, here):
        try:
            GenServer.call(server, "wait", timeout=None)
        except Terminated:
            try:
                GenServer.call(server, "get")
            except Terminated:
                send(here, "again")
            raise

    server = server_at(places[1], Counter)
    pid, ref = monitor_at(places[0], caller, server, self())
    until(lambda: pid in Process.info(server).monitored_by)  # not only who has started it
    Process.exit(pid, "bored")
    assert receive("again", timeout=SOON) == "again"
    assert receive(Down(ref), timeout=SOON).reason == "bored"
    send(server, "go on")


def test_an_uncaught_failure_of_a_call_is_the_reason_of_the_callers_end():
    _, ref = spawn_monitor(lambda: GenServer.call("nobody", "get"))
    assert receive(Down(ref), timeout=SOON).reason == "noproc"


def test_31_a_cast_returns_at_once_whatever_the_other_side(places):
    def body():
        busy, dead = server_at(places[1], Counter), server_at(places[1], Counter)
        GenServer.stop(dead)
        GenServer.cast(busy, "wait")
        for server in (busy, dead, "nobody", ("nobody", "nonode@nohost"), ("nobody", "lost@127.0.0.1")):
            for _ in range(100):
                assert GenServer.cast(server, ("add", 1)) is None
        send(busy, "go on")
        assert GenServer.call(busy, "get") == 100
        assert messages() == []

    result_at(places[0], body)
