"""Servers on other nodes: calls by pid and by name, late answers, lost nodes, casts and calls of many."""

import pytest

from pyex import (
    Agent,
    CallTimeout,
    Crash,
    GenServer,
    Node,
    NoProcess,
    NoReply,
    Process,
    Reply,
    ServerDown,
    StartError,
    Stop,
    erpc,
    exit,
    receive,
    self,
    send,
    sleep,
    spawn,
)
from pyex.core.process import aliases
from tests.core.support import SOON, messages, result_at
from tests.distribution.conftest import alice, name_service, nodes

__all__ = ["alice", "name_service", "nodes"]

BOB = "bob@127.0.0.1"


def counter_class():
    """Made in a function: so it travels by value to a node that has no such module."""

    class Counter(GenServer):
        def init(self, start=0):
            self.n = start

        def handle_call(self, request, caller):
            match request:
                case "get":
                    return Reply(self.n)
                case ("echo", value):
                    return Reply(value)
                case ("sleep", seconds):
                    sleep(seconds)
                    return Reply("late")
                case ("divide", by):
                    return Reply(self.n // by)
                case ("exit", reason):
                    exit(reason)
                case ("elsewhere", value):
                    spawn(lambda: GenServer.reply(caller, value))
                    return NoReply()
            return Stop("unknown")

        def handle_cast(self, request):
            self.n += request

    return Counter


def server_at(node, *args, name=None):
    here, cls = self(), counter_class()
    Node.spawn(node, lambda: send(here, ("server", cls.start(*args, name=name))))
    return receive(("server", object), timeout=SOON)[1]


@pytest.fixture
def bob(nodes, alice):
    (node,) = nodes("bob")
    Node.connect(BOB)
    return node


@pytest.mark.parametrize("place", [0, "thread"])
def test_25_26_31_calls_and_casts_work_across_nodes(bob, place):
    def body():
        pid = server_at(BOB, 5, name="counter")
        for server in (pid, ("counter", BOB)):
            before = GenServer.call(server, "get")
            GenServer.cast(server, 1)
            assert GenServer.call(server, "get") == before + 1
            value = [1, (2, {"a": None}), self()]
            assert GenServer.call(server, ("echo", value)) == value
            assert GenServer.call(server, ("elsewhere", 3)) == 3
            with pytest.raises(CallTimeout):
                GenServer.call(server, ("sleep", 0.05), timeout=0.01)
            assert GenServer.call(server, "get") == before + 1  # the answer that was late came before this one
            assert messages() == []
        assert GenServer.get_state(pid) == {"n": 7}
        here = Node.self()
        local = counter_class().start(1, name="counter")
        assert GenServer.multi_call(None, "counter", "get") == ([(here, 1), (BOB, 7)], [])
        GenServer.abcast(None, "counter", 10)
        assert GenServer.multi_call([BOB, here, "carol@127.0.0.1"], "counter", "get", timeout=SOON) == (
            [(BOB, 17), (here, 11)],
            ["carol@127.0.0.1"],
        )
        GenServer.stop(local)
        with pytest.raises(ServerDown) as caught:
            GenServer.call(pid, ("divide", 0))
        assert caught.value.reason == Crash(ZeroDivisionError("integer division or modulo by zero"))
        assert type(caught.value.__cause__) is ZeroDivisionError
        for server in (pid, ("counter", BOB)):
            with pytest.raises(NoProcess):
                GenServer.call(server, "get")
            assert GenServer.cast(server, 1) is None
        other = server_at(BOB)
        assert GenServer.stop(other, "shutdown") is None
        with pytest.raises(ServerDown) as caught:
            GenServer.call(server_at(BOB), ("exit", "bored"))
        assert caught.value.reason == "bored"
        assert messages() == []

    result_at(place, body)
    assert not aliases


def test_26_a_lost_node_fails_the_call(bob):
    pid = server_at(BOB, name="counter")

    def client(server):
        try:
            GenServer.call(server, ("sleep", 60), timeout=None)
        except ServerDown as error:
            return error.reason

    here = self()
    for server in (pid, ("counter", BOB)):
        spawn(lambda server=server: send(here, ("reason", client(server))))
    sleep(0.2)  # for the calls to be on their way: either way they fail alike
    bob.kill()
    assert [receive(("reason", object), timeout=SOON)[1] for _ in range(2)] == [("nodedown", BOB)] * 2
    with pytest.raises(ServerDown) as caught:
        GenServer.call(("counter", BOB), "get")
    assert caught.value.reason == ("nodedown", BOB)
    assert GenServer.cast(pid, 1) is None


def test_an_agent_on_another_node_runs_functions_that_are_typed_here(bob):
    here = self()
    Node.spawn(BOB, lambda: send(here, ("agent", Agent.start(lambda: [1]))))
    agent = receive(("agent", object), timeout=SOON)[1]
    more = [2, 3]
    Agent.update(agent, lambda items: items + more)
    assert Agent.get(agent, len) == 3
    assert Agent.get_and_update(agent, lambda items: (items[-1], items[:-1])) == 3
    assert Agent.get(agent, lambda items: (items, Node.self())) == ([1, 2], BOB)
    Agent.stop(agent)
    assert not Process.info(self()).monitors


def test_a_global_name_refers_to_a_server_on_every_node(alice, nodes):
    nodes("bob")
    Node.connect(BOB)
    counter = counter_class()
    server = counter.start(5, name=("global", "boss"))
    assert GenServer.whereis(("global", "boss")) == server
    assert GenServer.call(("global", "boss"), "get") == 5
    assert erpc.call(BOB, lambda: GenServer.call(("global", "boss"), "get")) == 5
    with pytest.raises(StartError) as caught:
        counter.start(6, name=("global", "boss"))
    assert caught.value.reason == ("already_started", server)
    with pytest.raises(NoProcess):
        GenServer.call(("global", "nobody"), "get")
    GenServer.stop(("global", "boss"))
