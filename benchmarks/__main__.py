"""``python -m benchmarks``: what is fast, measured beside the peers in one run."""

import argparse
import sys
from pathlib import Path

from benchmarks.runner import measure
from benchmarks.table import goals, heading, table, write_into
from benchmarks.workloads import CONTENDERS, SUITES

README = Path(__file__).parents[1] / "README.md"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: under 30 s")
    parser.add_argument("--only", metavar="A,B", default=",".join(CONTENDERS), help="of: %(default)s")
    parser.add_argument("--rounds", type=int, help="rounds of each workload")
    parser.add_argument("--readme", action="store_true", help="put the table into the README")
    options = parser.parse_args()
    names = options.only.split(",")
    if unknown := set(names) - set(CONTENDERS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(CONTENDERS)}")
    rounds = options.rounds or (3 if options.quick else 9)
    seconds, parked = (0.1, 10_000) if options.quick else (0.4, 100_000)
    measured, reached = heading(rounds), []
    for suite in SUITES:
        chosen = [name for name in suite.contenders if name in names]
        results = measure(suite, chosen, rounds, seconds, parked, lambda title: print(f"... {title}", file=sys.stderr))
        measured += table(suite, results)
        reached += goals(suite, results)
    if options.readme:
        write_into(README, measured)
    print("\n".join([*measured, *reached]))


main()
