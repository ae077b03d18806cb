"""What every server can be asked and told beside its own requests, as by Erlang's ``sys``: its state, to pause, to be traced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from pyex import ANY, Exit, Exited, NotSendable, Pid, Process, receive, respond, self, snapshot
from pyex.otp.calling import SYSTEM, Caller
from pyex.otp.calling import system as ask
from pyex.otp.references import Server
from pyex.otp.reporting import brief, message_text

if TYPE_CHECKING:
    from pyex.otp.gen_server import GenServer


@dataclass(frozen=True)
class ServerStatus:
    """What a server was at one moment; ``print`` shows it as a table."""

    pid: Pid
    registered_name: str | None
    #: its class, by module and name
    server: str
    #: ``running`` or ``suspended``
    status: str
    #: who started it with a link; itself, if nobody did
    parent: Pid
    traced: bool
    #: its attributes, as its ``format_status`` shows them
    state: Any

    def __str__(self) -> str:
        width = max(len(one.name) for one in fields(self))
        return "\n".join(f"{one.name:<{width}}  {getattr(self, one.name)}" for one in fields(self))


# The server's side


def obey(server: GenServer, caller: Caller | None, request: Any) -> None:
    """In the server: do what it is asked; if that is to pause, nothing but that until it is to go on."""
    suspended = _obey(server, caller, request, suspended=False)
    while suspended:
        message = receive((SYSTEM, ANY, ANY), Exited(server._parent))
        if type(message) is Exited:
            raise Exit(message.reason)
        suspended = _obey(server, message[1], message[2], suspended=True)


def _obey(server: GenServer, caller: Caller | None, request: Any, *, suspended: bool) -> bool:
    if type(request) is tuple and len(request) == 2 and request[0] == "terminate":
        raise Exit(request[1])
    answer: Any = None
    try:
        match request:
            case "get_state":
                answer = snapshot(vars(server))
            case ("replace_state", change):
                answer = _replace(server, change)
            case "get_status":
                answer = _status(server, suspended)
            case ("trace", bool(on)):
                server._traced = on
            case "suspend" | "resume":
                suspended = request == "suspend"
            case _:
                raise ValueError(f"a server does not know the system request {request!r}")
    except Exception as error:  # of a function somebody has sent: it is his affair
        _respond(caller, ("error", error))
    else:
        _respond(caller, ("ok", answer))
    return suspended


def _respond(caller: Caller | None, answer: tuple[str, Any]) -> None:
    if caller is None:
        return
    try:
        respond(caller[1], answer)
    except NotSendable as refusal:
        respond(caller[1], ("error", NotSendable(str(refusal))))


def _replace(server: GenServer, change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    state = change(dict(vars(server)))
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        raise TypeError(
            f"the function given to replace_state returns the new state, a dict of attributes, not {state!r}"
        )
    answer = snapshot(state)
    vars(server).clear()
    vars(server).update(state)
    return answer


def _status(server: GenServer, suspended: bool) -> ServerStatus:
    info = Process.info(self())
    cls = type(server)
    shown = server.format_status({"state": dict(vars(server)), "message": None, "reason": None}).get("state")
    try:
        shown = snapshot(shown)
    except NotSendable:
        shown = brief(shown, 1000)
    return ServerStatus(
        pid=self(),
        registered_name=info.registered_name if info is not None else None,
        server=f"{cls.__module__}.{cls.__qualname__}",
        status="suspended" if suspended else "running",
        parent=server._parent,
        traced=server._traced,
        state=shown,
    )


def show(server: GenServer, message: Any) -> None:
    """In a server that is traced: print what it got, and the state in which it was then."""
    print(
        f"*DBG* {type(server).__qualname__} {self()!r} got {message_text(message)} in the state {brief(vars(server))}"
    )


# The client's side


def _ask(server: Server, request: Any, timeout: float | None) -> Any:
    kind, answer = ask(server, request, timeout)
    if kind == "error":
        raise answer
    return answer


def get_state(server: Server, timeout: float | None = 5) -> dict[str, Any]:
    """A server's state: a snapshot of its attributes, as a dict. To look into it by hand, not for programs.

    ``timeout`` is in seconds. Raises as ``GenServer.call`` does.

    >>> GenServer.get_state("counter")
    {'n': 10}
    """
    state: dict[str, Any] = _ask(server, "get_state", timeout)
    return state


def replace_state(
    server: Server, change: Callable[[dict[str, Any]], dict[str, Any]], timeout: float | None = 5
) -> dict[str, Any]:
    """Change a server's state: ``change``, in its process, gets its attributes as a dict and returns the new ones.

    Returns a snapshot of these. What ``change`` raises is raised here, and the state stays as it was.

    >>> GenServer.replace_state("counter", lambda state: state | {"n": 0})
    {'n': 0}
    """
    if not callable(change):
        raise TypeError(f"replace_state takes a function from the old state, a dict, to the new one, not {change!r}")
    state: dict[str, Any] = _ask(server, ("replace_state", change), timeout)
    return state


def get_status(server: Server, timeout: float | None = 5) -> ServerStatus:
    """What a server is and does: its pid, its class, whether it is suspended, and the state as ``format_status`` shows it.

    >>> GenServer.get_status("counter").status
    'running'
    """
    status: ServerStatus = _ask(server, "get_status", timeout)
    return status


def suspend(server: Server, timeout: float | None = 5) -> None:
    """Let a server take no requests and messages any more until ``resume``; they wait in its mailbox.

    It still answers ``get_state`` and the like.

    >>> GenServer.suspend("counter")
    """
    _ask(server, "suspend", timeout)


def resume(server: Server, timeout: float | None = 5) -> None:
    """Let a suspended server go on, with what has come meanwhile.

    >>> GenServer.resume("counter")
    """
    _ask(server, "resume", timeout)


def trace(server: Server, on: bool = True, timeout: float | None = 5) -> None:
    """Have a server print all it gets, and the state in which it was then; ``on=False`` ends it.

    >>> GenServer.trace("counter")
    """
    _ask(server, ("trace", on), timeout)
