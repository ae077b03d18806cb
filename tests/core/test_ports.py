"""Ports: programs of the operating system, both ways, and their ends."""

import contextlib
import errno
import os
import signal
import sys
import textwrap
from collections import deque
from pathlib import Path

import pytest

from pyex import (
    ANY,
    Crash,
    Down,
    Exited,
    NoProcess,
    Pid,
    Port,
    PortError,
    Process,
    ProgramNotFound,
    PyexError,
    exit,
    receive,
    self,
    send,
    spawn,
    spawn_monitor,
)
from pyex.core import port_process, program
from pyex.core.process import processes
from pyex.core.runtime import runtime
from pyex.core.threads import process_here
from tests.core.support import SOON, ended, forever, kill, messages, result_at, start_at, until
from tests.core.support import program as run_program

pytestmark = pytest.mark.skipif(os.name != "posix", reason="programs of a POSIX system")

PLACES = pytest.mark.parametrize("place", [0, "thread"])


@pytest.fixture(autouse=True)
def loops_without_complaints():
    """What goes wrong in a callback of a loop is only logged: here it fails the test."""
    runtime.first()
    complaints = []
    for scheduler in runtime.schedulers:
        scheduler.loop.set_exception_handler(lambda _, context: complaints.append(context))
    yield
    assert complaints == []


def sh(text, **options):
    return Port.open(["sh", "-c", text], **options)


def python(code):
    """A port of a Python program, once that has said that it is ready."""
    code = "import os, signal, sys, time\n" + textwrap.dedent(code)
    port = Port.open([sys.executable, "-S", "-c", code], line=True)
    assert receive((port, ("data", ANY)), timeout=SOON) == (port, ("data", b"ready"))
    return port


def rest(port):
    """All that the program writes until it has ended, and its status."""
    output = []
    while True:
        match receive((port, (str, ANY)), timeout=SOON)[1]:
            case ("data", data):
                output.append(data)
            case ("exit_status", status):
                return output, status


def exactly(port, size):
    """So many bytes of output."""
    data = b""
    while len(data) < size:
        data += receive((port, ("data", bytes)), timeout=SOON)[1][1]
    assert len(data) == size
    return data


def gone(os_pid):
    """Wait until a program has ended, and is no zombie."""

    def condition():
        try:
            os.kill(os_pid, 0)
        except ProcessLookupError:
            return True
        return False

    until(condition, f"the end of program {os_pid}")


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


# Who may do what


@pytest.mark.parametrize("message", [("command", b"x"), "close"])
def test_a_message_in_the_name_of_another_is_a_bad_signal_to_the_owner(message):
    Process.flag("trap_exit", True)
    port = Port.open(["cat"])
    spawn(lambda: send(port, (self(), message)))
    assert receive(timeout=SOON) == Exited(port, "badsig")
    assert port.info().output == 0


@pytest.mark.parametrize("message", [5, "close", (), ("command", b"x"), ("pid", "close"), [], None])
def test_garbage_is_a_bad_signal_to_the_owner(message):
    Process.flag("trap_exit", True)
    port = Port.open(["cat"])
    send(port, message)
    assert receive(timeout=SOON) == Exited(port, "badsig")
    assert port.info() is not None


def test_the_owners_name_may_be_used_by_another():
    port, owner = Port.open(["cat"]), self()
    spawn(lambda: send(port, (owner, ("command", b"x"))))
    assert receive(timeout=SOON) == (port, ("data", b"x"))
    spawn(lambda: send(port, (owner, "close")))
    assert receive(timeout=SOON) == (port, "closed")


@PLACES
def test_a_bad_signal_ends_an_owner_that_does_not_trap(place):
    me = self()

    def main():
        send(me, (port := Port.open(["cat"])).info())
        send(port, "garbage")
        receive()

    pid = start_at(place, main)
    info = receive(timeout=SOON)
    assert ended(pid) in ("badsig", "noproc")
    gone(info.os_pid)


# Closing


@PLACES
def test_closing_by_message(place):
    def main():
        Process.flag("trap_exit", True)
        port = Port.open(["cat"])
        os_pid, ref = port.info().os_pid, Process.monitor(port)
        send(port, (self(), "close"))
        assert receive(timeout=SOON) == (port, "closed")
        assert receive(Exited(port, "normal"), timeout=SOON)
        assert receive(timeout=SOON) == ("DOWN", ref, "port", port, "normal")
        send(port, (self(), "close"))  # into the void
        send(port, (self(), ("command", "x")))
        assert receive(timeout=0, default=None) is None
        return os_pid

    gone(result_at(place, main))


@PLACES
def test_closing_by_call_from_any_process(place):
    Process.flag("trap_exit", True)
    port = Port.open(["cat"])
    os_pid = port.info().os_pid

    def other():
        assert Port.close(port) is True
        assert Port.info(port) is None
        for use in (port.close, lambda: port.command("x")):
            with pytest.raises(NoProcess, match="is closed"):
                use()

    result_at(place, other)
    assert messages() == [Exited(port, "normal")]
    gone(os_pid)


