"""What is done when a process ends is done before anybody is told."""

import logging

import pytest

from pyex import Down, Exited, Process, on_end, receive, self, send, share, spawn_monitor
from pyex.core.process import processes
from tests.core.support import PLACES, SOON, link_at, monitor_at, result_at, switching


@pytest.fixture(params=PLACES.values(), ids=PLACES)
def places(request):
    return request.param


def stay(table, asker):
    on_end(table.discard)
    table.add(self())
    send(asker, "there")
    receive()


@pytest.mark.parametrize("end", ["return", "kill"])
def test_when_a_down_is_seen_it_has_been_called(places, end):
    def body(table):
        for _ in range(200):
            pid, ref = monitor_at(places[1], stay, share(table), self())
            receive("there", timeout=SOON)
            assert pid in table
            Process.exit(pid, "kill") if end == "kill" else send(pid, "go")
            receive(Down(ref), timeout=SOON)
            assert pid not in table

    with switching(1e-5):
        result_at(places[0], body, share(set()))


def test_when_an_exit_is_seen_it_has_been_called(places):
    def body(table):
        Process.flag("trap_exit", True)
        pid = link_at(places[1], stay, share(table), self())
        receive("there", timeout=SOON)
        send(pid, "go")
        receive(Exited(pid), timeout=SOON)
        assert table == set()

    result_at(places[0], body, share(set()))


def test_it_is_called_once_and_sees_that_the_process_is_not_alive():
    calls = []

    def note(pid):
        calls.append((pid, Process.alive(pid)))

    def main(note):
        on_end(note)
        on_end(note)

    pid, ref = spawn_monitor(main, share(note))
    receive(Down(ref), timeout=SOON)
    assert calls == [(pid, False)]


def test_what_it_raises_is_logged_and_the_others_are_told(caplog):
    logging.getLogger("pyex").setLevel(logging.ERROR)
    calls = []

    def fail(pid):
        raise SystemExit("no table")

    def main(fail, note):
        on_end(fail)
        on_end(note)

    pid, ref = spawn_monitor(main, share(fail), share(calls.append))
    assert receive(Down(ref), timeout=SOON).reason == "normal"
    assert calls == [pid]
    assert "no table" in caplog.text


def test_one_that_has_been_declared_dead_meanwhile_is_told_so(monkeypatch):
    monkeypatch.delitem(processes, self().key)
    assert on_end(lambda pid: None) is False
