"""What traced processes do is told as it happens; when nobody is traced nothing is paid, nothing is changed."""

import pytest

import pyex
from pyex import (
    ANY,
    Down,
    Exited,
    NoProcess,
    Pid,
    Process,
    exit,
    receive,
    request,
    respond,
    self,
    send,
    spawn,
    spawn_link,
)
from pyex.core import messaging, scheduler, signals, tracing
from pyex.core.carrier import Parcel, Route, route
from pyex.core.process import processes
from pyex.core.scheduler import Scheduler
from pyex.core.signals import EXIT2, signal
from pyex.core.threads import ThreadOwner
from tests.core.support import PLACES, SOON, kill, messages, result_at, start_at, until

places = pytest.mark.parametrize("places", PLACES.values(), ids=PLACES)


def loop():
    while True:
        match receive():
            case ("to", dest, message):
                send(dest, message)
            case ("spawn", fn):
                spawn(fn)
            case ("link", pid):
                Process.link(pid)
            case ("unlink", pid):
                Process.unlink(pid)
            case ("exit", pid, reason):
                Process.exit(pid, reason)
            case ("end", reason):
                exit(reason)


def events(*whats, count=1):
    """The next so many events of these kinds, without their numbers."""
    got = []
    while len(got) < count:
        event = receive(pyex.TraceEvent, timeout=SOON)
        if not whats or event.what in whats:
            got.append(event[1:])
    return got


def everything():
    """Where the hooks are, now."""
    handlers = [
        signals.HANDLERS[op] for op in (signals.SEND, signals.LINK, signals.UNLINK, signals.EXIT, signals.EXIT2)
    ]
    names = [id(messaging.nearby), messaging.post, signals._on_message, scheduler.end]
    return (*names, *handlers, Scheduler.start, Scheduler.end, ThreadOwner.start, ThreadOwner.end, Route.carrier)


UNTRACED = everything()


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    for key in list(tracing._traced):
        if key in processes:
            tracing.untrace(processes[key].pid)
    until(lambda: everything() == UNTRACED)  # who has just ended is told of to the last
    assert messaging.nearby is processes


@places
def test_messages_are_told_when_sent_come_and_taken(places):
    def body():
        here = self()
        pid = start_at(places[1], loop)
        pyex.trace(pid)
        send(pid, ("to", here, ["back"]))
        assert receive(["back"], timeout=SOON) == ["back"]
        command = ("to", here, ["back"])
        assert events(count=3) == [
            (pid, "message", None, command), (pid, "receive", None, command), (pid, "send", here, ["back"]),
        ]  # fmt: skip
        assert pyex.untrace(pid) is True
        assert pyex.untrace(pid) is False
        send(pid, ("to", here, "again"))
        assert receive(timeout=SOON) == "again"
        kill(pid)

    result_at(places[0], body)


@places
def test_requests_and_their_answers_are_told(places):
    def answer():
        match receive():
            case ("ask", (_, alias), word):
                respond(alias, word)
                receive("never")

    def ask(pid):
        receive("go")
        request(pid, "ask", "hello", SOON)
        receive("never")

    def body():
        answerer = start_at(places[1], answer)
        asker = start_at(places[0], ask, answerer)
        pyex.trace(answerer)
        pyex.trace(asker)
        send(asker, "go")
        told = events(count=8)
        pyex.untrace(asker)
        pyex.untrace(answerer)
        kill(asker, answerer)
        alias = next(value[1][1] for _, what, _, value in told if what == "send" and value[0] == "ask")
        question, its_answer = ("ask", (asker, alias), "hello"), (alias, "hello")
        assert [event[1:] for event in told if event[0] == asker] == [
            ("message", None, "go"), ("receive", None, "go"), ("send", answerer, question),
            ("message", None, its_answer), ("receive", None, its_answer),
        ]  # fmt: skip
        assert [event[1:] for event in told if event[0] == answerer] == [
            ("message", None, question), ("receive", None, question), ("send", asker, its_answer)
        ]  # fmt: skip

    result_at(places[0], body)


