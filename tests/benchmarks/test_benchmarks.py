"""The benchmarks run; what they measure is nobody's test."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(120)
def test_a_quick_run_prints_a_table():
    command = [sys.executable, "-m", "benchmarks", "--quick", "--rounds", "1", "--only", "pyex,asyncio"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=True)
    for workload in (
        "round trip",
        "one-way small message",
        "one-way 1 MB of bytes",
        "ping-pong",
        "ring",
        "flood",
        "spawn + reply",
        "spawn + exit + DOWN",
        "GenServer.call",
        "GenServer.cast",
        "Task.async_stream",
        "a parked process",
        "an idle GenServer",
    ):
        row = next(line for line in done.stdout.splitlines() if line.startswith(workload))
        assert "(1.00x)" in row, row  # pyex beside itself
        assert row.count("x)") == 2, row  # and asyncio
    for workload in ("supervisor, restart", "task, on one peer", "task, on all cores"):  # pyex alone
        assert next(line for line in done.stdout.splitlines() if line.startswith(workload)).count("x)") == 1


def test_an_unknown_contender_is_named():
    command = [sys.executable, "-m", "benchmarks", "--only", "pyex,fortran"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 2
    assert "fortran" in done.stderr


def test_the_command_about_a_million_servers_works_for_fewer():
    command = [sys.executable, "-m", "benchmarks.million", "2000"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=True)
    for word in ("start", "call", "stop", "bytes"):
        assert word in done.stdout, done.stdout
    assert "2,000 of 2,000 answered" in done.stdout
