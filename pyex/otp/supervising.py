"""The process of every supervisor, a server like any other, and what asks it."""

from __future__ import annotations

import logging
from typing import Any, NoReturn

from pyex import ANY, Exited, Process, PyexError, set_initial_call
from pyex import self as own_pid
from pyex.otp.calling import SYSTEM
from pyex.otp.child_spec import SupervisorError
from pyex.otp.dynamic_family import RequestedFamily, SimpleFamily
from pyex.otp.errors import StartError
from pyex.otp.family import AGAIN, Family
from pyex.otp.gen_server import GenServer
from pyex.otp.ordered_family import OrderedFamily
from pyex.otp.references import Name, Server
from pyex.otp.results import Ignore, NoReply, Reply, Stop
from pyex.otp.starting import give_up_for
from pyex.otp.supervisor_reports import brief, log
from pyex.otp.supervisor_spec import DynamicSupervisorSpec, SupervisorSpec


class Supervising(GenServer):
    """The server: it turns what it is asked, and told, into calls of its family."""

    def init(self, cls: Any, name: Name | None, args: tuple[Any, ...]) -> Ignore | Stop | None:
        """Start the children that ``cls.init(*args)`` names, in order."""
        Process.flag("trap_exit", True)
        set_initial_call(cls.init if cls._has_init() else cls)
        Process.put("$initial_call", ("supervisor", cls.__qualname__))  # by this tools know what to ask for children
        give_up_for(Exited(self._parent), (SYSTEM, ANY, ("terminate", ANY)))
        spec: Any = object.__new__(cls).init(*args)
        if isinstance(spec, Ignore):
            return spec
        label = f"{own_pid()!r} ({cls.__qualname__})" if name is None else repr(name)
        self.callback = cls
        self.family: Family = _family(cls, label, spec)
        try:
            self.family.start_all()
        except StartError as failure:
            return Stop(failure.reason)
        return None

    def handle_call(self, request: Any, caller: Any) -> Reply | NoReply | Stop:
        """A question about the children, or an order; what is refused is answered by an exception."""
        try:
            match request:
                case "which_children":
                    return Reply(self.family.which_children())
                case "count_children":
                    return Reply(self.family.count_children())
                case ("start_child", child):
                    return Reply(self.family.start_child(child))
                case ("terminate_child", id):
                    return Reply(self.family.terminate_child(id))
                case ("restart_child", id):
                    return Reply(self.family.restart_child(id))
                case ("delete_child", id):
                    return Reply(self.family.delete_child(id))
                case ("get_childspec", id):
                    return Reply(self.family.get_childspec(id))
        except (SupervisorError, StartError) as refusal:
            return Reply(refusal)
        return super().handle_call(request, caller)

    def handle_info(self, message: Any) -> NoReply | Stop | None:
        """The end of a child, or a reminder of one."""
        match message:
            case Exited(pid, reason):
                goes_on = self.family.ended(pid, reason)
            case (again, key) if again == AGAIN:
                goes_on = self.family.try_again(key)
            case _:
                if log.isEnabledFor(logging.ERROR):
                    log.error(
                        "Supervisor %s got a message it does not know: %s", self.family.supervisor, brief(message)
                    )
                return None
        return None if goes_on else Stop("shutdown")

    def terminate(self, reason: Any) -> None:
        """Stop the children."""
        self.family.stop_all()

    def format_status(self, status: dict[str, Any]) -> dict[str, Any]:
        """Whose supervisor it is, and its children."""
        return {**status, "state": {"callback": self.callback, "children": self.family.which_children()}}


def _family(cls: type, label: str, spec: Any) -> Family:
    if isinstance(spec, DynamicSupervisorSpec):
        return RequestedFamily(label, spec)
    if not isinstance(spec, SupervisorSpec):
        _refuse(cls, spec)
    return SimpleFamily(label, spec) if spec.strategy == "simple_one_for_one" else OrderedFamily(label, spec)


def _refuse(cls: type, spec: Any) -> NoReturn:
    hint = ""
    if spec is None:
        hint = ". Was the return forgotten?"
    elif isinstance(spec, list):
        hint = f". Write SupervisorSpec({brief(spec)})"
    raise SupervisorError(
        ("bad_return", (cls, "init", spec)),
        f"{cls.__qualname__}.init returned {brief(spec)}; it returns a SupervisorSpec(children, ...){hint}",
    )


def ask(supervisor: Server, request: Any) -> Any:
    """What a supervisor answers, however long that takes; raises what it refuses with."""
    answer = GenServer.call(supervisor, request, timeout=None)
    if isinstance(answer, PyexError):
        raise answer
    return answer
