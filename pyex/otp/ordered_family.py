"""Children that a supervisor knows by id, in the order in which they are started."""

from __future__ import annotations

from typing import Any

from pyex import Pid
from pyex.otp.child_spec import ChildSpec, SupervisorError
from pyex.otp.children import Child, ChildCount, ChildInfo, StartFailed, count, info, start, stop
from pyex.otp.errors import StartError
from pyex.otp.family import Family, find_significant
from pyex.otp.supervisor_spec import SupervisorSpec, check_significant


class OrderedFamily(Family):
    """The strategies ``one_for_one``, ``one_for_all`` and ``rest_for_one``."""

    def __init__(self, supervisor: str, spec: SupervisorSpec) -> None:
        super().__init__(supervisor, spec.max_restarts, spec.max_seconds)
        self._strategy = spec.strategy
        self._auto_shutdown = spec.auto_shutdown
        #: in the order of their start
        self._children = {child.id: Child(child) for child in spec.children}
        self._by_pid: dict[Pid, Child] = {}

    def start_all(self) -> None:
        """Start them in order."""
        failed = self._start_in_order([*self._children.values()])
        if failed is not None:
            child, reason = failed
            self.stop_all()
            raise StartError(
                ("shutdown", ("failed_to_start_child", child.spec.id, reason)),
                str(self._not_started(child.spec, reason)),
            )

    def stop_all(self) -> None:
        """Stop them in reverse order, each after the end of the one before."""
        self._stop_in_reverse([*self._children.values()])

    def start_child(self, child: Any) -> Pid | None:
        """Add a child at the end."""
        if not isinstance(child, ChildSpec):
            raise SupervisorError(
                ("invalid_child_spec", child),
                f"{child!r} is no child; only a simple_one_for_one supervisor takes a list of further arguments",
            )
        check_significant(child, self._auto_shutdown)
        known = self._children.get(child.id)
        if known is not None:
            if known.running:
                raise SupervisorError(
                    ("already_started", known.pid), f"there is a child {child.id!r} already, and it runs: {known.pid!r}"
                )
            raise SupervisorError(
                "already_present",
                f"there is a child {child.id!r} already; it does not run. "
                "restart_child starts it, and delete_child makes its id free",
            )
        new = Child(child)
        try:
            self._start(new)
        except StartFailed as failure:
            raise self._not_started(child, failure.reason) from None
        if new.running or child.restart != "temporary":
            self._children[child.id] = new
        return new.pid

    def terminate_child(self, id: Any) -> None:
        """Stop a child; its specification stays, for ``restart_child``, unless it is temporary."""
        child = self._find(id)
        self._stop(child)
        self._forget(child)

    def restart_child(self, id: Any) -> Pid | None:
        """Start a child again that was stopped or did not want to run."""
        child = self._find_stopped(id)
        try:
            self._start(child)
        except StartFailed as failure:
            raise self._not_started(child.spec, failure.reason) from None
        return child.pid

    def delete_child(self, id: Any) -> None:
        """Forget a child that was stopped."""
        del self._children[self._find_stopped(id).spec.id]

    def get_childspec(self, id: Any) -> ChildSpec:
        """The specification of a child."""
        return self._find(id).spec

    def which_children(self) -> list[ChildInfo]:
        """In the order of their start."""
        return [info(child, child.spec.id) for child in self._children.values()]

    def count_children(self) -> ChildCount:
        """Of those with a process, how many have a living one is asked them."""
        return count(self._children.values())

    def _find(self, id: Any) -> Child:
        try:
            return self._children[id]
        except (KeyError, TypeError):
            known = ", ".join(map(repr, self._children)) or "none"
            raise SupervisorError("not_found", f"there is no child {id!r}; there are: {known}") from None

    def _find_stopped(self, id: Any) -> Child:
        child = self._find(id)
        if child.restarting:
            raise SupervisorError("restarting", f"the child {id!r} is being restarted. terminate_child stops that")
        if child.running:
            raise SupervisorError("running", f"the child {id!r} runs, as {child.pid!r}. terminate_child stops it")
        return child

    # When a child ends

    def _of_pid(self, pid: Pid) -> Child | None:
        return self._by_pid.pop(pid, None)

    def _of_key(self, key: Any) -> Child | None:
        return self._children.get(key)

    def _forget(self, child: Child) -> None:
        if child.spec.restart == "temporary":
            del self._children[child.spec.id]
        child.pid, child.restarting = None, False

    def _start_again(self, child: Child) -> Any:
        if self._strategy == "one_for_one":
            again = [child]
        else:
            again = [*self._children.values()]
            if self._strategy == "rest_for_one":
                again = again[again.index(child) :]
            child.pid, child.restarting = None, False
            self._stop_in_reverse(again)
            for one in again:
                self._forget(one)
            again = [one for one in again if one.spec.restart != "temporary"]
        failed = self._start_in_order(again)
        if failed is None:
            return None
        failed[0].restarting = True
        return failed[0].spec.id

    def _shuts_down(self) -> bool:
        if self._auto_shutdown == "all_significant":
            return not find_significant(self._children.values())
        return self._auto_shutdown == "any_significant"

    # Starting and stopping

    def _start(self, child: Child) -> None:
        child.pid = start(child.spec)
        child.restarting = False
        if child.pid is not None:
            self._by_pid[child.pid] = child
            self._report("progress", child)

    def _start_in_order(self, children: list[Child]) -> tuple[Child, Any] | None:
        """Start children until one cannot be: that one, and the reason."""
        for child in children:
            try:
                self._start(child)
            except StartFailed as failure:
                self._report("start_error", child, failure.reason)
                return child, failure.reason
            if child.pid is None and child.spec.restart == "temporary":
                del self._children[child.spec.id]
        return None

    def _stop(self, child: Child) -> None:
        if child.running:
            for _, reason in stop([child]):
                self._report("shutdown_error", child, reason)
            self._by_pid.pop(child.pid, None)  # type: ignore[arg-type]

    def _stop_in_reverse(self, children: list[Child]) -> None:
        for child in reversed(children):
            self._stop(child)
