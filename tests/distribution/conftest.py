"""Nodes as real OS processes, under a name service of their own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pyex import Down, Node, NoProcess, Process, receive, send
from tests.core.support import until

COOKIE = "a cookie for tests, long enough"
ROOT = Path(__file__).parents[2]
PROGRAM = """
import json, logging, sys
from pyex import *
logging.basicConfig(stream=sys.stderr, format="%(name)s: %(message)s")
Node.start(sys.argv[1], **json.loads(sys.argv[2]))
Process.register(self(), "main")
print("ready", flush=True)
while True:
    match receive():
        case "stop": break
        case (Pid() as sender, "echo", message): send(sender, ("echo", message))
        case other: pass
"""


def free_port() -> int:
    with contextlib.closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class OtherNode:
    """A node in an OS process of its own."""

    def __init__(
        self,
        name: str,
        *,
        program: str = PROGRAM,
        python: str = sys.executable,
        options: dict | None = None,
        **environ: str,
    ) -> None:
        self.name = f"{name}@127.0.0.1"
        self._logged = tempfile.TemporaryFile("a+")
        self.process = subprocess.Popen(
            [python, "-c", program, name, json.dumps(options or {})],
            cwd=ROOT, env=os.environ | environ, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._logged,
        )  # fmt: skip

    def ready(self) -> OtherNode:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line == "ready\n", line + self.errors()
        return self

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def discard(self) -> None:
        """End it, and let go of what there is of it here."""
        self.process.kill()
        self.process.communicate()
        self._logged.close()

    def freeze(self) -> None:
        """Let it stand still, its connections open."""
        self.process.send_signal(signal.SIGSTOP)
        assert os.WIFSTOPPED(os.waitpid(self.process.pid, os.WUNTRACED)[1])

    def thaw(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def logged(self) -> str:
        """What it has logged until now."""
        self._logged.seek(0)
        return self._logged.read()

    def errors(self, expected: str = "") -> str:
        """What it logged until its end, which comes now, or once it has logged what is expected."""
        until(lambda: expected in self.logged(), f"a log with {expected!r}")
        self.process.terminate()
        self.process.communicate(timeout=60)
        return self.logged()


@pytest.fixture
def name_service(monkeypatch):
    """A port for a name service that nobody else uses, and the cookie."""
    monkeypatch.setenv("ERL_EPMD_PORT", str(free_port()))
    monkeypatch.setenv("PYEX_COOKIE", COOKIE)


@pytest.fixture
def nodes(name_service):
    """A function that starts other nodes and waits until they are ready."""
    started = []

    def start(*names: str, **options) -> list[OtherNode]:
        new = [OtherNode(name, **options) for name in names]
        started.extend(new)
        return [node.ready() for node in new]

    yield start
    for node in started:
        node.discard()


@pytest.fixture
def alice(name_service):
    """This interpreter as a node."""
    yield Node.start("alice")
    Node.stop()


def stop(node: OtherNode) -> None:
    """Ask a node to leave, in order."""
    with contextlib.suppress(NoProcess):
        send(("main", node.name), "stop")
    node.process.wait(timeout=60)


@pytest.fixture(scope="module")
def bob_and_carol():
    """This interpreter as alice, connected to bob and carol, for all tests of a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ERL_EPMD_PORT", str(free_port()))
        patch.setenv("PYEX_COOKIE", COOKIE)
        others = [OtherNode("bob"), OtherNode("carol")]
        try:
            for other in others:
                other.ready()
            Node.start("alice")
            for other in others:
                Node.connect(other.name)
            yield others
        finally:
            Node.stop()
            for name in ("pg", "global_name_server"):  # they outlive the node; the next module begins without
                if (pid := Process.whereis(name)) is not None:
                    ref = Process.monitor(pid)
                    Process.exit(pid, "kill")
                    receive(Down(ref), timeout=60)
            for other in others:
                other.discard()
