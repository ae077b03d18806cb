"""What processes print goes to their group leaders, as whole lines."""

import builtins
import io
import threading
import time

import pytest

from pyex import Process, ProcessOutput, receive, self, send, spawn
from pyex.core.process import processes
from tests.core.support import SOON, ended, kill, messages, start_at, until


@pytest.fixture(params=[0, 1, "thread"])
def place(request):
    return request.param


#: The output of the test at hand; sys.stdout itself is pytest's.
stream = ProcessOutput(io.StringIO())


def print(*values, **options):
    builtins.print(*values, file=stream, **options)


@pytest.fixture(autouse=True)
def output():
    stream.own = io.StringIO()
    return stream.own


def start_under(leader, place, fn, *args):
    """A process with this group leader."""

    def led():
        Process.group_leader(self(), leader)
        until(lambda: Process.group_leader() == leader)
        fn(*args)

    return start_at(place, led)


def texts(count):
    """The text of the next writes, and who they came from."""
    got = []
    for _ in range(count):
        kind, sender, ref, (operation, text) = receive(("io_request", object, object, tuple), timeout=SOON)
        assert (kind, operation) == ("io_request", "put_chars")
        got.append(text)
        if ref is not None and sender is not None:
            send(sender, ("io_reply", ref, "ok"))
    return got


def test_a_print_is_one_whole_line(output, place):
    def printing():
        print("one", "two", 3)
        print("a", end="")
        print("b", end="")
        print("c\nd")

    pid = start_under(self(), place, printing)
    assert texts(3) == ["one two 3\n", "abc\n", "d\n"]
    ended(pid)
    assert output.getvalue() == ""


def test_several_lines_in_one_go_stay_together(output, place):
    pid = start_under(self(), place, lambda: stream.write("a\nb\nc"))
    assert texts(2) == ["a\nb\n", "c"]
    ended(pid)


def test_flush_sends_the_partial_line(output, place):
    def printing():
        print("no end", end="", flush=True)
        receive("go on", timeout=SOON)
        print(" of line")

    pid = start_under(self(), place, printing)
    assert texts(1) == ["no end"]
    send(pid, "go on")
    assert texts(1) == [" of line\n"]
    ended(pid)


@pytest.mark.parametrize("end", [None, "crash", "kill"])
def test_the_partial_line_is_sent_at_the_end(output, place, end):
    def printing():
        print("last words", end="")
        if end == "crash":
            raise ValueError
        if end == "kill":
            receive()

    pid = start_under(self(), place, printing)
    if end == "kill":
        until(lambda: (it := processes.get(pid.key)) and it.relations and it.relations.text)
        Process.exit(pid, "kill")
    assert texts(1) == ["last words"]
    ended(pid)


def test_what_has_no_leader_goes_to_the_programs_own_output(output):
    print("plain")
    thread = threading.Thread(target=print, args=("from a thread",))
    thread.start()
    thread.join()
    ended(spawn(print, "from a process"))
    assert output.getvalue() == "plain\nfrom a thread\nfrom a process\n"


def test_children_inherit_the_leader(output, place):
    def parent(thread):
        ended(spawn(print, "from the child", thread=thread))

    for thread in (False, True):
        pid = start_under(self(), place, parent, thread)
        assert texts(1) == ["from the child\n"]
        ended(pid)


def test_a_dead_leader_harms_nobody(output, place):
    leader = spawn(int)
    ended(leader)
    done = self()

    def printing():
        for number in range(1000):
            print(number)
        print("partial", end="")
        send(done, "printed")

    pid = start_under(leader, place, printing)
    assert receive(timeout=SOON) == "printed"
    ended(pid)
    assert output.getvalue() == ""


def test_a_leader_that_dies_meanwhile_harms_nobody(output, place):
    leader = spawn(receive, "never")
    done = self()

    def printing():
        for number in range(1000):
            print(number)
        send(done, "printed")

    pid = start_under(leader, place, printing)
    until(lambda: (it := processes.get(pid.key)) and it.monitors)
    kill(leader)
    assert receive(timeout=SOON) == "printed"
    ended(pid)


def test_a_slow_leader_slows_the_printer(output, place):
    done = self()

    def printing():
        for number in range(1000):
            print(number)
        send(done, "printed")

    pid = start_under(self(), place, printing)
    until(lambda: (it := processes.get(pid.key)) and it.monitors)
    waiting = processes[self().key].mailbox
    assert len(waiting) <= 70
    got = []
    while "printed" not in got:
        message = receive(timeout=SOON)
        if message == "printed":
            got.append(message)
            break
        _, sender, ref, (_, text) = message
        got += text.splitlines()
        assert len(waiting) <= 70
        if ref is not None and sender is not None:
            send(sender, ("io_reply", ref, "ok"))
    assert got[:-1] == [str(number) for number in range(1000)]
    ended(pid)


def test_a_printer_can_be_killed_while_it_waits_for_its_leader(output, place):
    pid = start_under(self(), place, lambda: [print(number) for number in range(1000)] and None)
    until(lambda: (it := processes.get(pid.key)) and it.monitors)
    begin = time.monotonic()
    kill(pid)
    assert time.monotonic() - begin < SOON / 2
    messages()


def test_the_stream_is_a_text_stream(output):
    assert stream.writable()
    assert stream.isatty() is False
    with pytest.raises(TypeError, match="must be str"):
        group = spawn(receive)
        Process.group_leader(self(), group)
        try:
            stream.write(b"bytes")
        finally:
            processes[self().key].leader = None


def test_group_leader_tells_and_sets():
    leader = spawn(receive)
    pid = spawn(receive)
    assert Process.group_leader(pid) is None
    assert Process.group_leader(pid, leader) == leader
    until(lambda: Process.group_leader(pid) == leader)


def test_a_group_leader_is_a_pid():
    for pid, leader in ((self(), "x"), ("x", self()), (self(), 5)):
        with pytest.raises(TypeError, match="group_leader takes a pid"):
            Process.group_leader(pid, leader)
