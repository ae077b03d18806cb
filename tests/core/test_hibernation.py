"""``Process.hibernate``: a process that waits without a stack."""

import contextvars

import pytest

from pyex import AGAIN, Down, Process, PyexError, exit, next_message, receive, run, self, send, spawn, spawn_monitor
from pyex.core.process import processes
from tests.core.support import SOON, ended, kill, start_at, until

variable = contextvars.ContextVar("variable", default=0)


@pytest.fixture(params=[0, 1, "thread"])
def place(request):
    return request.param


def counter(parent, n=0):
    if receive() == "stop":
        send(parent, n)
    else:
        variable.set(variable.get() + 1)
        Process.put("counted", variable.get())
        Process.hibernate(counter, parent, n + 1)


def asleep(pid):
    """It hibernates: without a stack, if it is a scheduler's."""
    process = processes[pid.key]
    return process.waiting and process.mailbox is None and process.greenlet is None


def test_it_goes_on_in_the_function_with_the_next_message(place):
    pid = start_at(place, counter, self())
    for word in ("one", "two", "three"):
        send(pid, word)
    send(pid, "stop")
    assert receive(timeout=SOON) == 3


def test_meanwhile_it_has_no_stack_and_keeps_its_dictionary_context_links_and_name(place):
    def sleeper(parent):
        variable.set(7)
        Process.put("key", "value")
        Process.hibernate(awake, parent)

    def awake(parent):
        assert receive() == "wake"
        send(parent, (variable.get(), Process.get("key"), Process.whereis("sleeper") == self()))

    pid = start_at(place, sleeper, self(), name="sleeper")
    ref = Process.monitor(pid)
    until(lambda: asleep(pid))
    assert Process.info(pid).current_stacktrace == () or place == "thread"
    assert Process.info(pid).dictionary == {"key": "value"}
    send(pid, "wake")
    assert receive(tuple, timeout=SOON) == (7, "value", True)
    assert receive(Down(ref), timeout=SOON).reason == "normal"


def test_mail_that_is_there_is_looked_at_at_once(place):
    def body(parent):
        send(self(), "first")
        Process.hibernate(lambda: send(parent, receive()))

    start_at(place, body, self())
    assert receive(timeout=SOON) == "first"


def test_what_it_was_doing_is_left_and_finally_blocks_run(place):
    def body(parent):
        try:
            Process.hibernate(lambda: send(parent, ("awake", receive())))
        finally:
            send(parent, "left")

    pid = start_at(place, body, self())
    assert receive(timeout=SOON) == "left"
    send(pid, "go on")
    assert receive(timeout=SOON) == ("awake", "go on")


def test_it_is_ended_as_any_other(place):
    for reason, seen in (("kill", "killed"), ("bored", "bored"), ("shutdown", "shutdown")):
        pid = start_at(place, lambda: Process.hibernate(receive))
        until(lambda pid=pid: processes[pid.key].waiting)
        ref = Process.monitor(pid)
        Process.exit(pid, reason)
        assert receive(Down(ref), timeout=SOON).reason == seen


def test_what_the_function_raises_is_its_reason(place):
    pid = start_at(place, lambda: Process.hibernate(exit, "done"))
    send(pid, "wake")
    assert ended(pid) in ("done", "noproc")


def test_a_thousand_of_them_wake_and_sleep():
    pids = [spawn(counter, self()) for _ in range(1000)]
    for _ in range(3):
        for pid in pids:
            send(pid, "more")
    until(lambda: all(map(asleep, pids)))
    for pid in pids:
        send(pid, "stop")
    assert [receive(timeout=SOON) for _ in pids] == [3] * 1000


def test_the_program_itself_can_hibernate():
    def main():
        send(self(), 2)
        Process.hibernate(lambda more: receive() + more, 5)

    assert run(main) == 7


def test_a_trapping_one_is_woken_by_an_exit():
    def body(parent):
        Process.flag("trap_exit", True)
        Process.hibernate(lambda: send(parent, receive()))

    pid, ref = spawn_monitor(body, self())
    until(lambda: asleep(pid))
    Process.exit(pid, "word")
    assert receive(tuple, timeout=SOON) == ("EXIT", self(), "word")
    assert receive(Down(ref), timeout=SOON).reason == "normal"


def test_what_cannot_hibernate_says_so():
    with pytest.raises(PyexError, match="its own stack"):
        Process.hibernate(receive)
    with pytest.raises(TypeError, match="a function to go on with"):
        Process.hibernate("state")
    pid = spawn(receive)
    kill(pid)


def test_a_function_that_returns_again_is_called_again_with_the_next_message(place):
    def loop(parent, state):
        while (message := next_message()) is not AGAIN:
            variable.set(variable.get() + 1)
            state.append(message)
            if message == "stop":
                send(parent, (state, variable.get()))
                return "done"
        return AGAIN

    pid = start_at(place, loop, self(), [])
    for word in ("one", "two"):
        until(lambda: asleep(pid))
        send(pid, word)
    until(lambda: asleep(pid))
    send(pid, "three")
    send(pid, "stop")
    assert receive(tuple, timeout=SOON) == (["one", "two", "three", "stop"], 4)
    assert ended(pid) in ("normal", "noproc")


def test_one_that_waits_to_be_called_again_is_ended_as_any_other(place):
    for reason, seen in (("kill", "killed"), ("bored", "bored")):
        pid = start_at(place, lambda: AGAIN)
        until(lambda pid=pid: processes[pid.key].waiting)
        ref = Process.monitor(pid)
        Process.exit(pid, reason)
        assert receive(Down(ref), timeout=SOON).reason == seen


def test_the_program_itself_can_wait_to_be_called_again():
    got = []

    def main():
        while (message := next_message()) is not AGAIN:
            got.append(message)
            return len(got)
        send(self(), "more")
        return AGAIN

    assert run(main) == 1
