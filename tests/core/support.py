"""What the tests of the core share: placing processes, waiting for them, programs of their own."""

import contextlib
import itertools
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

from pyex import Down, Process, receive, self, send, sleep
from pyex.core import monitor, spawning
from pyex.core.process import names, processes
from pyex.core.runtime import runtime
from pyex.core.threads import process_here, this_process

ROOT = Path(__file__).parents[2]

#: Seconds after which something that should happen at once has not happened.
SOON = 30

#: Seconds of a limit that some are to keep and one is not: longer ones for a machine that stands still now and then.
PATIENCE = [0.05, 0.5, 5]

#: Where two processes can live, as (place of one, place of the other): a scheduler's index, or a thread.
PLACES = {
    "same scheduler": (0, 0),
    "two schedulers": (0, 1),
    "scheduler and thread": (0, "thread"),
    "thread and scheduler": ("thread", 0),
    "two threads": ("thread", "thread"),
}


def scheduler(index):
    """The scheduler of that index; made if there are not so many yet."""
    runtime.first()
    while len(runtime.schedulers) <= index:
        runtime._grow()
    return runtime.schedulers[index]


def start_at(place, fn, *args, name=None):
    """Spawn on a given scheduler (an index) or on a thread of its own."""
    here = process_here()
    if place == "thread":
        process = spawning.create(fn, args, here, name, thread=True)
    else:
        process = spawning.create(fn, args, here, name, scheduler=scheduler(place))
    return spawning.start(process).pid


def link_at(place, fn, *args):
    """Like ``spawn_link``, at a place."""
    here = this_process()
    thread = place == "thread"
    process = spawning.create(fn, args, here, None, thread, scheduler=None if thread else scheduler(place))
    process.link_to(here.pid)
    here.link_to(process.pid)
    return spawning.start(process).pid


def monitor_at(place, fn, *args):
    """Like ``spawn_monitor``, at a place."""
    here = this_process()
    thread = place == "thread"
    process = spawning.create(fn, args, here, None, thread, scheduler=None if thread else scheduler(place))
    ref = spawning.Ref()
    process.watchers = {ref.key: (here.pid, ref, process.pid)}
    here.watch(ref, process.pid)
    return spawning.start(process).pid, ref


def result_at(place, fn, *args, timeout=SOON * 3):
    """Run ``fn`` as a process at a place; its value, or the reason of its end raised as an AssertionError."""
    parent = self()
    tag = spawning.Ref()

    def main():
        send(parent, (tag, fn(*args)))

    _, ref = monitor_at(place, main)
    down = None
    got = receive((tag, object), Down(ref), timeout=timeout)
    if isinstance(got, Down):
        down = got
        crash = getattr(down.reason, "stacktrace", "")
        raise AssertionError(f"the process ended with {down.reason!r}\n{crash}")
    assert receive(Down(ref), timeout=SOON).reason == "normal"
    return got[1]


def in_thread(fn):
    """Run ``fn`` on a plain thread; its value."""
    box = []
    thread = threading.Thread(target=lambda: box.append(fn()))
    thread.start()
    thread.join(SOON)
    assert not thread.is_alive()
    return box[0]


def dead(place):
    """The pid of a process that has ended, at a place."""
    pid, ref = monitor_at(place, int)
    assert receive(Down(ref), timeout=SOON).reason == "normal"
    return pid


def trap():
    """Trap exits in this process."""
    Process.flag("trap_exit", True)


def ended(*pids):
    """Wait for processes to end; their reasons (of one: its reason)."""
    refs = [Process.monitor(pid) for pid in pids]
    reasons = [receive(Down(ref), timeout=SOON).reason for ref in refs]
    return reasons[0] if len(reasons) == 1 else reasons


def kill(*pids):
    """End processes and wait until they have."""
    for pid in pids:
        Process.exit(pid, "kill")
    ended(*pids)


def until(condition, what="the condition", seconds=SOON):
    """Wait for something that no message announces."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true in {seconds} s"
        sleep(0.001)


def messages():
    """All that is in this process's mailbox now."""
    got = []
    while (message := receive(timeout=0, default=until)) is not until:
        got.append(message)
    return got


def settle(pid):
    """Wait until a process has applied all that this one has signalled to it."""
    Process.alive(pid)


def forever():
    """The function of a process that only waits."""
    while True:
        receive(_never)


def _never(_message):
    return False


@contextlib.contextmanager
def switching(seconds):
    """Let threads take turns as often as that, so that races come out."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class Awaitable:
    """Waits for ``coroutine(*args)``, which is made then: who is ended before that leaves none that nobody awaits."""

    def __init__(self, coroutine, *args):
        self.coroutine, self.args = coroutine, args

    def __await__(self):
        return self.coroutine(*self.args).__await__()


def usual_switch_interval():
    """Wait for it; what the tests before have left behind is put right when the monitor next goes to sleep."""
    scheduler(0)  # where these are the first tests, the monitor that they are about is not there yet
    monitor.monitor.wake()
    until(lambda: sys.getswitchinterval() > monitor.SWITCH_INTERVAL, "the monitor's sleep")
    return sys.getswitchinterval()


def program(code, timeout=SOON * 4, stdin=None):
    """Run a program of its own; the finished process, with its output as text."""
    prelude = "from pyex import *\nimport sys, time, threading, os, signal\nimport pyex\n"
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", prelude + textwrap.dedent(code)],
        cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False, stdin=stdin,
    )  # fmt: skip


def programs(code, times, at_once=4):
    """Run a program many times, some at once; the finished processes."""
    results = []
    counter = itertools.count()

    def work():
        while next(counter) < times:
            results.append(program(code))

    workers = [threading.Thread(target=work) for _ in range(at_once)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return results


__all__ = ["names", "processes"]
