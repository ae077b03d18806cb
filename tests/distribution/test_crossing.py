"""Signals between nodes: links, monitors, exits and aliases; what cannot cross."""

import subprocess
import sys
import threading

import cloudpickle
import pytest

from pyex import (
    ANY,
    Crash,
    Down,
    Exited,
    Node,
    NotSendable,
    Pid,
    Process,
    Ref,
    exit,
    receive,
    run,
    self,
    send,
    share,
    spawn,
)

# What these tests ship to other nodes is of this module, which those cannot import.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

BOB = "bob@127.0.0.1"


def in_process(test):
    """Run a test as a process of its own, so that its mailbox is its own."""

    def wrapper(alice, nodes):
        run(test, nodes)

    wrapper.__name__ = test.__name__
    return wrapper


def echo():
    while True:
        match receive():
            case (Pid() as sender, text):
                send(sender, ("echo", text))
            case other:
                exit(other)


@in_process
def test_links_and_monitors_work_across_nodes(nodes):
    nodes("bob")
    Process.flag("trap_exit", True)
    pid = Node.spawn("bob", echo)
    Process.link(pid)
    by_pid, by_name = Process.monitor(pid), Process.monitor(("main", BOB))
    send(pid, "bored")
    assert receive(Exited(pid), timeout=60).reason == "bored"
    assert receive(Down(by_pid), timeout=60) == Down(by_pid, pid, "bored")
    send(("main", BOB), "stop")
    assert receive(Down(by_name), timeout=60).pid == ("main", BOB)


@in_process
def test_19_aliases_work_across_nodes(nodes):
    nodes("bob")

    def answerer():
        while True:
            alias, answers = receive()
            for answer in answers:
                send(alias, answer)

    pid = Node.spawn("bob", answerer)
    for _ in range(200):
        ref = Process.monitor(pid, alias="reply_demonitor")
        send(pid, (ref, ["first", "late"]))
        assert receive(timeout=60) == "first"
    alias = Process.alias()
    send(pid, (alias, [1, 2, "last"]))
    assert [receive(timeout=60) for _ in range(3)] == [1, 2, "last"]
    Process.unalias(alias)
    send(pid, (alias, ["revoked"]))
    ref = Process.monitor(pid)
    Process.exit(pid, "kill")
    assert receive(timeout=60) == Down(ref, pid, "killed")


@in_process
def test_46_a_dead_remote_process_is_noproc_and_a_node_out_of_reach_noconnection(nodes):
    nodes("bob")
    pid, ref = Node.spawn_monitor("bob", lambda: None)
    assert receive(Down(ref), timeout=60).reason in ("normal", "noproc")
    ref = Process.monitor(pid)
    assert receive(Down(ref), timeout=60).reason == "noproc"
    ref = Process.monitor(("nobody", BOB))
    assert receive(Down(ref), timeout=60) == Down(ref, ("nobody", BOB), "noproc")
    ref = Process.monitor(("main", "carol@127.0.0.1"))
    assert receive(Down(ref), timeout=60).reason == "noconnection"


@in_process
def test_unlink_demonitor_and_exit_across_nodes(nodes):
    nodes("bob")
    Process.flag("trap_exit", True)
    pid = Node.spawn_link("bob", echo)
    ref = Process.monitor(pid)
    other = Process.monitor(pid)
    assert Process.unlink(pid)
    assert Process.demonitor(ref, info=True)
    Process.exit(pid, "kill")
    assert receive(Down(other), timeout=60).reason == "killed"
    assert receive(timeout=0, default=None) is None


@in_process
def test_exit_signals_cross_from_there_to_here(nodes):
    nodes("bob")
    here, ref = self(), Ref()

    def victim():
        send(here, ("ready", self()))
        receive()

    pid = spawn(victim)
    receive(("ready", pid))
    down = Process.monitor(pid)
    Node.spawn("bob", lambda: Process.exit(pid, ("from", "bob", ref)))
    assert receive(Down(down), timeout=60).reason == ("from", "bob", ref)


@in_process
def test_a_crash_elsewhere_is_seen_with_its_exception_and_trace(nodes):
    nodes("bob")
    _, ref = Node.spawn_monitor("bob", lambda: {}["key"])
    crash = receive(Down(ref), timeout=60).reason
    assert isinstance(crash, Crash)
    assert isinstance(crash.exception, KeyError)
    assert "KeyError: 'key'" in crash.stacktrace


@in_process
def test_an_exit_reason_that_cannot_be_carried_goes_as_its_description(nodes):
    nodes("bob")
    here = self()
    victim = spawn(receive)

    def watch():
        ref = Process.monitor(victim)
        send(here, "watching")
        send(here, ("down", receive(Down(ref)).reason))

    Node.spawn("bob", watch)
    receive("watching", timeout=60)
    Process.exit(victim, ("because of", threading.Lock))
    assert receive(("down", ANY), timeout=60)[1][0] == "because of"


