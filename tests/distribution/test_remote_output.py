"""What processes started on other nodes log, and the reports of their ends, go to their group leaders."""

import sys

import cloudpickle

from pyex import Down, Node, Pid, Process, receive, self, send, spawn
from pyex.core.process import processes

# What these tests ship to other nodes is of this module, which those cannot import.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

RUNNING = """
import sys, pyex
from pyex import *
def main():
    Node.start(sys.argv[1])
    print("ready", flush=True)
    receive()
pyex.run(main)
"""


def test_a_remote_process_is_reported_and_logs_where_it_was_spawned(alice, nodes):
    def fails():
        import logging

        logging.getLogger("mine").warning("before it fails")
        print("and prints")
        raise ValueError("on purpose")

    leader = self()
    [bob] = nodes("bob", program=RUNNING)
    try:
        Process.group_leader(leader, spawn(_pass_on, leader))
        pid, ref = Node.spawn_monitor("bob", fails)
        got = [receive((Pid, tuple), timeout=60) for _ in range(3)]
        assert receive(Down(ref), timeout=60).pid == pid
    finally:
        processes[leader.key].leader = None
    assert [(sender, what[0]) for sender, what in got] == [(pid, "put_error"), (pid, "put_chars"), (pid, "put_error")]
    assert got[0][1][1] == "before it fails\n"
    assert got[1][1][1] == "and prints\n"
    assert got[2][1][1].startswith("Process Pid(")
    assert "ended: ValueError: on purpose" in got[2][1][1]
    errors = bob.errors("ended: ValueError")
    assert errors.count("ended: ValueError") == 1  # a handler of its own writes it there
    assert "before it fails" not in errors


def _pass_on(listener):
    while True:
        _, sender, _, what = receive()
        send(listener, (sender, what))


def test_a_shell_that_leaves_does_not_break_what_prints_to_it(alice, nodes):
    here = self()

    def prints():
        for _ in range(2):
            for number in range(300):  # more than may be under way
                print("line", number)
            send(here, ("printed", self()))
            receive("go on")
        try:
            input("anybody there? ")
        except EOFError:
            send(here, "nobody")
        raise ValueError("on purpose")

    def shell():
        leader = spawn(answers)
        Process.group_leader(self(), leader)
        Node.spawn("bob", prints)

    def answers():
        while True:
            match receive():
                case ("io_request", sender, ref, _) if ref is not None:
                    send(sender, ("io_reply", ref, "ok"))
                case _:
                    pass

    [bob, carol] = nodes("bob", "carol", program=RUNNING)
    Node.spawn("carol", shell)
    _, printer = receive(("printed", Pid), timeout=60)
    ref = Process.monitor(printer)
    carol.kill()
    for expected in (("printed", printer), "nobody"):
        send(printer, "go on")
        assert receive(timeout=60) == expected
    crash = receive(Down(ref), timeout=60).reason
    assert isinstance(crash.exception, ValueError)
    bob.errors("ended: ValueError: on purpose")
