"""PartitionSupervisor: the same child several times, so that no single one is a bottleneck."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

from pyex import NoProcess, Pid, on_end
from pyex import self as own_pid
from pyex.otp.child_spec import ChildSpec, SupervisorError, class_spec
from pyex.otp.references import Server, whereis
from pyex.otp.supervisor_base import SupervisorBase
from pyex.otp.supervisor_spec import SupervisorSpec

#: Of each such supervisor of this node, its children's pids by their numbers; written in its process, and gone with it.
_partitions: dict[Pid, list[Pid | None]] = {}


class PartitionSupervisor(SupervisorBase):
    """A supervisor of several children of one kind, among which work is divided by keys.

    >>> from pyex import *
    >>> class Cache(GenServer):
    ...     def init(self):
    ...         self.values = {}
    ...     def handle_call(self, request, caller):
    ...         match request:
    ...             case ("put", key, value):
    ...                 self.values[key] = value
    ...                 return Reply(len(self.values))
    ...             case ("get", key):
    ...                 return Reply(self.values.get(key))
    >>> caches = PartitionSupervisor.start_link(Cache, partitions=4, name="caches")
    >>> GenServer.call(PartitionSupervisor.via("caches", "alice"), ("put", "alice", 1))
    1
    >>> GenServer.call(PartitionSupervisor.via("caches", "alice"), ("get", "alice"))
    1
    >>> [child.id for child in PartitionSupervisor.which_children("caches")]
    [0, 1, 2, 3]
    >>> PartitionSupervisor.stop("caches")

    The children's ids are their numbers, from 0. A key that is a whole number leads to the child of that number, modulo
    how many there are, any other to the one that its ``hash`` says: always the same, while this program runs.
    """

    __slots__ = ()

    _spec: ClassVar[Any] = SupervisorSpec

    @classmethod
    def start_link(
        cls,
        *args: Any,
        partitions: int | None = None,
        with_arguments: Callable[[tuple[Any, ...], int], Any] | None = None,
        **options: Any,
    ) -> Pid | Any:
        """Start ``partitions`` children (as many as there are cores, if None), and their supervisor, linked to this process.

        The one argument is whatever can be a child. ``with_arguments(arguments, number)``, called here, gives the arguments of
        the child of that number, if they are to differ. Further options: ``name``, which is how ``via`` finds it,
        ``strategy``, ``max_restarts``, ``max_seconds``, ``timeout`` and those of ``spawn``. Raises ``SupervisorError`` and
        ``StartError``, as ``Supervisor.start_link`` does.

        >>> sessions = PartitionSupervisor.start_link(DynamicSupervisor, name="sessions")
        """
        return super().start_link(_children(args, partitions, with_arguments), **options)

    @classmethod
    def child_spec(cls, *args: Any, **options: Any) -> ChildSpec:
        """This supervisor as a child of another one; with the arguments and options of ``start_link``.

        >>> PartitionSupervisor.child_spec(Counter, partitions=4, name="counters").id
        'counters'
        """
        _children(args, options.get("partitions"), None)  # refuses at once what start_link would refuse
        return class_spec(cls, args, options, type="supervisor")

    @staticmethod
    def via(supervisor: Server, key: Any) -> Partition:
        """The child that a key leads to, wherever a server may stand: in ``GenServer.call``, in ``start_child``.

        It is looked up when it is used, on the supervisor's own node.

        >>> DynamicSupervisor.start_child(PartitionSupervisor.via("sessions", self()), (Counter, 1))
        Pid('0.110.0')
        >>> PartitionSupervisor.stop("sessions")
        """
        hash(key)
        return Partition(supervisor, key)

    @staticmethod
    def partitions(supervisor: Server) -> int:
        """How many children there are. Raises ``NoProcess`` if there is no such supervisor on this node."""
        return len(_table(supervisor))


class Partition:
    """What ``PartitionSupervisor.via`` returns."""

    __slots__ = ("_key", "_supervisor")

    def __init__(self, supervisor: Server, key: Any) -> None:
        self._supervisor = supervisor
        self._key = key

    def whereis(self) -> Pid | None:
        """The child that the key leads to; while that is started again, its last pid."""
        table = _table(self._supervisor)
        key = self._key
        return table[(key if isinstance(key, int) else hash(key)) % len(table)]

    def register(self, pid: Pid) -> bool:
        """Children are started by their supervisor alone."""
        raise TypeError(f"{self!r} is the name of a child that is there already; it cannot be given to {pid!r}")

    def unregister(self) -> None:
        """It never was registered."""

    def __repr__(self) -> str:
        return f"PartitionSupervisor.via({self._supervisor!r}, {self._key!r})"


def _children(args: tuple[Any, ...], partitions: Any, with_arguments: Any) -> list[ChildSpec]:
    if len(args) != 1:
        raise TypeError(f"a PartitionSupervisor has one kind of child, given as (Counter, 10) say, not {len(args)}")
    if partitions is None:
        partitions = os.cpu_count() or 1
    if isinstance(partitions, bool) or not isinstance(partitions, int) or partitions < 1:
        raise SupervisorError(
            ("invalid_partitions", partitions), f"partitions is a number of children, 1 or more, not {partitions!r}"
        )
    spec = ChildSpec.of(args[0])
    fn, args = spec.start
    return [
        replace(
            spec,
            id=number,
            start=(_start, (number, partitions, fn, tuple(with_arguments(args, number)) if with_arguments else args)),
        )
        for number in range(partitions)
    ]


def _start(number: int, partitions: int, fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """In the supervisor: start a child, and note who has that number now."""
    supervisor = own_pid()
    table = _partitions.get(supervisor)
    if table is None:
        table = _partitions[supervisor] = [None] * partitions
        on_end(_forget)
    pid = fn(*args)
    if isinstance(pid, Pid):
        table[number] = pid
    return pid


def _forget(supervisor: Pid) -> None:
    _partitions.pop(supervisor, None)


def _table(supervisor: Server) -> list[Pid | None]:
    pid = whereis(supervisor)
    table = _partitions.get(pid) if isinstance(pid, Pid) else None
    if table is None:
        raise NoProcess(message=f"no PartitionSupervisor of this node is {supervisor!r}")
    return table
