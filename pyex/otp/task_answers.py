"""What comes of tasks: the messages, and what is made of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias, TypeVar

from pyex import Down, Pid, Process, Ref, receive
from pyex.otp.task_errors import task_down

T = TypeVar("T")
Waited = TypeVar("Waited")

#: How a task went: its value, or its exit reason; None while it runs.
Outcome: TypeAlias = tuple[Literal["ok"], T] | tuple[Literal["exit"], Any] | None


def answers(waiting: dict[Ref, Waited], timeout: float | None) -> Iterator[tuple[Waited, Any]]:
    """The tasks with what has come of each, as it comes, until the time is over; each is taken out of ``waiting``."""

    def of_one(message: Any) -> bool:
        if type(message) is Down:
            return message.ref in waiting
        return type(message) is tuple and len(message) == 2 and message[0] in waiting

    deadline = None if timeout is None else time.monotonic() + timeout
    while waiting:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        answer = receive(of_one, timeout=left, default=None)
        if answer is None:
            return
        if type(answer) is Down:
            yield waiting.pop(answer.ref), answer
        else:
            Process.demonitor(answer[0], flush=True)
            yield waiting.pop(answer[0]), answer


def outcome(pid: Pid | None, answer: Any) -> Outcome[Any]:
    """What has come of a task, ``(ref, value)``, its ``Down`` or None, as ``yield_`` tells it."""
    if answer is None:
        return None
    if type(answer) is not Down:
        return "ok", answer[1]
    if answer.reason == "noconnection":
        raise task_down(pid, answer.reason)
    return "exit", answer.reason
