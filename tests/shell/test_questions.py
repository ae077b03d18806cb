"""``input()`` in processes: who asks is shown, one question after the other, and nobody gets what was typed for another."""

import os
import signal

import pytest

#: What the shells of these tests import.
ASKERS = """
import os
import pyex
from pyex import *

__all__ = ["ask", "asker", "go", "got", "when"]

def ask(parent, question):
    receive('go')
    send(parent, (question, input(question + '? ')))

def asker(question, **options):
    return spawn(ask, self(), question, **options)

def go(*askers):
    "Let them ask, one after the other, and wait until they have."
    for pid in askers:
        leader = Process.group_leader(pid)  # before it can be over: an answer may come as soon as it has asked
        send(pid, 'go')
        while (info := Process.info(pid)) and not (info.status == 'waiting' and info.monitors):
            sleep(0.01)
        pyex.sync_output(leader)  # it has the question, too

def got(number):
    "Wait for so many answers, and print them."
    print(*sorted(receive(timeout=10) for _ in range(number)), sep='\\n')

def when(file, fn, *args):
    "As soon as there is this file, call fn."
    def wait():
        while not os.path.exists(file):
            sleep(0.01)
        fn(*args)
    return spawn(wait)
"""


def last_is(shell, text):
    shell.wait(lambda: shell.last() == text.rstrip())


@pytest.fixture
def shell(terminal, tmp_path):
    """A shell at its second prompt; the first process it starts is 113."""
    (tmp_path / "askers.py").write_text(ASKERS)
    shell = terminal()
    shell.prompt(1)
    shell.enter("from askers import *")
    shell.prompt(2)
    return shell


@pytest.fixture
def bob(terminal, shell):
    bob = terminal("--name", "bob")
    bob.prompt(1, "bob@127.0.0.1")
    bob.enter("from askers import *")  # sees that it could
    bob.prompt(2, "bob@127.0.0.1")
    return bob


@pytest.fixture
def happens(tmp_path):
    """Makes the file that the shell waits for."""
    return lambda name: (tmp_path / name).touch()


def gone(shell):
    """Wait until a question has said that nobody waits for the answer; it says so for a moment only."""
    shell.wait(lambda: b"nobody waits" in shell.raw)


def question(shell, text):
    """Wait until the last line is this question, with nothing typed."""
    shell.wait(lambda: shell.last().endswith(f" asks: {text}?"))


def test_the_prompt_steps_aside_for_a_question_and_comes_back_with_what_was_typed(shell, happens):
    shell.enter("when('now', send, asker('name'), 'go')")
    shell.prompt(3)
    shell.type("x = 'half")
    last_is(shell, "pyex(pyex1@127.0.0.1)3> x = 'half")
    happens("now")
    last_is(shell, "Pid('0.113.0') asks: name?")
    assert "x = 'half" not in shell.text()
    shell.enter("joe")
    last_is(shell, "pyex(pyex1@127.0.0.1)3> x = 'half")
    shell.type(" done'; got(1); x\r")
    shell.prompt(4)
    assert shell.lines()[-5:-1] == [
        "Pid('0.113.0') asks: name? joe",
        "pyex(pyex1@127.0.0.1)3> x = 'half done'; got(1); x",
        "('name', 'joe')",
        "'half done'",
    ]


@pytest.mark.parametrize("options", ["", ", thread=True"], ids=["green", "thread"])
def test_a_question_is_put_while_the_evaluation_waits_for_the_answer(shell, options):
    shell.enter(f"go(asker('name'{options})); receive()")
    last_is(shell, "Pid('0.113.0') asks: name?")
    shell.enter("joe")
    shell.prompt(3)
    assert shell.lines()[-2] == "('name', 'joe')"


def test_who_has_a_name_asks_by_it_and_output_appears_above_the_question(shell, happens):
    shell.enter("when('now', print, 'mean' + 'while'); go(asker('name', name='clerk')); receive()")
    last_is(shell, "clerk asks: name?")
    shell.type("jo")
    last_is(shell, "clerk asks: name? jo")
    happens("now")
    shell.wait(lambda: "meanwhile" in shell.lines())
    last_is(shell, "clerk asks: name? jo")
    shell.type("e\r")
    shell.prompt(3)
    assert shell.lines()[-2] == "('name', 'joe')"


