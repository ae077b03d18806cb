"""What a completion knows besides the bindings: names, pids, nodes, modules, the code of processes.

Some of it takes a question to another process or to the name service. Such questions are put by a thread of their own,
whose answer is waited for a moment only.
"""

from __future__ import annotations

import pkgutil
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from pyex import Node, Pid, Process
from shell.static import UNKNOWN, is_a, lookup

T = TypeVar("T")

#: Seconds that an answer is waited for, and that one is remembered.
PATIENCE: Final = 0.5
FRESH: Final = 3.0


def aside(question: Callable[[], T], default: T) -> T:
    """The answer to a question, or the default if it does not come soon."""
    answers: list[T] = []

    def put() -> None:
        try:
            answers.append(question())
        except Exception:
            pass  # then there is no answer: a node that has just been stopped, say

    thread = threading.Thread(target=put, name="pyex-completion", daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return answers[0] if answers else default


class Surroundings:
    """The node that a shell runs on."""

    def __init__(self) -> None:
        self._modules: list[str] | None = None
        self._nodes: tuple[float, list[str]] = (-FRESH, [])

    def registered(self) -> list[str]:
        """The registered names of processes."""
        return sorted(Process.registered())

    def pids(self) -> list[Pid]:
        """The processes."""
        return Process.list()

    def nodes(self) -> list[str]:
        """The nodes that are connected, and those that the name service of this machine knows."""
        if not Node.alive():
            return []
        asked, found = self._nodes
        if time.monotonic() - asked > FRESH:
            names: list[str] = aside(Node.names, [])
            found = [name if "@" in name else f"{name}@127.0.0.1" for name in names]
            self._nodes = time.monotonic(), found
        return sorted({*found, *Node.list()} - {Node.self()})

    def modules(self, parent: str) -> list[str]:
        """The modules there are in a package, or at the top; they are looked for, not imported."""
        if parent:
            path = lookup(sys.modules.get(parent), "__path__")
            if path is UNKNOWN:
                return []
            return sorted(one.name for one in pkgutil.iter_modules(list(path)))
        if self._modules is None:
            found = {one.name for one in pkgutil.iter_modules()} | {*sys.stdlib_module_names}
            self._modules = sorted(found)
        return self._modules

    def code_of(self, process: Any, names: Mapping[str, Any]) -> Any:
        """The class or function that a process runs, if it has a name by which it can be found; else None."""
        pid = Process.whereis(process) if type(process) is str else process
        if not is_a(pid, Pid) or pid not in Process.list():
            return None
        info = aside(lambda: Process.info(pid), None)
        if info is None:
            return None
        return _found(info.initial_call, names) if info.initial_call is not None else None


def _found(path: str, names: Mapping[str, Any]) -> Any:
    """What ``module.name`` stands for, without importing anything."""
    parts = path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        module, inside = ".".join(parts[:cut]), parts[cut:]
        if module == "__main__":
            found = names.get(inside[0], UNKNOWN)
            inside = inside[1:]
        elif module in sys.modules:
            found = sys.modules[module]
        else:
            continue
        owner: Any = None
        for name in inside:
            owner, found = found, lookup(found, name) if found is not UNKNOWN else UNKNOWN
        if owner is not None and is_a(owner, type):
            return owner  # a behaviour begins in its callback: Counter.init
        return None if found is UNKNOWN else found
    return None