def test_a_reason_with_code_reaches_a_node_of_another_python(alice, nodes, monkeypatch):
    from pyex.distribution import fitting

    nodes("bob")
    here = self()
    victim = spawn(receive)

    def watch():
        ref = Process.monitor(victim)
        send(here, "watching")
        send(here, ("down", receive(Down(ref)).reason))

    Node.spawn("bob", watch)
    receive("watching", timeout=60)
    monkeypatch.setattr(fitting, "python_version", lambda: "9.9")
    scope = {"__name__": "__main__"}
    exec("def fn(): pass", scope)  # code without source
    Process.exit(victim, ("reason", scope["fn"]))
    reason = receive(("down", ANY), timeout=60)[1]
    assert isinstance(reason, str)
    assert reason.startswith("('reason', <function")


@in_process
def test_06_sending_to_a_name_elsewhere_never_raises(nodes):
    assert send(("x", "nobody@127.0.0.1"), 1) == 1
    nodes("bob")
    assert send(("x", BOB), 1) == 1
    assert send(("main", Node.self()), 1) == 1


@in_process
def test_what_cannot_leave_is_refused_to_the_sender(nodes):
    nodes("bob")
    Node.connect("bob")
    for message in (share([]), threading.Lock()):
        with pytest.raises(NotSendable):
            send(("main", BOB), message)
        with pytest.raises(NotSendable):
            Node.spawn("bob", lambda message=message: message)


def test_a_message_that_cannot_be_decoded_is_dropped_with_a_report(alice, nodes):
    [bob] = nodes("bob")
    module = type(sys)("only_here")
    exec("class Thing: pass\n", module.__dict__)
    sys.modules["only_here"] = module
    try:
        here = self()
        send(("main", BOB), module.Thing())
        send(("main", BOB), (here, "echo", "still there"))
        assert receive(("echo", ANY), timeout=60) == ("echo", "still there")
    finally:
        del sys.modules["only_here"]
    errors = bob.errors("was dropped, because it cannot be decoded here: ModuleNotFoundError")
    assert "('main')" in errors


@in_process
def test_a_megabyte_and_many_small_ones(nodes):
    nodes("bob")
    for size in (1 << 20, 10, 8 << 20):
        send(("main", BOB), (self(), "echo", b"x" * size))
        assert len(receive(("echo", bytes), timeout=60)[1]) == size


def test_what_a_remote_process_prints_appears_where_it_was_spawned(name_service, nodes):
    nodes("bob")
    program = """
import sys, pyex
from pyex import *
def main():
    Node.start("alice")
    leader = spawn(lead)
    Process.group_leader(self(), leader)
    pid, ref = Node.spawn_monitor("bob", noisy)
    receive(Down(ref))
    ref = Process.monitor(leader)
    send(leader, "stop")
    receive(Down(ref))
def noisy():
    for number in range(300):
        print("line", number)
    print("unfinished", end="")
def lead():
    while True:
        match receive():
            case ("io_request", sender, ref, ("put_chars", text)):
                sys.__stdout__.write(text)
                sys.__stdout__.flush()
                if sender: send(sender, ("io_reply", ref, "ok"))
            case "stop":
                return
pyex.run(main)
"""
    # bob's own stdout is its program's; a shell's is a ProcessOutput, and so is this bob's
    [bob] = nodes("carol", program=PRINTING)
    program = program.replace('"bob"', '"carol"')
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    assert done.stdout == "".join(f"line {number}\n" for number in range(300)) + "unfinished"
    assert "line" not in bob.errors()


PRINTING = """
import sys, pyex
from pyex import *
sys.stdout = pyex.ProcessOutput(sys.stdout)
Node.start(sys.argv[1])
print("ready", flush=True)
receive()
"""


def test_code_without_source_does_not_cross_between_unequal_pythons(alice, nodes, monkeypatch):
    from pyex.distribution import fitting

    nodes("bob")
    Node.connect("bob")
    monkeypatch.setattr(fitting, "python_version", lambda: "9.9")
    scope = {"__name__": "__main__"}
    exec("def fn(): pass", scope)
    with pytest.raises(
        NotSendable, match=r"code cannot be sent to bob@127.0.0.1: it runs Python 3.*the source of 'fn'"
    ):
        Node.spawn("bob", scope["fn"])
    Node.spawn("bob", exit, "functions of a module both have are no code")
    send(("main", BOB), (self(), "echo", [1]))
    assert receive(("echo", ANY), timeout=60) == ("echo", [1])
