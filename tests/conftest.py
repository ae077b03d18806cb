"""Every test begins as a process with an empty mailbox, and leaves no process behind."""

import logging
import signal
import time

import hypothesis
import pytest

import pyex
from pyex.core import threads
from pyex.core.process import names, processes
from pyex.core.timers import timers

# Started in the background a program ignores Ctrl-C, and so does all that it starts; the tests press it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What an example is to hold has nothing to do with how long it takes, on a machine that is busy with others.
hypothesis.settings.register_profile(
    "pyex", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("pyex")


@pytest.fixture(autouse=True)
def alone(request):
    """The test's own process: nothing from the test before is in it, nothing of it stays."""
    before = set(processes)
    logging.getLogger("pyex").setLevel(logging.CRITICAL)  # reports are asked for by the tests about them
    yield
    logging.getLogger("pyex").setLevel(logging.NOTSET)
    mine = pyex.self()
    for ref in list(timers):
        pyex.Process.cancel_timer(ref)
    pyex.Process.flag("trap_exit", True)
    for key in [key for key in list(processes) if key not in before and key != mine.key]:
        process = processes.get(key)
        if process is not None:
            ref = pyex.Process.monitor(process.pid)
            pyex.Process.exit(process.pid, "kill")
            pyex.receive(pyex.Down(ref), timeout=10)
    for pid in list(processes[mine.key].links or ()):
        pyex.Process.unlink(pid)
    while pyex.receive(timeout=0, default=alone) is not alone:
        pass
    pyex.Process.flag("trap_exit", False)
    processes[mine.key].leader = None
    deadline = time.monotonic() + 10
    while left := [name for name, process in [*names.items()] if process.pid.key not in before]:
        assert time.monotonic() < deadline, f"names were left behind: {left}"
        pyex.sleep(0.001)  # one that is ending gives its name back when it is out of the table already


@pytest.fixture(autouse=True)
def time_to_notice(monkeypatch):
    """Also where the machine stands still for a while a thread notices that its process is to end, and cleans up."""
    monkeypatch.setattr(threads, "NOTICE", 3.0)
