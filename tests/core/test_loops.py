"""Which event loop the schedulers run, and that processes live on uvloop as they do on asyncio's."""

import asyncio
import os
import socket
import subprocess
import sys
import time

import pytest

from pyex import PyexError
from pyex.core import loops

PROGRAM = """
import asyncio, os, signal, sys, threading, time
from pyex import *
from pyex.core.runtime import runtime

assert type(runtime.first().loop).__module__ == "pyex.core.uv_loop"

def hog():
    while True:
        pass

def echo():
    while True:
        sender, message = receive()
        send(sender, message)

def name_of_loop():
    from pyex.core.runtime import runtime
    return type(runtime.first().loop).__name__

def main():
    # a hog is interrupted, and killed
    pid, ref = spawn_monitor(hog)
    server = spawn(echo)
    for number in range(20):
        send(server, (self(), number))
        assert receive(timeout=30) == number
    Process.exit(pid, "kill")
    assert receive(Down(ref), timeout=30).reason == "killed"
    # time
    begun = time.monotonic()
    sleep(0.02)
    assert receive(timeout=0.01, default=None) is None
    assert time.monotonic() - begun >= 0.03
    Process.send_after(self(), "later", 0.01)
    assert receive("later", timeout=30) == "later"
    # programs, coroutines, blocking calls, threads
    port = Port.open(["cat"], line=True)
    Port.command(port, "hello\\n")
    assert receive((port, ANY), timeout=30) == (port, ("data", b"hello"))
    Port.close(port)
    async def coroutine():
        process = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
        return (await process.communicate(b"through cat"))[0]
    assert await_(coroutine()) == b"through cat"
    assert blocking(time.sleep, 0.001) is None
    spawn(lambda here=self(): send(here, "from a thread"), thread=True)
    assert receive(timeout=30) == "from a thread"
    # another node, which runs it too
    Node.start("uv")
    node = Node.start_peer()
    assert erpc.call(node, name_of_loop) == "Loop"
    there = Node.spawn(node, echo)
    ref = Process.monitor(there)
    for message in [*range(100), b"x" * 3_000_000]:
        send(there, (self(), message))
        assert receive(timeout=30) == message
    Node.stop_peer(node)
    assert receive(Down(ref), timeout=30).reason == "noconnection"

run(main)
try:
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    run(lambda: receive(timeout=60))
except KeyboardInterrupt:
    print("done")
"""


@pytest.fixture
def uvloop():
    return pytest.importorskip("uvloop")


def test_it_is_asyncios_own_unless_asked_for(monkeypatch):
    for value in ("", "asyncio"):
        monkeypatch.setenv(loops.VARIABLE, value)
        loop = loops.new_loop()
        assert type(loop).__module__.startswith("asyncio.")
        loop.close()


def test_what_is_no_loop_is_refused(monkeypatch):
    monkeypatch.setenv(loops.VARIABLE, "trio")
    with pytest.raises(PyexError, match="'asyncio' or 'uvloop', not 'trio'"):
        loops.new_loop()


def test_uvloop_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setenv(loops.VARIABLE, "uvloop")
    monkeypatch.delitem(sys.modules, "pyex.core.uv_loop", raising=False)
    monkeypatch.setitem(sys.modules, "uvloop", None)
    with pytest.raises(PyexError, match="pip install"):
        loops.new_loop()


def test_processes_live_on_uvloop_as_on_asyncio(uvloop):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    node = {"ERL_EPMD_PORT": port, "PYEX_COOKIE": "a cookie for tests, long enough"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | node | {loops.VARIABLE: "uvloop"}, capture_output=True, text=True, timeout=55, check=False,
    )  # fmt: skip
    assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr


def test_timers_of_uvloop_come_in_their_order_never_early_and_not_when_cancelled(uvloop, monkeypatch):
    monkeypatch.setenv(loops.VARIABLE, "uvloop")
    loop = loops.new_loop()
    came = []

    async def main():
        begun = loop.time()
        time.sleep(0.003)  # the time is that of now, not of the turn's beginning  # noqa: ASYNC251
        assert loop.time() - begun >= 0.003
        done = loop.create_future()
        for number in range(1000, 0, -1):
            due = loop.time() + number / 50_000
            loop.call_at(due, lambda due=due: came.append((due, due <= loop.time())))
        doomed = [loop.call_later(0.01, came.append, "cancelled") for _ in range(500)]
        for timer in doomed:
            timer.cancel()
        loop.call_later(0.05, lambda: 1 / 0)  # told to the loop's handler; the others come all the same
        loop.call_later(0.05, done.set_result, None)
        await done

    errors = []
    loop.set_exception_handler(lambda _, context: errors.append(context["exception"]))
    try:
        loop.run_until_complete(asyncio.wait_for(main(), 50))
    finally:
        loop.close()
    assert "cancelled" not in came
    assert all(in_time for _, in_time in came)
    dues = [due for due, _ in came]
    assert len(dues) == 1000
    assert dues == sorted(dues)
    assert [type(error) for error in errors] == [ZeroDivisionError]
