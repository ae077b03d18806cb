"""What a supervisor is to do, checked where it is written: ``SupervisorSpec`` and its form for a dynamic one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from pyex.otp.child_spec import ChildSpec, SupervisorError, check_children, expect_one_of

Strategy: TypeAlias = Literal["one_for_one", "one_for_all", "rest_for_one", "simple_one_for_one"]
AutoShutdown: TypeAlias = Literal["never", "any_significant", "all_significant"]

STRATEGIES: Final = ("one_for_one", "one_for_all", "rest_for_one", "simple_one_for_one")
AUTO_SHUTDOWNS: Final = ("never", "any_significant", "all_significant")


@dataclass(frozen=True, slots=True)
class SupervisorSpec:
    """What the ``init`` of a :class:`Supervisor` returns: its children, and what happens when one ends.

    >>> SupervisorSpec([Counter, (Clock, 0.5)], strategy="rest_for_one")

    The fields are those of ``Supervisor.start_link``. Raises ``SupervisorError`` (a ``ValueError``) for what cannot be meant.
    """

    children: Iterable[Any]
    strategy: Strategy = "one_for_one"
    max_restarts: int = 3
    max_seconds: float = 5
    auto_shutdown: AutoShutdown = "never"

    def __post_init__(self) -> None:
        expect_one_of("invalid_strategy", "strategy", self.strategy, STRATEGIES)
        check_limits(self.max_restarts, self.max_seconds)
        expect_one_of("invalid_auto_shutdown", "auto_shutdown", self.auto_shutdown, AUTO_SHUTDOWNS)
        children = tuple(check_children(self.children))
        object.__setattr__(self, "children", children)
        if self.strategy == "simple_one_for_one" and len(children) != 1:
            raise SupervisorError(
                ("bad_start_spec", children),
                "a simple_one_for_one supervisor has one child specification, of which start_child starts as many "
                f"children as you like; {len(children)} were given. DynamicSupervisor takes a new one for each",
            )
        for child in children:
            check_significant(child, self.auto_shutdown)


@dataclass(frozen=True, slots=True)
class DynamicSupervisorSpec:
    """What the ``init`` of a :class:`DynamicSupervisor` returns.

    >>> DynamicSupervisorSpec(max_children=100)

    The fields are those of ``DynamicSupervisor.start_link``.
    """

    max_children: int | None = None
    extra_arguments: Iterable[Any] = ()
    strategy: Literal["one_for_one"] = "one_for_one"
    max_restarts: int = 3
    max_seconds: float = 5

    def __post_init__(self) -> None:
        if self.strategy != "one_for_one":
            raise SupervisorError(
                ("invalid_strategy", self.strategy),
                f"the strategy of a DynamicSupervisor is 'one_for_one', not {self.strategy!r}: its children do not know "
                "each other. Supervisor has the others",
            )
        check_limits(self.max_restarts, self.max_seconds)
        if self.max_children is not None and not _is_count(self.max_children):
            raise SupervisorError(
                ("invalid_max_children", self.max_children),
                f"max_children is a number of children, or None for no limit, not {self.max_children!r}",
            )
        extra = self.extra_arguments
        if isinstance(extra, str) or not isinstance(extra, Iterable):
            raise SupervisorError(
                ("invalid_extra_arguments", extra),
                f"extra_arguments are a list of arguments, not {extra!r}: [{extra!r}]",
            )
        object.__setattr__(self, "extra_arguments", tuple(extra))


def check_limits(max_restarts: Any, max_seconds: Any) -> None:
    """Refuse what cannot limit the restarts."""
    if not _is_count(max_restarts):
        raise SupervisorError(
            ("invalid_intensity", max_restarts),
            f"max_restarts is a number of restarts, 0 or more, not {max_restarts!r}",
        )
    if isinstance(max_seconds, bool) or not isinstance(max_seconds, int | float) or not max_seconds > 0:
        raise SupervisorError(
            ("invalid_period", max_seconds), f"max_seconds is a number of seconds above 0, not {max_seconds!r}"
        )


def check_significant(child: ChildSpec, auto_shutdown: str) -> None:
    """Refuse a significant child where that has no meaning."""
    if child.significant and auto_shutdown == "never":
        raise SupervisorError(
            ("bad_combination", (("auto_shutdown", "never"), ("significant", True))),
            f"the child {child.id!r} is significant, but its supervisor's auto_shutdown is 'never'. "
            "Give that 'any_significant' or 'all_significant'",
        )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
