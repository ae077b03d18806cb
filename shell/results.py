"""What was typed at a prompt, by number, and what came of it."""

from __future__ import annotations

from typing import Any, Final

#: Results that are kept, and inputs.
RESULTS: Final = 100
INPUTS: Final = 10_000


class Results:
    """The inputs of one shell and their values; old ones are let go."""

    def __init__(self) -> None:
        self.inputs: dict[int, str] = {}
        self.values: dict[int, Any] = {}
        #: the inputs that raised nothing
        self.succeeded: set[int] = set()
        #: what was raised last and not caught
        self.error: BaseException | None = None

    def begin(self, number: int, source: str) -> None:
        """An input is evaluated now."""
        self.inputs[number] = source.rstrip()
        if len(self.inputs) > INPUTS:
            del self.inputs[next(iter(self.inputs))]

    def finish(self, number: int, value: Any) -> None:
        """It has given a value, or None."""
        self.succeeded.add(number)
        if value is None:
            return
        self.values[number] = value
        if len(self.values) > RESULTS:
            del self.values[next(iter(self.values))]

    def get(self, number: int) -> Any:
        """The value of an input; below zero it counts from the newest value, -1. Raises ``LookupError``."""
        kept = [*self.values]
        if number < 0 and -number <= len(kept):
            return self.values[kept[number]]
        if number in self.values:
            return self.values[number]
        if number in self.succeeded and (not kept or number > kept[0]):
            return None
        those = f"Kept are those of {_ranges(kept)}" if kept else "There is none yet"
        raise LookupError(f"input {number} has no value here. {those}")


def _ranges(numbers: list[int]) -> str:
    """``1-4, 7``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(map(str, run)) for run in runs)
