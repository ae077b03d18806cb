"""A supervisor's children: how one is started, how one is stopped, how many are stopped at once.

All of it happens in the supervisor's own process, to which its children are linked.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from typing import Any, Literal, NamedTuple

from pyex import Crash, Down, Exit, Exited, Pid, Process, Ref, receive
from pyex.otp.child_spec import ChildSpec, ChildType
from pyex.otp.errors import StartError
from pyex.otp.restarts import is_expected


class Child:
    """One child: its specification, and what has become of it."""

    __slots__ = ("pid", "restarting", "spec")

    def __init__(self, spec: ChildSpec, pid: Pid | None = None) -> None:
        self.spec = spec
        #: of its process; None if it has none, whose last it was while it is ``restarting``
        self.pid = pid
        #: it has ended and could not be started again yet
        self.restarting = False

    @property
    def running(self) -> bool:
        """Whether it has a process, as far as the supervisor knows."""
        return self.pid is not None and not self.restarting

    def __repr__(self) -> str:
        return f"<child {self.spec.id!r}: {'restarting' if self.restarting else self.pid!r}>"


class ChildInfo(NamedTuple):
    """A line of ``which_children``: of a child without a process ``pid`` is None, or ``"restarting"``."""

    id: Any
    pid: Pid | Literal["restarting"] | None
    type: ChildType


class ChildCount(NamedTuple):
    """What ``count_children`` gives: ``active`` are those with a living process."""

    specs: int
    active: int
    supervisors: int
    workers: int


class StartFailed(Exception):
    """A child could not be started, for ``reason``."""

    def __init__(self, reason: Any) -> None:
        super().__init__(reason)
        self.reason = reason


def start(spec: ChildSpec, extra: Iterable[Any] = ()) -> Pid | None:
    """Start a child's process, with ``extra`` arguments before its own; None if it wants none. Raises ``StartFailed``."""
    fn, args = spec.start
    try:
        pid = fn(*extra, *args)
    except (StartError, Exit) as failure:
        raise StartFailed(failure.reason) from None
    except SystemExit as leaving:
        raise StartFailed(("exit", leaving.code)) from None
    except Exception as error:
        raise StartFailed(Crash.of(error)) from None
    if pid is not None and not isinstance(pid, Pid):
        raise StartFailed(("bad_return_value", pid))
    return pid


def info(child: Child, id: Any) -> ChildInfo:
    """The line about a child in ``which_children``."""
    return ChildInfo(id, "restarting" if child.restarting else child.pid, child.spec.type)


def count(children: Collection[Child]) -> ChildCount:
    """The numbers of ``count_children``."""
    supervisors = sum(child.spec.type == "supervisor" for child in children)
    return ChildCount(len(children), sum(map(is_alive, children)), supervisors, len(children) - supervisors)


def is_alive(child: Child) -> bool:
    """Whether its process lives; of one on another node, whether it has not been heard of yet."""
    pid = child.pid
    return pid is not None and child.running and (not isinstance(pid.key, int) or Process.alive(pid))


class Unexpected(NamedTuple):
    """A child that was stopped and ended in another way than it should have."""

    child: Child
    reason: Any


def stop(children: Iterable[Child]) -> list[Unexpected]:
    """Stop children, all at once, and wait until they have ended; those that did so in an unexpected way.

    Each is asked to by ``shutdown`` and killed when its time is over (or at once), so that none can be in the way for
    longer. They are monitored, as one may have unlinked itself.
    """
    waiting: dict[Ref, Child] = {}
    deadlines: list[tuple[float, Ref]] = []
    for child in children:
        if not child.running:
            continue
        pid, limit = child.pid, child.spec.shutdown
        assert pid is not None
        ref = Process.monitor(pid)
        waiting[ref] = child
        if limit == "brutal_kill":
            Process.exit(pid, "kill")
            continue
        Process.exit(pid, "shutdown")
        if limit is not None:
            deadlines.append((time.monotonic() + limit, ref))
    deadlines.sort(key=lambda deadline: -deadline[0])
    unexpected = []
    while waiting:
        while deadlines and deadlines[-1][1] not in waiting:
            deadlines.pop()
        left = max(0.0, deadlines[-1][0] - time.monotonic()) if deadlines else None
        down = receive(lambda message: type(message) is Down and message.ref in waiting, timeout=left, default=None)
        if down is None:
            Process.exit(waiting[deadlines.pop()[1]].pid, "kill")  # type: ignore[arg-type]
            continue
        child = waiting.pop(down.ref)
        reason = _last_words(child.pid, down.reason)
        if not is_expected(child.spec, reason):
            unexpected.append(Unexpected(child, reason))
    return unexpected


def _last_words(pid: Any, reason: Any) -> Any:
    """Why it ended: if it was dead already when it was monitored, its exit signal knows better."""
    Process.unlink(pid)  # afterwards that has arrived, or never will
    exited = receive(Exited(pid), timeout=0, default=None)
    return reason if exited is None else exited.reason
