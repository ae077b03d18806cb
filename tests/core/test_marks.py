"""Statement 22: a receive on a fresh reference does not look at what was queued before it."""

import pytest

from pyex import ANY, Down, Process, Ref, receive, self, send, spawn_monitor
from pyex.core import marks, messaging
from pyex.core.threads import this_process
from tests.core.support import PLACES, SOON, kill, messages, result_at, start_at

QUEUED = 3000


@pytest.fixture(params=PLACES.values(), ids=PLACES)
def places(request):
    return request.param


@pytest.fixture
def looked_at(monkeypatch):
    """The messages that a receive looks at."""
    seen = []

    def matches(pattern, value):
        seen.append(value)
        return real(pattern, value)

    real = messaging.matches
    monkeypatch.setattr(messaging, "matches", matches)
    return seen


def echo():
    while True:
        sender, ref = receive()
        send(sender, (ref, "answer"))


def fill():
    for number in range(QUEUED):
        send(self(), number)


def calls(pid):
    """One call of each kind: a reference made by hand, an alias, a monitor."""
    ref = Ref()
    send(pid, (self(), ref))
    assert receive((ref, ANY), Down(ref), timeout=SOON) == (ref, "answer")
    alias = Process.alias(reply=True)
    send(pid, (self(), alias))
    assert receive((alias, "answer"), timeout=SOON) == (alias, "answer")
    alias = Process.alias(reply=True)
    send(pid, (self(), {"ref": [alias]}))
    assert receive(({"ref": [alias]}, "answer"), timeout=SOON) == ({"ref": [alias]}, "answer")
    ref = Process.monitor(pid, alias="demonitor")
    send(pid, (ref, ref))
    assert receive((ref, ANY), Down(ref), timeout=SOON) == (ref, "answer")
    Process.demonitor(ref)
    _, ref = spawn_monitor(int)
    assert receive(Down(ref), timeout=SOON).reason == "normal"


def test_22_a_fresh_reference_is_waited_for_past_a_long_queue(places, looked_at):
    def body():
        pid = start_at(places[1], echo)
        fill()
        for _ in range(20):
            del looked_at[:]
            calls(pid)
            assert len([one for one in looked_at if isinstance(one, int)]) == 0
        kill(pid)
        assert messages() == list(range(QUEUED))
        assert this_process().relations.marks == 0

    result_at(places[0], body)


def test_22_skipped_messages_keep_their_order_and_place():
    def body():
        fill()
        here = self()
        first = Ref()
        send(here, "between")
        second = Ref()
        for tag in ("a", second, "b", first, "c"):
            send(here, (tag, 1))
        assert receive((first, ANY)) == (first, 1)
        assert receive((second, ANY)) == (second, 1)
        assert messages() == [*range(QUEUED), "between", ("a", 1), ("b", 1), ("c", 1)]

    result_at(0, body)


def test_22_an_old_reference_is_still_found_where_it_is():
    def body():
        old = Ref()
        send(self(), (old, "early"))
        fill()
        fresh = Ref()
        send(self(), (fresh, "late"))
        assert receive((fresh, ANY), (old, ANY)) == (old, "early")
        assert receive((old, ANY), (fresh, ANY)) == (fresh, "late")
        assert messages() == list(range(QUEUED))

    result_at(0, body)


def test_22_patterns_without_references_see_everything():
    def body():
        fill()
        fresh = Ref()
        assert receive((fresh, ANY), 17) == 17
        assert receive(lambda n: n == 3) == 3
        assert receive() == 0
        assert receive((fresh, ANY), timeout=0, default="none") == "none"
        assert len(messages()) == QUEUED - 3

    result_at(0, body)


def test_22_a_wait_that_times_out_leaves_no_mark():
    def body():
        fill()
        for _ in range(200):
            ref = Ref()
            assert receive((ref, ANY), timeout=0, default=None) is None
        assert this_process().relations.marks == 0
        assert len(this_process().mailbox) == QUEUED

    result_at(0, body)


def test_marks_for_references_nobody_waits_for_are_few_and_go_with_their_neighbours():
    def body():
        fill()
        for number in range(QUEUED):
            Ref()
            send(self(), number)
        assert this_process().relations.marks == marks.MOST
        assert len(this_process().mailbox) == 2 * QUEUED + marks.MOST
        assert messages() == [*range(QUEUED), *range(QUEUED)]
        assert this_process().relations.marks == 0

    result_at(0, body)


def test_a_guard_that_receives_while_a_mark_is_used_loses_nothing():
    def body():
        fill()
        fresh = Ref()
        for number in range(5):
            send(self(), (fresh, number))

        taken = []

        def greedy(number):
            if not taken:
                taken.append(receive(int))
            return number == 3

        assert receive((fresh, greedy)) == (fresh, 3)
        assert taken == [0]
        left = messages()
        assert [one for one in left if isinstance(one, int)] == list(range(1, QUEUED))
        assert [one[1] for one in left if not isinstance(one, int)] == [0, 1, 2, 4]

    result_at(0, body)
