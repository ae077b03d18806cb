"""Every example in the docstrings of pyex and its core runs, and shows what it says."""

import asyncio
import socket
import threading
import time

import pytest

import pyex
from pyex import Process, receive, send, spawn
from pyex.core import expecting, heap_limit, idling, memory, options, patterns
from pyex.core.process import processes
from pyex.core.runtime import runtime
from tests.core.support import forever, until
from tests.docstrings import modules, run_examples


class Shop(pyex.GenServer):
    """A tree of one, which closes at once."""

    def init(self):
        return pyex.Timeout(0)

    def handle_info(self, message):
        return pyex.Stop("normal")


def answers():
    """Answers a question."""
    _, alias = receive(("question", pyex.Ref))
    send(alias, ("answer", alias, 42))


@pytest.fixture
def stage(monkeypatch):
    """The names that the examples use without saying where they are from; and all is put back that they set."""
    monkeypatch.setattr(runtime, "usual", runtime.usual)
    monkeypatch.setattr(options.Limits, "default", options.Limits.default)
    Process.flag("trap_exit", True)
    pid = spawn(forever)
    until(lambda: Process.info(pid).status == "waiting")
    yield {
        "pyex": pyex, "asyncio": asyncio, "socket": socket, "threading": threading, "time": time,
        "pid": pid, "process": processes[pid.key], "server": spawn(answers),
        "work": forever, "expect_plain": expecting.expect_plain,
        "worker": lambda lock: lock.acquire(), "Shop": Shop,
        "AGAIN": idling.AGAIN, "next_message": idling.next_message, "matches": patterns.matches,
        "HeapLimit": heap_limit.HeapLimit, "Walk": memory.Walk,
        "set_default_max_heap_size": options.set_default_max_heap_size,
    }  # fmt: skip
    Process.flag("max_heap_size", None)
    pyex.untrace(pid)


@pytest.mark.parametrize("name", [*modules("pyex"), *modules("pyex/core")])
def test_the_examples_of_a_module_run(name, stage):
    run_examples(name, stage)
