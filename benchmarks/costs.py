"""``python -m benchmarks.costs``: what the watch over processes costs those that do nothing wrong.

The same workloads with and without it, in turns, in one run: the monitor that interrupts hogs, and limits of memory
for every process, beside a process that holds eight megabytes too.
"""

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

#: What each variant does before the workloads.
VARIANTS = {
    "as it is": "",
    "nobody is interrupted": "monitor.wake = lambda: None",
    "every process has a limit": "pyex.configure(max_heap_size=1 << 30)",
    "and one of 8 MB its own": "hold(8 << 20, 64 << 20)",
}
WORKLOADS = ["ping_pong", "ring", "flood", "spawn_reply", "spawn_down"]

PROGRAM = """
import sys
import pyex
from pyex.core.monitor import monitor
from benchmarks.contenders import with_pyex

def hold(size, limit):
    def main(parent):
        held = [str(n) for n in range(size // 64)]
        pyex.send(parent, "ready")
        while True:
            pyex.receive(timeout=0.01, default=None)
            held[0] = held[0] + "x"
    pyex.spawn(main, pyex.self(), max_heap_size=limit)
    pyex.receive("ready")

{before}
for line in sys.stdin:
    name, n = line.split()
    print(getattr(with_pyex, name)(int(n)), flush=True)
"""


class Variant:
    """An OS process that does the workloads in one way."""

    def __init__(self, before: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(before=before)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip

    def seconds(self, workload: str, n: int) -> float:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{workload} {n}\n")
        return float(self._process.stdout.readline())

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.costs", description=__doc__)
    parser.add_argument("--rounds", type=int, default=41, help="rounds of each workload (default: %(default)s)")
    parser.add_argument("--number", type=int, default=20_000, help="repetitions in each (default: %(default)s)")
    options = parser.parse_args()
    variants = {name: Variant(before) for name, before in VARIANTS.items()}
    print(f"microseconds, the median of {options.rounds} interleaved rounds; in brackets what it costs\n")
    print(" " * 14 + "".join(f"{name:>27}" for name in variants))
    for workload in WORKLOADS:
        taken: dict[str, list[float]] = {name: [] for name in variants}
        for _ in range(options.rounds):
            for name, variant in variants.items():
                taken[name].append(variant.seconds(workload, options.number) / options.number * 1e6)
        medians = {name: statistics.median(times) for name, times in taken.items()}
        plain = medians["nobody is interrupted"]
        cells = (f"{median:.2f} ({median / plain - 1:+.1%})".rjust(27) for median in medians.values())
        print(f"{workload:<14}" + "".join(cells), flush=True)
    for variant in variants.values():
        variant.close()


if __name__ == "__main__":
    main()
