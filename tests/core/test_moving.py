"""Processes that leave a held scheduler before they begin: nothing sent to them is lost, overtaken or left asleep."""

import threading
import time

import pytest

from pyex import ANY, Down, Exited, Node, Pid, Process, receive, request, respond, self, send, spawn
from pyex.core import monitor, spawning
from pyex.core.moving import move_waiting
from pyex.core.options import give_options
from pyex.core.process import processes
from pyex.core.signals import HANDLERS, LINK, MONITOR
from tests.core.support import SOON, ended, kill, result_at, scheduler, start_at, trap, until

gate = threading.Event()  # a module's globals are shared


@pytest.fixture(autouse=True)
def closed_gate(monkeypatch):
    """Nobody goes before the gate is open, and nobody moves but when the test says so."""
    monkeypatch.setattr(monitor, "MOVE_AFTER", float("inf"))
    gate.clear()
    yield
    gate.set()


def hold(parent):
    send(parent, "held")
    gate.wait(SOON * 3)


def held():
    """The first scheduler, from now on, by the process that is returned: one that had not begun would move itself."""
    holder = start_at(0, hold, self())
    assert receive("held", timeout=SOON) == "held"
    return holder


def hold_over(parent, fn):
    pid = spawn(fn)
    send(pid, "early")  # it has a mailbox before it has begun
    send(parent, ("held", pid))
    gate.wait(SOON * 3)


def move():
    """What the monitor does when it finds the first scheduler held."""
    move_waiting(scheduler(0), scheduler(1))


class Moving:
    """While it is copied, the first time, the one it is for leaves for another scheduler, begins there and waits."""

    def __init__(self, pid):
        self.pid = pid

    def __getstate__(self):
        if self.pid is not None:
            move()
            deadline = time.monotonic() + SOON
            while not processes[self.pid.key].waiting and time.monotonic() < deadline:
                time.sleep(0.001)
        return {"pid": None}


@pytest.mark.parametrize("by", ["pid", "name", "name and node"])
def test_one_that_moves_while_its_message_is_copied_is_woken(by):
    here = self()

    def listen():
        send(here, receive())
        send(here, receive())

    def body():
        pid = spawn(listen, name=f"listener {by}")
        send({"pid": pid, "name": f"listener {by}", "name and node": (f"listener {by}", Node.self())}[by], Moving(pid))
        send(pid, "more")

    first = start_at(0, body)
    assert type(receive(timeout=SOON)) is Moving
    assert receive(timeout=SOON) == "more"
    for index in (0, 1):  # both schedulers go on
        assert result_at(index, lambda: "alive") == "alive"
    assert ended(first) in ("normal", "noproc")


@pytest.mark.parametrize("early", [[], ["early"]])
def test_what_was_sent_before_the_move_comes_before_what_is_sent_after_it(early):
    here = self()

    def listen():
        for _ in range(3 + len(early)):
            match receive():
                case ("ask", (_, alias), word):
                    respond(alias, None)
                case word:
                    pass
            send(here, word)

    def body(pid, ask):
        send(pid, "before")
        move()
        if ask:
            request(pid, "ask", "after", None)
        else:
            send(pid, "after")
        send(pid, "at the end")

    for ask in (False, True):
        gate.clear()
        if early:
            holder = start_at(0, hold_over, here, listen)
            _, listener = receive(("held", Pid), timeout=SOON)
        else:
            holder = held()
            listener = start_at(0, listen)
        asker = start_at(1, body, listener, ask)
        assert [receive(str, timeout=SOON) for _ in range(3 + len(early))] == [*early, "before", "after", "at the end"]
        gate.set()
        ended(holder, listener, asker)


def test_11_the_last_message_comes_before_the_down_after_a_move_too():
    here = self()

    def listen(pid):
        Process.monitor(pid)
        send(here, "listening")
        Process.hibernate(tell)

    def tell():
        send(here, [receive(), receive(), receive()[0]])

    def body():
        listener = receive(Pid)
        send(listener, "last")
        move()

    speaker = start_at(1, body)
    listener = start_at(0, listen, speaker)
    assert receive(timeout=SOON) == "listening"
    until(lambda: processes[listener.key].greenlet is None)

    def wake_and_hold():
        send(listener, "first")
        hold(here)

    holder = start_at(0, wake_and_hold)
    assert receive(timeout=SOON) == "held"
    send(speaker, listener)
    assert receive(list, timeout=SOON) == ["first", "last", "DOWN"]
    gate.set()
    ended(holder)


def test_13a_who_is_killed_and_moves_is_not_alive():
    def body(pid):
        Process.exit(pid, "kill")
        move()
        return Process.alive(pid), Process.info(pid)

    holder = held()
    pid = start_at(0, receive)
    assert result_at(1, body, pid) == (False, None)
    gate.set()
    ref = Process.monitor(pid)
    assert receive(Down(ref, ANY), timeout=SOON).reason in ("killed", "noproc")
    ended(holder)


@pytest.mark.parametrize(("priority", "queue"), [("high", "urgent"), ("normal", "ready"), ("low", "patient")])
def test_who_moves_keeps_its_priority(priority, queue):
    holder = held()
    process = spawning.create(receive, (), scheduler=scheduler(0))
    give_options(process, priority, None)
    spawning.start(process)
    move()
    assert process.owner is not scheduler(0)
    assert process.queue is getattr(process.owner, queue)
    gate.set()
    ended(holder)
    kill(process.pid)


@pytest.mark.parametrize("op", [MONITOR, LINK])
def test_one_that_moves_while_it_is_signalled_to_and_ends_at_once_is_told_of(op, monkeypatch):
    handler = HANDLERS[op]
    moved = []

    def mover(pid):
        move()
        until_it_is_over = time.monotonic() + SOON
        while pid.key in processes and time.monotonic() < until_it_is_over:
            time.sleep(0.001)

    def slowly(process, args):
        if not moved:
            moved.append(threading.Thread(target=mover, args=(process.pid,)))
            moved[0].start()
            moved[0].join(0.3)  # by which time it is over, if nothing holds it up
        handler(process, args)

    monkeypatch.setitem(HANDLERS, op, slowly)

    def body():
        trap()
        pid = spawn(int)
        if op == MONITOR:
            return receive(Down(Process.monitor(pid)), timeout=SOON).reason
        Process.link(pid)
        return receive(Exited(pid), timeout=SOON).reason

    assert result_at(0, body) == "normal"
    moved[0].join(SOON)
    assert not moved[0].is_alive()


class Patient:
    """Whose copy, the first time, waits until the one it is for has emptied its mailbox and hibernates."""

    def __init__(self, pid):
        self.pid = pid

    def __getstate__(self):
        if self.pid is not None:
            until(lambda: processes[self.pid.key].mailbox is None)
        return {"pid": None}


def test_a_message_whose_copy_lets_others_run_arrives_and_is_copied_once():
    here = self()

    def loop():
        message = receive()
        send(here, message if isinstance(message, str) else type(message))
        Process.hibernate(loop)

    def body():
        pid = spawn(loop)
        for message in ("first", Patient(pid), "third"):
            send(pid, message)
        kept = receive("kept", timeout=SOON)
        kill(pid)
        return kept

    other = start_at(0, lambda: send(here, body()))
    assert [receive(timeout=SOON) for _ in range(3)] == ["first", Patient, "third"]
    send(other, "kept")
    assert receive("kept", timeout=SOON) == "kept"
