"""Process groups."""

import sys
import time

import cloudpickle
import pytest

from pyex import Global, NameTaken, Node, NoProcess, Process, erpc, pg, receive, self, send, sleep, spawn

# What these tests ship to other nodes is of this module, which those cannot import.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

BOB, CAROL = "bob@127.0.0.1", "carol@127.0.0.1"


@pytest.fixture(autouse=True)
def mesh(bob_and_carol):
    for other in bob_and_carol:
        Node.connect(other.name)
    return bob_and_carol


def ask(node, fn, *args):
    return erpc.call(node, fn, *args, timeout=60)


def until(condition):
    """Wait until it holds; what comes from other nodes comes in its own time."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it does not become true"
        sleep(0.001)


def joined(group, times=1, scope="pg"):
    """A process of this node that is in a group."""
    pid = spawn(sleep, None)
    for _ in range(times):
        assert pg.join(group, pid, scope) is True
    return pid


def join_there(node, group, times=1, scope="pg"):
    """A process of another node that is in a group."""
    return ask(node, joined, group, times, scope)


def everywhere(group, members):
    """Wait until all three nodes see these members."""
    for node in (Node.self(), BOB, CAROL):
        until(lambda node=node: sorted(ask(node, pg.get_members, group)) == sorted(members))


def test_55_members_are_seen_on_all_nodes():
    here, there = joined("seen"), join_there(BOB, "seen")
    everywhere("seen", [here, there])
    assert pg.get_local_members("seen") == [here]
    assert ask(BOB, pg.get_local_members, "seen") == [there]
    assert pg.get_members("seen")[0] == here
    assert "seen" in ask(CAROL, pg.which_groups)
    assert pg.get_members("nobody's") == pg.get_local_members("nobody's") == []


def test_55_who_joins_twice_has_to_leave_twice():
    pid = joined("twice", times=2)
    everywhere("twice", [pid, pid])
    assert pg.leave("twice", pid) is True
    everywhere("twice", [pid])
    assert pg.leave("twice", pid) is True
    assert pg.leave("twice", pid) is False
    everywhere("twice", [])
    assert "twice" not in pg.which_groups()


def test_several_join_and_leave_at_once():
    pids = [spawn(sleep, None) for _ in range(3)]
    assert pg.join("several", pids) is True
    assert pg.get_members("several") == pids
    assert pg.leave("several", [*pids[:2], self()]) is True
    everywhere("several", pids[2:])


def test_55_only_local_processes_join():
    there = join_there(BOB, "local")
    with pytest.raises(ValueError, match="only there it can join"):
        pg.join("local", there)
    with pytest.raises(ValueError, match="only there it can leave"):
        pg.leave("local", [there])
    with pytest.raises(TypeError, match="takes a group and a pid"):
        pg.join("local", "name")


def test_members_leave_by_ending():
    pid = joined("ending", times=3)
    there = join_there(BOB, "ending", times=2)
    everywhere("ending", [pid] * 3 + [there] * 2)
    Process.exit(there, "kill")
    everywhere("ending", [pid] * 3)
    Process.exit(pid, "kill")
    everywhere("ending", [])
    assert pg.join("ending", pid) is True  # it is dead, and leaves at once
    until(lambda: "ending" not in pg.which_groups())


def cut_off(node):
    """Disconnect a node from all others, who stay together."""
    Node.spawn(node, Global.disconnect)
    until(lambda: node not in Node.list())


def test_55_members_vanish_on_a_split_and_return_when_it_heals():
    here, there = joined("split"), join_there(BOB, "split")
    everywhere("split", [here, there])
    for _ in range(20):
        cut_off(BOB)
        until(lambda: pg.get_members("split") == [here])
        Node.connect(BOB)
        until(lambda: pg.get_members("split") == [here, there])
        everywhere("split", [here, there])
    cut_off(BOB)
    Process.exit(here, "kill")
    until(lambda: pg.get_members("split") == [])
    Node.connect(BOB)
    everywhere("split", [there])


def test_scopes_do_not_know_of_each_other():
    with pytest.raises(NoProcess, match=r"pg.start_link\('games'\)"):
        pg.join("chess", self(), "games")
    pid = pg.start_link("games")
    assert pid in Process.info(self()).links
    with pytest.raises(NameTaken):
        pg.start("games")
    ask(BOB, pg.start, "games")
    here, there = joined("chess", scope="games"), join_there(BOB, "chess", scope="games")
    until(lambda: pg.get_members("chess", "games") == [here, there])
    assert pg.which_groups("games") == ["chess"]
    assert pg.get_members("chess") == []
    Process.unlink(pid)
    Process.exit(pid, "kill")
    until(lambda: ask(BOB, pg.get_members, "chess", "games") == [there])
    pg.start("games")
    until(lambda: pg.get_members("chess", "games") == [there])
    ask(BOB, lambda: Process.exit(Process.whereis("games"), "kill"))


def test_a_monitor_tells_of_all_changes_and_only_of_its_group():
    first = joined("watched")
    ref, members = pg.monitor("watched")
    assert members == [first]
    second = joined("watched")
    assert receive(timeout=60) == (ref, "join", "watched", [second])
    joined("another")
    there = join_there(BOB, "watched", times=2)
    for _ in range(2):
        assert receive(timeout=60) == (ref, "join", "watched", [there])
    cut_off(BOB)
    assert receive(timeout=60) == (ref, "leave", "watched", [there, there])
    Node.connect(BOB)
    assert receive(timeout=60) == (ref, "join", "watched", [there, there])
    pg.leave("watched", first)
    assert receive(timeout=60) == (ref, "leave", "watched", [first])
    assert pg.demonitor(ref) is True
    assert pg.demonitor(ref) is False
    pg.leave("watched", second)
    assert receive(timeout=0, default=None) is None


def test_the_scope_is_not_disturbed_by_what_anybody_sends_it():
    for message in ("junk", ("join", self(), "g", [self()]), ("sync", 1, 2), ("call", 1, 2), ("leave", self(), 1, 2)):
        send("pg", message)
        send(("pg", BOB), message)
    pid = joined("calm")
    everywhere("calm", [pid])


def test_without_a_node_groups_are_this_interpreter_s_own(mesh):
    program = "from pyex import *; pg.join('g', self()); print(pg.get_members('g') == [self()], Process.registered())"
    import subprocess

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == ("True ['pg']\n", "")


def test_joins_of_many_processes_at_once_are_all_there():
    here = self()

    def member(number):
        pg.join("many", self())
        if number % 2:
            pg.leave("many", self())
        send(here, "done")
        sleep(None)

    for number in range(200):
        Node.spawn((Node.self(), BOB, CAROL)[number % 3], member, number)
    for _ in range(200):
        receive("done", timeout=60)
    for node in (Node.self(), BOB, CAROL):
        until(lambda node=node: len(ask(node, pg.get_members, "many")) == 100)
