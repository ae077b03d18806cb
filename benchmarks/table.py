"""Prints what was measured."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.runner import Results
from benchmarks.workloads import GOALS, MEMORY, MEMORY_GOALS, PROTOTYPE, WORKLOADS

FIRST = 24
WIDTH = 19


#: Between these lines of the README its table stands.
BEGIN, END = "<!-- measured by: make bench ARGS=--readme -->", "<!-- end of the measured -->"


def table(results: Results, rounds: int) -> list[str]:
    """What was measured: where, when, and a row for each workload."""
    names = list(results.versions)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    out = [
        f"{datetime.now(UTC):%Y-%m-%d}, {machine}, {python}",
        f"microseconds, the median of {rounds} interleaved rounds; in brackets the ratio to pyex",
        "",
        " " * FIRST + "".join(f"{results.versions[name]:>{WIDTH}}" for name in names),
    ]
    for workload in WORKLOADS:
        taken = results.micros[workload.name]
        out.append(f"{workload.title:<{FIRST}}" + "".join(_cell(taken[name], taken.get("pyex")) for name in names))
    for workload in MEMORY:
        taken = results.memory[workload.name]
        cells = (_cell(taken.get(name), taken.get("pyex"), 0) for name in names)
        out.append(f"{workload.title:<{FIRST}}" + "".join(cells))
    return out + [f"missing: {word}" for word in results.missing]


def goals(results: Results) -> list[str]:
    """What is to be reached, and whether it was."""
    out = ["To reach (how much longer the peer takes)"]
    titles = {workload.name: workload.title for workload in WORKLOADS}
    for goal in GOALS:
        taken = results.micros[goal.workload]
        ours, theirs = taken.get("pyex"), taken.get(goal.peer)
        if ours is not None and theirs is not None:
            out.append(_goal(f"{titles[goal.workload]}: {goal.words}", goal.ratio, theirs / ours))
    for workload in MEMORY:
        goal = MEMORY_GOALS[workload.name]
        if (bytes_each := results.memory[workload.name].get("pyex")) is not None:
            reached = "reached" if bytes_each <= goal else "MISSED"
            out.append(f"  {f'{workload.title}: {goal} at most':<60} {bytes_each:>18,.0f}  {reached}")
    out += ["", "The prototype of this design, on another machine (and BEAM there)"]
    out += [f"  {titles[name]:<{FIRST}} {ours:>6.2f} {beam:>6.2f}" for name, (ours, beam) in PROTOTYPE.items()]
    return out


def write_into(readme: Path, measured: list[str]) -> None:
    """Put a table in the place of the README's."""
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    block = "\n".join(["```text", *measured, "```"])
    readme.write_text(f"{before}{BEGIN}\n\n{block}\n\n{END}{after}")


def _cell(value: float | None, ours: float | None, decimals: int = 2) -> str:
    if value is None:
        return f"{'-':>{WIDTH}}"
    ratio = f" ({value / ours:.2f}x)" if ours else ""
    return f"{value:,.{decimals}f}{ratio}".rjust(WIDTH)


def _goal(words: str, wanted: float, measured: float) -> str:
    reached = "reached" if measured >= wanted else "MISSED"
    return f"  {words:<60} {measured:>6.2f}x, at least {wanted:.2f}x  {reached}"
