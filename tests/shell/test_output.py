"""The output process, and what is let through to the terminal."""

import io
import threading

import pytest

import pyex
from pyex import Down, Process, Ref, receive, self, send, spawn_monitor, sync_output
from shell import output
from shell.output import QueueStream, ShellOutput, harmless, put, write_requests
from shell.screen import ERR, Screen


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\x1b[31mred\x1b[0m \x1b[38;2;1;2;3mx\x1b[m", "\x1b[31mred\x1b[0m \x1b[38;2;1;2;3mx\x1b[m"),
        ("a\x1b[2Jb\x1b[10;20Hc", "abc"),
        ("\x1b]0;title\x07x\x1b]8;;http://a\x1b\\y", "xy"),
        ("\x1bPq#0\x1b\\x\x1b_a\x1b\\y", "xy"),
        ("over\rwritten\b\x00\x7f", "overwritten"),
        ("\x9b2Jx\x1bcy\x1b(Bz", "xyz"),
        ("end\x1b", "end"),
        ("end\x1b[", "end"),
        ("\x1b[?25lhidden\x1b[>c", "hidden"),
        ("größe 日本", "größe 日本"),
    ],
)
def test_remote_text_keeps_colours_only(text, seen):
    assert harmless(text) == seen


@pytest.fixture
def written():
    return io.StringIO()


@pytest.fixture
def leader(written):
    tag = Ref()
    screen = Screen(written, written, terminal=False, colour=False)
    pid, ref = spawn_monitor(write_requests, pyex.share(screen), tag, thread=True)
    yield pid
    send(pid, (tag, "stop"))
    assert receive(Down(ref), timeout=10).reason == "normal"


def test_text_is_written_in_the_order_of_arrival(leader, written):
    put(leader, "one\n")
    put(leader, "two\n", ERR)
    put(leader, "three\n")
    sync_output(leader)
    assert written.getvalue() == "one\ntwo\nthree\n"


def test_local_text_is_left_alone_and_remote_text_is_not(leader, written):
    remote = pyex.Pid("0.5.0", "bob@127.0.0.1")
    send(leader, ("io_request", self(), None, ("put_chars", "\x1b[2Jmine\r")))
    send(leader, ("io_request", remote, None, ("put_chars", "\x1b[2Jits\r")))
    sync_output(leader)
    assert written.getvalue() == "\x1b[2Jmine\rits"


def test_a_request_it_does_not_know_is_answered(leader):
    ref = Ref()
    send(leader, ("io_request", self(), ref, ("get_line", "name? ")))
    assert receive(("io_reply", ref, tuple), timeout=10)[2] == ("error", "request")
    send(leader, "nonsense")
    sync_output(leader)


def test_sync_with_a_dead_output_returns():
    pid, ref = spawn_monitor(lambda: None)
    receive(Down(ref), timeout=10)
    sync_output(pid)


def test_a_stream_sends_whole_lines(leader, written):
    stream = QueueStream(leader, ERR, io.StringIO())
    print("a", 1, file=stream)
    stream.write("be")
    stream.write("gun")
    sync_output(leader)
    assert written.getvalue() == "a 1\n"
    stream.flush()
    sync_output(leader)
    assert written.getvalue() == "a 1\nbegun"
    with pytest.raises(TypeError):
        stream.write(b"bytes")


def test_processes_print_to_their_leader(leader, written):
    stream = ShellOutput(leader, io.StringIO())
    Process.group_leader(self(), leader)
    _, ref = spawn_monitor(lambda stream: print("from a process", file=stream), pyex.share(stream))
    receive(Down(ref), timeout=10)
    stream.flush()
    assert written.getvalue() == "from a process\n"


def test_what_cannot_wait_is_dropped_when_it_is_too_much_and_that_is_said(leader, written, monkeypatch):
    monkeypatch.setattr(output, "MOST_UNWRITTEN", 100)
    stream = QueueStream(leader, ERR, io.StringIO())
    held = threading.Event()
    monkeypatch.setattr(output.Screen, "write", slowly(output.Screen.write, held))
    for number in range(1000):
        print("line", number, file=stream)
    held.set()
    sync_output(leader)
    sync_output(leader)  # what is said of the dropped lines comes after them
    lines = [line for line in written.getvalue().splitlines() if line.startswith("line ")]
    notes = [line for line in written.getvalue().splitlines() if " lines of logs and standard error were drop" in line]
    assert lines == [f"line {number}" for number in range(len(lines))]
    assert 100 <= len(lines) < 1000
    assert sum(int(note[1:].split()[0]) for note in notes) == 1000 - len(lines)
    print("after", file=stream)
    sync_output(leader)
    assert written.getvalue().endswith("after\n")


def slowly(write, held):
    def wait(self, pieces):
        assert held.wait(30)
        write(self, pieces)

    return wait
