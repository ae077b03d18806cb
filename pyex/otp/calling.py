"""The client's side of a server: ``call``, ``cast``, ``reply`` and their like.

A call is ``("$gen_call", caller, request)`` with ``caller`` a pair of the client's pid and an alias, under which the
answer comes as ``(alias, value)``; a cast is ``("$gen_cast", request)``. The alias is that of a monitor and ends with
the answer, with the server and with the client's patience: so nothing comes late.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

import pyex
from pyex import ANY, Crash, Down, Exit, NoProcess, Pid, Process, Ref, receive, respond, self, send, spawn
from pyex import request as ask
from pyex.otp.errors import CallTimeout, ServerDown
from pyex.otp.references import Destination, Server, resolve, whereis

#: Who called: what ``handle_call`` gets, and ``reply`` takes.
Caller: TypeAlias = tuple[Pid, Ref]

CALL: Final = "$gen_call"
CAST: Final = "$gen_cast"
SYSTEM: Final = "$system"

#: Seconds that may go by to find out what a server was doing that did not answer.
ASKING: Final = 1.0

_LATE: Final[Any] = object()


def call(server: Server, request: Any, timeout: float | None = 5) -> Any:
    """Send a server a request and wait for its answer; see ``GenServer.call``."""
    answer = ask(server if type(server) is Pid else resolve(server), CALL, request, timeout)
    if type(answer) is tuple:
        return answer[1]
    raise _no_answer(answer, server, request, timeout)


def system(server: Server, request: Any, timeout: float | None = 5) -> Any:
    """Likewise for what every server answers by itself: its state, its suspension."""
    answer = ask(resolve(server), SYSTEM, request, timeout)
    if type(answer) is tuple:
        return answer[1]
    raise _no_answer(answer, server, request, timeout)


def _no_answer(answer: Down | None, server: Server, request: Any, timeout: float | None) -> Exit:
    if answer is None:
        return CallTimeout(message=_late(server, request, timeout))
    return down(server, request, answer.reason)


def cast(server: Server, request: Any) -> None:
    """Send a server a request that is not answered; see ``GenServer.cast``."""
    try:
        target = whereis(server)
        if target is not None:
            send(target, (CAST, request))
    except NoProcess:
        pass  # the name has been given up this moment


def reply(caller: Caller, value: Any) -> None:
    """Answer a call; see ``GenServer.reply``."""
    respond(caller[1], value)


def stop(server: Server, reason: Any = "normal", timeout: float | None = None) -> None:
    """End a server in order and wait until it has; see ``GenServer.stop``."""
    target = resolve(server)
    if target == self():
        raise Exit(
            "calling_self", "a server cannot wait for its own end: return Stop(reason) from the callback instead"
        )
    ref = Process.monitor(target)
    try:
        send(target, (SYSTEM, None, ("terminate", reason)))
        down_message = receive(Down(ref), timeout=timeout, default=None)
    finally:
        Process.demonitor(ref, flush=True)
    if down_message is None:
        raise CallTimeout(message=_late(server, "stop", timeout))
    if down_message.reason != reason:
        raise down(server, "stop", down_message.reason)


def multi_call(
    nodes: Iterable[str] | None, name: str, request: Any, timeout: float | None = None
) -> tuple[list[tuple[str, Any]], list[str]]:
    """Call the servers of that name on many nodes; see ``GenServer.multi_call``."""
    me = self()
    targets = _nodes(nodes)
    pending = {}
    replies: dict[str, Any] = {}
    bad: list[str] = []
    deadline = Process.send_after(me, (alarm := Ref(), "late"), timeout) if timeout is not None else None
    try:
        for node in targets:
            ref = Process.monitor((name, node), alias="reply_demonitor")
            pending[ref] = node
            send((name, node), (CALL, (me, ref), request))
        while pending:
            wanted = [pattern for ref in pending for pattern in ((ref, ANY), Down(ref))]
            answer = receive(*wanted, (alarm, "late")) if deadline is not None else receive(*wanted)
            if type(answer) is Down:
                bad.append(pending.pop(answer.ref))
            elif answer[0] in pending:
                replies[pending.pop(answer[0])] = answer[1]
            else:
                break
    finally:
        for ref, node in pending.items():
            Process.demonitor(ref, flush=True)
            answer = receive((ref, ANY), timeout=0, default=_LATE)
            if answer is _LATE:
                bad.append(node)
            else:
                replies[node] = answer[1]
        if deadline is not None and Process.cancel_timer(deadline) is None:
            receive((alarm, "late"), timeout=0, default=None)
    return [(node, replies[node]) for node in targets if node in replies], [node for node in targets if node in bad]


def abcast(nodes: Iterable[str] | None, name: str, request: Any) -> None:
    """Cast to the servers of that name on many nodes; see ``GenServer.abcast``."""
    for node in _nodes(nodes):
        send((name, node), (CAST, request))


def _nodes(nodes: Iterable[str] | None) -> list[str]:
    if nodes is not None:
        return list(dict.fromkeys(nodes))
    return [pyex.Node.self() or "nonode@nohost", *pyex.Node.list()]


def down(server: Any, request: Any, reason: Any) -> Exit:
    """The error of a call whose server is not there, or ended meanwhile."""
    if reason == "noproc":
        return NoProcess(message=f"{server!r} is not alive: {_brief(request)} was not answered")
    if reason == "noconnection":
        node = server[1] if isinstance(server, tuple) else getattr(server, "node", server)
        return ServerDown(("nodedown", node), f"the node {node} of {server!r} cannot be reached, or was lost")
    error = ServerDown(reason, f"{server!r} ended while it was asked {_brief(request)}: {_words(reason)}")
    if isinstance(reason, Crash):
        error.__cause__ = reason.exception
    return error


def _words(reason: Any) -> str:
    if isinstance(reason, Crash):
        return f"it crashed with {reason.exception!r}"
    if isinstance(reason, tuple) and len(reason) == 2 and reason[0] == "bad_return_value":
        return f"its callback returned {_brief(reason[1])}, which is no Reply, NoReply or Stop"
    return f"its exit reason is {_brief(reason)}"


def _late(server: Server, request: Any, timeout: float | None) -> str:
    doing = _doing(whereis(server))
    return f"{server!r} did not answer {_brief(request)} within {timeout} s{doing}"


def _doing(target: Destination | None) -> str:
    """What a server is doing, as far as that can be known soon."""
    if not isinstance(target, Pid) or target not in Process.list():
        return ""
    alias = Process.alias(reply=True)
    # Who holds his scheduler does not tell about himself: another process waits for that.
    spawn(lambda: send(alias, (alias, Process.info(target))))
    answer = receive((alias, ANY), timeout=ASKING, default=None)
    if answer is None:
        if not Process.unalias(alias):
            receive((alias, ANY), timeout=0, default=None)
        return ". It holds its scheduler: it is in a call of C code"
    info = answer[1]
    if info is None:
        return ". It has ended meanwhile"
    places = info.current_stacktrace
    if places:
        return f". It was {'waiting' if info.status == 'waiting' else 'busy'} in {places[-1]}"
    return f". It was waiting for a message, with {info.message_queue_len} in its mailbox"


def _brief(value: Any) -> str:
    try:
        text = repr(value)
    except Exception as error:
        text = f"(its repr raised {type(error).__name__})"
    return text if len(text) <= 200 else text[:197] + "..."
