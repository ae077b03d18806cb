"""Supervisor: a process that starts other processes, and starts them again when they end."""

from __future__ import annotations

from typing import Any, ClassVar

from pyex import Pid
from pyex.otp.child_spec import ChildSpec
from pyex.otp.references import Server
from pyex.otp.supervising import ask
from pyex.otp.supervisor_base import SupervisorBase
from pyex.otp.supervisor_spec import SupervisorSpec


class Supervisor(SupervisorBase):
    """A process that starts other processes, its children, and starts them again when they end.

    >>> from pyex import *
    >>> class Counter(GenServer):
    ...     def init(self, start):
    ...         self.n = start
    ...     def handle_call(self, request, caller):
    ...         match request:
    ...             case "next":
    ...                 self.n += 1
    ...                 return Reply(self.n)
    ...             case ("divide", by):
    ...                 return Reply(self.n // by)
    >>> tree = Supervisor.start_link([Counter.child_spec(10, name="counter")], strategy="one_for_one")
    >>> GenServer.call("counter", "next")
    11
    >>> GenServer.call("counter", ("divide", 0))        # it crashes ...
    Traceback (most recent call last):
    pyex.ServerDown: ...
    >>> [(child.id, child.type) for child in Supervisor.which_children(tree)]
    [('counter', 'worker')]
    >>> GenServer.call("counter", "next")               # ... and a new one has begun at 10
    11
    >>> Supervisor.stop(tree)

    That is the whole idea: what may fail is a process of its own, and above it is one that knows how to begin anew. A
    supervisor does nothing else, so it does not fail; it may be a child of another, and so on: a tree.

    **Children** are given as classes (``Counter``), tuples of a class and the arguments of its ``init``
    (``(Counter, 10)``), functions (a process that runs it; arguments likewise), dicts or :class:`ChildSpec`, which has
    what there is to say about one: its id, whether it is restarted, how long it may take to stop. They start in order,
    each when the one before is ready, and stop in reverse.

    **The strategy** says who is started again when a child ends that is to be: ``"one_for_one"`` that child alone,
    ``"one_for_all"`` all of them, ``"rest_for_one"`` it and those started after it (the others are stopped first, in
    reverse order). ``"simple_one_for_one"`` has one specification, of which ``start_child`` starts children with further
    arguments; :class:`DynamicSupervisor` is its modern form.

    **Too often** is when there are more than ``max_restarts`` within ``max_seconds``: then the supervisor stops its
    children and ends with ``shutdown``, and whoever supervises it begins anew, one level up. A start that fails counts, and
    is tried again.

    **By itself** a supervisor shuts down if ``auto_shutdown`` is ``"any_significant"``, when the first of its significant
    children has ended and is not started again, or ``"all_significant"``, when the last has.

    A tree of one's own is a subclass; its ``init`` runs in the supervisor's process:

    >>> class Shop(Supervisor):
    ...     def init(self, first):
    ...         return SupervisorSpec([(Counter, first)], strategy="one_for_all")
    >>> shop = Shop.start_link(100, name="shop")
    >>> Supervisor.count_children("shop")
    ChildCount(specs=1, active=1, supervisors=0, workers=1)
    >>> Supervisor.stop("shop")

    A supervisor is a server like any other: ``GenServer.get_state`` and the like work on it. What happens to children is
    logged under ``pyex.supervisor``; their starts at level INFO, which is not shown unless asked for.
    """

    __slots__ = ()

    _spec: ClassVar[Any] = SupervisorSpec

    @classmethod
    def start_link(cls, *args: Any, **options: Any) -> Pid | Any:
        """Start a supervisor linked to this process, and its children; its pid, once all of them are ready.

        ``Supervisor.start_link(children, strategy="one_for_one", max_restarts=3, max_seconds=5,
        auto_shutdown="never")``; a subclass passes the arguments to its ``init``, which says all of that. Further options
        are ``name``, ``timeout`` (seconds) and those of ``spawn``. None if ``init`` returned ``Ignore()``.

        Raises ``SupervisorError`` (a ``ValueError``) for children and options that cannot be meant, and ``StartError`` if
        one of the children could not be started: those started before it have been stopped then, and its reason is
        ``("shutdown", ("failed_to_start_child", id, reason))``.

        >>> tree = Supervisor.start_link([Clock, (Counter, 10)], strategy="rest_for_one", name="tree")
        """
        return super().start_link(*args, **options)

    @classmethod
    def child_spec(cls, *args: Any, **options: Any) -> ChildSpec:
        """A child with some of its specification changed; or this supervisor itself as a child.

        ``Supervisor.child_spec(child, id=..., restart=...)`` is the ``ChildSpec`` of whatever can be a child, with other
        fields. ``Supervisor.child_spec([child, ...], strategy=...)`` is a supervisor below another one, and
        ``Shop.child_spec(...)`` one that is a subclass, with the arguments of its ``init``.

        >>> Supervisor.child_spec((Counter, 10), id="tens", restart="transient").restart
        'transient'
        >>> Supervisor.child_spec([Counter, Clock], strategy="one_for_all", id="inner").type
        'supervisor'
        """
        if cls is Supervisor and args and not isinstance(args[0], list):
            return ChildSpec.of(args[0] if len(args) == 1 else args, **options)
        return super().child_spec(*args, **options)

    @staticmethod
    def start_child(supervisor: Server, child: Any) -> Pid | None:
        """Start another child, the last in order; its pid, or None if it does not want to run.

        Under ``simple_one_for_one`` ``child`` is a list of the arguments to add. In the supervisor's process.

        Raises ``SupervisorError`` with reason ``("already_started", pid)`` or ``"already_present"`` if there is a child of
        that id, and ``StartError`` with the child's reason if it could not be started.

        >>> Supervisor.start_child("tree", Counter.child_spec(10, name="tens"))
        Pid('0.110.0')
        """
        pid: Pid | None = ask(supervisor, ("start_child", child if isinstance(child, list) else ChildSpec.of(child)))
        return pid

    @staticmethod
    def terminate_child(supervisor: Server, id: Any) -> None:
        """Stop a child, and wait until it has ended; a temporary one is then forgotten.

        Under ``simple_one_for_one`` ``id`` is the child's pid. Raises ``SupervisorError``, reason ``"not_found"``.

        >>> Supervisor.terminate_child("tree", "tens")
        """
        ask(supervisor, ("terminate_child", id))

    @staticmethod
    def restart_child(supervisor: Server, id: Any) -> Pid | None:
        """Start a child again that was stopped, or that did not want to run; its pid.

        Raises ``SupervisorError``, reason ``"running"``, ``"restarting"`` or ``"not_found"``, and ``StartError``.

        >>> Supervisor.restart_child("tree", "tens")
        Pid('0.112.0')
        """
        pid: Pid | None = ask(supervisor, ("restart_child", id))
        return pid

    @staticmethod
    def delete_child(supervisor: Server, id: Any) -> None:
        """Forget a child that was stopped.

        Raises ``SupervisorError``, reason ``"running"``, ``"restarting"`` or ``"not_found"``.

        >>> Supervisor.terminate_child("tree", "tens")
        >>> Supervisor.delete_child("tree", "tens")
        """
        ask(supervisor, ("delete_child", id))

    @staticmethod
    def get_childspec(supervisor: Server, id: Any) -> ChildSpec:
        """The specification of a child. Raises ``SupervisorError``, reason ``"not_found"``.

        >>> Supervisor.get_childspec("tree", "Clock").restart
        'permanent'
        >>> Supervisor.stop("tree")
        """
        spec: ChildSpec = ask(supervisor, ("get_childspec", id))
        return spec
