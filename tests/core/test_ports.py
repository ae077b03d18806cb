"""Ports: programs of the operating system, both ways, and their ends."""

import contextlib
import errno
import os
import signal
from pathlib import Path

import pytest

from pyex import (
    Down,
    Exited,
    NoProcess,
    Pid,
    Port,
    PortError,
    Process,
    ProgramNotFound,
    PyexError,
    receive,
    self,
    send,
    spawn,
)
from pyex.core import port_process, program
from pyex.core.threads import process_here
from tests.core.port_programs import gone, python, rest, sh
from tests.core.support import SOON, ended, forever, result_at, start_at

pytestmark = pytest.mark.skipif(os.name != "posix", reason="programs of a POSIX system")


PLACES = pytest.mark.parametrize("place", [0, "thread"])


# Both ways


@PLACES
def test_what_is_commanded_comes_to_the_program_and_what_it_writes_comes_back(place):
    def main():
        port = Port.open(["cat"])
        assert isinstance(port, Port)
        assert send(port, (self(), ("command", b"one"))) == (self(), ("command", b"one"))
        assert receive(timeout=SOON) == (port, ("data", b"one"))
        assert port.command("zwölf\n") is True
        assert receive(timeout=SOON) == (port, ("data", "zwölf\n".encode()))
        Port.command(port, bytearray(b"\0\xff"))
        assert receive(timeout=SOON) == (port, ("data", b"\0\xff"))
        Port.command(port, b"")
        Port.command(port, "end")
        assert receive(timeout=SOON) == (port, ("data", b"end"))
        Port.close(port)

    result_at(place, main)


@PLACES
def test_any_process_may_command_and_order_is_kept(place):
    port = Port.open(["cat"], line=True)

    def other():
        for number in range(1000):
            port.command(f"{number}\n")

    start_at(place, other)
    got = [receive((port, ("data", bytes)), timeout=SOON)[1][1] for _ in range(1000)]
    assert got == [b"%d" % number for number in range(1000)]


@PLACES
def test_lines_come_whole_and_without_their_newline(place):
    def main():
        port = sh(r"printf 'one\n\ntwo '; sleep 0.05; printf 'three\r\nlast'", line=True)
        return rest(port)

    assert result_at(place, main) == ([b"one", b"", b"two three\r", b"last"], 0)


def test_a_line_without_end_comes_in_pieces(monkeypatch):
    monkeypatch.setattr(port_process, "LONGEST_LINE", 1000)
    port = sh("head -c 2500 /dev/zero; echo; echo next", line=True)
    assert [len(piece) for piece in rest(port)[0]] == [1000, 1000, 500, 4]
    port = sh("head -c 1000 /dev/zero; echo; echo next", line=True)
    assert sum(len(piece) for piece in rest(port)[0]) == 1004


@PLACES
@pytest.mark.parametrize("line", [False, True])
def test_all_output_comes_before_the_exit_status(place, line):
    def main():
        port = sh("seq 100000; exit 7", line=line)
        output, status = rest(port)
        assert status == 7
        text = b"\n".join(output) + b"\n" if line else b"".join(output)
        assert text == b"".join(b"%d\n" % number for number in range(1, 100001))
        assert receive(timeout=0, default=None) is None

    result_at(place, main)


@pytest.mark.parametrize("data", [5, None, ["iodata"], ("x",), 1.5, object()])
def test_other_data_is_a_type_error_where_it_is_sent(data):
    port = Port.open(["cat"])
    with pytest.raises(TypeError, match="bytes, bytearray or str, not"):
        port.command(data)
    with pytest.raises(TypeError, match="bytes, bytearray or str, not"):
        send(port, (self(), ("command", data)))
    port.command("still there")
    assert receive(timeout=SOON) == (port, ("data", b"still there"))


def test_a_timer_can_command():
    port = Port.open(["cat"])
    Process.send_after(port, (self(), ("command", "tick")), 0)
    assert receive(timeout=SOON) == (port, ("data", b"tick"))
    Process.send_after(port, (self(), "close"), 0)
    assert receive(timeout=SOON) == (port, "closed")


# Identity


def test_a_port_is_no_process_of_its_number():
    pid = spawn(forever)
    send(Port(f"0.{pid.number}.0"), (self(), ("command", "x")))
    with pytest.raises(NoProcess):
        Port(f"0.{pid.number}.0").command("x")
    assert Port.info(Port(f"0.{pid.number}.0")) is None
    port = Port.open(["cat"])
    assert Port(f"0.{port.number}.0") == port
    assert port not in Process.list()
    assert all(isinstance(pid, Pid) for pid in Process.list())
    assert not Process.alive(Pid(f"0.{port.number}.0")) or Pid(f"0.{port.number}.0") in Process.list()
    send(Port(f"0.{port.number}.0"), (self(), ("command", "pasted")))
    assert receive(timeout=SOON) == (port, ("data", b"pasted"))


def test_a_port_of_another_node_is_refused_with_a_word():
    port = Port("0.7.0", "bob@127.0.0.1")
    for use in (
        lambda: send(port, (self(), "close")),
        lambda: port.command("x"),
        lambda: port.close(),
        lambda: port.info(),
        lambda: Process.link(port),
        lambda: Process.monitor(port),
    ):
        with pytest.raises(PyexError, match="ports of this node only"):
            use()


