"""Helpers in real terminals, and about processes of another node."""

import pytest

from tests.shell.terminal import COLUMNS


def test_helpers_ask_other_nodes(terminal):
    bob = terminal("--name", "bob")
    bob.prompt(1, "bob@127.0.0.1")
    bob.enter("Process.register(spawn(receive, 'never'), 'counter')")
    bob.prompt(2, "bob@127.0.0.1")
    alice = terminal("--connect", "bob")
    alice.prompt(1)
    alice.enter("p = pid(('counter', 'bob@127.0.0.1'))")
    alice.prompt(2)
    alice.enter("i(p)")
    alice.wait("Name          counter")
    alice.wait("Node          bob@127.0.0.1")
    alice.prompt(3)
    alice.enter("process_info(p).status")
    alice.wait("'waiting'")
    alice.prompt(4)
    alice.enter("clear()")
    alice.wait(lambda: alice.lines()[:1] == ["pyex(pyex1@127.0.0.1)5>"])
    alice.enter("[row.name for row in processes(node='bob@127.0.0.1')].count('counter')")
    alice.wait("\n1\n")
    alice.prompt(6)
    alice.enter("bt(p); tree(p)")
    alice.wait("'counter' pyex.core.messaging.receive")
    alice.prompt(7)
    alice.enter("clear()")
    alice.prompt(8)
    alice.enter("nodes()")
    alice.wait("bob@127.0.0.1    connected")
    alice.prompt(9)
    alice.enter("connect('bbo')")
    alice.wait("Did you mean bob@127.0.0.1?")
    alice.prompt(10)
    alice.enter("trace(p, count=2); send(p, ('hello', 1))")
    alice.wait("'bob@127.0.0.1') gets ('hello', 1)")
    alice.prompt(11)
    alice.enter("def f(x): pry(); print('went on with', x)", "")
    alice.prompt(12)
    alice.enter("q = Node.spawn('bob@127.0.0.1', f, 5)")
    alice.wait("asks: pry>")
    alice.enter("(x, Node.self())")
    alice.wait("(5, 'bob@127.0.0.1')")
    alice.wait(lambda: alice.last().endswith("pry>"))
    alice.enter("continue")
    alice.wait("went on with 5")
    alice.prompt(13)
    alice.enter("top(node='bob@127.0.0.1')")
    alice.wait(lambda: alice.lines()[0].startswith("bob@127.0.0.1: "))
    alice.wait("counter")
    alice.type("x")
    alice.prompt(14)


@pytest.fixture
def shell(terminal):
    one = terminal()
    one.prompt(1)
    return one


def test_top_sorts_stops_and_leaves(shell):
    shell.enter("few, many = spawn(receive, 'x', name='few'), spawn(receive, 'x', name='many')")
    shell.prompt(2)
    shell.enter("for n in range(5): send(many, n)", "")
    shell.prompt(3)
    shell.enter("send(few, 1)")
    shell.prompt(4)
    shell.enter("top('messages', every=0.1)")

    def order():
        return [line.split()[1] for line in shell.lines() if line.startswith("Pid")][:2]

    shell.wait(lambda: order() == ["many", "few"])
    assert "processes by messages; the space bar stops" in shell.lines()[0]
    shell.type("n")
    shell.wait(lambda: "by name" in shell.lines()[0] and order()[:1] == ["few"])
    shell.type("n")
    shell.wait(lambda: "by name, turned" in shell.lines()[0])
    shell.type(" ")
    shell.wait("stopped: the space bar goes on")
    shell.type("\x03")
    shell.prompt(5)
    shell.enter("1 + 1")
    shell.wait("\n2\n")


def test_what_is_printed_meanwhile_comes_when_top_has_gone(shell):
    there = "any('live_table' in row.name for row in processes())"
    shell.enter(
        "def talk():", f"for _ in iter(lambda: {there}, True): sleep(0.05)", "print('from a process'); receive()", ""
    )
    shell.prompt(2)
    shell.enter("p = spawn(talk, name='talker')")
    shell.prompt(3)
    shell.enter("top(every=0.1)")
    shell.wait(lambda: "processes by memory" in shell.lines()[0])
    shell.wait(lambda: any("talker" in line and "talk:3" in line for line in shell.lines()))
    shell.type("q")
    shell.wait("from a process\n")
    shell.prompt(4)


def test_wide_values_go_over_several_lines(shell):
    shell.enter("{name: 'x' * 30 for name in ('one', 'two', 'three', 'four')}")
    shell.wait("{'one': 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',\n 'two': 'x")
    assert all(len(line) <= COLUMNS for line in shell.lines())


def test_respawn_comes_back_to_a_prompt(shell):
    shell.enter("x = 3")
    shell.prompt(2)
    shell.enter("respawn()")
    shell.wait("'respawn'")
    shell.prompt(3)
    shell.enter("x")
    shell.wait("\n3\n")
