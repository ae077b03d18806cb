"""``Process.info``: what it says of processes wherever they live, and that nobody can change it."""

import dataclasses
import threading

import pytest

from pyex import Process, ProcessInfo, Ref, receive, run, self, send, share, sleep, spawn
from pyex.core import process_info
from pyex.core.ids import pid_of
from pyex.core.process import processes
from tests.core.support import PLACES, SOON, forever, kill, messages, result_at, start_at, until


@pytest.fixture(params=PLACES.values(), ids=PLACES)
def places(request):
    """Where the process that asks lives, and where the other one does."""
    return request.param


def here_it_waits():
    receive("never")


def prepared(parent, name):
    """A process with some of everything."""
    Process.flag("trap_exit", True)
    Process.register(self(), name)
    Process.put("key", ["value"])
    Process.link(parent)
    Process.monitor(parent)
    Process.group_leader(self(), parent)
    send(parent, "ready")
    here_it_waits()


def test_it_says_what_a_process_is_and_has(places):
    def body():
        pid = start_at(places[1], prepared, self(), "someone")
        receive("ready", timeout=SOON)
        ref = Process.monitor(pid)
        for number in range(5):
            send(pid, number)
        until(lambda: Process.info(pid).status == "waiting")
        info = Process.info(pid)
        assert info.pid == pid
        assert info.registered_name == "someone"
        assert info.initial_call == "tests.core.test_process_info.prepared"
        assert info.current_function == "tests.core.test_process_info.here_it_waits"
        assert [place.function.rpartition(".")[2] for place in info.current_stacktrace] == ["prepared", "here_it_waits"]
        assert info.message_queue_len == 5
        assert info.messages == (0, 1, 2, 3, 4)
        assert info.links == (self(),)
        assert info.monitors == (self(),)
        assert info.monitored_by == (self(),)
        assert info.trap_exit is True
        assert info.dictionary == {"key": ["value"]}
        assert info.group_leader == self()
        assert info.parent == self()
        assert info.scheduler == ("thread" if places[1] == "thread" else processes[pid.key].owner.number)
        Process.unlink(pid)
        Process.demonitor(ref)
        assert Process.info(pid).links == ()
        assert Process.info(pid).monitored_by == ()
        kill(pid)
        assert messages() == []

    result_at(places[0], body)


def test_the_first_messages_are_copies(places):
    def body():
        pid = start_at(places[1], forever)
        for number in range(50):
            send(pid, [number])
        first = Process.info(pid).messages
        assert first == tuple([number] for number in range(10))
        first[0].append("mine")
        assert Process.info(pid).messages[0] == [0]
        kill(pid)

    result_at(places[0], body)


def test_13a_it_sees_the_effect_of_the_callers_own_signals(places):
    def body():
        for _ in range(200):
            pid = start_at(places[1], forever)
            send(pid, "one")
            assert Process.info(pid).message_queue_len == 1
            Process.exit(pid, "kill")
            assert Process.info(pid) is None

    result_at(places[0], body)


def test_of_oneself_it_shows_the_running_code(places):
    def body():
        info = Process.info(self())
        return info.status, info.current_function

    status, function = result_at(places[0], body)
    assert status == "running"
    assert function.endswith("test_of_oneself_it_shows_the_running_code.<locals>.body")


def test_a_process_that_has_not_begun_is_runnable():
    def body():
        pid = spawn(forever)
        info = Process.info(pid)
        kill(pid)
        return info.status, info.current_function, info.current_stacktrace

    # The one that spawns it may be interrupted before it looks.
    assert any(result_at(0, body) == ("runnable", None, ()) for _ in range(5))


def test_a_thread_that_is_busy_is_running():
    gate, begun = threading.Event(), threading.Event()

    def busy(gate, begun):
        begun.set()
        gate.wait()

    pid = spawn(busy, share(gate), share(begun), thread=True)
    begun.wait(SOON)
    info = Process.info(pid)
    gate.set()
    assert info.status == "running"
    assert info.scheduler == "thread"
    assert info.initial_call.endswith("busy")


def test_a_dead_process_has_none_and_a_wrong_question_is_refused():
    pid = spawn(int)
    until(lambda: pid.key not in processes)
    assert Process.info(pid) is None
    with pytest.raises(TypeError, match=r"Process.whereis\('name'\)"):
        Process.info("name")
    with pytest.raises(TypeError):
        Process.info(Ref())


