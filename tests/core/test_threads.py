"""Threads are welcome: any thread becomes a process by using pyex; ``thread=True``; ``run``."""

import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

import pyex
from pyex import (
    Down,
    Pid,
    Process,
    receive,
    self,
    send,
    share,
    sleep,
    spawn,
    spawn_monitor,
)
from pyex.core.errors import Terminated
from pyex.core.process import processes
from tests.core.support import SOON, ended, forever, in_thread, messages, monitor_at, start_at, switching, until


def test_a_thread_becomes_a_process_by_asking():
    mine = self()
    other = in_thread(self)
    assert isinstance(other, Pid)
    assert other != mine
    assert self() == mine


def test_a_thread_ends_as_a_process_when_it_ends():
    parent = self()
    go = threading.Event()

    def main():
        send(parent, self())
        go.wait(SOON)

    thread = threading.Thread(target=main)
    thread.start()
    pid = receive(Pid, timeout=SOON)
    ref = Process.monitor(pid)
    go.set()
    assert receive(timeout=SOON) == Down(ref, pid, "normal")
    thread.join()
    assert pid.key not in processes


def test_threads_that_come_and_go_leave_nothing():
    before = len(processes)
    for _ in range(200):
        in_thread(lambda: send(self(), 1) and receive())
    until(lambda: len(processes) == before)


def test_a_killed_thread_ends_with_that_reason_when_it_ends():
    def main():
        pid = self()
        try:
            Process.exit(pid, "own")
        except BaseException:
            return pid, pid.key in processes
        return None

    pid, alive = in_thread(main)
    assert alive
    until(lambda: pid.key not in processes)


def test_a_thread_and_a_process_talk():
    def echo():
        while True:
            caller, number = receive()
            send(caller, number + 1)

    pid = spawn(echo)

    def main():
        total = 0
        for _ in range(500):
            send(pid, (self(), total))
            total = receive(int, timeout=SOON)
        return total

    assert in_thread(main) == 500


def test_thread_true_gives_a_thread_of_its_own():
    parent = self()

    def main():
        send(parent, (self(), threading.current_thread().name, threading.get_ident()))
        forever()

    pid = spawn(main, thread=True)
    told, name, ident = receive(timeout=SOON)
    assert told == pid
    assert name.startswith("pyex-process-")
    assert ident != threading.get_ident()
    Process.exit(pid, "over")
    assert ended(pid) in ("over", "noproc")
    until(lambda: all(thread.name != name for thread in threading.enumerate()))


def test_a_process_on_a_thread_may_block_and_harms_nobody():
    parent = self()
    event = threading.Event()
    shared = share(event)

    def blocking():
        shared.wait(SOON)
        send(parent, "unblocked")

    spawn(blocking, thread=True)
    spawn(lambda: send(parent, "others run"))
    assert receive(timeout=SOON) == "others run"
    event.set()
    assert receive(timeout=SOON) == "unblocked"


def test_a_busy_process_on_a_thread_can_be_linked_monitored_and_exited():
    event = threading.Event()
    shared = share(event)
    pid = spawn(lambda: shared.wait(SOON) and receive(), thread=True)
    Process.flag("trap_exit", True)
    Process.link(pid)
    ref = Process.monitor(pid)
    Process.exit(pid, "over")
    assert not Process.alive(pid)
    event.set()
    assert sorted([receive(timeout=SOON), receive(timeout=SOON)]) == [
        ("DOWN", ref, "process", pid, "over"),
        ("EXIT", pid, "over"),
    ]


def test_threads_that_spawn_at_once_get_different_pids():
    with switching(1e-5):
        pids = []
        threads = [
            threading.Thread(target=lambda: pids.extend([spawn(int) for _ in range(200)] + [self()])) for _ in range(5)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(pids)) == 5 * 201


def test_no_monitor_is_lost_when_a_thread_ends():
    with switching(1e-6):
        for _ in range(300):
            pid, first = monitor_at("thread", int)
            refs = [first, *(Process.monitor(pid) for _ in range(5))]
            for ref in refs:
                assert receive(Down(ref), timeout=SOON).reason in ("normal", "noproc")
    assert messages() == []


