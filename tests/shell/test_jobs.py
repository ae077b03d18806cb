"""Prompts on other nodes, several jobs, and the way out of what is stuck."""

import os
import signal
import subprocess
import sys

import pytest

BOB = "bob@127.0.0.1"


@pytest.fixture
def bob(terminal):
    bob = terminal("--name", "bob")
    bob.prompt(1, BOB)
    bob.enter("own = {*Process.list()}")
    bob.prompt(2, BOB)
    return bob


@pytest.fixture
def alice(terminal, bob):
    alice = terminal()
    alice.prompt(1)
    return alice


@pytest.fixture
def remote(alice):
    """A shell with the prompt of bob."""
    alice.enter("remote('bob')")
    alice.prompt(1, BOB)
    return alice


def nobody_left(bob):
    """On bob: only the processes of its own shell and node are there."""
    bob.enter("while {*Process.list()} - own: sleep(0.01)", "")
    bob.prompt(3, BOB)


def test_what_is_typed_is_evaluated_there(remote, bob):
    remote.enter("x = 6; print('on', Node.self()); x * 7")
    remote.prompt(2, BOB)
    assert remote.lines()[-3:-1] == [f"on {BOB}", "42"]
    remote.enter("_ + 1, self().node")
    remote.prompt(3, BOB)
    assert remote.lines()[-2] == "(43, 'pyex1@127.0.0.1')".replace("pyex1", "bob")
    remote.enter("def f(): return 1 / 0", "")
    remote.prompt(4, BOB)
    remote.enter("f()")
    remote.prompt(5, BOB)
    text = remote.text()
    assert f'File "<{BOB} for pyex1@127.0.0.1 4>", line 1, in <module>' in text
    assert "return 1 / 0" in text
    assert "ZeroDivisionError: division by zero" in text
    remote.enter("x = = 1")
    remote.prompt(6, BOB)
    assert "SyntaxError" in remote.text()
    remote.enter("input('who? ')")
    remote.wait(lambda: remote.last() == "who?")
    remote.enter("joe")
    remote.prompt(7, BOB)
    assert remote.lines()[-2] == "'joe'"
    remote.enter("exit('boredom')")
    remote.prompt(8, BOB)
    remote.enter("x")
    remote.prompt(9, BOB)
    assert remote.lines()[-2] == "6"
    remote.enter("only_there = {'a key': 7}")
    remote.prompt(10, BOB)
    remote.try_again("\x15only_\t", lambda: remote.last().endswith("> only_there"))
    remote.try_again("\x15only_there['\t", lambda: remote.last().endswith("> only_there['a key"))
    remote.type("']\r")
    remote.prompt(11, BOB)
    assert remote.lines()[-2] == "7"
    remote.enter("edit()")
    remote.prompt(12, BOB)
    assert "edit() has no terminal at this prompt" in remote.text()
    remote.enter("exit()")
    remote.prompt(2)
    assert "killed" not in remote.text()  # it has ended in order
    remote.enter("only_there")
    remote.prompt(3)
    assert "NameError" in remote.text()
    nobody_left(bob)


def test_ctrl_c_interrupts_there_and_the_process_goes_on(remote, bob):
    remote.enter("import time; x = self(); Process.register(x, 'me')")
    remote.prompt(2, BOB)
    number = 2
    for busy in ("while True: pass", "receive('never')", "sleep(None)"):
        remote.enter("def go():", "print('be' + 'gun')", busy, "")
        remote.prompt(number + 1, BOB)
        remote.enter("go()")
        remote.wait(lambda: remote.last() == "begun")
        remote.type("\x03")
        remote.prompt(number + 2, BOB)
        assert remote.lines()[-2] == "KeyboardInterrupt"
        number += 2
    remote.enter("self() == x == Process.whereis('me')")
    remote.prompt(number + 1, BOB)
    assert remote.lines()[-2] == "True"
    remote.enter(*SLEEPER)
    remote.prompt(number + 2, BOB)
    remote.enter("sleeper()")
    remote.wait(lambda: remote.last() == "begun")
    # Not at the first, if that comes on the way into the call.
    remote.try_again("\x03", lambda: remote.last() == f"pyex({BOB}){number + 3}>")
    assert "was in a call that takes none, and has ended" in remote.text()
    remote.enter("x != self(), x.number > 0")
    remote.prompt(number + 4, BOB)
    assert remote.lines()[-2] == "(True, True)"
    remote.type("\x04")
    remote.prompt(2)
    nobody_left(bob)


def test_a_line_that_drops_gives_the_prompt_back(remote, bob):
    remote.type("half a")
    remote.wait(lambda: remote.last().endswith("half a"))
    os.kill(bob.child.pid, signal.SIGKILL)
    remote.wait("the line has dropped")
    remote.wait(lambda: remote.last() == "pyex(pyex1@127.0.0.1)2> half a")
    remote.type("\x03")
    remote.prompt(2)
    remote.enter("Node.list()")
    remote.prompt(3)
    assert remote.lines()[-2] == "[]"


