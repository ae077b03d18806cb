"""A process that does not give way: the others go on beside it, and it can be ended."""

import statistics
import threading
import time

import pytest

from pyex import Down, Exited, Process, exit, receive, self, send, share, sleep, spawn_link, spawn_monitor
from tests.core.hogs import HOGS, ask, echo, mapping, tight
from tests.core.support import SOON, forever, kill, link_at, monitor_at, scheduler, start_at, until


@pytest.mark.parametrize("kind", HOGS)
def test_beside_a_hog_others_answer_timers_fire_and_it_can_be_killed(kind):
    echoer = start_at(0, echo)
    hog, ref = monitor_at(0, HOGS[kind])
    for mark in range(5):
        ask(echoer, mark)
    start_at(0, later, self(), 0.02)
    assert receive("woken", timeout=SOON) == "woken"
    Process.send_after(self(), "timer", 0.01)
    assert receive("timer", timeout=SOON) == "timer"
    assert Process.alive(hog)
    Process.exit(hog, "kill")
    assert receive(Down(ref), timeout=SOON).reason == "killed"


def later(parent, seconds):
    sleep(seconds)
    send(parent, "woken")


@pytest.mark.parametrize("kind", ["tight", "calls", "mapping"])
@pytest.mark.parametrize("who", ["the same scheduler", "another scheduler", "a thread's process", "a thread", "us"])
@pytest.mark.parametrize(("reason", "seen"), [("kill", "killed"), ("enough", "enough")])
def test_a_hog_is_ended_promptly_from_anywhere(who, kind, reason, seen):

    def end_one():
        hog, ref = monitor_at(0, HOGS[kind])
        ask(start_at(0, echo))  # it has begun
        begun = time.monotonic()
        if who == "us":
            Process.exit(hog, reason)
        elif who == "a thread":
            threading.Thread(target=Process.exit, args=(hog, reason)).start()
        else:
            place = {"the same scheduler": 0, "another scheduler": 1, "a thread's process": "thread"}[who]
            start_at(place, Process.exit, hog, reason)
        assert receive(Down(ref), timeout=SOON).reason == seen
        return time.monotonic() - begun

    # Two slices, if nothing else is to be done; a machine that is may stand still for longer now and then.
    assert any(end_one() < 1 for _ in range(5))


def test_a_hog_that_traps_exits_is_not_ended_by_them_and_gets_the_message_later():
    def trap(parent, exited):
        Process.flag("trap_exit", True)
        send(parent, "begun")
        while not exited:
            pass
        until_noon = time.monotonic() + 0.3
        while time.monotonic() < until_noon:
            pass
        send(parent, ("got", receive(Exited, timeout=0)))

    exited = []
    hog, ref = monitor_at(0, trap, self(), share(exited))
    receive("begun", timeout=SOON)
    Process.exit(hog, "please")
    exited.append(True)
    assert receive(("got", object), timeout=SOON)[1].reason == "please"
    assert receive(Down(ref), timeout=SOON).reason == "normal"


def test_links_and_monitors_work_beside_hogs():
    hogs = [start_at(0, hog) for hog in HOGS.values()]

    def family(parent):
        Process.flag("trap_exit", True)
        child = spawn_link(exit, "bored")
        _, ref = spawn_monitor(exit, "sad")
        send(parent, ("told", receive(Exited(child), timeout=SOON).reason, receive(Down(ref), timeout=SOON).reason))

    start_at(0, family, self())
    assert receive(("told", object, object), timeout=SOON) == ("told", "bored", "sad")
    kill(*hogs)


def test_a_hog_ends_with_those_it_is_linked_to():
    def pair(parent):
        spawn_link(lambda: send(parent, ("hog", self())) and tight())
        receive("end")
        exit("over")

    other = start_at(0, pair, self())
    _, hog = receive(("hog", object), timeout=SOON)
    ref = Process.monitor(hog)
    send(other, "end")
    assert receive(Down(ref), timeout=SOON).reason == "over"


def test_a_hog_in_every_process_at_once():
    kinds = list(HOGS.values())
    hogs = [monitor_at(0, kinds[number % len(kinds)]) for number in range(50)]
    echoer = start_at(0, echo)
    for mark in range(5):
        ask(echoer, mark)
    for hog, _ in hogs:
        Process.exit(hog, "kill")
    assert {receive(Down(ref), timeout=SOON).reason for _, ref in hogs} == {"killed"}


def test_hogs_on_two_schedulers_share_code():
    echoers = [start_at(0, echo), start_at(1, echo)]
    for hog in (tight, mapping):
        hogs = [start_at(number % 2, hog) for number in range(4)]
        for mark in range(10):
            for echoer in echoers:
                ask(echoer, mark)
        kill(*hogs[:2])
        for echoer in echoers:
            ask(echoer)
        kill(*hogs[2:])


def test_every_hog_gets_its_share():
    def count(parent, number):
        turns = 0
        before = time.monotonic()
        while True:
            now = time.monotonic()
            if now - before > 0.002:  # somebody else had a turn
                turns += 1
                if turns == 3:
                    send(parent, ("has had its share", number))
            before = now

    hogs = [start_at(0, count, self(), number) for number in range(4)]
    for number in range(4):
        receive(("has had its share", number), timeout=SOON)
    kill(*hogs)


def test_100_servers_answer_beside_4_hogs():
    hogs = [start_at(0, tight) for _ in range(4)]
    echoers = [start_at(0, echo) for _ in range(100)]
    enough = time.monotonic() + SOON  # what others do on this machine may come between
    while time.monotonic() < enough:
        took = []
        for echoer in echoers:
            begun = time.process_time()  # what the hogs have meanwhile; not what other programs have
            ask(echoer)
            took.append(time.process_time() - begun)
        if statistics.median(took) < 0.04:
            break
    kill(*hogs, *echoers)
    assert statistics.median(took) < 0.04


def test_a_hog_leaves_the_event_loop_its_turns():
    hog = start_at(0, tight)
    turns = []
    loop = scheduler(0).loop

    def turn():
        turns.append(None)
        if len(turns) < 10:
            loop.call_later(0.001, turn)

    loop.call_soon_threadsafe(turn)
    until(lambda: len(turns) == 10)
    kill(hog)


def test_a_process_that_ends_just_when_it_is_to_be_interrupted():
    def just_over(seconds):
        stop = time.perf_counter() + seconds
        while time.perf_counter() < stop:
            pass

    refs = [monitor_at(number % 2, just_over, 0.008 + 0.0002 * (number % 40))[1] for number in range(40)]
    assert {receive(Down(ref), timeout=SOON).reason for ref in refs} == {"normal"}


def test_a_process_linked_to_a_hog_from_elsewhere_hears_of_its_end():
    Process.flag("trap_exit", True)
    hog = link_at(0, tight)
    idle = start_at(0, forever)
    Process.exit(hog, "kill")
    assert receive(Exited(hog), timeout=SOON).reason == "killed"
    assert Process.alive(idle)
    kill(idle)