def test_what_was_printed_on_the_line_is_part_of_the_question(shell):
    shell.enter("spawn(lambda: (print('na', 'me: ', end=''), print('It is', input())))")
    last_is(shell, "Pid('0.113.0') asks: na me:")
    shell.enter("joe")
    shell.wait(lambda: "It is joe" in shell.lines())
    shell.prompt(3)


def test_questions_are_put_in_order_and_answered_each_to_its_own(shell):
    shell.enter("a, b, c = asker('a'), asker('b'), asker('c'); go(b, c, a)")
    for name in "bca":
        question(shell, name)
        shell.enter(f"for {name}")
    shell.prompt(3)
    shell.enter("got(3)")
    shell.prompt(4)
    assert shell.lines()[-4:-1] == ["('a', 'for a')", "('b', 'for b')", "('c', 'for c')"]


def test_a_question_goes_with_who_asked_it_and_with_what_is_typed(shell, happens):
    shell.enter("import shell.question_prompt; shell.question_prompt.PAUSE = 60")  # for a test that types slowly
    shell.prompt(3)
    shell.enter("a, b = asker('a'), asker('b'); when('now', Process.exit, a, 'kill'); go(a, b)")
    question(shell, "a")
    shell.type("1 + ")
    shell.wait("a? 1 +")
    happens("now")
    gone(shell)
    shell.type("1\r")  # meant for the first question still
    question(shell, "b")
    shell.enter("mine")
    shell.prompt(4)
    shell.enter("got(1)")
    shell.prompt(5)
    assert shell.lines()[-2] == "('b', 'mine')"
    assert "asks: a?" not in shell.text()
    assert "2" not in shell.lines()


def test_a_queued_question_goes_with_who_asked_it(shell, happens):
    shell.enter("a, b = asker('a'), asker('b'); when('now', Process.exit, b, 'kill'); go(a, b); print('both ' + 'ask')")
    shell.wait("both ask")
    question(shell, "a")
    happens("now")
    shell.wait("ended: 'killed'")
    shell.enter("mine")
    shell.prompt(3)
    assert "asks: b?" not in shell.text()


def test_a_question_that_goes_leaves_a_half_typed_input(shell, happens):
    shell.enter("a = asker('a'); when('now', send, a, 'go'); when('then', Process.exit, a, 'kill') and None")
    shell.prompt(3)
    shell.type("half = 1")
    last_is(shell, "pyex(pyex1@127.0.0.1)3> half = 1")
    happens("now")
    question(shell, "a")
    happens("then")
    gone(shell)
    last_is(shell, "pyex(pyex1@127.0.0.1)3> half = 1")
    shell.type("\r")
    shell.prompt(4)


@pytest.mark.parametrize(("key", "error"), [("\x03", "KeyboardInterrupt"), ("\x04", "EOFError")])
def test_ctrl_c_and_ctrl_d_are_answers_too(shell, key, error):
    shell.enter("a = asker('a'); r = Process.monitor(a); go(a); type(receive(Down(r)).reason.exception)")
    question(shell, "a")
    shell.type(key)
    shell.prompt(3)
    assert shell.lines()[-2] == f"<class '{error}'>"


def test_the_evaluation_takes_its_turn_at_the_terminal(shell):
    shell.enter("a, b = asker('a'), asker('b'); go(a, b); input('me' + '? ')")
    question(shell, "a")
    shell.enter("1st")
    question(shell, "b")
    shell.enter("2nd")
    last_is(shell, "me?")
    shell.enter("3rd")
    shell.prompt(3)
    assert shell.lines()[-2] == "'3rd'"
    shell.enter("got(2)")
    shell.prompt(4)
    assert shell.lines()[-3:-1] == ["('a', '1st')", "('b', '2nd')"]


def test_a_question_waits_while_the_evaluation_reads(shell, happens):
    shell.enter("a = asker('a'); when('now', go, a); input('me' + '? ')")
    last_is(shell, "me?")
    happens("now")
    shell.enter("mine")
    shell.wait(lambda: "'mine'" in shell.lines())
    question(shell, "a")
    assert "" not in shell.lines()
    shell.enter("its")
    shell.prompt(3)


