"""Aliases: statement 19 of the behaviour contract, wherever the two processes live."""

import pytest

from pyex import Down, Process, Ref, receive, self, send, sleep
from pyex.core.process import aliases
from tests.core.support import PLACES, SOON, forever, kill, messages, monitor_at, result_at, settle, start_at


@pytest.fixture(params=PLACES.values(), ids=PLACES)
def places(request):
    return request.param


def answerer():
    """Sends each message on to the alias it names, then says so."""
    while True:
        sender, alias, answers = receive()
        for answer in answers:
            send(alias, answer)
        send(sender, "sent")


def ask(pid, alias, *answers):
    send(pid, (self(), alias, answers))
    receive("sent", timeout=SOON)
    return messages()


def test_19_what_is_sent_to_an_alias_arrives_until_it_is_revoked(places):
    def body():
        other = start_at(places[1], answerer)
        alias = Process.alias()
        assert ask(other, alias, 1, [2]) == [1, [2]]
        assert Process.unalias(alias) is True
        assert ask(other, alias, 3) == []
        assert Process.unalias(alias) is False
        kill(other)

    result_at(places[0], body)
    assert not aliases


def test_19_a_reply_alias_ends_with_its_first_message(places):
    def body():
        other = start_at(places[1], answerer)
        alias = Process.alias(reply=True)
        assert ask(other, alias, "first", "late", "later") == ["first"]
        assert Process.unalias(alias) is False
        kill(other)

    result_at(places[0], body)
    assert not aliases


def test_19_an_alias_of_a_monitor_ends_with_it(places):
    def body():
        other = start_at(places[1], answerer)
        victim = start_at(places[1], forever)
        ref = Process.monitor(victim, alias="demonitor")
        assert ask(other, ref, 1, 2) == [1, 2]
        assert Process.demonitor(ref)
        assert ask(other, ref, 3) == []
        ref = Process.monitor(victim, alias="demonitor")
        kill(victim)
        assert receive(Down(ref), timeout=SOON).reason == "killed"
        assert ask(other, ref, 4) == []
        kill(other)

    result_at(places[0], body)
    assert not aliases


def test_19_an_explicit_alias_of_a_monitor_outlives_it(places):
    def body():
        other = start_at(places[1], answerer)
        ref = Process.monitor(other, alias="explicit_unalias")
        assert Process.demonitor(ref, info=True) is True
        assert ask(other, ref, 1) == [1]
        assert Process.unalias(ref) is True
        assert ask(other, ref, 2) == []
        kill(other)

    result_at(places[0], body)
    assert not aliases


def test_19_with_reply_demonitor_the_first_message_ends_both(places):
    """So a call that was answered leaves neither a late answer nor a DOWN."""

    def body():
        other = start_at(places[1], answerer)
        ref = Process.monitor(other, alias="reply_demonitor")
        assert ask(other, ref, "answer", "late") == ["answer"]
        assert Process.demonitor(ref, info=True) is False
        kill(other)
        assert messages() == []

    result_at(places[0], body)
    assert not aliases


def test_19_revoking_races_with_sending_and_nothing_comes_afterwards(places):
    def flood(alias):
        while True:
            send(alias, "flood")
            sleep(0)

    def body():
        # A thread that talks to a busy scheduler waits for its turn with the interpreter each time.
        for _ in range(20 if "thread" in places else 200):
            alias = Process.alias()
            other = start_at(places[1], flood, alias)
            receive("flood", timeout=SOON)
            Process.unalias(alias)
            messages()
            settle(other)
            assert messages() == []
            kill(other)

    result_at(places[0], body)
    assert not aliases


def test_the_aliases_of_a_process_go_with_it(places):
    def body():
        def owner():
            send(here, [Process.alias() for _ in range(10)])

        here = self()
        _, ref = monitor_at(places[1], owner)
        made = receive(list, timeout=SOON)
        receive(Down(ref), timeout=SOON)
        for alias in made:
            assert send(alias, "to nobody") == "to nobody"

    result_at(places[0], body)
    assert not aliases


@pytest.mark.parametrize("reply", [False, True])
def test_19_demonitor_ends_no_alias_that_is_not_a_monitors(reply):
    alias = Process.alias(reply=reply)
    assert Process.demonitor(alias, info=True) is False
    send(alias, "hello")
    assert messages() == ["hello"]
    assert Process.unalias(alias) is not reply


def test_only_its_process_can_revoke_an_alias():
    alias = Process.alias()
    assert result_at(0, lambda: Process.unalias(alias)) is False
    send(alias, "hello")
    assert receive(timeout=SOON) == "hello"
    assert Process.unalias(alias) is True


def test_a_reference_that_is_no_alias_takes_messages_to_nobody():
    assert send(Ref(), "lost") == "lost"
    assert messages() == []


def test_an_unknown_kind_of_alias_is_refused():
    with pytest.raises(ValueError, match="'reply_demonitor', not 'forever'"):
        Process.monitor(self(), alias="forever")
