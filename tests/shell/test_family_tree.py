"""Drawings of processes: what a supervisor tells of, and what each line says."""

import time

import pyex
from pyex import Pid, Process, receive, self, send, spawn
from shell import family_tree
from shell.family_tree import Member, draw

ONE, TWO, THREE = Pid("0.1.0"), Pid("0.2.0"), Pid("0.3.0")


def member(pid, parent=None, links=(), children=(), text="f"):
    return Member(pid, text, parent, tuple(links), tuple(children))


def test_children_of_which_some_are_not_running():
    boss = member(ONE, links=[TWO], children=[("a", TWO), ("b", None), ("c", "restarting")], text="boss")
    assert draw([boss, member(TWO, ONE, [ONE])], ONE, fine=True).splitlines() == [
        "Pid('0.1.0')  boss", "├─ Pid('0.2.0')  'a'  f", "├─ 'b' (not running)", "└─ 'c' (restarting)",
    ]  # fmt: skip


def test_links_in_a_ring_are_drawn_once():
    ring = [member(ONE, links=[TWO, THREE]), member(TWO, links=[ONE, THREE]), member(THREE, links=[ONE, TWO])]
    assert draw(ring, ONE, fine=False).splitlines() == [
        "Pid('0.1.0')  f", "|~ Pid('0.2.0')  f  (linked to Pid('0.3.0'))", "`~ Pid('0.3.0')  f  (linked to Pid('0.2.0'))",
    ]  # fmt: skip


def test_processes_of_other_nodes_and_dead_ones():
    far = Pid("0.9.0", "bob@127.0.0.1")
    assert draw([member(ONE, links=[far])], ONE, fine=True).splitlines()[1] == (
        "└┄ Pid('0.9.0', 'bob@127.0.0.1')  (of another node)"
    )
    assert draw([], TWO, fine=True) == "Pid('0.2.0')  (not alive)"


def test_a_supervisor_is_asked_and_one_that_is_busy_is_not_waited_for(monkeypatch):
    def boss(up):
        Process.put("$initial_call", ("supervisor", "Boss", 1))
        send(up, "up")
        receive("never")

    class Supervisor:
        @staticmethod
        def which_children(pid):
            return [("one", None, "worker")] if pid == asked else time.sleep(0) or receive("never")

    asked, busy = spawn(boss, self()), spawn(boss, self())
    receive("up", timeout=10)
    receive("up", timeout=10)
    monkeypatch.setattr(pyex, "Supervisor", Supervisor, raising=False)
    monkeypatch.setattr(family_tree, "ASKED", 0.2)
    monkeypatch.setattr(Process, "list", staticmethod(lambda: [asked, busy]))
    found = {one.pid: one for one in family_tree.gather()}
    assert found[asked].children == (("one", None),)
    assert found[asked].text == "supervisor Boss"
    assert found[busy].children == ()
