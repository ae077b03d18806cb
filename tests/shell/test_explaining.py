"""``i`` explains values."""

import textwrap

import pytest

from shell.testing import capture_shell


def rows(text):
    printed = capture_shell(textwrap.dedent(text))
    return {line[:13].strip(): line[14:] for line in printed.splitlines()}


def test_a_pid_tells_what_it_runs_where_it_waits_and_what_lies_in_its_mailbox():
    told = rows("""\
        def wait():
            Process.flag("trap_exit", True)
            receive("never")

        p = spawn_link(wait, name="waiter")
        for n in range(3): send(p, ("hello", n)) and None

        while process_info(p).status != "waiting": sleep(0.01)

        i(p)
        """)
    assert told["Alive"] == "yes"
    assert told["Runs"] == "wait"
    assert told["Is at"] == "wait, line 3 of <pyex 1>"
    assert told["Status"].startswith("waiting")
    assert told["Mailbox"] == "3 messages"
    assert told[""] == "('hello', 2)"
    assert told["Name"] == "waiter"
    assert told["Links"] == told["Parent"]
    assert told["Traps exits"].startswith("yes")


def test_a_dead_pid():
    assert rows("i(Pid('0.99999.0'))")["Alive"].startswith("no")


def test_a_process_of_a_node_that_was_restarted_or_is_not_there(monkeypatch):
    monkeypatch.setattr("pyex.core.identity.identity.name", "bob@127.0.0.1")
    former = "from pyex.core.ids import pid_of; p = pid_of((self().number, Node.self(), 7))\n"
    assert rows(f"{former}i(p)")["Alive"] == "no: its node was restarted"
    printed = capture_shell(f"{former}process_info(p)\nbt(p)\ntree(p)\ntrace(p)")
    dead, drawn, *error = printed.splitlines()
    assert dead.endswith("'bob@127.0.0.1') is not alive: its node was restarted")
    assert drawn.endswith("'bob@127.0.0.1')  (not alive)")
    assert error[-1].startswith("pyex.NoProcess: cannot trace Pid(")
    assert error[-1].endswith("its node was restarted")
    assert rows("i(Pid('0.110.0', 'carol@127.0.0.1'))")["Alive"].startswith("that cannot be told: ")


def test_a_registered_name_and_one_that_is_near():
    text = "p = spawn(receive, name='counter')\ni('counter')"
    assert rows(text)["Registered"].endswith("has this name")
    assert rows(text)["Runs"] == "pyex.core.messaging.receive"
    assert rows("p = spawn(receive, name='counter')\ni('conter')")["Registered"].endswith("Did you mean 'counter'?")


@pytest.mark.parametrize(("typed", "label", "says"), [
    ("i(3)", "Type", "int"),
    ("i([1, 2])", "Length", "2"),
    ("i('é')", "In UTF-8", "2 bytes"),
    ("i(spawn)", "What it does", "Start a process"),
    ("async def f(): pass\n\ni(f)", "Async", "await it"),
    ("def g():\n    yield\n\ni(g)", "Generator", "loop over"),
    ("x = [1]\nf = (lambda x: lambda: x)(3)\ni(f)", "Carries", "x; copied"),
    ("i(Process)", "Functions", "link, unlink"),
    ("import json; i(json)", "Exports", "dump"),
    ("i(ValueError('bad'))", "Caught by", "except ValueError or Exception"),
    ("i(NoProcess())", "Which means", "there was no such process"),
    ("i(Exit(('shutdown', 1)))", "Which means", "told to end"),
    ("try: 1/0\nexcept Exception as error: e = error\n\ni(e)", "Raised", "in <module>, line 1 of <pyex 1>"),
    ("i(Down(Ref(), self(), 'killed'))", "Which means", "somebody killed it"),
    ("i(Exited(self(), 'noconnection'))", "Message", "traps exits"),
    ("p, r = spawn_monitor(lambda: 1/0)\ni(receive(Down(r)).reason)", "Says", "division by zero"),
    ("r = Process.send_after(self(), 'x', 50)\ni(r); Process.cancel_timer(r)", "Timer", "sends in"),
    ("i(Ref())", "Node", "nonode@nohost"),
    ("p = Port.open(['cat'])\ni(p)", "Program", "('cat',)"),
    ("5\ni()", "Value", "5"),
])  # fmt: skip
def test_what_is_said(typed, label, says):
    assert says in rows(typed)[label]


def test_a_value_of_a_class_of_ones_own_and_teaching_it():
    text = textwrap.dedent("""\
        class Point:
            '''A place.'''
            def __init__(self): self.x = 3
            def move(self): ...
            def __len__(self): raise ValueError

        i(Point())
        """)
    assert rows(text)["Attributes"] == "move, x"
    told = rows(text + "@i.register(Point)\ndef _(point): return [('Distance', point.x * 2)]\n\ni(Point())\n")
    assert told["Distance"] == "6"
