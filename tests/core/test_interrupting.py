"""An interrupt of a process with a thread of its own: it is raised there, and the process lives on."""

import threading

import pytest

import pyex
from pyex import Down, interrupt, interrupt_waits, receive, self, send, sleep, spawn, spawn_monitor


def busy():
    while True:
        pass


def waits():
    receive("never")


def sleeps():
    sleep(None)


def works(parent, code, times):
    """A process that tells of each interrupt of ``code``, and of a message that it got before."""
    for number in range(times):
        try:
            send(parent, ("begins", number))
            code()
        except KeyboardInterrupt:
            send(parent, ("interrupted", number, receive("kept", timeout=0)))


@pytest.mark.parametrize("code", [busy, waits, sleeps])
def test_it_interrupts_what_runs_and_what_waits_again_and_again(code):
    times = 30
    pid, ref = spawn_monitor(works, self(), code, times, thread=True)
    for number in range(times):
        send(pid, "kept")
        receive(("begins", number), timeout=30)
        interrupt(pid)
        assert receive(("interrupted", number, "kept"), Down(ref), timeout=30)[0] == "interrupted"
    assert receive(Down(ref), timeout=30).reason == "normal"
    interrupt(pid)  # it has ended: nothing
    assert not interrupt_waits(pid)


def test_one_that_nobody_takes_ends_the_process():
    pid, ref = spawn_monitor(receive, "never", thread=True)
    interrupt(pid)
    assert isinstance(receive(Down(ref), timeout=30).reason.exception, KeyboardInterrupt)


def test_in_a_call_of_c_code_it_waits():
    lock = threading.Lock()
    lock.acquire()

    def held(lock):
        while True:
            try:
                lock.acquire()
                return
            except KeyboardInterrupt:
                pass

    pid, ref = spawn_monitor(held, pyex.share(lock), thread=True)
    while not interrupt_waits(pid):  # not taken on the way into the call, which takes none
        interrupt(pid)
        sleep(0.05)
    lock.release()
    assert receive(Down(ref), timeout=30).reason == "normal"


def test_an_exit_goes_before_an_interrupt():
    pid, ref = spawn_monitor(busy, thread=True)
    interrupt(pid)
    pyex.Process.exit(pid, "bye")
    reason = receive(Down(ref), timeout=30).reason
    assert reason == "bye" or isinstance(reason.exception, KeyboardInterrupt)


def test_a_process_of_a_scheduler_is_not_interrupted():
    pid = spawn(receive, "never")
    with pytest.raises(TypeError, match="has no thread of its own"):
        interrupt(pid)
