"""Great amounts of output while a person types."""

import re

import pytest

FLOOD = """
from pyex import *

def count(lines, me):
    import time
    begun = time.monotonic()
    for number in range(lines):
        print("line", number, "of many")
    send(me, time.monotonic() - begun)

def lines_of(name, lines, me):
    for number in range(lines):
        print(name, number, "of many")

def endless(go):
    receive("go")
    number = 0
    while True:
        number += 1
        print("line", number)
"""


@pytest.fixture
def shell(terminal, tmp_path):
    (tmp_path / "flood.py").write_text(FLOOD)
    shell = terminal()
    shell.prompt(1)
    shell.enter("from flood import *")
    shell.prompt(2)
    return shell


def test_a_half_typed_line_stays_whole_while_processes_print(shell):
    shell.enter("ps = [spawn(endless, 1) for n in range(3)]")
    shell.prompt(3)
    shell.enter("go = lambda: [send(p, 'go') for p in ps] and None")
    shell.prompt(4)
    shell.enter("go()")
    shell.wait(lambda: sum(line.startswith("line ") for line in shell.lines()) > 20)
    typed = ""
    for piece in ("nu", "mber", " = 40 ", "+ 2"):
        shell.type(piece)
        typed += piece
        line = f"pyex(pyex1@127.0.0.1)5> {typed}".rstrip()
        shell.wait(lambda line=line: shell.last() == line, timeout=30)
    shell.type("\r")
    shell.wait(lambda: any(line.endswith(")6>") for line in shell.lines()), timeout=30)
    shell.type("_ = [Process.exit(p, 'kill') for p in ps]\r")
    shell.wait(lambda: shell.last().endswith(")7>"), timeout=30)
    shell.enter("number")
    shell.wait(lambda: shell.lines()[-2:] == ["42", "pyex(pyex1@127.0.0.1)8>"])


def test_ctrl_c_is_alive_in_a_flood(shell):
    shell.enter("ps = [spawn(endless, 1) for n in range(3)]")
    shell.prompt(3)
    shell.enter("_ = [send(p, 'go') for p in ps]; sleep(None)")
    shell.wait(lambda: sum(line.startswith("line ") for line in shell.lines()) > 20)
    shell.type("\x03")
    shell.wait(lambda: shell.last() == "pyex(pyex1@127.0.0.1)4>", timeout=30)
    shell.type("\x04")
    assert shell.leave() == 0


def test_many_lines_arrive_in_their_order(shell):
    shell.enter("p = spawn(count, 5_000, self())")
    shell.wait(lambda: "line 4999 of many" in shell.lines(), timeout=50)
    shell.prompt(3)
    shown = [int(number) for number in re.findall(rb"line (\d+) of many", shell.raw)]
    assert shown == list(range(5_000))
    shell.enter("receive(timeout=10) < 20")
    shell.prompt(4)
    assert shell.lines()[-2] == "True"


def test_floods_of_another_node_are_whole_and_in_order_and_so_is_the_half_typed_line(terminal, shell):
    bob = terminal("--name", "bob")
    bob.prompt(1, "bob@127.0.0.1")  # and nothing is typed there: the module of the flood is found all the same
    shell.enter("connect('bob')")
    shell.prompt(3)
    shell.enter("def far(me): ps = [spawn(lines_of, name, 2_500, me) for name in 'abcd']; receive()", "")
    shell.prompt(4)
    shell.enter("p = Node.spawn('bob@127.0.0.1', far, self())")
    shell.type("half")
    shell.wait(lambda: len(re.findall(rb"[a-d] 2499 of many\r\n", shell.raw)) == 4, timeout=50)
    shell.wait(lambda: shell.last().endswith("> half"))
    shown = re.findall(rb"([a-d]) (\d+) of many\r\n", shell.raw)
    for name in (b"a", b"b", b"c", b"d"):
        assert [int(number) for of, number in shown if of == name] == list(range(2_500))


def test_quiet(shell):
    shell.enter("quiet()")
    shell.prompt(3)
    shell.enter("p = spawn(count, 500, self())")
    shell.prompt(4)
    shell.enter("receive(timeout=10) < 20; print('mine')")
    shell.prompt(5)
    shell.enter("quiet(False)")
    shell.prompt(6)
    assert "line" not in "\n".join(line for line in shell.lines() if line.startswith("line"))
    assert shell.lines()[-2] == "(500 lines of other processes were not shown)"
    assert "mine" in shell.lines()
    shell.enter("p = spawn(count, 5, self())")
    shell.wait(lambda: "line 4 of many" in shell.lines())
