"""Who is started again, and how often: the rules of restarting, which need no process."""

from __future__ import annotations

from collections import deque
from typing import Any

from pyex.otp.child_spec import ChildSpec


def is_orderly(reason: Any) -> bool:
    """Whether a process that ended so wanted to, or was asked to: ``normal``, ``shutdown`` or ``("shutdown", ...)``."""
    if isinstance(reason, tuple) and len(reason) == 2:
        return isinstance(reason[0], str) and reason[0] == "shutdown"
    return isinstance(reason, str) and reason in ("normal", "shutdown")


def wants_restart(spec: ChildSpec, reason: Any) -> bool:
    """Whether a child that ended by itself, or by accident, is to be started again."""
    return spec.restart == "permanent" or (spec.restart == "transient" and not is_orderly(reason))


def is_expected(spec: ChildSpec, reason: Any) -> bool:
    """Whether a child that its supervisor has stopped ended as it should have; else there is a report."""
    if reason == ("killed" if spec.shutdown == "brutal_kill" else "shutdown"):
        return True
    return spec.restart != "permanent" and is_orderly(reason)


class RestartWindow:
    """The restarts of the last ``seconds``: as many as ``most`` are borne."""

    __slots__ = ("_most", "_restarts", "_seconds")

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._restarts: deque[float] = deque()

    def another(self, now: float) -> bool:
        """Note a restart at ``now``, in seconds; False if it is one too many."""
        restarts = self._restarts
        restarts.append(now)
        while restarts[0] < now - self._seconds:
            restarts.popleft()
        return len(restarts) <= self._most
