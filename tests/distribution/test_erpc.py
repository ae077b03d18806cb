"""Calls to other nodes."""

import os
import sys
import threading
import time

import cloudpickle
import pytest

from pyex import ANY, Down, ErpcError, Exit, Node, NotSendable, Process, erpc, exit, receive, self, send, spawn

# What these tests ship to other nodes is of this module, which those cannot import.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

BOB, CAROL = "bob@127.0.0.1", "carol@127.0.0.1"
NOTHING = object()


@pytest.fixture(autouse=True)
def mesh(bob_and_carol, monkeypatch):
    monkeypatch.setattr(erpc.call, "__kwdefaults__", {"timeout": 30})  # the machine may be busy
    yield bob_and_carol
    assert receive(timeout=0, default=NOTHING) is NOTHING, "something stayed in the mailbox"


class Own(Exception):
    def __init__(self, what):
        super().__init__(f"about {what}")
        self.what = what


def raises(error):
    raise error


def test_56_a_call_returns_what_the_function_returns():
    assert erpc.call(BOB, Node.self) == BOB
    assert erpc.call(BOB, lambda a, b: [a, {b: a}], (1, "x"), 2) == [(1, "x"), {2: (1, "x")}]
    assert erpc.call("bob", lambda: None) is None
    assert erpc.call(Node.self(), Node.self) == Node.self()


@pytest.mark.parametrize("node", [BOB, "alice@127.0.0.1"])
def test_56_what_the_function_raises_is_raised_as_itself_with_the_remote_trace(node):
    with pytest.raises(KeyError) as caught:
        erpc.call(node, lambda: {}["the key"])
    assert caught.value.args == ("the key",)
    [note] = caught.value.__notes__
    assert note.startswith(f"On {node}:\nTraceback")
    assert "KeyError: 'the key'" in note
    assert "pyex/distribution" not in note
    with pytest.raises(Own, match="about bob") as caught:
        erpc.call(node, raises, Own("bob"))
    assert caught.value.what == "bob"


@pytest.mark.parametrize("node", [BOB, "alice@127.0.0.1"])
def test_56_an_exit_and_an_exit_signal_are_exits_of_their_own_kinds(node):
    with pytest.raises(Exit) as caught:
        erpc.call(node, exit, ("bored", 1))
    assert caught.value.reason == ("bored", 1)
    with pytest.raises(Exit) as caught:
        erpc.call(node, lambda: Process.exit(self(), "kill"))
    assert caught.value.reason == ("signal", "killed")
    with pytest.raises(SystemExit):
        erpc.call(node, sys.exit)


def test_56_a_node_out_of_reach_is_noconnection():
    with pytest.raises(ErpcError, match="nobody@127.0.0.1 cannot be reached") as caught:
        erpc.call("nobody", Node.self)
    assert caught.value.reason == "noconnection"
    assert isinstance(caught.value, ConnectionError)


def test_56_a_node_that_is_lost_during_the_call_is_noconnection():
    request = erpc.send_request(BOB, receive)
    Node.disconnect(BOB)
    with pytest.raises(ErpcError) as caught:
        erpc.receive_response(request, 10)
    assert caught.value.reason == "noconnection"


def test_56_a_late_reply_is_dropped():
    here = self()

    def late():
        send(here, ("at work", self()))
        receive("go on")
        return "late"

    request = erpc.send_request(BOB, late)
    _, worker = receive(("at work", ANY), timeout=60)
    with pytest.raises(ErpcError, match="did not answer within 0.01 s") as caught:
        erpc.receive_response(request, timeout=0.01)
    assert caught.value.reason == "timeout"
    assert isinstance(caught.value, TimeoutError)
    ref = Process.monitor(worker)
    send(worker, "go on")
    assert receive(Down(ref), timeout=60).reason == "normal"
    # the mailbox is looked at after every test


def test_56_the_timeout_holds_when_the_other_side_is_stuck(mesh):
    [bob, _] = mesh
    erpc.call(BOB, Node.self)
    bob.freeze()
    try:
        begun = time.monotonic()
        with pytest.raises(ErpcError) as caught:
            erpc.call(BOB, Node.self, timeout=0.2)
        assert caught.value.reason == "timeout"
        assert time.monotonic() - begun < 10
    finally:
        bob.thaw()
    assert erpc.call(BOB, Node.self, timeout=60) == BOB  # its answer to the one given up came first


def test_56_an_interrupted_call_leaves_nothing_behind():
    here = self()

    def caller():
        try:
            erpc.call(BOB, lambda: send(here, ("at work", self())) and receive())
        finally:
            send(here, ("left", self()))

    pid = spawn(caller)
    _, worker = receive(("at work", ANY), timeout=60)
    Process.exit(pid, "enough")
    assert receive(("left", pid), timeout=60)
    Process.exit(worker, "kill")


def test_requests_are_answered_in_any_order():
    requests = [erpc.send_request(node, lambda n=n: n * n) for n, node in enumerate([BOB, CAROL] * 5)]
    assert [erpc.receive_response(request, 10) for request in reversed(requests)] == [n * n for n in range(9, -1, -1)]
    with pytest.raises(ValueError, match="has been received"):
        erpc.receive_response(requests[0])


def test_a_request_is_its_process_s_own():
    request = erpc.send_request(BOB, Node.self)
    here = self()

    def other():
        try:
            erpc.receive_response(request)
        except ValueError as error:
            send(here, str(error))

    spawn(other)
    assert "is another process's" in receive(str, timeout=60)
    assert erpc.receive_response(request, 10) == BOB


def test_a_multicall_gives_a_value_or_an_error_each_in_order():
    def fails_on_bob():
        if Node.self() == BOB:
            raise ValueError("not here")
        return os.getpid()

    error, carol, nobody, here = erpc.multicall([BOB, CAROL, "nobody", Node.self()], fails_on_bob, timeout=60)
    assert isinstance(error, ValueError)
    assert carol not in (here, None)
    assert here == os.getpid()
    assert nobody.reason == "noconnection"


def test_a_cast_runs_and_says_nothing():
    here = self()
    assert erpc.cast(BOB, lambda: send(here, Node.self())) is None
    assert receive(timeout=60) == BOB
    assert erpc.cast(Node.self(), lambda: send(here, Node.self())) is None
    assert receive(timeout=60) == Node.self()
    assert erpc.cast("nobody", exit) is None


def test_what_cannot_travel_is_named():
    with pytest.raises(NotSendable):
        erpc.call(BOB, lambda lock: lock, threading.Lock())
    with pytest.raises(NotSendable, match="lock"):
        erpc.call(BOB, threading.Lock)
    with pytest.raises(TypeError, match="a function to call there"):
        erpc.call(BOB, "os.getpid")
    with pytest.raises(TypeError, match=r"as in \['bob"):
        erpc.multicall(BOB, os.getpid)


def test_what_a_called_function_prints_goes_to_the_caller_s_group_leader():
    leader = self()
    printed = erpc.call(BOB, lambda: Process.group_leader() == leader or Process.group_leader())
    assert printed is None  # a test has none; see test_remote_output.py
