"""Requests: questions to other processes, and that nothing of one is left."""

import threading
import time

import pytest

import pyex
from pyex import (
    Down,
    Exit,
    Process,
    Terminated,
    receive,
    request,
    respond,
    self,
    send,
    share,
    sleep,
    spawn,
    spawn_monitor,
)
from pyex.core.process import aliases, processes
from tests.core.support import PLACES, SOON, kill, messages, result_at, settle, start_at, switching, until


@pytest.fixture(params=PLACES.values(), ids=PLACES)
def places(request):
    return request.param


def answerer():
    while True:
        match receive():
            case ("ask", (_, alias), ("answer", value)):
                respond(alias, value)
            case ("ask", (_, alias), ("twice", value)):
                send(alias, (alias, value))
                respond(alias, "again")
            case ("ask", (_, alias), ("elsewhere", value)):
                spawn(lambda: respond(alias, value), thread=True)
                spawn(respond, alias, value)
            case ("ask", _, ("end", reason)):
                raise Exit(reason)
            case ("ask", (client, alias), ("noise", value)):
                send(client, "noise")
                send(client, (value, value))
                respond(alias, value)
                send(client, "more noise")


def clean():
    mine = processes[self().key]
    return not (mine.aliases or mine.monitors)


def test_an_answer_comes_alone_and_leaves_nothing(places):
    def body():
        other = start_at(places[1], answerer)
        for kind in ("answer", "twice", "elsewhere"):
            for value in (1, "text", [1, {"a": 2}]):
                alias, answer = request(other, "ask", (kind, value), 5)
                assert answer == value
                assert type(alias) is type(Process.alias(reply=True))
        settle(other)
        assert not processes[other.key].watchers
        sleep(0.01)
        assert messages() == []
        kill(other)

    result_at(places[0], body)
    assert not aliases


def test_it_is_found_among_other_messages_which_keep_their_order(places):
    def body():
        other = start_at(places[1], answerer)
        for queued in (0, 1, 300):
            for number in range(queued):
                send(self(), number)
            assert request(other, "ask", ("noise", 7), None)[1] == 7
            assert [receive(timeout=SOON) for _ in range(queued + 3)] == [*range(queued), "noise", (7, 7), "more noise"]
        assert clean()
        kill(other)

    result_at(places[0], body)


def test_the_end_of_the_other_is_a_down(places):
    def body():
        other = start_at(places[1], answerer)
        assert request(other, "ask", ("end", "bored"), 5).reason == "bored"
        answer = request(other, "ask", ("answer", 1), None)
        assert (type(answer), answer.pid, answer.reason) == (Down, other, "noproc")
        assert request(("nobody", "nonode@nohost"), "ask", 1, None).reason == "noproc"
        assert clean()
        assert messages() == []

    result_at(places[0], body)
    assert not aliases


@pytest.mark.parametrize("timeout", [0, 0.01, 1])
def test_the_time_is_kept(places, timeout):
    if timeout == 1 and places[0] != 0:
        pytest.skip("a whole second is a usual length only for schedulers")

    def body():
        other = start_at(places[1], sleep, None)
        begun = time.monotonic()
        assert request(other, "ask", 1, timeout, "late") == "late"
        assert timeout <= time.monotonic() - begun < timeout + SOON
        assert clean()
        settle(other)
        assert not processes[other.key].watchers
        kill(other)

    result_at(places[0], body)
    assert not aliases


def test_one_asks_nobody_who_is_oneself(places):
    def body():
        with pytest.raises(Exit, match="calls itself") as caught:
            request(self(), "ask", 1, 5)
        return caught.value.reason

    assert result_at(places[0], body) == "calling_self"


@pytest.mark.parametrize("wrong", ["5", True, float("nan")])
def test_what_is_no_time_is_refused(wrong):
    def body():
        other = spawn(answerer)
        with pytest.raises((TypeError, ValueError), match="a number of seconds or None"):
            request(other, "ask", ("answer", 1), wrong)
        assert clean()
        return messages()

    assert result_at(0, body) == []


def test_an_exit_ends_the_wait_and_leaves_nothing(places):
    def asker(other, here):
        try:
            request(other, "ask", 1, None)
        except Terminated:
            try:
                request(other, "ask", 2, None)
            except Terminated:
                send(here, ("clean", clean()))
            raise

    other = start_at(places[1], sleep, None)
    pid = start_at(places[0], asker, other, self())
    until(lambda: processes[other.key].watchers)
    ref = Process.monitor(pid)
    Process.exit(pid, "bored")
    assert receive(tuple, timeout=SOON) == ("clean", True)
    assert receive(Down(ref), timeout=SOON).reason == "bored"
    settle(other)
    until(lambda: not processes[other.key].watchers)
    assert not aliases


def test_answers_and_kills_race_1000_times_and_nothing_is_left(places):
    times = 1000 if places == (0, 0) else 200

    def body():
        killer = start_at(places[0], killing)
        for number in range(times):
            other = start_at(places[1], answerer)
            send(killer, other)
            answer = request(other, "ask", ("answer", number), 60)
            assert answer[1] == number or (type(answer) is Down and answer.reason in ("killed", "noproc"))
        assert clean()
        assert messages() == []
        kill(killer)

    def killing():
        while True:
            Process.exit(receive(), "kill")

    with switching(1e-4):
        result_at(places[0], body, timeout=60)
    until(lambda: not aliases)


def test_a_process_that_is_declared_dead_while_it_asks_leaves_nothing():
    def stubborn(other):
        while True:
            try:
                request(other, "ask", 1, None)
            except BaseException:
                pass

    other = spawn(sleep, None)
    pid, ref = spawn_monitor(stubborn, other)
    until(lambda: processes[other.key].watchers)
    Process.exit(pid, "kill")
    assert receive(Down(ref), timeout=SOON).reason == "killed"
    until(lambda: not processes[other.key].watchers)
    assert not aliases


def test_an_empty_tuple_may_come_while_one_asks(places):
    def noise():
        match receive():
            case ("ask", (client, alias), _):
                send(client, ())
                sleep(0.02)
                respond(alias, "answer")

    def body():
        assert request(start_at(places[1], noise), "ask", None, SOON)[1] == "answer"
        return messages()

    assert result_at(places[0], body) == [()]


lock = threading.Lock()


def test_what_is_shared_arrives_itself(places):
    def keep():
        match receive():
            case ("ask", (_, alias), it):
                respond(alias, it is lock)

    assert result_at(places[0], lambda: request(start_at(places[1], keep), "ask", share(lock), SOON)[1])


def test_an_error_out_of_a_call_has_nothing_of_the_runtime_in_its_context():
    def ends_while_it_asks():
        send(other, self())
        request(other, "ask", 1, None)

    def end_the_next():
        Process.exit(receive(), "over")
        receive("never")

    other = spawn(end_the_next, thread=True)
    caught = []

    def main():
        try:
            ends_while_it_asks()
        except BaseException as error:
            caught.append(error.__context__)

    with pytest.raises(pyex.Exit):
        pyex.run(main)
    assert caught == [None]
    kill(other)
