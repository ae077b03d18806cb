"""``input()`` in processes: the group leader is asked; who waits is the process alone, and the answer is its own."""

import builtins
import io
import subprocess
import sys
import textwrap
import threading

import pytest

import pyex
from pyex import Process, receive, self, send, sleep, spawn
from pyex.core.input import ProcessInput, input
from pyex.core.output import ProcessOutput
from pyex.core.process import aliases
from tests.core.support import ROOT, SOON, ended, kill, messages, program, result_at, start_at, until


@pytest.fixture(params=[0, 1, "thread"])
def place(request):
    return request.param


@pytest.fixture(autouse=True)
def streams(monkeypatch):
    monkeypatch.setattr(sys, "stdin", ProcessInput(io.StringIO("own line\n")))


def start_under(leader, place, fn, *args):
    """A process with this group leader."""

    def led():
        Process.group_leader(self(), leader)
        until(lambda: Process.group_leader() == leader)
        fn(*args)

    return start_at(place, led)


def asked(question):
    """Wait until this is asked; who asks, and the alias for the answer."""
    _, sender, alias, _ = receive(("io_request", object, object, ("get_line", question)), timeout=SOON)
    return sender, alias


def reply(alias, what):
    send(alias, ("io_reply", alias, what))


def tells(parent, fn, *args):
    try:
        send(parent, (self(), fn(*args), messages()))
    except (Exception, KeyboardInterrupt) as error:
        send(parent, (self(), error, messages()))


def test_the_group_leader_is_asked_and_answers(place):
    pid = start_under(self(), place, tells, self(), input, "name? ")
    sender, alias = asked("name? ")
    assert sender == pid
    reply(alias, "joe\n")
    reply(alias, "jim\n")  # there is one answer
    assert receive(timeout=SOON) == (pid, "joe", [])
    ended(pid)
    assert not aliases


@pytest.mark.parametrize(
    ("answer", "error"),
    [("eof", EOFError), (("error", "interrupted"), KeyboardInterrupt), (("error", "request"), io.UnsupportedOperation)],
)
def test_other_answers_are_errors(place, answer, error):
    pid = start_under(self(), place, tells, self(), input)
    reply(asked("")[1], answer)
    assert isinstance(receive((pid, object, []), timeout=SOON)[1], error)


def test_a_leader_that_goes_is_the_end_of_the_input(place):
    parent = self()

    def leader():
        receive(("io_request", object, object, tuple))

    leader = start_at(0, leader)
    pid = start_under(leader, place, tells, parent, input, "anybody? ")
    assert isinstance(receive((pid, object, []), timeout=SOON)[1], EOFError)
    pid = start_under(leader, place, tells, parent, input, "anybody? ")
    assert isinstance(receive((pid, object, []), timeout=SOON)[1], EOFError)


def test_others_run_while_one_waits_for_its_answer():
    pid = start_under(self(), 0, tells, self(), input, "?")
    _, alias = asked("?")
    assert result_at(0, lambda: sleep(0) or 42) == 42
    reply(alias, "yes\n")
    assert receive(timeout=SOON)[1] == "yes"
    ended(pid)


def test_who_does_not_wait_any_more_takes_the_question_back(place):
    pid = start_under(self(), place, input, "?")
    sender, alias = asked("?")
    kill(pid)
    assert receive(timeout=SOON) == ("io_request", sender, None, ("forget_line", alias))
    reply(alias, "too late\n")
    assert not aliases


def test_what_was_printed_without_an_end_of_line_is_part_of_the_question(place):
    stream = pyex.share(ProcessOutput(io.StringIO()))

    def prints():
        print("first\nname", end=" ", file=stream)
        input("of it? ")

    pid = start_under(self(), place, prints)
    assert receive(timeout=SOON)[3] == ("put_chars", "first\n")
    reply(asked("name of it? ")[1], "x\n")
    ended(pid)
    assert messages() == []


def test_standard_input_is_asked_for_too(place):
    pid = start_under(self(), place, tells, self(), lambda: (sys.stdin.readline(), list(sys.stdin)))
    for line in ("one\n", "two\n", "three", "eof"):
        reply(asked("")[1], line)
    assert receive(timeout=SOON) == (pid, ("one\n", ["two\n", "three\n"]), [])
    pid = start_under(self(), place, tells, self(), lambda: sys.stdin.read(5))
    assert isinstance(receive((pid, object, []), timeout=SOON)[1], io.UnsupportedOperation)


def test_what_has_no_leader_reads_the_programs_own_input(capsys):
    assert input("?") == "own line"
    assert capsys.readouterr().out == "?"


def test_a_process_without_a_leader_lets_others_run_while_it_reads():
    code = """
        def main():
            parent = self()
            def reads(name):
                try: send(parent, (name, input(name)))
                except EOFError: send(parent, (name, "end"))
            a, b = spawn(reads, "a"), spawn(reads, "b")
            spawn(send, parent, "not held up")
            print(receive("not held up", timeout=10), flush=True)
            got = dict([receive(timeout=10), receive(timeout=10)])
            print(sorted(got), sorted(got.values()), flush=True)
            c, ref = spawn_monitor(reads, "c")
            while Process.info(c).status != "waiting": sleep(0.001)
            Process.exit(c, "kill")
            receive(Down(ref), timeout=10)
            print("c is dead", flush=True)
            spawn(reads, "d")
            print(receive(timeout=10), flush=True)
            spawn(reads, "e")
            print(receive(timeout=10), flush=True)
        import logging; logging.disable()
        pyex.run(main)
    """
    with subprocess.Popen(
        [sys.executable, "-c", "from pyex import *\nimport pyex, sys\n" + textwrap.dedent(code)],
        cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as child:  # fmt: skip
        assert "not held up" in child.stdout.readline()
        child.stdin.write("one\ntwo\n")
        child.stdin.flush()
        assert "['a', 'b'] ['one', 'two']" in child.stdout.readline()
        assert "c is dead" in child.stdout.readline()
        printed, errors = child.communicate("three\n", timeout=SOON)
        assert errors == ""
        assert "('d', 'three')" in printed
        assert "('e', 'end')" in printed
        assert child.returncode == 0


def test_the_library_leaves_the_streams_and_input_alone():
    done = program("""
        import builtins
        before = sys.stdin, sys.stdout, sys.stderr, builtins.input
        def same(): return before == (sys.stdin, sys.stdout, sys.stderr, builtins.input)
        spawn(send, self(), 1) and receive()
        assert same()
        assert not pyex.run(same)
        assert same()
        begun, on = threading.Event(), threading.Event()
        other = threading.Thread(target=pyex.run, args=(lambda: (begun.set(), on.wait()),))
        other.start()
        begun.wait()
        pyex.run(int)
        assert not same()
        on.set()
        other.join()
        assert same()
        def own():
            sys.stdout = sys.__stderr__
        pyex.run(own)
        assert sys.stdout is sys.__stderr__
    """)
    assert done.returncode == 0, done.stderr


def test_run_in_threads_installs_once():
    turns = [threading.Thread(target=lambda: [pyex.run(int) for _ in range(50)]) for _ in range(4)]
    before = sys.stdout, builtins.input
    for turn in turns:
        turn.start()
    for turn in turns:
        turn.join()
    assert (sys.stdout, builtins.input) == before


def test_spawned_directly_it_asks_too():
    leader = self()

    def led():
        Process.group_leader(self(), leader)
        until(lambda: Process.group_leader() == leader)
        ended(spawn(input, "plain? "))

    pid = start_at(0, led)
    reply(asked("plain? ")[1], "x\n")
    ended(pid)
