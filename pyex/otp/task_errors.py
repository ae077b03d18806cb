"""What goes wrong between a task and the process that waits for it."""

from __future__ import annotations

from typing import Any

from pyex import Crash, Exit, Pid, PyexError


class NotOwner(PyexError, ValueError):
    """Only the process that started a task can wait for it, shut it down or ignore it."""


class TaskTimeout(Exit, TimeoutError):
    """A task was not done in time; ``reason`` is ``"timeout"``. Its reply, should it still come, is dropped."""

    def __init__(self, reason: Any = "timeout", message: str | None = None) -> None:
        super().__init__(reason, message)


class TaskDown(Exit, RuntimeError):
    """A task ended without a reply; ``reason`` is its exit reason, ``__cause__`` the exception it crashed with.

    ``("nodedown", node)`` if it was its node that was lost.
    """


def task_down(pid: Pid | None, reason: Any) -> TaskDown:
    """The error of a wait for a task that ended without a reply."""
    if isinstance(reason, str) and reason == "noconnection":
        node = pid.node if pid is not None else None
        return TaskDown(("nodedown", node), f"the node {node} of the task {pid!r} cannot be reached, or was lost")
    if isinstance(reason, Crash):
        error = TaskDown(reason, f"the task {pid!r} crashed: {type(reason.exception).__name__}: {reason.exception}")
        error.__cause__ = reason.exception
        return error
    return TaskDown(reason, f"the task {pid!r} ended without a reply: its exit reason is {reason!r}")


def failure(reason: Any) -> Exit:
    """What stands in a stream of values for a task that failed."""
    error = Exit(reason)
    if isinstance(reason, Crash):
        error.__cause__ = reason.exception
    return error
