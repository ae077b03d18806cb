"""What the supervisor classes have in common: how they are started, subclassed and described as children."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import fields
from typing import Any, ClassVar, Final, Never

from pyex import Crash, Pid
from pyex.otp import serving
from pyex.otp.child_spec import ChildSpec, class_spec
from pyex.otp.children import ChildCount, ChildInfo
from pyex.otp.errors import StartError
from pyex.otp.gen_server import GenServer
from pyex.otp.references import Name, Server
from pyex.otp.starting import start
from pyex.otp.supervising import Supervising, ask
from pyex.otp.supervisor_reports import brief, words
from pyex.otp.supervisor_spec import DynamicSupervisorSpec, SupervisorSpec

#: The options of every process that is started.
_PROCESS: Final = ("name", "timeout", "priority", "max_heap_size", "thread")


class SupervisorBase:
    """A supervisor of some kind: the class itself, used with a specification, or a subclass with an ``init``."""

    __slots__ = ()

    #: the class of what ``init`` returns
    _spec: ClassVar[type[SupervisorSpec | DynamicSupervisorSpec]]

    def __init__(self, *args: Never, **options: Never) -> None:
        cls = type(self).__qualname__
        raise TypeError(f"{cls} is a supervisor: {cls}.start_link(...) starts a process of it")

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if cls.__init__ is not SupervisorBase.__init__:
            raise TypeError(
                f"{cls.__qualname__} defines __init__; of a supervisor that is init, which start_link calls and which "
                "returns its specification"
            )

    def init(self, *args: Any, **options: Never) -> Any:
        """What this supervisor is to do; subclasses say so."""
        if not isinstance(self, SupervisorBase):
            raise TypeError(
                "an init returns what its supervisor is to do: return SupervisorSpec([...], strategy=...), instead of "
                "calling Supervisor.init"
            )
        (spec,) = args
        return spec

    @classmethod
    def start_link(
        cls, *args: Any, name: Name | None = None, timeout: float | None = None, **options: Any
    ) -> Pid | Any:
        """Start the supervisor and its children, linked to this process."""
        flags = {key: options.pop(key) for key in cls._flags() if key in options}
        _expect_options(cls, options, cls._flags())
        if cls._has_init():
            if flags:
                raise TypeError(
                    f"{', '.join(flags)}: that is for {cls.__qualname__}.init to say, in the {cls._spec.__name__} it returns"
                )
        else:
            args = (cls._spec(*args, **flags),)
        try:
            return start(
                serving.run, Supervising, (cls, name, args),
                who=cls.__qualname__, name=name, link=True, timeout=timeout, **options,
            )  # fmt: skip
        except StartError as failure:
            explain(failure, cls.__qualname__)
            raise

    @classmethod
    def child_spec(cls, *args: Any, **options: Any) -> ChildSpec:
        """This supervisor as a child of another one; refuses at once what ``start_link`` would refuse."""
        if not cls._has_init():
            cls._spec(*args, **{key: options[key] for key in cls._flags() if key in options})
        return class_spec(cls, args, options, type="supervisor")

    @classmethod
    def _has_init(cls) -> bool:
        return cls.init is not SupervisorBase.init

    @classmethod
    def _flags(cls) -> list[str]:
        return [field.name for field in fields(cls._spec) if field.name != "children"]

    @staticmethod
    def which_children(supervisor: Server) -> list[ChildInfo]:
        """Who the children are: a list of ``(id, pid, type)``, named tuples, in the order of their start.

        ``pid`` is None for a child without a process, and ``"restarting"`` for one that could not be started again yet.
        ``id`` is None where children are known by their pids only. In the supervisor's process; waits as long as that
        is busy with starting and stopping.

        >>> tree = Supervisor.start_link([Counter, Clock])
        >>> [child.id for child in Supervisor.which_children(tree)]
        ['Counter', 'Clock']
        """
        children: list[ChildInfo] = ask(supervisor, "which_children")
        return children

    @staticmethod
    def count_children(supervisor: Server) -> ChildCount:
        """How many children there are, as a named tuple: ``specs``, ``active`` (alive), ``supervisors``, ``workers``.

        >>> Supervisor.count_children(tree).active
        2
        """
        counted: ChildCount = ask(supervisor, "count_children")
        return counted

    @staticmethod
    def stop(supervisor: Server, reason: Any = "normal", timeout: float | None = None) -> None:
        """Stop a supervisor and with it all its children, in order, and wait until they have ended.

        ``timeout`` is in seconds; when it is over ``CallTimeout`` is raised, and the supervisor goes on stopping.

        >>> Supervisor.stop(tree)
        """
        GenServer.stop(supervisor, reason, timeout)


def explain(failure: StartError, who: str) -> None:
    """Say which child, however deep, has failed, and let the exception it crashed with be the cause."""
    path = []
    reason = failure.reason
    while True:
        match reason:
            case ("shutdown", ("failed_to_start_child", id, inner)):
                path.append(f"its child {brief(id)}")
                reason = inner
            case _:
                break
    if path:
        failure.message = f"{who} could not be started, because of {', '.join(path)}: {words(reason)}"
        failure.args = (failure.reason, failure.message)
        if isinstance(reason, Crash):
            failure.__cause__ = reason.exception


def _expect_options(cls: type, options: Iterable[str], flags: list[str]) -> None:
    known = (*flags, *_PROCESS)
    for name in options:
        if name not in _PROCESS:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}"
            raise TypeError(f"{cls.__qualname__}.start_link has no option {name!r}. {hint}")
