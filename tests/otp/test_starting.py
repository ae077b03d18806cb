"""Starting a process and waiting until it is ready: statements 23 and 24 of the behaviour contract."""

import logging

import pytest

from pyex import (
    Crash,
    Down,
    Exit,
    GenServer,
    Ignore,
    NotSendable,
    Process,
    StartError,
    Stop,
    Terminated,
    receive,
    self,
    send,
    spawn_monitor,
)
from tests.core.support import SOON, ended, messages, result_at, settle, switching, until
from tests.otp.servers import Counter


class Server(GenServer):
    def init(self, how=None, tell=None):
        if tell is not None:
            send(tell, "init ran")
        match how:
            case "raise":
                raise ValueError("no")
            case "stop":
                return Stop("why")
            case "ignore":
                return Ignore()
            case "exit":
                raise Exit("gone")
            case "hang":
                receive("never")
            case "wrong":
                return ("ok", 0)
        return None


REASONS = {
    "raise": Crash(ValueError("no")),
    "stop": "why",
    "exit": "gone",
    "hang": "timeout",
    "wrong": ("bad_return_value", ("ok", 0)),
}


@pytest.mark.parametrize("thread", [False, True])
@pytest.mark.parametrize("start", ["start", "start_link"])
@pytest.mark.parametrize("how", [*REASONS, "ignore"])
def test_23_a_start_that_fails_raises_leaves_the_name_free_and_no_message(how, start, thread):
    Process.flag("trap_exit", True)
    start = getattr(Server, start)
    if how == "ignore":
        assert start("ignore", name="server", thread=thread) is None
    else:
        with pytest.raises(StartError) as caught:
            start(how, name="server", thread=thread, timeout=0.05 if how == "hang" else None)
        assert caught.value.reason == REASONS[how]
        assert caught.value.__cause__ is getattr(caught.value.reason, "exception", None)
    assert Process.whereis("server") is None
    assert messages() == []


def test_23_a_linked_starter_that_does_not_trap_gets_the_exit_too():
    def starter(here):
        try:
            Server.start_link("stop")
        except Terminated:
            send(here, "ended")
            raise

    _, ref = spawn_monitor(starter, self())
    assert receive(Down(ref), timeout=SOON).reason == "why"
    assert receive("ended", timeout=0)


def test_23_one_that_was_started_without_a_link_ends_nobody():
    def starter():
        try:
            Server.start("raise")
        except StartError as error:
            return error.reason

    assert result_at(0, starter) == Crash(ValueError("no"))


@pytest.mark.parametrize("trap", [False, True])
def test_23_a_timeout_ends_no_starter(trap):
    def starter():
        Process.flag("trap_exit", trap)
        try:
            Server.start_link("hang", timeout=0.02)
        except StartError as error:
            return error.reason, messages(), Process.info(self()).links

    assert result_at(0, starter) == ("timeout", [], ())


def test_23_the_name_is_free_when_a_start_has_failed_1000_times():
    Process.flag("trap_exit", True)
    with switching(1e-5):
        for time in range(1000):
            with pytest.raises(StartError, match="why"):
                Server.start_link("stop", name="server", thread=time % 50 == 0)
            assert Process.whereis("server") is None
    assert messages() == []


def test_24_a_start_timeout_kills_and_leaves_nothing_1000_times():
    """Whatever comes first, the end of the time or of ``init``."""

    class Slow(GenServer):
        def init(self, seconds):
            receive("never", timeout=seconds, default=None)

    def body():
        Process.flag("trap_exit", True)
        started = 0
        for time in range(1000):
            try:
                seconds, timeout = 0.0005 + time % 7 * 0.0001, 0.0008
                if time < 4:  # each comes first at least twice, however slow the machine is
                    seconds, timeout = [(0, SOON), (0.05, 0.0008)][time % 2]
                GenServer.stop(Slow.start_link(seconds, timeout=timeout, name="slow"))
                started += 1
            except StartError as error:
                assert error.reason == "timeout"  # noqa: PT017 - either may come
                assert Process.whereis("slow") is None
            # A server that was stopped in order has told its link, as any process does.
            assert all(message[2] == "normal" for message in messages())
        return started

    assert 0 < result_at(0, body, timeout=60) < 1000


