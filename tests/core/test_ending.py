"""Ending always ends: statement 13b of the behaviour contract."""

import logging
import threading
import time

import pytest

from pyex import Down, Process, receive, run, self, send, share, sleep, spawn
from pyex.core import spawning
from pyex.core.process import names, processes
from pyex.core.threads import process_here
from tests.core.support import SOON, link_at, messages, monitor_at, program, result_at, settle, until


@pytest.fixture(params=[0, "thread"])
def place(request):
    return request.param


def swallow(wait, count):
    Process.register(self(), "stubborn")
    send(count[0], "ready")
    while len(count[1]) < 30:
        try:
            wait()
        except BaseException:
            count[1].append("swallowed")


@pytest.mark.parametrize("wait", [receive, lambda: receive("never", timeout=60), lambda: sleep(60), lambda: sleep(0)])
def test_13b_a_process_that_swallows_exits_is_declared_dead(place, wait):
    def body(swallowed):
        pid, ref = monitor_at(place, swallow, wait, (self(), share(swallowed)))
        receive("ready", timeout=SOON)
        until(lambda: sleep(0.01) or Process.info(pid) is not None)
        Process.exit(pid, "over")
        down = receive(Down(ref), timeout=SOON)
        assert "stubborn" not in names
        assert not Process.alive(pid)
        return down.reason

    swallowed = []
    assert result_at(0, body, share(swallowed)) == "over"
    if place == 0:
        assert len(swallowed) == 10
        sleep(0.05)
        assert len(swallowed) == 10, "its stack was resumed"


def test_13b_its_links_are_told_and_a_report_says_so(caplog):
    logging.getLogger("pyex").setLevel(logging.ERROR)

    def body():
        Process.flag("trap_exit", True)
        pid = link_at(0, swallow, receive, (self(), share([])))
        receive("ready", timeout=SOON)
        Process.exit(pid, "shutdown")
        return receive(("EXIT", pid, str), timeout=SOON).reason

    assert result_at(0, body) == "shutdown"
    assert "Declared dead" in caplog.text


def test_13b_cleaning_up_may_be_met_by_the_exit_nine_times_more(place):
    def careful(parent):
        try:
            receive()
        finally:
            for _ in range(9):
                try:
                    receive(timeout=1)
                except BaseException:
                    pass
            send(parent, "clean")

    pid, ref = monitor_at(place, careful, self())
    settle(pid)
    until(lambda: Process.info(pid).status == "waiting")
    Process.exit(pid, "over")
    assert receive(timeout=SOON) == "clean"
    assert receive(timeout=SOON) == Down(ref, pid, "over")


def test_13b_a_busy_thread_ends_at_once_as_a_process():
    def busy(parent, gate, seen):
        Process.register(self(), "busy")
        send(parent, "ready")
        gate.wait(SOON)
        for call in (self, receive, lambda: sleep(0), lambda: send(parent, "from the dead"), lambda: spawn(int)):
            try:
                call()
            except BaseException:
                continue
            seen.append("it went on")

    for reason in ("over", "kill"):
        gate, seen = threading.Event(), []
        pid, ref = monitor_at("thread", busy, self(), share(gate), share(seen))
        thread = processes[pid.key].owner.thread
        receive("ready", timeout=SOON)
        begun = time.monotonic()
        Process.exit(pid, reason)
        assert receive(Down(ref), timeout=SOON).reason == {"kill": "killed"}.get(reason, reason)
        assert time.monotonic() - begun < SOON / 2
        assert "busy" not in names
        assert seen == []
        gate.set()
        thread.join(SOON)
        assert not thread.is_alive()
        assert seen == []
    assert messages() == []


def test_13b_a_busy_thread_that_notices_soon_cleans_up_before_its_end_is_known():
    def busy(parent, left):
        send(parent, "ready")
        time.sleep(0.05)
        try:
            receive()
        finally:
            time.sleep(0.3)  # longer than it has to notice
            left.append("clean")

    def end_one():
        left = []
        pid, ref = monitor_at("thread", busy, self(), share(left))
        receive("ready", timeout=SOON)
        Process.exit(pid, "over")
        assert receive(Down(ref), timeout=SOON).reason == "over"
        return left == ["clean"]

    assert any(end_one() for _ in range(5))  # a machine that stands still lets it notice too late


def test_13b_a_thread_that_is_declared_dead_before_it_has_begun_does_nothing():
    begun = []
    process = spawning.create(lambda begun: begun.append(1), (share(begun),), process_here(), None, thread=True)
    ref = Process.monitor(process.pid)
    process.owner.abandon(process, "over")
    spawning.start(process)
    assert receive(Down(ref), timeout=SOON).reason == "over"
    process.owner.thread.join(SOON)
    assert not process.owner.thread.is_alive()
    assert begun == []


def test_13b_the_process_that_takes_a_dead_ones_thread_is_another():
    """A thread that was declared dead in ``run`` is as good as before when ``run`` is over."""

    def main():
        def inner():
            pid, over = self(), threading.Event()

            def end_it():
                Process.exit(pid, "over")
                until(lambda: pid.key not in processes)
                over.set()

            killers.append(threading.Thread(target=end_it))
            killers[0].start()
            over.wait()

        with pytest.raises(BaseException, match="over"):
            run(inner)
        box.append(self())

    box, killers = [], []
    thread = threading.Thread(target=main)
    thread.start()
    thread.join(SOON)
    killers[0].join(SOON)  # it waits too, as a process
    assert len(box) == 1
    until(lambda: box[0].key not in processes)


def test_a_program_with_a_process_declared_dead_leaves_in_peace():
    done = program(
        """
        def stubborn():
            while True:
                try:
                    receive()
                except BaseException:
                    pass
        pid, ref = spawn_monitor(stubborn)
        other = spawn(stubborn)
        sleep(0.05)
        Process.exit(pid, "over")
        print(receive(Down(ref), timeout=5).reason)
        """
    )
    assert done.stdout == "over\n"
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
