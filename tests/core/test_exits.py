"""Exit signals and ends: statements 2, 3, 6 and 11 to 13a of the behaviour contract, wherever two processes live."""

import pytest

from pyex import (
    Down,
    Exited,
    Process,
    exit,
    receive,
    self,
    send,
    sleep,
    spawn,
)
from tests.core.support import (
    PLACES,
    SOON,
    dead,
    ended,
    forever,
    kill,
    link_at,
    messages,
    monitor_at,
    result_at,
    settle,
    start_at,
    trap,
)

MANY = 1000


@pytest.fixture(params=PLACES.values(), ids=PLACES)
def places(request):
    """Where the process that acts lives, and where the other one does."""
    return request.param


@pytest.fixture
def many(places):
    """How often to repeat what could race; threads cost more to start."""
    return 200 if "thread" in places else MANY


def test_02_kill_cannot_be_trapped_and_is_seen_as_killed(places):
    def victim():
        trap()
        forever()

    def body():
        trap()
        pid, ref = monitor_at(places[1], victim)
        Process.link(pid)
        settle(pid)
        Process.exit(pid, "kill")
        return receive(Exited(pid), timeout=SOON).reason, receive(Down(ref), timeout=SOON).reason

    assert result_at(places[0], body) == ("killed", "killed")


def test_02_a_process_that_itself_exits_with_kill_ends_with_kill(places):
    def body():
        trap()
        pid = link_at(places[1], exit, "kill")
        return receive(Exited(pid), timeout=SOON).reason

    assert result_at(places[0], body) == "kill"


def test_02_a_link_that_breaks_with_kill_ends_the_other_with_kill(places):
    def linker(peer):
        Process.link(peer)
        settle(peer)
        exit("kill")

    def body():
        peer, ref = monitor_at(places[0], forever)
        start_at(places[1], linker, peer)
        return receive(Down(ref), timeout=SOON).reason

    assert result_at(places[0], body) == "kill"


def test_03_exit_normal_from_another_is_ignored(places):
    def body():
        pid, ref = monitor_at(places[1], forever)
        Process.exit(pid, "normal")
        assert Process.alive(pid)
        assert receive(Down(ref), timeout=0, default=None) is None
        kill(pid)

    result_at(places[0], body)


def test_03_exit_normal_is_a_message_to_one_that_traps(places):
    def echo(parent):
        trap()
        send(parent, "ready")
        send(parent, receive())

    def body():
        pid = start_at(places[1], echo, self())
        receive("ready", timeout=SOON)
        Process.exit(pid, "normal")
        return receive(timeout=SOON) == ("EXIT", self(), "normal")

    assert result_at(places[0], body)


@pytest.mark.parametrize("place", [0, "thread"])
def test_03_exit_normal_to_itself_ends_it(place):
    def body(parent):
        Process.exit(self(), "normal")
        send(parent, "still here")

    pid, ref = monitor_at(place, body, self())
    assert receive(timeout=SOON) == Down(ref, pid, "normal")


@pytest.mark.parametrize("place", [0, "thread"])
def test_03_exit_normal_to_itself_is_a_message_while_it_traps(place):
    def body():
        trap()
        Process.exit(self(), "normal")
        return receive(timeout=0) == ("EXIT", self(), "normal")

    assert result_at(place, body)


@pytest.mark.parametrize("place", [0, "thread"])
def test_03_exit_of_itself_takes_effect_in_the_call(place):
    def body(parent):
        try:
            Process.exit(self(), "now")
            send(parent, "still here")
        finally:
            send(parent, "finally")

    for _ in range(100):
        pid, ref = monitor_at(place, body, self())
        assert receive(timeout=SOON) == "finally"
        assert receive(timeout=SOON) == Down(ref, pid, "now")


def test_06_exiting_a_dead_process_succeeds(places):
    def body():
        gone = dead(places[1])
        return Process.exit(gone, "kill"), Process.exit(gone, "x"), messages()

    assert result_at(places[0], body) == (True, True, [])