def test_nothing_comes_after_close_returns():
    for _ in range(20):
        port = sh("yes")
        receive((port, ANY), timeout=SOON)
        port.close()
        messages()
        assert receive(timeout=0.001, default=None) is None


def test_what_was_commanded_before_is_still_written(tmp_path):
    path = tmp_path / "file"
    port = sh(f"read line; cat > {path}; echo end > {path}.end")
    port.command("start\n" + "x" * 150000)
    port.command(b"y" * 60000)
    port.close()
    until((tmp_path / "file.end").exists, "the end of the program")
    assert path.read_text() == "x" * 150000 + "y" * 60000


def test_a_program_that_ignores_the_end_of_its_input_is_ended(monkeypatch):
    monkeypatch.setattr(program, "GRACE", 0.1)
    port = python("""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    print("ready", flush=True)
    while True: signal.pause()
    """)
    os_pid = port.info().os_pid
    port.close()
    gone(os_pid)


def test_a_program_that_ignores_sigterm_is_killed_and_its_children_are_ended(monkeypatch):
    monkeypatch.setattr(program, "GRACE", 0.1)
    port = sh("sleep 1000 & echo $!; trap '' TERM; while :; do sleep 1000; done", line=True)
    child = int(receive((port, ("data", ANY)), timeout=SOON)[1][1])
    os_pid = port.info().os_pid
    assert os.getsid(os_pid) == os_pid  # no Ctrl-C comes there
    port.close()
    gone(os_pid)
    until(lambda: not running(child), "the end of the child")