@places
def test_spawns_links_exits_and_the_end(places):
    def body():
        pid, other = start_at(places[1], loop), start_at(places[0], receive)
        pyex.trace(pid)
        for command in (
            ("spawn", messages),
            ("link", other),
            ("unlink", other),
            ("exit", other, "bye"),
            ("end", "bored"),
        ):
            send(pid, command)
        told = events("spawn", "link", "unlink", "exit_signal", "exit", count=5)
        assert told[0][:2] == (pid, "spawn")
        assert type(told[0][2]) is Pid
        assert told[0][3] == "tests.core.support.messages"
        assert told[1:] == [
            (pid, "link", other, None), (pid, "unlink", other, None), (pid, "exit_signal", other, "bye"),
            (pid, "exit", None, "bored"),
        ]  # fmt: skip

    result_at(places[0], body)


def test_exit_signals_from_processes_that_are_not_traced():
    pid = spawn(loop)
    pyex.trace(pid)
    Process.exit(pid, "bye")
    assert events(count=2) == [(self(), "exit_signal", pid, "bye"), (pid, "exit", None, "bye")]


def test_messages_of_the_runtime_are_told_too():
    Process.flag("trap_exit", True)
    pid = spawn_link(lambda: (Process.flag("trap_exit", True), Process.monitor(Pid("0.99999.0")), receive("never")))
    until(lambda: Process.info(pid).trap_exit and Process.info(pid).message_queue_len == 1)
    pyex.trace(pid)
    Process.exit(pid, "bye")
    told = events("message")[0]
    assert told[3] == Exited(self(), "bye")
    kill(pid)
    messages()


@places
def test_what_is_told_is_a_copy(places):
    def body():
        pid = start_at(places[1], receive, "never")
        pyex.trace(pid)
        message = [1]
        send(pid, message)
        event = receive(pyex.TraceEvent, timeout=SOON)
        event.value.append(2)
        assert Process.info(pid).messages == ([1],)
        assert message == [1]
        kill(pid)

    result_at(places[0], body)


def test_it_ends_after_so_many_events():
    pid = spawn(receive, "never")
    pyex.trace(pid, count=3)
    for number in range(10):
        send(pid, number)
    assert [event[3] for event in events(count=4)] == [0, 1, 2, 3]
    assert messages() == []
    assert everything() == UNTRACED
    assert Process.info(pid).message_queue_len == 10


def test_of_many_threads_that_tell_one_tells_the_end():
    def root(pids):
        receive("go")
        for pid in pids:
            send(pid, "x")
        receive("never")

    for _ in range(30):
        pids = [spawn(receive, "never", thread=True) for _ in range(3)]
        pid = spawn(root, pids)
        pyex.trace(pid, count=5, follow=True)
        send(pid, "go")
        told = []
        while "trace_end" not in told:
            told.append(receive(pyex.TraceEvent, timeout=SOON).what)
        kill(pid, *pids)
        told += [event.what for event in messages()]
        assert len(told) == 6
        assert told.count("trace_end") == 1


def test_it_ends_when_nobody_listens_any_more():
    pid = spawn(receive, "never")
    listener = spawn(receive, "never")
    pyex.trace(pid, listener)
    kill(listener)
    send(pid, 1)
    until(lambda: everything() == UNTRACED)


@places
def test_following_finds_all_that_comes_of_something(places):
    def echo(tell):
        while True:
            sender, text = receive()
            send(sender, text)

    def client(server, back):
        receive("go")
        spawn(lambda: send(server, (back, "from a child")))
        send("third", "by name")

    def body():
        here = self()
        server, third = start_at(places[1], echo, here), start_at(places[0], receive, "never", name="third")
        pid = start_at(places[1], client, server, here)
        pyex.trace(pid, follow=True)
        send(pid, "go")
        assert receive("from a child", timeout=SOON)
        told = events("send", count=3)
        (child,) = {one[0] for one in told} - {pid, server}
        assert sorted(told, key=lambda one: one[0]) == sorted([
            (pid, "send", third, "by name"), (child, "send", server, (here, "from a child")),
            (server, "send", here, "from a child"),
        ], key=lambda one: one[0])  # fmt: skip
        pyex.untrace(server)
        kill(server, third)

    result_at(places[0], body)


