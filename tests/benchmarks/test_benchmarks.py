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
    for workload in ("ping-pong", "ring", "flood", "spawn + reply", "spawn + exit + DOWN", "Task.async_stream", "a parked process"):
        row = next(line for line in done.stdout.splitlines() if line.startswith(workload))
        assert "(1.00x)" in row, row  # pyex beside itself
        assert row.count("x)") == 2, row  # and asyncio


def test_an_unknown_contender_is_named():
    command = [sys.executable, "-m", "benchmarks", "--only", "pyex,fortran"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 2
    assert "fortran" in done.stderr
