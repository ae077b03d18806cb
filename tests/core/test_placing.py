"""Where processes begin: on their own scheduler, or on another while that one is held."""

import threading
import time

import pytest

from pyex import Pid, receive, self, send, spawn
from pyex.core.process import processes
from pyex.core.runtime import runtime
from tests.core.support import (
    SOON,
    ended,
    forever,
    result_at,
    start_at,
    until,
)


def echo():
    while True:
        caller, number = receive()
        send(caller, number + 1)


def test_there_are_never_too_many_schedulers():
    before = len(runtime.schedulers)  # some may be left of tests that held the others
    for _ in range(runtime.usual * 3):
        spawn(forever)
    assert len(runtime.schedulers) <= max(runtime.usual, before)


gate = threading.Event()  # a module's globals are shared


never_interrupted = threading.Lock()


@pytest.fixture
def closed_gate():
    gate.clear()
    yield
    gate.set()


def hold():
    """Hold the scheduler, in foreign code, until the gate opens."""
    gate.wait(SOON * 3)


def test_what_threads_spawn_does_not_wait_for_a_held_scheduler(closed_gate):
    here = self()
    before = len(runtime.schedulers)
    holders = [spawn(hold) for _ in range(before + 2)]
    for _ in range(20):
        time.sleep(0.01)  # the holders begin meanwhile
        spawn(lambda: send(here, "prompt"))
        assert receive("prompt", timeout=SOON) == "prompt"
    assert not gate.is_set()
    until(lambda: len(runtime.schedulers) > before)
    gate.set()
    ended(*holders)


def test_what_has_not_begun_leaves_a_held_scheduler_and_loses_no_message(closed_gate):
    here = self()

    def echo(number):
        for _ in range(3):
            send(here, (number, receive()))

    def body():
        with never_interrupted:  # else those that have begun meanwhile would stay
            pids = [spawn(echo, number) for number in range(20)]
            for pid in pids:
                send(pid, "from its parent")
            send(here, pids)
            hold()

    holder = start_at(0, body)
    pids = receive(list, timeout=SOON)
    for word in ("second", "third"):
        for pid in pids:
            send(pid, word)
    got = [receive(tuple, timeout=SOON) for _ in range(60)]
    assert not gate.is_set()
    for number in range(20):
        assert [text for n, text in got if n == number] == ["from its parent", "second", "third"]
    gate.set()
    ended(holder)


def test_moves_in_the_midst_of_messages_keep_their_order():
    here = self()

    def listen(number):
        send(here, (number, [receive() for _ in range(30)]))

    def body(number):
        send(here, spawn(listen, number))
        time.sleep(0.04)

    def talk(pid, first):
        for word in range(first, first + 10):
            send(pid, word)

    for turn in range(25):
        start_at(turn % 2, body, turn)
        pid = receive(Pid, timeout=SOON)
        talkers = [threading.Thread(target=talk, args=(pid, first)) for first in (0, 10)]
        for talker in talkers:
            talker.start()
        talk(pid, 20)
        number, words = receive(tuple, timeout=SOON)
        assert number == turn
        for first in (0, 10, 20):
            assert [word for word in words if first <= word < first + 10] == list(range(first, first + 10))
        for talker in talkers:
            talker.join()


def test_what_a_process_spawns_starts_on_its_own_scheduler():
    def body():
        parent = self()
        pid = spawn(receive)
        return processes[pid.key].owner is processes[parent.key].owner

    assert any(result_at(1, body) for _ in range(5))  # unless it is interrupted just between the two
