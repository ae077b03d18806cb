"""Links: statements 1, 4 and 7 to 10 of the behaviour contract, wherever two processes live."""

import random

import pytest

from pyex import (
    Down,
    Exited,
    NoProcess,
    Process,
    Ref,
    exit,
    receive,
    self,
    send,
    sleep,
    spawn_link,
)
from pyex.core.process import processes
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
    switching,
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
