"""send and receive: statements 6 and 20, on a scheduler and on a thread."""

import time

import pytest

from pyex import ANY, Down, NoProcess, Process, PyexError, ReceiveTimeout, Ref, receive, self, send, sleep, spawn
from tests.core.support import PLACES, SOON, ended, kill, messages, monitor_at, result_at, start_at


@pytest.fixture(params=[0, "thread"])
def place(request):
    return request.param


@pytest.fixture(params=PLACES.values(), ids=PLACES)
def places(request):
    return request.param


def test_send_returns_the_message(places):
    def body():
        pid = start_at(places[1], lambda: [receive(timeout=SOON) for _ in range(2)] and None)
        first = ["a list"]
        assert send(pid, first) is first
        assert send(self(), 42) == 42
        assert send(pid, "x") == "x"
        return ended(pid)

    assert result_at(places[0], body) in ("normal", "noproc")


def test_messages_keep_their_order(places):
    def collect(parent):
        send(parent, [receive(timeout=SOON) for _ in range(2000)])

    def body():
        pid = start_at(places[1], collect, self())
        for number in range(2000):
            send(pid, number)
        return receive(timeout=SOON)

    assert result_at(places[0], body) == list(range(2000))


def test_send_to_a_name_and_to_a_name_and_node(places):
    from pyex.core.identity import identity

    def echo(parent):
        for _ in range(2):
            send(parent, receive(timeout=SOON))

    def body():
        start_at(places[1], echo, self(), name="named")
        assert send("named", "by name") == "by name"
        send(("named", identity.name or "nonode@nohost"), "by name and node")
        return [receive(timeout=SOON), receive(timeout=SOON)]

    assert result_at(places[0], body) == ["by name", "by name and node"]


def test_06_sending_to_a_dead_pid_succeeds(places):
    def body():
        pid, ref = monitor_at(places[1], int)
        receive(Down(ref), timeout=SOON)
        return send(pid, "hello"), messages()

    assert result_at(places[0], body) == ("hello", [])


def test_06_an_unregistered_local_name_raises(place):
    def body():
        with pytest.raises(NoProcess) as raised:
            send("nobody", 1)
        assert isinstance(raised.value, LookupError)
        assert raised.value.reason == "noproc"
        return str(raised.value)

    assert "no process is registered as 'nobody'" in result_at(place, body)


def test_06_the_error_suggests_a_near_name_or_lists_those_there_are():
    Process.register(self(), "counter")
    with pytest.raises(NoProcess, match="Did you mean 'counter'"):
        send("countre", 1)
    with pytest.raises(NoProcess, match=r"Registered are: .*'counter'"):
        send("xyz", 1)
    Process.unregister("counter")


def test_06_a_name_on_a_node_never_raises():
    from pyex.core.identity import identity

    assert send(("nobody", identity.name or "nonode@nohost"), 1) == 1
    assert send(("nobody", "nowhere@127.0.0.1"), 1) == 1


@pytest.mark.parametrize("dest", [42, None, 1.5, ("a", "b", "c"), ("a", 1), ["a"], Process])
def test_what_is_no_destination_is_a_type_error(dest):
    with pytest.raises(TypeError, match="takes a pid"):
        send(dest, 1)


def test_a_reference_is_never_taken_for_a_process_of_the_same_number():
    def body():
        from pyex.core.ids import ref_of

        send(self(), "first")
        lookalike = ref_of(self().key)
        try:
            send(lookalike, "misled")
        except TypeError:
            pass
        return messages()

    assert result_at(0, body) == ["first"]


# receive


def test_20_selective_receive_keeps_the_others_in_order(place):
    def body():
        for number in range(6):
            send(self(), number)
        assert receive(4) == 4
        assert receive(lambda n: n % 2 == 1) == 1
        return messages()

    assert result_at(place, body) == [0, 2, 3, 5]


def test_20_the_first_message_that_matches_any_pattern(place):
    def body():
        for message in ("c", "b", "a"):
            send(self(), message)
        return receive("a", "b"), messages()

    assert result_at(place, body) == ("b", ["c", "a"])


def test_20_timeout_zero_looks_at_everything_queued(place):
    def body():
        for number in range(1000):
            send(self(), number)
        return receive(999, timeout=0), receive(1000, timeout=0, default="none"), len(messages())

    assert result_at(place, body) == (999, "none", 999)


def test_20_timeout_zero_sees_what_was_sent_to_oneself_before(place):
    def flood(target):
        while True:
            send(target, "noise")
            sleep(0.0001)

    def body():
        floods = [start_at(at, flood, self()) for at in (0, "thread")]
        for turn in range(1000):
            send(self(), ("signal", turn))
            assert receive(("signal", turn), timeout=0) == ("signal", turn)
            messages()
        for pid in floods:
            Process.exit(pid, "kill")

    result_at(place, body)


def test_20_what_does_not_match_does_not_restart_the_timeout(places):
    def noise(target):
        while True:
            send(target, "noise")
            sleep(0.02)

    def body():
        pid = start_at(places[1], noise, self())
        begin = time.monotonic()
        with pytest.raises(ReceiveTimeout):
            receive("signal", timeout=0.2)
        taken = time.monotonic() - begin
        Process.exit(pid, "kill")
        return taken

    assert 0.2 <= result_at(places[0], body) < SOON


