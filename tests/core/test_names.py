"""Registered names: statement 18, and registration that races with the end of the process."""

import threading

import pytest

from pyex import NameTaken, NoProcess, Process, exit, receive, self, send, spawn, spawn_link
from pyex.core.process import names, processes
from tests.core.support import PLACES, SOON, ended, forever, kill, result_at, start_at, switching


def test_18_a_taken_name_is_an_error():
    pid = spawn(forever, name="taken")
    with pytest.raises(NameTaken, match=r"'taken' is taken, by Pid") as raised:
        Process.register(self(), "taken")
    assert isinstance(raised.value, ValueError)
    assert Process.whereis("taken") == pid


def test_18_a_second_name_for_one_process_is_an_error():
    pid = spawn(forever, name="first name")
    with pytest.raises(NameTaken, match="registered already, as 'first name'"):
        Process.register(pid, "second name")
    assert Process.whereis("second name") is None


def test_18_a_dead_process_gets_no_name():
    pid = spawn(int)
    ended(pid)
    with pytest.raises(NoProcess, match="not alive"):
        Process.register(pid, "dead")
    assert Process.whereis("dead") is None


def test_18_an_ending_process_gets_no_name():
    def body():
        pid = spawn(forever)
        Process.exit(pid, "kill")
        with pytest.raises(NoProcess, match="not alive"):
            Process.register(pid, "ending")
        return Process.whereis("ending")

    assert result_at(0, body) is None


@pytest.mark.parametrize("name", ["", 42, None, ("a", "b")])
def test_a_name_is_a_str_with_something_in_it(name):
    with pytest.raises(TypeError, match="a process's name is a str"):
        Process.register(self(), name)


def test_unregister_frees_the_name_for_another():
    first, second = spawn(forever), spawn(forever)
    Process.register(first, "moves")
    assert Process.unregister("moves")
    with pytest.raises(NoProcess):
        Process.unregister("moves")
    Process.register(second, "moves")
    assert Process.whereis("moves") == second
    kill(first)
    assert Process.whereis("moves") == second
    assert "moves" in Process.registered()


@pytest.mark.parametrize("thread", [False, True])
def test_spawn_with_a_taken_name_leaves_nothing_behind(thread):
    def threads():
        """Those of processes: schedulers come and go."""
        return {it for it in threading.enumerate() if it.name.startswith("pyex-process")}

    spawn(forever, name="held")
    Process.flag("trap_exit", True)
    before, threads_before = (len(processes), len(Process.list())), threads()
    for spawning in (spawn, spawn_link):
        with pytest.raises(NameTaken):
            spawning(exit, "ran", name="held", thread=thread)
    assert (len(processes), len(Process.list())) == before
    assert threads() <= threads_before  # of those that ended before, one may be left for a moment
    assert not processes[self().key].links
    assert receive(timeout=0, default="nothing") == "nothing"


def test_a_named_process_can_be_reached_from_its_first_moment():
    def body():
        for _ in range(200):
            pid = spawn(lambda: receive() and None, name="early")
            send("early", "hello")
            assert ended(pid) in ("normal", "noproc")

    result_at(0, body)


@pytest.mark.parametrize("place", [0, 1, "thread"])
def test_registering_races_with_the_end(place):
    with switching(1e-5):
        for _ in range(100 if place == "thread" else 1000):
            pid = start_at(place, int)
            try:
                Process.register(pid, "racing")
            except NoProcess:
                pass
            assert ended(pid) in ("normal", "noproc")
            assert "racing" not in names


@pytest.mark.parametrize("places", PLACES.values(), ids=PLACES)
def test_of_racing_registrations_one_wins(places):
    def racer(parent, turn):
        try:
            Process.register(parent, f"prize {turn}")
            send(parent, "won")
        except NameTaken:
            send(parent, "lost")

    with switching(1e-5):
        for turn in range(100):
            for place in places:
                start_at(place, racer, self(), turn)
            assert {receive(timeout=SOON), receive(timeout=SOON)} == {"won", "lost"}
            assert Process.whereis(f"prize {turn}") == self()
            Process.unregister(f"prize {turn}")


def test_a_process_registered_from_elsewhere_while_it_makes_its_first_relation():
    def relating():
        Process.flag("trap_exit", True)
        receive("end", timeout=SOON)

    with switching(1e-6):
        for _ in range(300):
            pid = start_at(1, relating)
            try:
                Process.register(pid, "relating")
            except NoProcess:
                continue
            send(pid, "end")
            ended(pid)
            assert "relating" not in names
