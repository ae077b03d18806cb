"""What callbacks return and what it does; statements 27 to 30 of the behaviour contract."""

import logging

import pytest

from pyex import (
    Continue,
    Crash,
    Down,
    Exited,
    GenServer,
    Hibernate,
    NoReply,
    Process,
    Reply,
    ServerDown,
    StartError,
    Stop,
    Timeout,
    exit,
    receive,
    self,
    send,
    spawn_monitor,
)
from pyex.core.process import processes
from tests.core.support import SOON, ended, messages, settle, until
from tests.otp.servers import Counter, server_at

PLACES = [0, 1, "thread"]


@pytest.fixture(params=PLACES)
def place(request):
    return request.param


class Teller(GenServer):
    """Tells a process what happens to it, and returns what it is given."""

    def init(self, here, trap=False, result=None):
        self.here = here
        Process.flag("trap_exit", trap)
        return result

    def tell(self, *what):
        send(self.here, (self(), *what))

    def handle_call(self, request, caller):
        match request:
            case ("give", result):
                return result
            case ("raise", error):
                raise error
            case ("later", seconds):
                Process.send_after(self(), ("answer", caller), seconds)
                return NoReply()

    def handle_cast(self, request):
        if isinstance(request, BaseException):
            raise request
        return request

    def handle_info(self, message):
        match message:
            case ("answer", caller):
                GenServer.reply(caller, "later")
                return None
            case ("give", result):
                return result
        self.tell("info", message)
        return None

    def handle_continue(self, term):
        self.tell("continue", term)
        return term if isinstance(term, NoReply | Stop) or term == "wrong" else None

    def terminate(self, reason):
        self.tell("terminate", reason)


def told(pid, *what):
    """It has told that, and nothing before."""
    message = receive((pid, *([object] * len(what))), timeout=SOON)
    assert message[1:] == what


def test_27_terminate_runs_on_stop_on_a_raise_and_is_given_the_reason(place):
    crash = Crash(ValueError("no"))
    for end, reason in (
        (lambda pid: GenServer.stop(pid, "bye"), "bye"),
        (lambda pid: GenServer.cast(pid, Stop("done")), "done"),
        (lambda pid: GenServer.cast(pid, ValueError("no")), crash),
        (lambda pid: GenServer.cast(pid, SystemExit(3)), ("exit", 3)),
        (lambda pid: send(pid, ("give", Stop("over"))), "over"),
        (lambda pid: GenServer.call(pid, ("give", Stop("replied", reply=1))), "replied"),
    ):
        pid = server_at(place, Teller, self())
        ref = Process.monitor(pid)
        end(pid)
        told(pid, "terminate", reason)
        assert receive(Down(ref), timeout=SOON).reason == reason
    assert messages() == []


def test_27_a_reply_of_stop_comes_after_terminate(place):
    pid = server_at(place, Teller, self())
    assert GenServer.call(pid, ("give", Stop("normal", reply="bye"))) == "bye"
    assert receive(timeout=0) == (pid, "terminate", "normal")


def test_27_not_on_kill_nor_by_an_exit_that_is_not_trapped(place):
    for trap, reason, seen in ((True, "kill", "killed"), (False, "kill", "killed"), (False, "bored", "bored")):
        pid = server_at(place, Teller, self(), trap)
        ref = Process.monitor(pid)
        Process.exit(pid, reason)
        assert receive(Down(ref), timeout=SOON).reason == seen
    assert messages() == []


def test_27_what_terminate_raises_is_the_reason_then(place):
    class Clumsy(Teller):
        def terminate(self, reason):
            exit(("while", reason))

    pid = server_at(place, Clumsy, self())
    ref = Process.monitor(pid)
    GenServer.cast(pid, Stop("done"))
    assert receive(Down(ref), timeout=SOON).reason == ("while", "done")


@pytest.mark.parametrize("reason", ["bored", "normal", "shutdown"])
def test_28_the_parents_exit_ends_a_trapping_server_past_handle_info(place, reason):
    def parent(here):
        send(here, Teller.start_link(here, True, thread=place == "thread"))
        receive("end")
        exit(reason)

    pid, _ = spawn_monitor(parent, self())
    server = receive(lambda message: hasattr(message, "key"), timeout=SOON)
    ref = Process.monitor(server)
    send(pid, "end")
    told(server, "terminate", reason)
    assert receive(Down(ref), timeout=SOON).reason == reason


def test_28_any_other_trapped_exit_reaches_handle_info(place):
    pid = server_at(place, Teller, self(), True)
    Process.exit(pid, "bored")
    told(pid, "info", ("EXIT", self(), "bored"))
    Process.link(pid)
    Process.unlink(pid)
    linked, _ = spawn_monitor(lambda: (Process.link(pid), exit("bye")))
    told(pid, "info", Exited(linked, "bye"))
    GenServer.stop(pid)


