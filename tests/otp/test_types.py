"""What a type checker finds in a server, before it runs."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = """
from typing import Any

from pyex import Agent, Continue, GenServer, Ignore, NoReply, Pid, Reply, Stop, Timeout


class Good(GenServer):
    thread = True

    def init(self, n: int = 0) -> Timeout | Ignore | None:
        self.n = n
        return Ignore() if n < 0 else Timeout(5)

    def handle_call(self, request: Any, caller: Any) -> Reply | NoReply | Stop:
        match request:
            case "get":
                return Reply(self.n, Continue("more"))
            case "stop":
                return Stop("normal", reply=self())
            case _:
                return super().handle_call(request, caller)

    def handle_cast(self, request: Any) -> None:
        self.n += request


class Falls(GenServer):
    def handle_call(self, request: Any, caller: Any) -> Reply:  # line 27
        match request:
            case "get":
                return Reply(1)


class Bare(GenServer):
    def handle_call(self, request: Any, caller: Any) -> int:  # line 34
        return 1


pid: Pid = Good.start_link(1, name="good")
GenServer.call(pid, "get", timeout=None)
GenServer.cast(("good", "bob@127.0.0.1"), 1)
GenServer.call(("global", "good"), "get")
Good(1)  # line 42
GenServer.call(5, "get")  # line 43
agent: Pid = Agent.start_link(lambda: 1)
"""


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy comes with the extra for linting")
@pytest.mark.timeout(120)
def test_a_handle_call_that_can_fall_off_its_end_is_found(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM.lstrip("\n"))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", ROOT / ".mypy_cache", path],
        cwd=ROOT, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    found = [line.partition("program.py:")[2] for line in done.stdout.splitlines() if "error:" in line]
    lines = {int(error.partition(":")[0]): error for error in found}
    assert sorted(lines) == [27, 34, 42, 43], done.stdout + done.stderr
    assert "Missing return statement" in lines[27]
    assert "[override]" in lines[34]