def test_a_node_that_is_frozen_holds_nobody_and_is_said_to_be_silent(remote, bob):
    os.kill(bob.child.pid, signal.SIGSTOP)
    remote.enter("1 + 1")
    # A key that is pressed as the prompt goes is none of what it has read.
    silent = f"{BOB} has not answered for 2 s. Ctrl-\\ shows what can be done"
    remote.try_again(remote.interrupt, lambda: silent in remote.text())
    remote.type("\x1c")
    remote.wait(lambda: remote.last().startswith("Job 2 is busy: ") and "b(ack to job 1)" in remote.last())
    assert f"{BOB} does not answer." in remote.lines()
    remote.type("z\r")  # there is no such choice: asked again
    remote.wait(lambda: remote.text().count("Job 2 is busy: ") == 2 and remote.last().endswith("q(uit)?"))
    remote.type("b\r")
    remote.prompt(2)
    remote.enter("job(2); print('in ' + 'front')")
    remote.wait("\nin front")
    os.kill(remote.child.pid, signal.SIGQUIT)
    remote.wait(lambda: remote.text().count("Job 2 is busy: ") == 3 and remote.last().endswith("q(uit)?"))
    remote.type("k\r")
    remote.wait(f"** (job 2 on {BOB} is gone: {BOB} does not answer) This is pyex1@127.0.0.1 again")
    remote.prompt(3)
    os.kill(bob.child.pid, signal.SIGCONT)
    nobody_left(bob)


def test_a_line_that_drops_leaves_nothing_behind(remote, bob):
    remote.enter("sleep(None)")
    bob.enter("while not {*Process.list()} - own: sleep(0.01)", "")
    bob.prompt(3, BOB)
    os.kill(remote.child.pid, signal.SIGKILL)
    bob.enter("while {*Process.list()} - own: sleep(0.01)", "")
    bob.prompt(4, BOB)


def test_remsh_is_there_from_the_beginning_and_leaving_it_leaves(terminal, bob, env, tmp_path):
    shell = terminal("--remsh", "bob")
    shell.prompt(1, BOB)
    shell.enter("Node.list()")
    shell.prompt(2, BOB)
    assert shell.lines()[-2] == "['pyex1@127.0.0.1']"
    shell.type("\x04")
    assert shell.leave() == 0
    piped = subprocess.run(
        [sys.executable, "-m", "pyex", "--remsh", "bob"], input="Node.self()\nprint('there')\n1 / 0\n",
        env=env, cwd=tmp_path, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert piped.stdout.startswith(f"'{BOB}'\nthere\nTraceback"), piped
    assert piped.returncode == 0
    nobody_left(bob)


def test_jobs_are_listed_and_switched(remote):
    remote.enter("y = 1; jobs()")
    remote.prompt(2, BOB)
    assert [line.split() for line in remote.lines()[-4:-1]] == [
        ["job", "node", "does"],
        ["1", "pyex1@127.0.0.1", "waits"],
        ["2", BOB, "y", "=", "1;", "jobs()"],
    ]
    remote.enter("job(1)")
    remote.prompt(2)
    remote.enter("job(3)")
    remote.prompt(3)
    assert "LookupError: there is no job 3; jobs() shows which there are" in remote.lines()
    remote.enter("job(2)")
    remote.prompt(3, BOB)
    remote.enter("y")
    remote.prompt(4, BOB)
    assert remote.lines()[-2] == "1"
    remote.enter("remote('nobody')")
    remote.prompt(5, BOB)
    assert "ConnectError" in remote.text()


SLEEPER = [
    "def sleeper():",
    "print('be' + 'gun')",
    "while True:",
    "try: time.sleep(600)",
    "except KeyboardInterrupt: pass",
    "",
]

STUBBORN = [
    "def stubborn():",
    "print('be' + 'gun')",
    "while True:",
    "try: time.sleep(0.1)",
    "except BaseException: pass",
    "",
]


@pytest.fixture
def stuck(terminal):
    """A shell whose evaluation catches every interrupt."""
    shell = terminal()
    shell.prompt(1)
    shell.enter("import time; x = 5")
    shell.prompt(2)
    shell.enter(*STUBBORN)
    shell.prompt(3)
    shell.enter("stubborn()")
    shell.wait(lambda: "begun" in shell.lines())
    shell.type("\x03")
    shell.type("\x1c")
    shell.wait(lambda: shell.last().startswith("Job 1 is busy:"))
    return shell


def test_what_waits_goes_on_and_a_new_job_beside_what_is_stuck_has_its_bindings(stuck):
    stuck.type("w\r")
    os.kill(stuck.child.pid, signal.SIGQUIT)
    stuck.wait(lambda: stuck.last().startswith("Job 1 is busy:") and stuck.text().count("Job 1") == 2)
    stuck.type("n\r")
    stuck.prompt(1)
    stuck.enter("x, jobs()[0]")
    stuck.prompt(2)
    assert stuck.lines()[-2] == "(5, (1, 'pyex1@127.0.0.1', 'stubborn()'))"


def test_a_shell_that_is_stuck_can_be_left(stuck):
    stuck.type("q\r")
    assert stuck.leave() == 1
