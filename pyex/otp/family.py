"""What all supervisors do with children that end: whether and how often they are started again."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any, Final

from pyex import Pid, send
from pyex import self as own_pid
from pyex.otp.child_spec import ChildSpec
from pyex.otp.children import Child, ChildCount, ChildInfo
from pyex.otp.errors import StartError
from pyex.otp.restarts import RestartWindow, is_orderly, wants_restart
from pyex.otp.supervisor_reports import report, words

#: Begins the message by which a supervisor reminds itself of a child that could not be started again. What others have
#: sent meanwhile comes first: one that fails again and again does not keep the supervisor from being asked or stopped.
AGAIN: Final = "$restart"


class Family(ABC):
    """The children of one supervisor, in whose process all of this happens.

    ``ended`` and ``try_again`` answer whether the supervisor goes on; where not, it is to end with ``shutdown``.
    """

    def __init__(self, supervisor: str, max_restarts: int, max_seconds: float) -> None:
        #: what reports call the supervisor
        self.supervisor = supervisor
        self._window = RestartWindow(max_restarts, max_seconds)

    # What is asked of a supervisor

    @abstractmethod
    def start_all(self) -> None:
        """Start the children there are from the beginning; raises ``StartError``, having stopped those it had started."""

    @abstractmethod
    def stop_all(self) -> None:
        """Stop every child, and wait for their ends."""

    @abstractmethod
    def start_child(self, child: Any) -> Pid | None:
        """Start another child; its pid, or None if it is not wanted."""

    @abstractmethod
    def terminate_child(self, id: Any) -> None:
        """Stop a child, and wait for its end."""

    @abstractmethod
    def restart_child(self, id: Any) -> Pid | None:
        """Start a child again that was stopped."""

    @abstractmethod
    def delete_child(self, id: Any) -> None:
        """Forget a child that was stopped."""

    @abstractmethod
    def get_childspec(self, id: Any) -> ChildSpec:
        """The specification of a child."""

    @abstractmethod
    def which_children(self) -> list[ChildInfo]:
        """A line for each."""

    @abstractmethod
    def count_children(self) -> ChildCount:
        """How many there are."""

    # When a child ends

    def ended(self, pid: Pid, reason: Any) -> bool:
        """A linked process has ended, perhaps a child."""
        child = self._of_pid(pid)
        if child is None:
            return True
        if wants_restart(child.spec, reason):
            self._report("child_terminated", child, reason)
            return self._restart(child)
        if not is_orderly(reason):
            self._report("child_terminated", child, reason)
        self._forget(child)
        return not (child.spec.significant and self._shuts_down())

    def try_again(self, key: Any) -> bool:
        """A restart had failed; unless the child was stopped meanwhile, here is the next attempt."""
        child = self._of_key(key)
        return child is None or not child.restarting or self._restart(child)

    def _restart(self, child: Child) -> bool:
        if not self._window.another(time.monotonic()):
            self._report("shutdown", child, "reached_max_restart_intensity")
            self._forget(child)
            return False
        if (key := self._start_again(child)) is not None:
            send(own_pid(), (AGAIN, key))
        return True

    @abstractmethod
    def _of_pid(self, pid: Pid) -> Child | None:
        """The child whose process that is."""

    @abstractmethod
    def _of_key(self, key: Any) -> Child | None:
        """The child that ``_start_again`` has given a key for."""

    @abstractmethod
    def _forget(self, child: Child) -> None:
        """A child's process is gone and not to be started again; if it is temporary, so is its specification."""

    @abstractmethod
    def _start_again(self, child: Child) -> Any:
        """Start a child again, and whoever depends on it: None, or the key of one that could not be started."""

    @abstractmethod
    def _shuts_down(self) -> bool:
        """A significant child has ended: whether its supervisor does."""

    # Words

    def _report(self, context: str, child: Child, reason: Any = None) -> None:
        report(context, self.supervisor, child.spec, child.pid, reason)

    def _not_started(self, child: ChildSpec, reason: Any) -> StartError:
        return StartError(reason, f"the child {child.id!r} could not be started: {words(reason)}")


def find_significant(children: Collection[Child]) -> bool:
    """Whether a significant child runs, or is being started again."""
    return any(child.spec.significant and (child.running or child.restarting) for child in children)