def test_28_the_exit_of_one_who_started_it_without_a_link_is_any_others(place):
    server = Teller.start(self(), True, thread=place == "thread")
    Process.exit(server, "bored")  # it is this process that has started it
    told(server, "info", Exited(self(), "bored"))


def test_29_handle_continue_runs_before_what_was_queued_during_init(place):
    class Queued(Teller):
        def init(self, here):
            super().init(here)
            for number in range(3):
                send(self(), number)
            return Continue(NoReply(Continue(NoReply(Timeout(60)))))

    pid = server_at(place, Queued, self())
    told(pid, "continue", NoReply(Continue(NoReply(Timeout(60)))))
    told(pid, "continue", NoReply(Timeout(60)))
    for number in range(3):
        told(pid, "info", number)


def test_29_every_callback_can_continue_and_stop(place):
    pid = server_at(place, Teller, self())
    for callback in ("call", "cast", "info"):
        if callback == "call":
            assert GenServer.call(pid, ("give", Reply("answer", Continue(callback)))) == "answer"
        elif callback == "cast":
            GenServer.cast(pid, NoReply(Continue(callback)))
        else:
            send(pid, ("give", NoReply(Continue(callback))))
        told(pid, "continue", callback)
    GenServer.cast(pid, NoReply(Continue(Stop("done"))))
    told(pid, "continue", Stop("done"))
    told(pid, "terminate", "done")


def test_29_a_timeout_comes_when_nothing_else_does(place):
    pid = server_at(place, Teller, self(), False, Timeout(0.01))
    told(pid, "info", "timeout")
    assert GenServer.call(pid, ("give", Reply(1, Timeout(0)))) == 1
    told(pid, "info", "timeout")
    GenServer.cast(pid, NoReply(Timeout(0.001)))
    told(pid, "info", "timeout")
    GenServer.cast(pid, NoReply(Timeout(None)))
    assert GenServer.call(pid, ("give", Reply(2))) == 2
    assert messages() == []


def test_29_any_message_cancels_a_timeout_1000_times(place):
    """Also one that comes when the time is just over; and a cancelled one never cancels another."""
    times = 1000 if place == 0 else 200
    pid = server_at(place, Teller, self())
    for number in range(times):
        GenServer.cast(pid, NoReply(Timeout(0)))
        if number % 2:
            assert GenServer.call(pid, ("give", Reply(number, Timeout(60)))) == number
    assert GenServer.call(pid, ("give", Reply("done"))) == "done"
    settle(pid)
    told_times = messages()
    assert all(message == (pid, "info", "timeout") for message in told_times)
    assert len(told_times) <= times
    GenServer.cast(pid, NoReply(Timeout(0.01)))
    told(pid, "info", "timeout")
    assert messages() == []


def test_29_a_system_message_lets_a_timeout_run(place):
    pid = server_at(place, Teller, self(), False, Timeout(0.2))
    GenServer.get_state(pid)
    told(pid, "info", "timeout")


@pytest.mark.parametrize(
    ("callback", "give"),
    [
        ("handle_call", lambda pid, value: send(pid, ("$gen_call", (self(), None), ("give", value)))),
        ("handle_cast", GenServer.cast),
        ("handle_info", lambda pid, value: send(pid, ("give", value))),
        ("handle_continue", lambda pid, value: GenServer.cast(pid, NoReply(Continue("wrong")))),
    ],
)
@pytest.mark.parametrize("value", ["wrong", 15, ("ok", 0)])
def test_30_a_result_of_no_known_kind_stops_the_server(callback, give, value, caplog):
    logging.getLogger("pyex").setLevel(logging.NOTSET)
    pid = Teller.start(self())
    ref = Process.monitor(pid)
    give(pid, value)
    value = "wrong" if callback == "handle_continue" else value
    reason = receive(Down(ref), timeout=SOON).reason
    assert reason == ("bad_return_value", value)
    assert f"Teller.{callback} returned {value!r} for " in caplog.text
    assert (f"write Reply({value!r})" in caplog.text) is (callback == "handle_call")
    assert receive((pid, "terminate", reason), timeout=0)


def test_30_a_handle_call_that_falls_off_its_end_says_so(caplog):
    logging.getLogger("pyex").setLevel(logging.NOTSET)
    with pytest.raises(ServerDown, match="returned None.*Does a branch of it end without a return?") as caught:
        GenServer.call(Counter.start(), "nothing")
    assert caught.value.reason == ("bad_return_value", None)
    assert "Counter.handle_call returned None for 'nothing'" in caplog.text


