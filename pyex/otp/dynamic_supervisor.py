"""DynamicSupervisor: children that are started on request."""

from __future__ import annotations

from typing import Any, ClassVar

from pyex import Pid
from pyex.otp.child_spec import ChildSpec
from pyex.otp.references import Server
from pyex.otp.supervising import ask
from pyex.otp.supervisor_base import SupervisorBase
from pyex.otp.supervisor_spec import DynamicSupervisorSpec


class DynamicSupervisor(SupervisorBase):
    """A supervisor that begins without children: they are started on request, as many as are needed.

    >>> from pyex import *
    >>> class Player(GenServer):
    ...     def init(self, name):
    ...         self.name = name
    ...     def handle_call(self, request, caller):
    ...         return Reply(f"{self.name} does {request!r}")
    >>> game = DynamicSupervisor.start_link(max_children=2)
    >>> alice = DynamicSupervisor.start_child(game, (Player, "Alice"))
    >>> GenServer.call(alice, "jump")
    "Alice does 'jump'"
    >>> DynamicSupervisor.start_child(game, (Player, "Bob")) != alice
    True
    >>> DynamicSupervisor.start_child(game, (Player, "Carol"))
    Traceback (most recent call last):
    pyex.SupervisorError: there are 2 children already, as many as max_children allows
    >>> DynamicSupervisor.terminate_child(game, alice)
    >>> DynamicSupervisor.count_children(game).active
    1
    >>> DynamicSupervisor.stop(game)

    Children are known by their pids, in no order; each is restarted by itself, as its :class:`ChildSpec` says, and one
    that has ended for good is forgotten. They are stopped all at once. One whose start returns None is not wanted, and
    not kept. For ``max_restarts`` and ``max_seconds`` see :class:`Supervisor`.
    """

    __slots__ = ()

    _spec: ClassVar[Any] = DynamicSupervisorSpec

    @classmethod
    def start_link(cls, *args: Any, **options: Any) -> Pid | Any:
        """Start a supervisor without children, linked to this process; its pid.

        ``DynamicSupervisor.start_link(max_children=None, extra_arguments=(), max_restarts=3, max_seconds=5)``:
        ``extra_arguments`` come before the arguments of each child. A subclass passes its arguments to its ``init``, which
        returns a ``DynamicSupervisorSpec``. Further options are ``name``, ``timeout`` and those of ``spawn``.

        >>> players = DynamicSupervisor.start_link(name="players", max_children=1000)
        """
        return super().start_link(*args, **options)

    @staticmethod
    def start_child(supervisor: Server, child: Any) -> Pid | None:
        """Start a child, anything that can be one; its pid, or None if it does not want to run.

        In the supervisor's process. Raises ``SupervisorError``, reason ``"max_children"``, if there are enough, and
        ``StartError`` with the child's reason if it could not be started.

        >>> dave = DynamicSupervisor.start_child("players", (Player, "Dave"))
        """
        pid: Pid | None = ask(supervisor, ("start_child", ChildSpec.of(child)))
        return pid

    @staticmethod
    def terminate_child(supervisor: Server, pid: Pid) -> None:
        """Stop a child, wait until it has ended, and forget it. Raises ``SupervisorError``, reason ``"not_found"``.

        >>> DynamicSupervisor.terminate_child("players", dave)
        >>> DynamicSupervisor.stop("players")
        """
        ask(supervisor, ("terminate_child", pid))