def test_a_callback_of_the_loop_is_no_process():
    from pyex.core.runtime import runtime

    answers = []
    parent = self()

    def callback():
        try:
            receive(timeout=0)
        except pyex.PyexError as error:
            answers.append(str(error))
        send(parent, "from the callback")

    runtime.first().run_on_loop(callback)
    assert receive(timeout=SOON) == "from the callback"
    assert "no process" in answers[0]


def test_the_memory_of_a_thread_backed_process_is_freed_before_down():
    class Held:
        pass

    kept = []
    hand_over = share(kept)

    def main(crash):
        held = Held()
        hand_over.append(weakref.ref(held))
        if crash:
            raise ValueError(held)

    gc.disable()
    try:
        for turn in range(100):
            _, ref = monitor_at("thread", main, turn % 2)
            receive(Down(ref), timeout=SOON)
            assert kept.pop()() is None
    finally:
        gc.enable()


def test_receive_with_a_deadline_on_a_thread_that_is_written_to():
    pid = self()
    begin = time.monotonic()

    def noise():
        while True:
            send(pid, "noise")
            sleep(0.001)

    noisy = spawn(noise)
    assert receive("signal", timeout=0.1, default="none") == "none"
    assert 0.1 <= time.monotonic() - begin < SOON
    Process.exit(noisy, "kill")


def spin():
    while True:
        pass


@pytest.mark.parametrize("reason", ["kill", "enough"])
def test_13b_a_thread_that_computes_is_ended_in_the_midst_of_it(reason):
    def body(parent):
        try:
            spin()
        finally:
            send(parent, "cleaned up")

    for _ in range(5):
        pid = start_at("thread", body, self())
        thread = processes[pid.key].owner.thread
        ref = Process.monitor(pid)
        until(lambda pid=pid: (Process.info(pid).current_function or "").endswith("spin"))
        Process.exit(pid, reason)
        assert receive("cleaned up", timeout=SOON) == "cleaned up"
        assert receive(Down(ref), timeout=SOON).reason == {"kill": "killed"}.get(reason, reason)
        thread.join(SOON)
        assert not thread.is_alive()


def test_13b_a_thread_with_the_number_of_one_that_was_to_end_is_another():
    """The system gives the number of a thread that has ended to the next one; the exit of that one is not for it."""

    def work(begun, gate, seconds, times):
        begun.release()
        gate.acquire()
        time.sleep(seconds)  # to be ended where nothing can be, and then it is over
        for _ in range(times):
            pass

    for _ in range(30):
        begun, gate = threading.Lock(), threading.Lock()
        begun.acquire()
        gate.acquire()
        victim, over = spawn_monitor(work, share(begun), share(gate), 0.025, 0, thread=True)
        begun.acquire()
        Process.exit(victim, "kill")
        gate.release()
        assert receive(Down(over), timeout=SOON).reason == "killed"
        _, ref = spawn_monitor(work, share(begun), share(gate), 0, 100, thread=True)
        gate.release()
        assert receive(Down(ref), timeout=SOON).reason == "normal"


@pytest.mark.parametrize("idle", [True, False])
def test_a_thread_of_an_executor_outlives_the_process_that_it_was(idle):
    """What is killed is what ran there or had run there; not what the executor's thread is given next."""
    begun, lock = threading.Event(), threading.Lock()
    lock.acquire()

    def work():
        mine.append(self())
        begun.set()
        if not idle:
            lock.acquire()  # where nothing can be interrupted
            self()

    mine = []
    with ThreadPoolExecutor(1) as executor:
        first = executor.submit(work)
        assert first.result(SOON) is None if idle else begun.wait(SOON)
        Process.exit(mine[0], "kill")
        assert ended(mine[0]) in ("killed", "noproc")
        lock.release()
        if not idle:
            with pytest.raises(Terminated):
                first.result(SOON)
        other = executor.submit(self).result(SOON)
        assert executor.submit(self).result(SOON) == other != mine[0]
