"""Prints what was measured."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.runner import Results
from benchmarks.workloads import ALONE, BETWEEN, MEMORY_GOALS, MOST_MICROSECONDS, PROTOTYPE, Suite

FIRST = 24
WIDTH = 19


#: Between these lines of the README its table stands.
BEGIN, END = "<!-- measured by: make bench ARGS=--readme -->", "<!-- end of the measured -->"


def heading(rounds: int) -> list[str]:
    """Where and when it was measured, and what the figures are."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return [
        f"{datetime.now(UTC):%Y-%m-%d}, {machine}, {python}",
        f"microseconds, the median of {rounds} interleaved rounds; in brackets the ratio to pyex",
    ]


def table(suite: Suite, results: Results) -> list[str]:
    """What was measured: a row for each workload."""
    names = list(results.versions)
    out = ["", suite.title, " " * FIRST + "".join(f"{results.versions[name]:>{WIDTH}}" for name in names)]
    for workload in suite.workloads:
        taken = results.micros[workload.name]
        out.append(f"{workload.title:<{FIRST}}" + "".join(_cell(taken[name], taken.get("pyex")) for name in names))
    for workload in suite.memory:
        taken = results.memory[workload.name]
        cells = (_cell(taken.get(name), taken.get("pyex"), 0) for name in names)
        out.append(f"{workload.title:<{FIRST}}" + "".join(cells))
    return out + [f"missing: {word}" for word in results.missing]


def goals(suite: Suite, results: Results) -> list[str]:
    """What is to be reached, and whether it was."""
    out = ["", f"To reach (how much longer the peer takes). {suite.title}"]
    titles = {workload.name: workload.title for workload in suite.workloads}
    for goal in suite.goals:
        taken = results.micros[goal.workload]
        ours, theirs = taken.get(goal.pyex), taken.get(goal.peer)
        if ours is not None and theirs is not None:
            out.append(_goal(f"{titles[goal.workload]}: {goal.words}", goal.ratio, theirs / ours))
    if suite is BETWEEN:
        out += _between(results, titles)
    for workload in suite.memory:
        goal = MEMORY_GOALS[workload.name]
        if (bytes_each := results.memory[workload.name].get("pyex")) is not None:
            out.append(_most(f"{workload.title}: {goal} at most", goal, bytes_each))
    if suite is ALONE:
        out += ["", "The prototype of this design, on another machine (and BEAM there)"]
        out += [f"  {titles[name]:<{FIRST}} {ours:>6.2f} {beam:>6.2f}" for name, (ours, beam) in PROTOTYPE.items()]
    return out


def _between(results: Results, titles: dict[str, str]) -> list[str]:
    out = []
    for name, most in MOST_MICROSECONDS.items():
        if (ours := results.micros[name].get("pyex")) is not None:
            out.append(_most(f"{titles[name]}: {most} us at most", most, ours))
    one, every = (results.micros[name].get("pyex") for name in ("stream_on_one", "stream_on_all"))
    if one is not None and every is not None:
        words = f"Task.async_stream, a peer for each of {os.cpu_count()} cores: faster than with one"
        out.append(f"  {words:<60} {one / every:>6.2f}x")
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


def _most(words: str, most: float, measured: float) -> str:
    reached = "reached" if measured <= most else "MISSED"
    return f"  {words:<60} {measured:>18,.0f}  {reached}"
