"""How far somebody has come in the lessons, kept from one shell to the next."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple


class Place(NamedTuple):
    """How far one lesson has been played."""

    #: steps played; as many as there are, when it is over
    steps: int = 0
    done: bool = False


class Progress:
    """The places, by the keys of lessons; in a file, or without one in memory only."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._kept: dict[str, Any] = {}

    def get(self, key: str) -> Place:
        """Where a lesson was left."""
        match self._load().get(key):
            case [int(steps), bool(done)] if steps >= 0:
                return Place(steps, done)
        return Place()

    def put(self, key: str, place: Place) -> None:
        """Keep it. A disk that is full or a folder that is gone costs the progress, not the lesson."""
        self._kept = {**self._load(), key: [*place]}
        if self._path is None:
            return
        beside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside.write_text(json.dumps(self._kept), "utf-8")
            beside.replace(self._path)
        except OSError:
            pass

    def _load(self) -> dict[str, Any]:
        """What is in the file: another shell may have written it."""
        if self._path is not None:
            try:
                found = json.loads(self._path.read_text("utf-8"))
            except (OSError, ValueError):
                return self._kept
            if isinstance(found, dict):
                return found
        return self._kept