def test_11_messages_arrive_before_exit_and_down(places, many):
    def talker(parent, turn):
        for word in range(3):
            send(parent, (turn, word))
        exit("over")

    def body():
        trap()
        for turn in range(many):
            pid = link_at(places[1], talker, self(), turn)
            assert [receive(timeout=SOON) for _ in range(4)] == [
                (turn, 0), (turn, 1), (turn, 2), ("EXIT", pid, "over"),
            ]  # fmt: skip
            pid, ref = monitor_at(places[1], talker, self(), turn)
            assert [receive(timeout=SOON) for _ in range(4)] == [
                (turn, 0), (turn, 1), (turn, 2), ("DOWN", ref, "process", pid, "over"),
            ]  # fmt: skip

    result_at(places[0], body)


def test_11_messages_sent_after_an_exit_are_never_handled(places, many):
    def victim(parent):
        while True:
            send(parent, ("handled", receive("too late")))

    def body():
        for _ in range(many):
            pid, ref = monitor_at(places[1], victim, self())
            Process.exit(pid, "over")
            send(pid, "too late")
            assert receive(timeout=SOON) == Down(ref, pid, "over")

    result_at(places[0], body)


def test_12_trap_exit_counts_when_the_signal_is_received(places):
    def late(parent):
        send(parent, "waiting")
        receive("trap now")
        trap()
        send(parent, "traps")
        send(parent, receive())

    def body():
        pid = start_at(places[1], late, self())
        receive("waiting", timeout=SOON)
        send(pid, "trap now")
        receive("traps", timeout=SOON)
        Process.exit(pid, "seen")
        return receive(timeout=SOON) == ("EXIT", self(), "seen")

    assert result_at(places[0], body)


def test_12_a_second_exit_signal_to_an_ending_process_is_ignored(places):
    def body():
        pid, ref = monitor_at(places[1], forever)
        Process.exit(pid, "first")
        Process.exit(pid, "second")
        Process.exit(pid, "kill")
        return receive(Down(ref), timeout=SOON).reason

    assert result_at(places[0], body) == "first"


def test_12_an_ending_process_takes_no_message(places):
    def resisting(parent):
        send(parent, "ready")
        for _ in range(3):
            try:
                receive(timeout=1)
                send(parent, "took a message")
            except BaseException as raised:
                send(parent, type(raised).__name__)

    def body():
        pid, ref = monitor_at(places[1], resisting, self())
        assert receive(timeout=SOON) == "ready"
        Process.exit(pid, "over")
        send(pid, "hello")
        assert [receive(timeout=SOON) for _ in range(3)] == ["Terminated"] * 3
        return receive(Down(ref), timeout=SOON).reason

    assert result_at(places[0], body) == "over"


def test_13a_alive_sees_ones_own_exit(places, many):
    def body():
        for _ in range(many):
            pid = start_at(places[1], forever)
            assert Process.alive(pid)
            Process.exit(pid, "kill")
            assert not Process.alive(pid)

    result_at(places[0], body)


def test_an_exit_signal_wakes_what_sleeps(places):
    def body():
        pid, ref = monitor_at(places[1], sleep, None)
        Process.exit(pid, "wake up")
        return receive(Down(ref), timeout=SOON).reason

    assert result_at(places[0], body) == "wake up"


def test_finally_runs_and_except_exception_does_not_swallow_an_exit(places):
    def careful(parent):
        send(parent, "ready")
        try:
            try:
                receive()
            except Exception as error:
                send(parent, ("swallowed", error))
        finally:
            send(parent, "finally")

    def body():
        pid, ref = monitor_at(places[1], careful, self())
        receive("ready", timeout=SOON)
        Process.exit(pid, "over")
        return [receive(timeout=SOON) for _ in range(2)] == ["finally", Down(ref, pid, "over")]

    assert result_at(places[0], body)


def test_a_process_ended_before_it_began_never_runs(places):
    def body():
        here = self()
        for _ in range(100):
            pid = spawn(lambda: send(here, "ran"))  # does not begin before this process waits
            Process.exit(pid, "never")
            assert ended(pid) in ("never", "noproc")

    result_at(0, body)
    assert messages() == []


def test_the_wrong_things_are_refused_with_a_word():
    for operation in (Process.link, Process.unlink, lambda it: Process.exit(it, "x"), Process.alive):
        with pytest.raises(TypeError, match=r"Process\.whereis"):
            operation("name")
    with pytest.raises(ValueError, match="trap_exit"):
        Process.flag("trap_exits", True)
    with pytest.raises(TypeError, match="trap_exit is True or False"):
        Process.flag("trap_exit", 1)
    with pytest.raises(TypeError, match="spawn"):
        Process()
    assert spawn(int) != spawn(int)