def test_what_is_no_port_is_refused():
    for use in (Port.info, Port.close, lambda value: Port.command(value, "x")):
        with pytest.raises(TypeError, match="takes a port, not"):
            use(self())


@PLACES
def test_info(place):
    owner = self()

    def main():
        port = Port.open(["cat", "-u"])
        port.command("hello")
        receive(timeout=SOON)
        send(owner, (port, self(), Port.info(port)))
        receive()

    pid = start_at(place, main)
    port, owner, info = receive(timeout=SOON)
    assert (info.name, info.argv, info.connected, info.links) == ("cat", ("cat", "-u"), pid, (pid,))
    assert (info.input, info.output) == (5, 5)
    os.kill(info.os_pid, 0)
    with pytest.raises(AttributeError):
        info.input = 6
    assert Port.info(port) == info
    Process.link(port)
    assert Port.info(port).links == (pid, self())
    Process.unlink(port)
    assert Port.info(port).links == (pid,)
    send(pid, "end")
    ended(pid)
    assert Process.monitor(port) in receive(Down(pid=port), timeout=SOON)
    assert Port.info(port) is None


# Programs that cannot be started


@PLACES
def test_a_program_that_is_not_there_is_an_error_at_the_caller_and_leaves_nothing(place, tmp_path):
    path = str(tmp_path)

    def main():
        Process.flag("trap_exit", True)
        with pytest.raises(ProgramNotFound, match="no program 'no-such-thing' on the PATH") as caught:
            Port.open(["no-such-thing", "arg"])
        assert isinstance(caught.value, FileNotFoundError)
        assert isinstance(caught.value, PyexError)
        with pytest.raises(ProgramNotFound, match="at that path"):
            Port.open([path + "/nothing"])
        with pytest.raises(PortError, match="cannot be started: Permission denied"):
            Port.open([path])
        with pytest.raises(ValueError, match="null byte"):
            Port.open(["cat", "a\0b"])
        assert receive(timeout=0, default=None) is None
        assert not process_here().links

    result_at(place, main)


@pytest.mark.parametrize("argv", ["cat", b"cat", Path("/bin/cat")])
def test_a_command_line_is_refused_with_a_word(argv):
    with pytest.raises(TypeError, match=r"takes a list.*shlex\.split"):
        Port.open(argv)


def test_a_bad_argv_is_refused():
    for argv in ([], [""]):
        with pytest.raises(ValueError, match="at least the program's name"):
            Port.open(argv)
    for argv in (5, None, ["cat", 5]):
        with pytest.raises(TypeError, match="list of text"):
            Port.open(argv)


def test_paths_and_bytes_are_text_too():
    assert rest(Port.open([Path("/bin/echo"), b"a", Path("b")])) == ([b"a b\n"], 0)


def test_an_exhausted_system_is_a_port_error(monkeypatch):
    def popen(*_args, **_options):
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(program.subprocess, "Popen", popen)
    with pytest.raises(PortError, match="temporarily unavailable"):
        Port.open(["cat"])


# A program that ends


@PLACES
@pytest.mark.parametrize(
    ("text", "status"),
    [("exit 0", 0), ("exit 3", 3), ("kill -KILL $$", 137), ("kill -TERM $$", 143)],
)
def test_the_owner_gets_the_exit_status_and_then_the_exit(place, text, status):
    def main():
        Process.flag("trap_exit", True)
        port = sh(text)
        assert receive(timeout=SOON) == (port, ("exit_status", status))
        assert receive(timeout=SOON) == Exited(port, "normal")
        assert Port.info(port) is None
        return receive(timeout=0, default=None)

    assert result_at(place, main) is None


def test_an_owner_that_does_not_trap_exits_lives_on():
    def main():
        return rest(sh("exit 3"))

    assert result_at(0, main) == ([], 3)


@PLACES
def test_without_pidfds_a_thread_waits(place, monkeypatch):
    monkeypatch.delattr(os, "pidfd_open", raising=False)

    def main():
        assert rest(sh("echo x; exit 3")) == ([b"x\n"], 3)
        port = Port.open(["cat"])
        os_pid = port.info().os_pid
        port.close()
        return os_pid

    gone(result_at(place, main))


def test_a_program_that_dies_in_the_midst_of_being_written_to():
    port = sh("read line; kill -9 $$")
    port.command("x\n")
    with contextlib.suppress(NoProcess):
        while True:
            port.command(b"x" * 50000)
    assert rest(port) == ([], 137)


def test_a_program_that_reads_no_input_and_one_that_closes_it():
    port = python("""
    os.close(0)
    print("ready", flush=True)
    signal.pause()
    """)
    for _ in range(100):
        port.command(b"x" * 50000)
    info = port.info()
    assert info.output == 5000000
    os.kill(info.os_pid, signal.SIGKILL)
    assert rest(port) == ([], 137)


def test_one_that_closes_its_output_ends_when_it_ends():
    port = sh("exec >&-; read line; exit 4")
    port.command("go\n")
    assert rest(port) == ([], 4)


def test_output_that_others_keep_open_does_not_hold_up_the_end():
    port = sh("sleep 60 & echo $!; exit 3")
    (data,), status = rest(port)
    os.kill(int(data), signal.SIGKILL)
    assert status == 3
