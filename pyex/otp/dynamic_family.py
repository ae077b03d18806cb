"""Children that a supervisor knows by pid and starts on request: as many as are asked for, in no order."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pyex import Pid, Process
from pyex.otp.child_spec import ChildSpec, SupervisorError
from pyex.otp.children import Child, ChildCount, ChildInfo, StartFailed, count, info, start, stop
from pyex.otp.family import Family, find_significant
from pyex.otp.supervisor_spec import DynamicSupervisorSpec, SupervisorSpec


class DynamicFamily(Family):
    """What ``simple_one_for_one`` and :class:`DynamicSupervisor` have in common."""

    #: arguments before those of each child
    extra_arguments: tuple[Any, ...] = ()

    def __init__(self, supervisor: str, max_restarts: int, max_seconds: float) -> None:
        super().__init__(supervisor, max_restarts, max_seconds)
        #: a child that is being restarted under its last pid
        self._children: dict[Pid, Child] = {}

    def start_all(self) -> None:
        """There are none to begin with."""

    def stop_all(self) -> None:
        """Stop them all at once."""
        self._stop([*self._children.values()])

    def restart_child(self, id: Any) -> Pid | None:
        """Children that were stopped are forgotten."""
        raise self._by_pid_only("restart_child")

    def delete_child(self, id: Any) -> None:
        """Likewise."""
        raise self._by_pid_only("delete_child")

    def terminate_child(self, id: Any) -> None:
        """Stop the child with that pid, and forget it."""
        child = self._children.get(id) if isinstance(id, Pid) else None
        if child is None:
            raise SupervisorError("not_found", f"there is no child {id!r}")
        self._stop([child])
        self._forget(child)

    def get_childspec(self, id: Any) -> ChildSpec:
        """The specification of the child with that pid."""
        child = self._children.get(id) if isinstance(id, Pid) else None
        if child is None:
            raise SupervisorError("not_found", f"there is no child {id!r}")
        return child.spec

    def which_children(self) -> list[ChildInfo]:
        """They have no ids: None."""
        return [info(child, None) for child in self._children.values()]

    def _by_pid_only(self, what: str) -> SupervisorError:
        return SupervisorError(
            "simple_one_for_one",
            f"{what} is not for children that are started on request: one that has stopped is forgotten. start_child "
            "starts another",
        )

    def _add(self, spec: ChildSpec) -> Pid | None:
        try:
            pid = start(spec, self.extra_arguments)
        except StartFailed as failure:
            raise self._not_started(spec, failure.reason) from None
        if pid is not None:
            self._has_started(Child(spec), pid)
        return pid

    def _has_started(self, child: Child, pid: Pid) -> None:
        child.pid, child.restarting = pid, False
        self._children[pid] = child
        self._report("progress", child)

    def _stop(self, children: Iterable[Child]) -> None:
        for child, reason in stop(children):
            self._report("shutdown_error", child, reason)

    # When a child ends

    def _of_pid(self, pid: Pid) -> Child | None:
        return self._children.get(pid)

    def _of_key(self, key: Any) -> Child | None:
        return self._children.get(key)

    def _forget(self, child: Child) -> None:
        self._children.pop(child.pid, None)  # type: ignore[arg-type]

    def _start_again(self, child: Child) -> Any:
        try:
            pid = start(child.spec, self.extra_arguments)
        except StartFailed as failure:
            child.restarting = True
            self._report("start_error", child, failure.reason)
            return child.pid
        self._forget(child)
        if pid is not None:
            self._has_started(child, pid)
        return None

    @abstractmethod
    def _shuts_down(self) -> bool: ...


class SimpleFamily(DynamicFamily):
    """``simple_one_for_one``: all children are of one specification, with further arguments for each."""

    def __init__(self, supervisor: str, spec: SupervisorSpec) -> None:
        super().__init__(supervisor, spec.max_restarts, spec.max_seconds)
        self._auto_shutdown = spec.auto_shutdown
        (self._template,) = spec.children

    def start_child(self, child: Any) -> Pid | None:
        """``child`` is a list of the arguments that come after those of the specification."""
        if not isinstance(child, list):
            raise SupervisorError(
                ("invalid_child_spec", child),
                "a simple_one_for_one supervisor has its children's specification already: start_child takes a list of "
                "further arguments for the child, [] for none",
            )
        spec = self._template
        if child:
            fn, args = spec.start
            spec = replace(spec, start=(fn, (*args, *child)))
        return self._add(spec)

    def terminate_child(self, id: Any) -> None:
        """Stop the child with that pid; fine as well if it has ended already."""
        if not isinstance(id, Pid):
            raise SupervisorError(
                "simple_one_for_one",
                f"the children of a simple_one_for_one supervisor have no ids, only pids; not {id!r}",
            )
        if id in self._children or not isinstance(id.key, int) or Process.alive(id):
            super().terminate_child(id)

    def count_children(self) -> ChildCount:
        """There is one specification."""
        restarting = sum(child.restarting for child in self._children.values())
        size = len(self._children)
        supervisors = size if self._template.type == "supervisor" else 0
        return ChildCount(1, size - restarting, supervisors, size - supervisors)

    def _shuts_down(self) -> bool:
        if self._auto_shutdown == "all_significant":
            return not find_significant(self._children.values())
        return self._auto_shutdown == "any_significant"


class RequestedFamily(DynamicFamily):
    """Of a :class:`DynamicSupervisor`: every child has a specification of its own."""

    def __init__(self, supervisor: str, spec: DynamicSupervisorSpec) -> None:
        super().__init__(supervisor, spec.max_restarts, spec.max_seconds)
        self._max_children = spec.max_children
        self.extra_arguments = tuple(spec.extra_arguments)

    def start_child(self, child: Any) -> Pid | None:
        """Start a child, unless there are as many as there may be."""
        if not isinstance(child, ChildSpec):
            raise SupervisorError(
                ("invalid_child_spec", child), f"{child!r} is no child. Give its class, or a ChildSpec"
            )
        if child.significant:
            raise SupervisorError(
                ("bad_combination", (("auto_shutdown", "never"), ("significant", True))),
                "a DynamicSupervisor does not shut down with its children, so none of them is significant",
            )
        if self._max_children is not None and len(self._children) >= self._max_children:
            raise SupervisorError(
                "max_children", f"there are {len(self._children)} children already, as many as max_children allows"
            )
        return self._add(child)

    def count_children(self) -> ChildCount:
        """Each has a specification."""
        return count(self._children.values())

    def _shuts_down(self) -> bool:
        return False