def test_numbers_tell_the_order_of_cause_and_effect():
    one, two = spawn(loop), spawn(loop)
    pyex.trace(one)
    pyex.trace(two)
    for _ in range(20):
        send(one, ("to", two, ("to", self(), "done")))
        receive("done", timeout=SOON)
    told = []
    while event := receive(pyex.TraceEvent, timeout=0, default=None):
        told.append(event)
    told.sort()
    assert len(told) == 20 * 6
    assert [event[1:3] for event in told[:6]] == [
        (one, "message"), (one, "receive"), (one, "send"), (two, "message"), (two, "receive"), (two, "send"),
    ]  # fmt: skip
    pyex.untrace(one)
    pyex.untrace(two)


@places
def test_order_is_kept_and_nothing_lost_while_tracing_comes_and_goes(places):
    def body():
        here = self()

        def count():
            for number in range(3000):
                assert receive(timeout=SOON) == number
            send(here, "all")

        def listen():
            while True:
                receive()

        pid, listener = start_at(places[1], count), start_at(places[1], listen)
        for number in range(3000):
            send(pid, number)
            if number % 30 == 0:
                pyex.trace(pid, listener, count=15)
            if number % 30 == 29:
                pyex.untrace(pid)
        assert receive("all", timeout=SOON * 3) == "all"
        kill(listener)

    result_at(places[0], body)


def test_a_guard_that_receives_while_tracing_begins():
    here = self()

    def guard(message):
        if message == "first":
            send(here, "in the guard")
            receive("go on")
            return True
        return False

    def body():
        assert receive(guard) == "first"
        send(here, receive("last"))

    pid = spawn(body)
    send(pid, "first")
    receive("in the guard", timeout=SOON)
    pyex.trace(pid)
    send(pid, "go on")
    send(pid, "last")
    assert receive("last", timeout=SOON) == "last"


def test_what_cannot_be_traced():
    pid = spawn(receive)
    with pytest.raises(ValueError, match="cannot be told of itself"):
        pyex.trace(self())
    with pytest.raises(TypeError, match="takes a pid of this node"):
        pyex.trace("name")
    with pytest.raises(TypeError, match="takes a pid of this node"):
        pyex.trace(Pid("0.110.0", "bob@127.0.0.1"))
    with pytest.raises(ValueError, match="from 1 on, not of 0"):
        pyex.trace(pid, count=0)
    pyex.trace(pid)
    with pytest.raises(ValueError, match="is traced already, for"):
        pyex.trace(pid)
    kill(pid)
    with pytest.raises(NoProcess, match="it is not alive"):
        pyex.trace(pid)


def test_monitors_and_aliases_work_as_ever_while_traced():
    pid = spawn(loop)
    listener = spawn(receive, "never")
    pyex.trace(pid, listener)
    alias = Process.alias(reply=True)
    send(pid, ("to", alias, "by alias"))
    assert receive("by alias", timeout=SOON) == "by alias"
    ref = Process.monitor(pid)
    send(pid, ("end", "bored"))
    assert receive(Down(ref, ANY, ANY), timeout=SOON).reason == "bored"
    kill(listener)


def test_signals_to_and_from_other_nodes(monkeypatch):
    """What is carried there, and what comes from there."""
    carried = []

    class Carrier:
        def deliver(self, target, op, args):
            carried.append((target, op))

        deliver_to_name = deliver_to_node = deliver

        def hold_back(self, node):
            pass

    monkeypatch.setattr(route, "carrier", Carrier())
    far = Pid("0.7.0", "bob@127.0.0.1")
    pid = spawn(loop)
    pyex.trace(pid)
    for command in (("link", far), ("unlink", far), ("exit", far, "bye")):
        send(pid, command)
    told = events("link", "unlink", "exit_signal", count=3)
    assert told == [(pid, "link", far, None), (pid, "unlink", far, None), (pid, "exit_signal", far, "bye")]
    signal(pid, EXIT2, (far, Parcel(b"", lambda _: "enough")))
    told = events("exit_signal", "exit", count=2)
    assert told[0] == (far, "exit_signal", pid, ...)
    assert told[1][:2] == (pid, "exit")
    until(lambda: isinstance(route.carrier, Carrier), "the end of the trace")  # which comes after the word of it
    assert [target for target, _ in carried] == [far] * 3
