"""The locks that a node grants, for all processes of the mesh that ask it."""

from __future__ import annotations

from collections import deque
from typing import Any

from pyex.core.ids import Pid, Ref
from pyex.core.messaging import send
from pyex.core.process_api import Process


class _Lock:
    """Who has it, as often as he has taken it, and who waits, in order."""

    __slots__ = ("holders", "requester", "waiting")

    def __init__(self, requester: Any) -> None:
        self.requester = requester
        self.holders: list[Pid] = []
        self.waiting: deque[tuple[Any, Pid, Ref]] = deque()


class Locks:
    """A lock is a requester's: whoever asks in its name gets it. It goes with the processes that hold it."""

    def __init__(self) -> None:
        self._locks: dict[Any, _Lock] = {}
        #: processes that hold or wait for locks, as often as they do
        self._monitors: dict[Pid, tuple[Ref, int]] = {}

    def take(self, resource: Any, requester: Any, pid: Pid, alias: Ref | None) -> bool:
        """Whether the lock could be had; if not and there is an alias, it will be told True when it can."""
        lock = self._locks.get(resource)
        if lock is None:
            lock = self._locks[resource] = _Lock(requester)
        elif lock.requester != requester:
            if alias is not None:
                self._watch(pid)
                lock.waiting.append((requester, pid, alias))
            return False
        self._watch(pid)
        lock.holders.append(pid)
        return True

    def release(self, resource: Any, requester: Any, pid: Pid) -> None:
        """Give back what a process has taken once, or waits for."""
        lock = self._locks.get(resource)
        if lock is None:
            return
        for waiting in lock.waiting:
            if waiting[:2] == (requester, pid):
                lock.waiting.remove(waiting)
                self._unwatch(pid)
                return
        if lock.requester == requester and pid in lock.holders:
            lock.holders.remove(pid)
            self._unwatch(pid)
            self._grant(resource, lock)

    def ended(self, pid: Pid) -> None:
        """A process is gone, or its node is."""
        if self._monitors.pop(pid, None) is None:
            return
        for resource, lock in list(self._locks.items()):
            lock.waiting = deque(waiting for waiting in lock.waiting if waiting[1] != pid)
            if pid in lock.holders:
                lock.holders = [holder for holder in lock.holders if holder != pid]
                self._grant(resource, lock)

    def _grant(self, resource: Any, lock: _Lock) -> None:
        """If nobody has it any more: the next."""
        if lock.holders:
            return
        if not lock.waiting:
            del self._locks[resource]
            return
        lock.requester = lock.waiting[0][0]
        for waiting in [waiting for waiting in lock.waiting if waiting[0] == lock.requester]:
            lock.waiting.remove(waiting)
            _, pid, alias = waiting
            lock.holders.append(pid)
            send(alias, (alias, True))

    def _watch(self, pid: Pid) -> None:
        ref, count = self._monitors.get(pid, (None, 0))
        self._monitors[pid] = (ref or Process.monitor(pid), count + 1)

    def _unwatch(self, pid: Pid) -> None:
        ref, count = self._monitors.pop(pid)
        if count > 1:
            self._monitors[pid] = (ref, count - 1)
        else:
            Process.demonitor(ref, flush=True)
