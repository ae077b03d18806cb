"""Requests that fail at the client, answers given by others, the stopping of servers, calls of many, and references."""

import asyncio
import logging

import pytest

from pyex import (
    CallTimeout,
    Down,
    GenServer,
    NoProcess,
    Process,
    PyexError,
    ServerDown,
    UnknownRequest,
    await_,
    receive,
    send,
    sleep,
    spawn,
)
from pyex.core.process import aliases, processes
from tests.core.support import PLACES, SOON, kill, messages, result_at, settle
from tests.otp.servers import Counter, no_traces_of_calls, server_at


@pytest.fixture(params=PLACES.values(), ids=PLACES)
def places(request):
    return request.param


def test_a_request_that_nobody_knows_is_named(caplog):
    logging.getLogger("pyex").setLevel(logging.NOTSET)
    with pytest.raises(ServerDown) as caught:
        GenServer.call(Counter.start(), "gett")
    assert type(caught.value.__cause__) is UnknownRequest
    assert str(caught.value.__cause__) == "Counter was called with 'gett', and has no case for it"
    server = Counter.start()
    ref = Process.monitor(server)
    GenServer.cast(server, ("ad", 1))
    assert type(receive(Down(ref), timeout=SOON).reason.exception) is UnknownRequest
    assert "UnknownRequest: Counter was cast ('ad', 1), and has no case for it" in caplog.text
    assert "Last message: the cast ('ad', 1)" in caplog.text


def test_replies_are_given_by_any_process_and_only_the_first_counts(places):
    class Asker(GenServer):
        def init(self):
            self.callers = []

        def handle_call(self, request, caller):
            from pyex import NoReply

            there = caller

            def answer():
                for number in range(3):
                    GenServer.reply(there, (request, number))

            spawn(answer) if request == "process" else server_at("thread", Answerer, answer)
            return NoReply()

    class Answerer(GenServer):
        def init(self, answer):
            answer()

    def body():
        server = server_at(places[1], Asker)
        for request in ("process", "thread"):
            assert GenServer.call(server, request, timeout=SOON) == (request, 0)
        sleep(0.01)
        assert messages() == []

    result_at(places[0], body)


def test_stop_waits_for_the_end_and_knows_its_reason(places):
    def body():
        server = server_at(places[1], Counter)
        assert GenServer.stop(server) is None
        assert server.key not in processes
        with pytest.raises(NoProcess):
            GenServer.stop(server)
        server = server_at(places[1], Counter)
        assert GenServer.stop(server, "shutdown", timeout=SOON) is None
        server = server_at(places[1], Counter)
        GenServer.cast(server, "wait")
        with pytest.raises(CallTimeout):
            GenServer.stop(server, timeout=0.01)
        Process.exit(server, "kill")
        with pytest.raises((ServerDown, NoProcess)):
            GenServer.stop(server)
        assert messages() == []

    result_at(places[0], body)


def test_multi_call_gathers_what_comes_and_drops_the_rest():
    server = Counter.start(5, name="counter")
    here = "nonode@nohost"
    assert GenServer.multi_call([here, "lost@127.0.0.1", here], "counter", "get") == ([(here, 5)], ["lost@127.0.0.1"])
    assert GenServer.multi_call(None, "counter", "get", timeout=SOON) == ([(here, 5)], [])
    assert GenServer.multi_call([here], "nobody", "get") == ([], [here])
    assert GenServer.multi_call([], "counter", "get") == ([], [])
    assert GenServer.multi_call([here], "counter", "wait", timeout=0.01) == ([], [here])
    send(server, "go on")
    GenServer.abcast([here, "lost@127.0.0.1"], "counter", ("add", 1))
    GenServer.abcast(None, "counter", ("add", 1))
    assert GenServer.call("counter", "get") == 7
    assert messages() == []
    assert not aliases


def test_whereis_takes_every_kind_of_reference():
    class Via:
        def __init__(self, pid=None):
            self.pid = pid

        def whereis(self):
            return self.pid

        def register(self, pid):
            return True

        def unregister(self):
            pass

    server = Counter.start(4, name="counter")
    references = [server, "counter", Via(server)]
    assert [GenServer.whereis(one) for one in references] == [server] * 3
    assert [GenServer.call(one, "get") for one in references] == [4] * 3
    assert GenServer.whereis(("counter", "far@127.0.0.1")) == ("counter", "far@127.0.0.1")
    assert GenServer.whereis("nobody") is None
    with pytest.raises(NoProcess):
        GenServer.call(Via(), "get")
    assert GenServer.cast(Via(), "get") is None


def test_a_coroutine_is_told_how_to_call():
    server = Counter.start()

    async def client():
        with pytest.raises(PyexError, match="asyncio.to_thread"):
            GenServer.call(server, "get")
        return await asyncio.to_thread(GenServer.call, server, "get")

    assert result_at(0, lambda: await_(client())) == 0


def test_a_call_that_cannot_be_copied_leaves_nothing(places):
    def body():
        server = server_at(places[1], Counter)
        with pytest.raises(TypeError, match="generator"):
            GenServer.call(server, ("echo", (one for one in [])))
        settle(server)
        assert no_traces_of_calls(server)
        kill(server)

    result_at(places[0], body)
    assert not aliases
