"""Ports: who may do what with one, how it is closed and how it ends, and what is too much for it."""

import os
from pathlib import Path

import pytest

from pyex import (
    ANY,
    Crash,
    Down,
    Exited,
    NoProcess,
    Port,
    Process,
    exit,
    receive,
    self,
    send,
    spawn,
    spawn_monitor,
)
from pyex.core import program
from tests.core.port_programs import gone, python, sh
from tests.core.support import SOON, ended, messages, result_at, start_at, until
from tests.core.support import program as run_program

pytestmark = pytest.mark.skipif(os.name != "posix", reason="programs of a POSIX system")


PLACES = pytest.mark.parametrize("place", [0, "thread"])


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