def test_20_timeout_and_default(place):
    def body():
        assert receive(timeout=0, default="d") == "d"
        assert receive("x", timeout=0.01, default=None) is None
        with pytest.raises(ReceiveTimeout, match=r"within 0\.01 s that matches 'x' or <class 'int'>") as raised:
            receive("x", int, timeout=0.01)
        assert isinstance(raised.value, TimeoutError)
        assert isinstance(raised.value, PyexError)
        with pytest.raises(ReceiveTimeout, match="any message"):
            receive(timeout=0)
        with pytest.raises(ReceiveTimeout):
            receive(timeout=-1)

    result_at(place, body)


@pytest.mark.parametrize("timeout", [1e10, float("inf"), None])
def test_20_a_long_timeout_is_a_long_timeout(places, timeout):
    def body():
        parent = self()
        start_at(places[1], lambda: sleep(0.01) or send(parent, "came"))
        return receive("came", timeout=timeout)

    assert result_at(places[0], body) == "came"


def test_20_a_message_that_comes_in_time_ends_the_wait(places):
    def body():
        parent = self()
        start_at(places[1], lambda: sleep(0.02) or send(parent, "came"))
        begin = time.monotonic()
        receive("came", timeout=SOON)
        return time.monotonic() - begin

    assert result_at(places[0], body) < SOON / 2


def test_20_a_guard_that_raises_does_not_match(place):
    def body():
        send(self(), "text")
        send(self(), 0)
        send(self(), 5)
        return receive(lambda n: 10 / n == 2), messages()

    assert result_at(place, body) == (5, ["text", 0])


def test_20_an_inner_receive_loses_nothing(place):
    def body():
        def taking(what):
            def guard(message):
                if message != "outer":
                    return False
                return receive(what, timeout=0, default="none") == what

            return guard

        here = self()
        for inner in ("a", "b", "c", "d"):
            for message in ("a", "b", "outer", "c", "d"):
                send(here, message)
            assert receive(taking(inner), timeout=0) == "outer"
            left = messages()
            assert left == [message for message in ("a", "b", "c", "d") if message != inner], left

    result_at(place, body)


def test_20_an_inner_receive_whose_guard_does_not_match_hides_nothing(place):
    def body():
        def guard(message):
            if message == 1:
                receive(0, timeout=0)
            return message == 2

        for number in range(3):
            send(self(), number)
        return receive(guard, timeout=0), messages()

    assert result_at(place, body) == (2, [1])


def test_20_a_guard_that_takes_the_very_message_it_looks_at(place):
    def body():
        def guard(message):
            return message == "x" and receive("x", timeout=0, default=None) == "x"

        for message in ("w", "x", "y", "z"):
            send(self(), message)
        return receive(guard, "y", timeout=0), messages()

    assert result_at(place, body) == ("y", ["w", "z"])


def test_20_a_guard_that_waits_loses_nothing(places):
    def helper(parent):
        receive("help", timeout=SOON)
        for number in range(3):
            send(parent, number)
        send(parent, "answer")

    def body():
        pid = start_at(places[1], helper, self())

        def guard(message):
            if message != "ask":
                return False
            send(pid, "help")
            return receive("answer", timeout=SOON) == "answer"

        send(self(), "before")
        send(self(), "ask")
        return receive(guard, timeout=SOON), messages()

    assert result_at(places[0], body) == ("ask", ["before", 0, 1, 2])


def test_20_a_receive_that_raises_loses_nothing(place):
    class Stop(BaseException):
        pass

    def body():
        def guard(message):
            if message == "bad":
                raise Stop
            return False

        for message in ("a", "bad", "b"):
            send(self(), message)
        try:
            receive(guard, timeout=0)
        except Stop:
            return messages()

    assert result_at(place, body) == ["a", "bad", "b"]


def test_a_fresh_reference_pins_the_answer(places):
    def server():
        for _ in range(100):
            caller, ref, number = receive((object, Ref, int), timeout=SOON)
            send(caller, ("noise", number))
            send(caller, (ref, number * 2))

    def body():
        pid = start_at(places[1], server)
        answers = []
        for number in range(100):
            ref = Ref()
            send(pid, (self(), ref, number))
            answers.append(receive((ref, ANY), timeout=SOON)[1])
        return answers == [number * 2 for number in range(100)] and len(messages()) == 100

    assert result_at(places[0], body)


def test_sleep_waits_that_long_and_lets_others_run(place):
    def body():
        parent = self()
        spawn(lambda: send(parent, "ran"))
        begin = time.monotonic()
        sleep(0.05)
        assert time.monotonic() - begin >= 0.05
        return receive("ran", timeout=0 if place == 0 else SOON)

    assert result_at(place, body) == "ran"


def test_sleep_does_not_end_early_when_messages_come(place):
    def noise(parent):
        while True:
            send(parent, "noise")
            sleep(0.005)

    def body():
        pid = start_at(0, noise, self())
        came = 0
        while came < 10:
            begin = time.monotonic()
            sleep(0.1)
            assert time.monotonic() - begin >= 0.1
            came += len(messages())
        kill(pid)

    result_at(place, body)


@pytest.mark.parametrize("bad", ["1", True, [], float("nan")])
def test_a_time_that_is_none_is_refused_at_the_call(bad):
    send(self(), "here already")
    error = ValueError if isinstance(bad, float) else TypeError
    with pytest.raises(error, match="takes a number of seconds or None"):
        receive(timeout=bad)
    with pytest.raises(error, match="takes a number of seconds or None"):
        sleep(bad)
    assert receive(timeout=0) == "here already"