def test_30_a_coroutine_as_a_result_says_what_to_write(caplog):
    logging.getLogger("pyex").setLevel(logging.NOTSET)

    async def answer():
        pass

    class Wrong(GenServer):
        def handle_call(self, request, caller):
            return answer()

    with pytest.raises(ServerDown):
        GenServer.call(Wrong.start(), "get")
    assert "Write a plain def handle_call: in it, await_(...) waits" in caplog.text


def test_30_what_is_no_then_is_refused():
    for then in ("timeout", 5, Stop("x")):
        pid = Teller.start(self())
        ref = Process.monitor(pid)
        GenServer.cast(pid, NoReply(then))
        assert "then is Timeout(seconds), Continue(term)" in str(receive(Down(ref), timeout=SOON).reason.exception)
    for seconds in ("5", True):
        with pytest.raises(TypeError, match="a number of seconds or None"):
            Timeout(seconds)
    with pytest.raises(ValueError, match="below zero"):
        Timeout(-1)


def test_30_an_undefined_handle_info_logs_and_goes_on(caplog):
    logging.getLogger("pyex").setLevel(logging.NOTSET)
    pid = Counter.start(3)
    for message in ("hello", (), ("$gen_call", 1), ("$timeout", 1), ("$gen_cast",), 5, ["a"]):
        send(pid, message)
    assert GenServer.call(pid, "get") == 3
    assert f"Counter {pid!r} got a message that it has no handle_info for: 'hello'" in caplog.text


def test_30_undefined_callbacks_crash_and_name_the_request(caplog):
    logging.getLogger("pyex").setLevel(logging.NOTSET)

    class Nothing(GenServer):
        def handle_info(self, message):
            return NoReply(Continue(message))

    for give, words in (
        (lambda pid: send(pid, ("$gen_call", (self(), None), "get")), "was called with 'get', and has no handle_call"),
        (lambda pid: GenServer.cast(pid, ("add", 1)), r"was cast ('add', 1), and has no handle_cast"),
        (lambda pid: send(pid, "on"), "was to continue with 'on', and has no handle_continue"),
    ):
        pid = Nothing.start()
        ref = Process.monitor(pid)
        give(pid)
        assert words in str(receive(Down(ref), timeout=SOON).reason.exception)
        assert words in caplog.text
    with pytest.raises(StartError, match=r"takes no arguments: it has no init\(self, ...\), but got \(1, 2\)"):
        Nothing.start(1, 2)


def test_self_called_in_a_method_is_the_pid_and_self_is_the_instance(place):
    class Me(GenServer):
        def init(self):
            self.made = self()

        def handle_call(self, request, caller):
            return Reply((self.made, self()))

    pid = server_at(place, Me)
    assert GenServer.call(pid, "who") == (pid, pid)


def test_an_instance_that_is_copied_is_another(place):
    """A function spawned in a callback carries a snapshot of the instance; called, that gives the new process's pid."""

    class Spawner(Counter):
        def handle_call(self, request, caller):
            def body():
                self.n += 1
                send(caller[0], (self(), self.n))

            spawn_monitor(body)
            receive(Down())
            return Reply(self.n)

    pid = server_at(place, Spawner, 1)
    assert GenServer.call(pid, "go") == 1
    other, n = receive(tuple, timeout=SOON)
    assert other != pid
    assert n == 2


def test_an_idle_server_has_no_stack_and_hibernate_is_that():
    pid = Teller.start(self(), False, Hibernate())
    for _ in range(3):
        until(lambda: processes[pid.key].greenlet is None and processes[pid.key].mailbox is None)
        assert GenServer.call(pid, ("give", Reply(1, Hibernate()))) == 1
    assert Process.info(pid).current_stacktrace == ()
    assert GenServer.call(pid, ("later", 0.01)) == "later"


def test_a_class_can_ask_for_threads_of_its_own():
    class Blocking(Counter):
        thread = True

    pid = Blocking.start(2)
    assert Process.info(pid).scheduler == "thread"
    assert GenServer.call(pid, "get") == 2
    assert Process.info(Counter.start()).scheduler != "thread"
    assert Process.info(Blocking.start(thread=False)).scheduler != "thread"
    GenServer.stop(pid)
    assert ended(pid) == "noproc"


@pytest.mark.parametrize("callback", ["handle_cast", "handle_info", "handle_continue"])
def test_30_a_stop_with_a_reply_where_nobody_has_asked_is_no_result(callback):
    class Replying(GenServer):
        def init(self):
            return Continue("go") if callback == "handle_continue" else None

        def handle_continue(self, term):
            return Stop("done", 5)

        handle_cast = handle_info = handle_continue

    Process.flag("trap_exit", True)
    pid = Replying.start_link()
    if callback == "handle_info":
        send(pid, "a message")
    GenServer.cast(pid, "a cast")
    assert receive(Exited(pid), timeout=SOON).reason == ("bad_return_value", Stop("done", 5))