def test_24_a_taken_name_never_runs_init():
    pid = Server.start(name="server")
    for start in (Server.start, Server.start_link):
        with pytest.raises(StartError, match="the name 'server' is taken, by") as caught:
            start(None, self(), name="server")
        assert caught.value.reason == ("already_started", pid)
    GenServer.stop(pid)
    assert messages() == []


def test_24_of_many_that_want_a_name_one_gets_it_1000_times():
    racers = 4

    def racer(here):
        while True:
            ref = receive()
            try:
                send(here, (ref, Server.start(None, here, name="server")))
            except StartError as error:
                word, holder = error.reason
                send(here, (ref, word, holder))

    here = self()
    pids = [result_at(place, lambda: spawn_monitor(racer, here)[0]) for place in (0, 0, 1, 1)]
    with switching(1e-5):
        for time in range(1000):
            for pid in pids:
                send(pid, time)
            answers = [receive((time, object), (time, "already_started", object), timeout=SOON) for _ in range(racers)]
            winners = [answer[1] for answer in answers if len(answer) == 2]
            assert len(winners) == 1
            assert {answer[2] for answer in answers if len(answer) == 3} == set(winners)
            GenServer.stop(winners[0])
            assert messages() == ["init ran"]


def test_a_starter_that_is_killed_takes_a_linked_server_along_before_it_is_ready():
    pid, ref = spawn_monitor(lambda: Server.start_link("hang", name="server"))
    until(lambda: Process.whereis("server") is not None)
    server = Process.whereis("server")
    Process.exit(pid, "kill")
    assert receive(Down(ref), timeout=SOON).reason == "killed"
    assert ended(server) in ("killed", "noproc")


def test_what_a_server_is_started_with_is_a_snapshot():
    items = [1, 2]

    class Keeper(Counter):
        def init(self, items):
            self.n = items

    pid = Keeper.start(items)
    items.append(3)
    assert GenServer.call(pid, "get") == [1, 2]
    with pytest.raises(NotSendable, match=r"what .*Keeper.init takes to its process holds .* at argument 0"):
        Keeper.start(one for one in items)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Counter(10), r"Counter.start_link\(...\) starts a server"),
        (lambda: Counter.start(start=10), "no option 'start': there are name, timeout, .*without names"),
        (lambda: Counter.start(nmae="x"), "Did you mean name?"),
        (lambda: GenServer.start_link(Counter, 10), r"write Counter.start_link\(10\)"),
        (lambda: Counter.start(name=Counter), "Write name='Counter'"),
        (lambda: Counter.start(name=""), "a str that is not empty"),
    ],
)
def test_what_is_started_wrongly_is_told_how_to(call, words):
    with pytest.raises(TypeError, match=words):
        call()
    assert messages() == []


def test_a_class_that_is_written_wrongly_is_told_how_to():
    with pytest.raises(TypeError, match="defines __init__.*Call it init"):
        type("Wrong", (GenServer,), {"__init__": lambda self: None})

    async def handle_call(self, request, caller):
        pass

    with pytest.raises(TypeError, match=r"Wrong.handle_call has to be a plain function: in it, await_"):
        type("Wrong", (GenServer,), {"handle_call": handle_call})


def test_an_init_in_the_manner_of_elixir_is_told_how_to(caplog):
    logging.getLogger("pyex").setLevel(logging.NOTSET)
    with pytest.raises(StartError):
        Server.start("wrong")
    assert "init returned ('ok', 0)" in caplog.text
    assert "keeps what it gets in attributes" in caplog.text


class WithoutInit(GenServer):
    pass


def test_one_that_inherits_init_is_known_by_its_class():
    pid = WithoutInit.start()
    assert Process.info(pid).initial_call == "tests.otp.test_starting.WithoutInit"


def test_the_report_names_init_as_the_initial_call(caplog):
    logging.getLogger("pyex").setLevel(logging.NOTSET)
    pid = Counter.start()
    assert Process.info(pid).initial_call == "tests.otp.servers.Counter.init"
    settle(pid)