def test_it_is_frozen_and_a_copy():
    def body():
        value = [1]
        Process.put("list", value)
        Process.put("lock", threading.Lock())
        info = Process.info(self())
        info.dictionary["list"].append(2)
        assert value == [1]
        assert "lock" in info.dictionary["lock"]
        with pytest.raises(dataclasses.FrozenInstanceError):
            info.status = "mine"
        return info

    assert isinstance(result_at(0, body), ProcessInfo)


def test_marks_in_a_mailbox_are_no_messages():
    def body():
        for number in range(200):
            send(self(), number)
        Ref()
        assert Process.info(self()).message_queue_len == 200

    result_at(0, body)


def test_printed_it_is_a_table():
    pid = spawn(sleep, 60)
    lines = str(Process.info(pid)).splitlines()
    kill(pid)
    assert lines[0].split() == ["pid", repr(pid)[: repr(pid).index("(") + 1] + repr(pid)[len("Pid(") :]]
    assert {line.split()[0] for line in lines} == {field.name for field in dataclasses.fields(ProcessInfo)}


class Mute:
    """Neither its copy nor its text can be had."""

    def __reduce__(self):
        raise ValueError("no copy")

    def __repr__(self):
        raise ValueError("no text")


def test_it_is_answered_whatever_the_dictionary_holds(places):
    def body():
        def main(parent):
            Process.put("mute", Mute())
            Process.put(Mute(), "mute key")
            send(parent, "ready")
            here_it_waits()

        pid = start_at(places[1], main, self())
        receive("ready", timeout=SOON)
        info = Process.info(pid)
        kill(pid)
        return info.dictionary

    shown = result_at(places[0], body)
    assert "repr raised ValueError" in shown["mute"]
    assert "mute key" in shown.values()


def test_it_is_answered_while_the_dictionary_changes():
    def main():
        while True:
            for number in range(100):
                Process.put(number, [number])
            for number in range(100):
                Process.delete(number)
            receive(timeout=0, default=None)

    pid = spawn(main, thread=True)
    for _ in range(300):
        assert Process.info(pid) is not None
    kill(pid)


def test_the_stack_of_a_run_begins_with_its_function():
    def main():
        return Process.info(self()).current_stacktrace

    assert [place.function.rpartition(".")[2] for place in run(main)] == ["main"]


@pytest.mark.parametrize("place", [0, "thread"])
def test_reductions_tell_who_works(place):
    def hog():
        while True:
            pass

    def idle(parent):
        while True:
            send(parent, receive())

    busy, lazy = start_at(place, hog), start_at(place, idle, self())
    until(lambda: Process.info(busy).reductions > 100_000, "work of the busy one")
    send(lazy, "is anybody there?")
    assert receive(timeout=SOON) == "is anybody there?"
    until(lambda: Process.info(busy).reductions > 2 * Process.info(lazy).reductions)
    kill(busy, lazy)


def test_a_thread_is_not_held_up_while_its_process_is_measured(monkeypatch):
    pid = spawn(forever, thread=True)
    owner = processes[pid.key].owner
    held_up = []
    monkeypatch.setattr(process_info, "measure", lambda *_: held_up.append(owner._applying.locked()) or 12345)
    assert Process.info(pid).memory == 12345
    assert held_up == [False]
    kill(pid)


def test_the_memory_of_a_process_that_holds_very_much_is_told_in_bounded_time(monkeypatch):
    monkeypatch.setattr("pyex.core.process_info.MEASURED", 20_000)

    def holds(parent):
        objects = [[number] for number in range(300_000)]
        send(parent, "ready")
        receive("never")
        return objects

    pid = spawn(holds, self())
    receive("ready", timeout=30)
    assert 20_000 * 50 < Process.info(pid).memory < 100_000 * 80


def test_a_pid_of_an_earlier_life_of_this_node_is_dead_and_one_of_another_node_is_refused(monkeypatch):
    monkeypatch.setattr("pyex.core.identity.identity.name", "bob@127.0.0.1")
    former = pid_of((self().number, "bob@127.0.0.1", 7))
    assert Process.info(former) is None
    assert Process.alive(former) is False
    for ask in (Process.info, Process.alive):
        with pytest.raises(ValueError, match="processes of this node"):
            ask(pid_of((self().number, "carol@127.0.0.1", 7)))