def running(os_pid):
    """Whether it runs; our grandchildren are the init process's to bury, who may not."""
    try:
        return Path(f"/proc/{os_pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


# The owner's end, links, exits


@PLACES
@pytest.mark.parametrize("unlinked", [False, True])
@pytest.mark.parametrize("ending", ["normal", "crash", "kill", "raise"])
def test_the_program_ends_with_its_owner(place, unlinked, ending):
    me = self()

    def owner():
        port = Port.open(["cat"])
        if unlinked:
            Process.unlink(port)
        send(me, (port, port.info().os_pid))
        receive("go")
        if ending == "raise":
            raise ValueError("boom")
        exit(ending)

    pid = start_at(place, owner)
    port, os_pid = receive(timeout=SOON)
    ref = Process.monitor(port)
    if ending == "kill":
        Process.exit(pid, "kill")
    send(pid, "go")
    reason = receive(Down(ref), timeout=SOON).reason
    if unlinked:
        assert reason == "normal"
    else:
        assert reason == {"kill": "killed", "raise": Crash(ValueError("boom"))}.get(ending, ending)
    gone(os_pid)


def test_what_the_owner_commanded_last_is_written_before_its_end_counts(tmp_path):
    path = tmp_path / "file"

    def owner():
        port = sh(f"cat > {path}")
        port.command("last words")
        exit("crash")

    spawn(owner)
    until(lambda: path.exists() and path.read_text() == "last words", "the last words")


@PLACES
def test_who_is_linked_besides_takes_the_port_along_when_it_ends_abnormally(place):
    Process.flag("trap_exit", True)
    port = Port.open(["cat"])

    def other(reason):
        Process.link(port)
        exit(reason)

    ended(start_at(place, other, "normal"))
    assert port.info() is not None
    start_at(place, other, "boom")
    assert receive(timeout=SOON) == Exited(port, "boom")
    with pytest.raises(NoProcess):
        Process.flag("trap_exit", False)
        Process.link(port)


@pytest.mark.parametrize(("reason", "seen"), [("boom", "boom"), ("kill", "killed"), ("shutdown", "shutdown")])
def test_a_port_can_be_exited(reason, seen):
    Process.flag("trap_exit", True)
    port = Port.open(["cat"])
    os_pid, ref = port.info().os_pid, Process.monitor(port)
    _, down = spawn_monitor(lambda: Process.exit(port, reason))
    receive(Down(down), timeout=SOON)
    assert receive(Exited(port), timeout=SOON).reason == seen
    assert receive(Down(ref), timeout=SOON) == ("DOWN", ref, "port", port, seen)
    gone(os_pid)


def test_a_normal_exit_of_another_does_not_touch_a_port():
    port = Port.open(["cat"])
    ended(spawn(lambda: Process.exit(port, "normal")))
    port.command("x")
    assert receive(timeout=SOON) == (port, ("data", b"x"))


def test_monitors_of_ports():
    port = Port.open(["cat"])
    ref, other = Process.monitor(port), Process.monitor(port)
    Process.demonitor(other)
    port.close()
    assert receive(timeout=SOON) == ("DOWN", ref, "port", port, "normal")
    ref = Process.monitor(port)
    down = receive(timeout=SOON)
    assert (down, type(down)) == (("DOWN", ref, "port", port, "noproc"), Down)
    send(self(), down)
    assert receive(timeout=0) == down
    assert messages() == []


def test_only_what_makes_sense_for_a_port_takes_one():
    port = Port.open(["cat"])
    for use in (Process.alive, lambda port: Process.register(port, "name")):
        with pytest.raises(TypeError, match="takes a pid"):
            use(port)


# Too much


def unread():
    """Bytes of output in this process's mailbox, as a port counts them."""
    held = list((process_here().mailbox or deque()).copy())
    return sum(len(message[1][1]) + port_process.PER_MESSAGE for message in held if type(message) is tuple)


@PLACES
@pytest.mark.parametrize("line", [False, True])
def test_a_flood_is_read_no_faster_than_its_owner_reads(place, line):
    def main():
        port = sh("yes", line=line)
        for _ in range(3):
            until(lambda: unread() > port_process.UNREAD // 2, "the flood")
            assert receive("never", timeout=port_process.LOOK_AGAIN_AT_MOST * 5, default=None) is None
            assert unread() < port_process.UNREAD * 9 // 8
            for _ in range(len(process_here().mailbox)):
                receive(timeout=0)
        port.close()

    result_at(place, main)


def test_a_flood_reaches_an_owner_whose_mailbox_is_full_of_other_things():
    def main():
        for number in range(20000):
            send(self(), number)
        port = sh("head -c 5000000 /dev/zero")
        assert sum(map(len, rest(port)[0])) == 5000000
        assert len(messages()) == 20000

    result_at(0, main)


@PLACES
def test_who_writes_faster_than_the_program_reads_waits(place):
    port = python("""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    print("ready", flush=True)
    signal.sigwait({signal.SIGUSR1})
    print(len(sys.stdin.buffer.read(4000000)), flush=True)
    """)
    me = self()

    def writer(by_message):
        for _ in range(200):
            if by_message:
                send(port, (me, ("command", b"x" * 10000)))
            else:
                port.command(b"x" * 10000)
        send(me, "done")

    for by_message in (False, True):
        start_at(place, writer, by_message)
    assert receive("done", timeout=0.2, default=None) is None
    assert port.info().output < 400000
    os.kill(port.info().os_pid, signal.SIGUSR1)
    for _ in range(2):
        receive("done", timeout=SOON)
    assert rest(port) == ([b"4000000"], 0)


@PLACES
def test_a_writer_that_waits_can_be_killed_and_leaves_nothing_when_the_port_goes(place):
    port = python("print('ready', flush=True); signal.pause()")
    me = self()

    def writer():
        with contextlib.suppress(NoProcess):
            while True:
                send(me, "more")
                port.command(b"x" * 50000)
        send(me, receive(timeout=0, default="nothing"))
        receive()

    doomed, survivor = start_at(place, writer), start_at(place, writer)
    while receive("more", timeout=0.2, default=None) is not None:
        pass
    kill(doomed)
    port.close()
    receive("nothing", timeout=SOON)
    kill(survivor)


@PLACES
def test_an_owner_that_writes_before_it_reads_does_not_wait_for_ever(place):
    def main():
        port = Port.open(["cat"])
        for _ in range(100):
            port.command(b"x" * 100000)
        exactly(port, 10000000)
        port.close()

    result_at(place, main)


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_many_ports_leave_no_descriptors_zombies_or_entries():
    rest(sh("exit"))
    before, table = descriptors(), len(processes)
    os_pids = []
    for _ in range(30):
        port = Port.open(["cat"])
        os_pids.append(port.info().os_pid)
        port.close()
        rest(sh("exit"))
    for os_pid in os_pids:
        gone(os_pid)
    until(lambda: descriptors() <= before, "the end of the descriptors")
    until(lambda: len(processes) <= table, "the end of the ports")


# The end of the interpreter


@pytest.mark.parametrize(
    "text",
    ["cat", "sleep 1000", "trap '' TERM; while :; do sleep 1000; done", "yes", "echo $$; exec sleep 1000 >&-"],
)
@pytest.mark.parametrize("where", ["main", "process", "thread"])
def test_14_programs_end_with_the_interpreter(text, where):
    done = run_program(f"""
    def main():
        port = Port.open(["sh", "-c", "exec 2>/dev/null;" + {text!r}])
        print(port.info().os_pid, flush=True)
        send(parent, "opened")
        receive((port, "never"), timeout=None)
    parent = self()
    if {where!r} == "main":
        port = Port.open(["sh", "-c", "exec 2>/dev/null;" + {text!r}])
        print(port.info().os_pid)
    else:
        spawn(main, thread={where!r} == "thread")
        receive("opened")
    """)
    assert (done.returncode, done.stderr) == (0, "")
    gone(int(done.stdout))
