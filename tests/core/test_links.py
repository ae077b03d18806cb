"""Links and exits: statements 1 to 13a of the behaviour contract, wherever the two processes live."""

import random
import threading

import pytest

from pyex import (
    Crash,
    Down,
    Exit,
    Exited,
    NoProcess,
    Pid,
    Process,
    Ref,
    exit,
    receive,
    self,
    send,
    share,
    sleep,
    spawn,
    spawn_link,
)
from pyex.core.carrier import route
from pyex.core.process import processes
from tests.core.support import (
    PLACES,
    SOON,
    ended,
    forever,
    kill,
    link_at,
    messages,
    monitor_at,
    result_at,
    settle,
    start_at,
    switching,
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


def trap():
    Process.flag("trap_exit", True)


def dead(place):
    pid, ref = monitor_at(place, int)
    assert receive(Down(ref), timeout=SOON).reason == "normal"
    return pid


def test_01_linking_to_a_dead_process_raises(places):
    def body():
        gone = dead(places[1])
        with pytest.raises(NoProcess, match="not alive") as raised:
            Process.link(gone)
        assert raised.value.reason == "noproc"
        return messages()

    assert result_at(places[0], body) == []


def test_01_linking_to_a_dead_process_while_trapping_is_a_message(places):
    def body():
        trap()
        gone = dead(places[1])
        assert Process.link(gone)
        return messages() == [("EXIT", gone, "noproc")]

    assert result_at(places[0], body)


def test_01_linking_to_a_process_that_is_ending_gives_its_reason_or_noproc(places, many):
    def body():
        trap()
        for _ in range(many):
            pid = start_at(places[1], exit, "gone")
            Process.link(pid)
            assert receive(Exited(pid), timeout=SOON).reason in ("gone", "noproc")
        return messages()

    assert result_at(places[0], body) == []


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


def test_04_a_normal_end_leaves_the_peer_alive(places):
    def body():
        child, ref = monitor_at(places[1], receive)
        peer = start_at(places[0], linked_to, child, self())
        receive("linked", timeout=SOON)
        send(child, "end")
        assert receive(Down(ref), timeout=SOON).reason == "normal"
        assert Process.alive(peer)
        kill(peer)

    result_at(places[0], body)


def linked_to(pid, parent):
    Process.link(pid)
    settle(pid)
    send(parent, "linked")
    forever()


def test_04_a_normal_end_is_a_message_to_a_trapper(places):
    def body():
        trap()
        pid = link_at(places[1], int)
        return receive(timeout=SOON) == ("EXIT", pid, "normal")

    assert result_at(places[0], body)


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


def test_06_exiting_a_dead_process_succeeds(places):
    def body():
        gone = dead(places[1])
        return Process.exit(gone, "kill"), Process.exit(gone, "x"), messages()

    assert result_at(places[0], body) == (True, True, [])


def test_07_two_links_are_one_and_one_unlink_removes_it(places):
    def body():
        trap()
        pid, ref = monitor_at(places[1], forever)
        Process.link(pid)
        Process.link(pid)
        Process.exit(pid, "one")
        receive(Down(ref), timeout=SOON)
        assert messages() == [("EXIT", pid, "one")]
        pid, ref = monitor_at(places[1], forever)
        Process.link(pid)
        Process.link(pid)
        Process.unlink(pid)
        Process.exit(pid, "two")
        receive(Down(ref), timeout=SOON)
        return messages()

    assert result_at(places[0], body) == []


def test_07_a_link_made_from_both_sides_is_one(places):
    def linker(peer):
        Process.link(peer)
        settle(peer)
        send(peer, "linked")
        forever()

    def body():
        trap()
        pid, ref = monitor_at(places[1], linker, self())
        receive("linked", timeout=SOON)
        Process.link(pid)
        Process.exit(pid, "over")
        receive(Down(ref), timeout=SOON)
        return messages() == [("EXIT", pid, "over")]

    assert result_at(places[0], body)


def test_07_links_are_symmetric(places):
    def body():
        pid, ref = monitor_at(places[1], forever)
        linker, linked = monitor_at(places[0], linked_to, pid, self())
        receive("linked", timeout=SOON)
        Process.exit(linker, "over")
        assert receive(Down(linked), timeout=SOON).reason == "over"
        return receive(Down(ref), timeout=SOON).reason

    assert result_at(places[0], body) == "over"


@pytest.mark.parametrize("place", [0, "thread"])
def test_07_linking_to_itself_is_harmless(place):
    def body():
        assert Process.link(self())
        assert Process.unlink(self())
        return messages()

    assert result_at(place, body) == []


def test_08_after_unlink_no_exit_arrives(places, many):
    def body():
        trap()
        for _ in range(many):
            pid = link_at(places[1], exit, "over")
            Process.unlink(pid)
            after = messages()  # one that came before the unlink stays
            assert after in ([], [("EXIT", pid, "over")])
            ended(pid)
            assert messages() == []

    result_at(places[0], body)


def test_08_after_unlink_the_other_end_harms_no_more(places, many):
    def body():
        for _ in range(many):
            pid, ref = monitor_at(places[1], receive)
            Process.link(pid)
            Process.unlink(pid)
            Process.exit(pid, "boom")
            assert receive(Down(ref), timeout=SOON).reason == "boom"

    result_at(places[0], body)


def test_08_one_already_queued_stays(places):
    def body():
        trap()
        pid, ref = monitor_at(places[1], forever)
        Process.link(pid)
        Process.exit(pid, "over")
        receive(Down(ref), timeout=SOON)
        Process.unlink(pid)
        return messages() == [("EXIT", pid, "over")]

    assert result_at(places[0], body)


def test_08_racing_link_and_unlink_ends_with_both_sides_agreeing(places, many):
    def partner(seed):
        trap()
        choice = random.Random(seed)
        peer = receive(timeout=SOON)
        while receive(("round", Ref), timeout=0, default=None) is None:
            (Process.link if choice.random() < 0.5 else Process.unlink)(peer)
            if choice.random() < 0.2:
                sleep(0)
        send(peer, "done")
        forever()

    def body():
        trap()
        with switching(1e-5):
            for seed in range(many // 20):
                choice = random.Random(-seed)
                pid = start_at(places[1], partner, seed)
                send(pid, self())
                for _ in range(60):
                    (Process.link if choice.random() < 0.5 else Process.unlink)(pid)
                    sleep(0)
                send(pid, ("round", Ref()))
                receive("done", timeout=SOON)
                for _ in range(2):  # what is still on its way, and the answers to it
                    settle(pid)
                mine, other = (processes[one.key].links or {} for one in (self(), pid))
                states = mine.get(pid, "none"), other.get(self(), "none")
                assert states in ((None, None), ("none", "none")), f"seed {seed}: {states}"
                kill(pid)
                assert len(messages()) == (states[0] is None)

    result_at(places[0], body)


def test_09_exits_go_through_chains_and_name_the_neighbour(places):
    def link_in_chain(place, other, depth, report):
        if depth:
            child = link_at(other, link_in_chain, other, place, depth - 1, report)
            del child
        else:
            send(report, self())
        forever()

    def body():
        trap()
        first = link_at(places[1], link_in_chain, *reversed(places), 5, self())
        last = receive(timeout=SOON)
        Process.exit(last, "domino")
        return receive(timeout=SOON) == ("EXIT", first, "domino")

    assert result_at(places[0], body)


def test_09_a_chain_of_ten_thousand_falls():
    def chain(depth, report):
        if depth:
            spawn_link(chain, depth - 1, report)
        else:
            send(report, self())
        receive(Ref)

    trap()
    first = spawn_link(chain, 10_000, self())
    last = receive(timeout=SOON)
    Process.exit(last, "domino")
    assert receive(timeout=SOON) == ("EXIT", first, "domino")
    assert last.key not in processes


def test_10_spawn_link_always_gives_the_real_reason(places, many):
    def body():
        trap()
        for turn in range(many):
            pid = link_at(places[1], exit, ("real", turn))
            assert receive(timeout=SOON) == ("EXIT", pid, ("real", turn))

    result_at(places[0], body)


def test_10_the_public_spawn_link_too():
    trap()
    for thread in (False, True):
        pid = spawn_link(exit, "real", thread=thread)
        assert receive(timeout=SOON) == ("EXIT", pid, "real")


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


def test_07_linking_to_one_that_links_and_ends_is_one_link(places):
    """The other has linked itself and ended: its exit is the one, whatever this process knew when it linked."""

    def other(here):
        Process.link(here)
        exit("boom")

    def body():
        Process.flag("trap_exit", True)
        for _ in range(200 if "thread" in places else 1000):
            pid = start_at(places[1], other, self())
            while pid.key in processes:
                sleep(0)
            Process.link(pid)
            assert receive(("EXIT", pid, object), timeout=SOON).reason == "boom"
            Process.unlink(pid)
            assert {message.reason for message in messages()} <= {"noproc"}

    with switching(1e-5):
        result_at(places[0], body)
