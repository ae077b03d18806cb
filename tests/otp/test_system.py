"""Looking into a server, and pausing it: statement 32 of the behaviour contract."""

import threading

import pytest

from pyex import (
    CallTimeout,
    Down,
    GenServer,
    NoProcess,
    NoReply,
    NotSendable,
    Process,
    Task,
    Timeout,
    receive,
    self,
    send,
)
from tests.core.support import SOON, messages, until
from tests.otp.servers import Counter, server_at


@pytest.fixture(params=[0, 1, "thread"])
def server(request):
    return server_at(request.param, Counter, 1, name="counter")


def test_32_a_suspended_server_lets_calls_wait_until_it_is_resumed(server):
    for _ in range(3):
        GenServer.suspend(server)
        GenServer.suspend("counter")
        assert GenServer.get_status(server).status == "suspended"
        with pytest.raises(CallTimeout):
            GenServer.call(server, ("echo", "too late"), timeout=0.01)
        GenServer.cast(server, ("add", 1))
        waiting = Task.async_(lambda: GenServer.call(server, "get"))
        until(lambda: Process.info(server).message_queue_len == 3)
        assert GenServer.get_state(server)["n"] == 1
        GenServer.resume(server)
        GenServer.resume(server)
        assert GenServer.get_status(server).status == "running"
        assert waiting.await_() == 2
        GenServer.replace_state(server, lambda state: {**state, "n": state["n"] - 1})
    assert messages() == []


def test_32_a_suspended_server_ends_as_any_other(server):
    GenServer.suspend(server)
    GenServer.stop(server, "shutdown")
    assert Process.whereis("counter") is None


def test_32_the_parents_exit_ends_a_suspended_server_that_traps():
    class Trapping(Counter):
        def init(self, here):
            self.here = here
            Process.flag("trap_exit", True)

        def terminate(self, reason):
            send(self.here, reason)

    here = self()

    def parent():
        pid = Trapping.start_link(here)
        GenServer.suspend(pid)
        send(here, pid)
        receive("end")

    other = Task.start(parent)
    pid = receive(timeout=SOON)
    ref = Process.monitor(pid)
    send(other, "end")
    assert receive("normal", timeout=SOON)
    assert receive(Down(ref), timeout=SOON).reason == "normal"


def test_the_state_is_a_snapshot_and_can_be_replaced(server):
    GenServer.replace_state(server, lambda state: {**state, "items": [1]})
    GenServer.get_state(server)["items"].append(2)
    assert GenServer.get_state(server) == {"n": 1, "items": [1]}
    assert GenServer.replace_state(server, lambda state: {"n": 7}) == {"n": 7}
    assert GenServer.call(server, "get") == 7


def test_a_function_that_fails_to_make_a_new_state_leaves_the_old(server):
    def fail(state):
        state["n"] = 100
        raise KeyError("key")

    with pytest.raises(KeyError, match="key"):
        GenServer.replace_state(server, fail)
    for wrong in (None, 5, {1: 2}):
        with pytest.raises(TypeError, match="returns the new state, a dict of attributes"):
            GenServer.replace_state(server, lambda state, wrong=wrong: wrong)
    with pytest.raises(TypeError, match="takes a function"):
        GenServer.replace_state(server, {"n": 5})
    assert GenServer.call(server, "get") == 1


def test_a_state_that_cannot_be_copied_is_told_and_harms_nobody(server):
    with pytest.raises(NotSendable, match="lock"):
        GenServer.replace_state(server, lambda state: {**state, "lock": threading.Lock()})
    assert GenServer.get_state(server) == {"n": 1}

    class Locked(Counter):
        def init(self):
            self.n, self.lock = 1, threading.Lock()

    locked = Locked.start()
    with pytest.raises(NotSendable, match="lock"):
        GenServer.get_state(locked)
    assert "lock" in GenServer.get_status(locked).state
    assert GenServer.call(locked, "get") == 1


def test_get_status_shows_a_server_as_its_format_status_does(server):
    status = GenServer.get_status(server)
    assert (status.pid, status.registered_name, status.status, status.traced) == (server, "counter", "running", False)
    assert status.server == "tests.otp.servers.Counter"
    assert status.parent == server  # nobody's: it was started without a link
    assert status.state == {"n": 1}
    assert "\nstate            {'n': 1}" in str(status)

    class Secret(Counter):
        def format_status(self, status):
            return {**status, "state": "hidden"}

    linked = Secret.start_link()
    status = GenServer.get_status(linked)
    assert (status.state, status.parent) == ("hidden", self())
    GenServer.stop(linked)


def test_a_trace_prints_what_comes_in(capsys):
    server = Counter.start(1)
    GenServer.trace(server)
    assert GenServer.call(server, "get") == 1
    GenServer.cast(server, ("add", 2))
    send(server, "what")
    GenServer.trace(server, False)
    GenServer.call(server, "get")
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"*DBG* Counter {server!r} got the call 'get' from {self()!r} in the state {{'n': 1}}",
        f"*DBG* Counter {server!r} got the cast ('add', 2) in the state {{'n': 1}}",
        f"*DBG* Counter {server!r} got 'what' in the state {{'n': 3}}",
    ]


def test_what_there_is_not_is_refused(server):
    GenServer.stop(server)
    for ask in (GenServer.get_state, GenServer.suspend, GenServer.resume, GenServer.get_status, GenServer.trace):
        with pytest.raises(NoProcess):
            ask("counter")
    other = Counter.start()
    with pytest.raises(ValueError, match="does not know the system request 'dance'"):
        from pyex.otp.system import _ask

        _ask(other, "dance", 5)
    assert GenServer.call(other, "get") == 0


def test_a_timeout_that_is_over_while_suspended_comes_after_the_resumption():
    class Impatient(Counter):
        def handle_call(self, request, caller):
            self.caller = caller
            send(self(), ("$system", None, "suspend"))
            return NoReply(Timeout(0.01))

        def handle_info(self, message):
            GenServer.reply(self.caller, message)

    server = Impatient.start()
    waiting = Task.async_(lambda: GenServer.call(server, "go"))
    until(lambda: GenServer.get_status(server).status == "suspended")
    assert waiting.yield_(timeout=0.05) is None
    GenServer.resume(server)
    assert waiting.await_() == "timeout"
