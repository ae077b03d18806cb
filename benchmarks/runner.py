"""Runs the contenders: each in an OS process of its own, round by round, taking turns."""

import importlib.util
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.workloads import NEEDS, Suite, Workload

HERE = Path(__file__).parent

#: Seconds one answer may take; a contender that hangs is named as failed, and the others go on.
PATIENCE = 120


class Failed(Exception):
    """The contender's process is gone, or was ended because it hung."""


class Contender:
    """An OS process that does workloads on request."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(
            command, cwd=HERE.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def ask(self, workload: str, n: int = 0) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        hung = threading.Timer(PATIENCE, self._process.kill)
        hung.start()
        try:
            self._process.stdin.write(f"{workload} {n}\n")
            answer = self._process.stdout.readline().strip()
        except BrokenPipeError:
            answer = ""
        finally:
            hung.cancel()
        if not answer:
            raise Failed(workload)
        return answer

    def seconds(self, workload: str, n: int) -> float | None:
        """The time ``n`` of them take; None if it does not compete there."""
        answer = self.ask(workload, n)
        return None if answer == "none" else float(answer)

    def resident(self) -> int:
        """Its resident size in bytes."""
        kilobytes = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(self._process.pid)], stdout=subprocess.PIPE, check=True
        )
        return int(kilobytes.stdout) * 1024

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def commands(suite: Suite, names: list[str]) -> Iterator[tuple[dict[str, list[str]], list[str]]]:
    """How to start each of the contenders that are installed; and the words about those that are not."""
    present, missing = {}, []
    with TemporaryDirectory() as scratch:
        for name in names:
            module = suite.prefix + name
            if name == "beam":
                if not (shutil.which("erl") and shutil.which("erlc")):
                    missing.append("BEAM: no erl and erlc on this machine")
                    continue
                subprocess.run(["erlc", "-o", scratch, HERE / "contenders" / f"{module}.erl"], check=True)
                # As it comes, with a scheduler for each core; only the limit of processes is raised.
                present[name] = ["erl", "+P", "1000000", "-noshell", "-pa", scratch, "-s", module, "main"]
                if module == "between_beam":
                    present[name] += _distribution()
            elif name == "elixir":
                if not shutil.which("elixir"):
                    missing.append("Elixir: no elixir on this machine")
                    continue
                present[name] = ["elixir", str(HERE / "contenders" / "with_elixir.exs")]
            elif name != "pyex" and importlib.util.find_spec(needed := NEEDS.get(name, name)) is None:
                missing.append(f"{name}: {needed} is not installed here")
            else:
                present[name] = [sys.executable, "-m", "benchmarks.contenders.serve", module]
        yield present, missing


def _distribution() -> list[str]:
    """What makes a BEAM a node that is known to the one it starts, and to nobody else."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return [
        "-name", "between_a@127.0.0.1", "-setcookie", secrets.token_hex(16),
        "-start_epmd", "false", "-erl_epmd_port", str(port), "-dist_listen", "false",
    ]  # fmt: skip


class Results:
    """``micros[workload][contender]`` is a median in microseconds; None where it did not compete or failed."""

    def __init__(self) -> None:
        self.versions: dict[str, str] = {}
        self.micros: dict[str, dict[str, float | None]] = {}
        #: ``memory[workload][contender]`` is in bytes
        self.memory: dict[str, dict[str, float | None]] = {}
        self.missing: list[str] = []


def measure(
    suite: Suite, names: list[str], rounds: int, seconds: float, parked: int, progress: Callable[[str], None]
) -> Results:
    """Every workload by every contender: ``rounds`` times, each time for about ``seconds``."""
    results = Results()
    with commands(suite, names) as (present, results.missing), ExitStack() as stack:
        contenders = {name: Contender(command) for name, command in present.items()}
        for name, contender in contenders.items():
            stack.callback(contender.close)
            results.versions[name] = contender.ask("version")
        for workload in suite.workloads:
            progress(workload.title)
            samples: dict[str, list[float]] = {name: [] for name in contenders}
            counts = {name: _warm_up(each, workload, seconds) for name, each in contenders.items()}
            for _ in range(rounds):
                for name, contender in contenders.items():
                    if (n := counts[name]) and (took := _seconds(contender, workload.name, n)):
                        samples[name].append(took / n * 1e6)
            results.micros[workload.name] = {
                name: statistics.median(taken) if taken else None for name, taken in samples.items()
            }
    with commands(suite, names if suite.memory else []) as (present, _):
        for workload in suite.memory:
            progress(workload.title)
            results.memory[workload.name] = {
                name: _bytes_each(command, workload.name, parked) for name, command in present.items()
            }
    return results


def _warm_up(contender: Contender, workload: Workload, seconds: float) -> int | None:
    """How many fill about the given time; None if it does not compete."""
    n = workload.at_least
    for _ in range(3):
        took = _seconds(contender, workload.name, n)
        if took is None:
            return None
        n = max(workload.at_least, min(workload.at_most, int(n * seconds / took)))
    return n


def _seconds(contender: Contender, workload: str, n: int) -> float | None:
    try:
        return contender.seconds(workload, n)
    except Failed:
        return None


def _bytes_each(command: list[str], workload: str, n: int) -> float | None:
    """Bytes for each of ``n`` that wait for a message, in a fresh OS process: memory is rarely given back."""
    contender = Contender(command)
    try:
        if contender.seconds(workload, 100) is None:
            return None
        before = contender.resident()
        contender.seconds(workload, n)
        return (contender.resident() - before) / n
    except (Failed, OSError, subprocess.CalledProcessError):
        return None
    finally:
        contender.close()