def test_an_evaluation_that_waits_for_its_turn_is_interrupted(shell):
    shell.enter("go(asker('a')); input('me? ')")
    question(shell, "a")
    os.kill(shell.child.pid, signal.SIGINT)
    shell.wait(lambda: "KeyboardInterrupt" in shell.lines())
    question(shell, "a")
    shell.enter("1st")
    shell.prompt(3)
    shell.enter("input('me' + '? ')")
    last_is(shell, "me?")
    shell.enter("own")
    shell.prompt(4)


def test_what_was_typed_before_the_question_is_no_answer(shell, happens):
    shell.enter("import time, os")
    shell.prompt(3)
    shell.enter("def busy():", "print('begun')", "while not os.path.exists('now'): time.sleep(0.01)", "")
    shell.prompt(4)
    shell.enter("busy(); go(asker('a')); receive()")
    shell.wait(lambda: "begun" in shell.lines())
    shell.enter("2 + 2")
    shell.wait(lambda: shell.screen.cursor.x == 0)  # the Enter, too, has come to the terminal
    happens("now")
    question(shell, "a")
    shell.enter("mine")
    shell.prompt(6)
    assert shell.lines()[-4:-1] == ["('a', 'mine')", "pyex(pyex1@127.0.0.1)5> 2 + 2", "4"]


def test_the_terminal_is_left_in_order_while_a_question_is_up(shell, happens):
    shell.enter("go(asker('a')); when('now', send, self(), 'leave') and receive('leave') and exit()")
    question(shell, "a")
    happens("now")
    assert shell.leave() == 0


def test_a_process_of_another_node_asks_the_shell_that_started_it(shell, bob):
    shell.enter("Node.connect('bob@127.0.0.1')")
    shell.prompt(3)
    shell.enter("send(Node.spawn('bob@127.0.0.1', ask, self(), 'name'), 'go') and receive()")
    shell.wait(lambda: shell.last().endswith(", 'bob@127.0.0.1') asks: name?"))
    shell.enter("joe")
    shell.prompt(4)
    assert shell.lines()[-2] == "('name', 'joe')"
    assert bob.last() == "pyex(bob@127.0.0.1)2>"


def test_who_asks_a_shell_that_leaves_is_at_the_end_of_its_input(shell, bob):
    bob.enter("Process.register(self(), 'b'); receive()")
    shell.enter("Node.connect('bob@127.0.0.1')")
    shell.prompt(3)
    shell.enter("def tells():", "try: input('there? ')", "except EOFError: send('b', 'the end')", "")
    shell.prompt(4)
    shell.enter("a = Node.spawn('bob@127.0.0.1', tells)")
    question(shell, "there")
    shell.close()
    bob.wait("'the end'")


@pytest.mark.parametrize("reads", ["input('me' + '? ')", "(print('me' + '?'), sys.stdin.readline())"])
def test_ctrl_c_interrupts_an_evaluation_that_reads(shell, reads):
    shell.enter("import sys")
    shell.prompt(3)
    shell.enter(reads)
    shell.wait(lambda: any(line.rstrip() == "me?" for line in shell.lines()))
    shell.type("\x03")
    shell.prompt(4)
    assert "KeyboardInterrupt" in shell.lines()


def test_a_simple_terminal_has_questions_too(terminal, tmp_path):
    (tmp_path / "askers.py").write_text(ASKERS)
    shell = terminal(TERM="dumb")
    shell.prompt(1)
    shell.enter("from askers import *")
    shell.prompt(2)
    shell.enter("go(asker('a')); receive()")
    last_is(shell, "Pid('0.113.0') asks: a?")
    shell.enter("one")
    shell.prompt(3)
    assert shell.lines()[-2] == "('a', 'one')"
    shell.enter("go(asker('b'))")
    shell.wait("asks: b?")
    shell.enter("two")
    shell.prompt(3 + 1)
    shell.enter("got(1)")
    shell.wait(lambda: "('b', 'two')" in shell.lines())


def test_a_question_goes_with_the_node_of_who_asked_it(shell, bob):
    shell.enter("Node.connect('bob@127.0.0.1')")
    shell.prompt(3)
    shell.enter("send(Node.spawn('bob@127.0.0.1', ask, self(), 'name'), 'go') and receive('never')")
    question(shell, "name")
    bob.child.kill(signal.SIGKILL)
    gone(shell)
    shell.wait(lambda: "asks" not in shell.text())
    shell.interrupt()  # the evaluation's again
    shell.prompt(4)
