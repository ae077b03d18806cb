"""The client's side of a server: ``call``, ``cast``, ``reply`` and their like.

A call is ``("$gen_call", caller, request)`` with ``caller`` a pair of the client's pid and an alias, under which the
answer comes as ``(alias, value)``; a cast is ``("$gen_cast", request)``. The alias is that of a monitor and ends with
the answer, with the server and with the client's patience: so nothing comes late.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

import pyex
from pyex import (
    ANY,
    Crash,
    Down,
    Exit,
    NoProcess,
    NotSendable,
    Pid,
    Process,
    Ref,
    held_at,
    receive,
    respond,
    self,
    send,
    spawn,
)
from pyex import request as ask
from pyex.otp import references
from pyex.otp.errors import CallTimeout, ServerDown
from pyex.otp.references import Destination, Server, resolve
from pyex.otp.reporting import brief

#: Who called: what ``handle_call`` gets, and ``reply`` takes.
Caller: TypeAlias = tuple[Pid, Ref]

CALL: Final = "$gen_call"
CAST: Final = "$gen_cast"
SYSTEM: Final = "$system"

#: Seconds that may go by to find out what a server was doing that did not answer.
ASKING: Final = 0.5

_LATE: Final[Any] = object()


def call(server: Server, request: Any, timeout: float | None = 5) -> Any:
    """Send a server a request, and wait for its answer, which is returned: what its ``handle_call`` replies.

    ``server`` is a pid, a name, ``(name, node)``, ``("global", name)`` or ``Registry.via(registry, key)``. ``timeout`` is in
    seconds, None for no limit. An answer that comes after it is dropped.

    Raises subclasses of ``Exit``, which uncaught end this process with their ``reason``: ``CallTimeout`` (a
    ``TimeoutError``), which says what the server was doing; ``NoProcess`` (a ``LookupError``) if it is not there;
    ``ServerDown`` (a ``ConnectionError``) if it ended meanwhile or its node was lost, with the exception that it crashed
    with as the cause. A server that calls itself gets ``Exit("calling_self")``. Where a node does not take what the other one
    sends, or lacks the module to understand it, that is ``NotSendable`` (a ``TypeError``).

    >>> counter = Counter.start(6)
    >>> GenServer.call(counter, "get")
    6
    >>> GenServer.call(counter, ("divide", 0), timeout=1)
    Traceback (most recent call last):
    pyex.ServerDown: ... it crashed with ZeroDivisionError...
    """
    answer = ask(server if type(server) is Pid else resolve(server), CALL, request, timeout)
    if type(answer) is tuple:
        return answer[1]
    raise _no_answer(answer, server, request, timeout)


def system(server: Server, request: Any, timeout: float | None = 5) -> Any:
    """Ask what every server answers by itself: its state, its suspension."""
    answer = ask(resolve(server), SYSTEM, request, timeout)
    if type(answer) is tuple:
        return answer[1]
    raise _no_answer(answer, server, request, timeout)


def _no_answer(answer: Down | None, server: Server, request: Any, timeout: float | None) -> Exit:
    if answer is None:
        return CallTimeout(message=_late(server, request, timeout))
    return down(server, request, answer.reason)


def cast(server: Server, request: Any) -> None:
    """Send a server a request that is not answered; returns at once, and also if there is no such server.

    >>> counter = Counter.start(6)
    >>> GenServer.cast(counter, ("add", 1))
    >>> GenServer.cast("nobody", ("add", 1))
    """
    try:
        target = references.whereis(server)
        if target is not None:
            send(target, (CAST, request))
    except NoProcess:
        pass  # the name has been given up this moment


def reply(caller: Caller, value: Any) -> None:
    """Answer a call whose ``handle_call`` returned ``NoReply()``; from any process, and at most once.

    >>> class Doorman(GenServer):
    ...     def init(self):
    ...         self.waiting = []
    ...     def handle_call(self, request, caller):
    ...         self.waiting.append(caller)
    ...         return NoReply()
    ...     def handle_cast(self, request):
    ...         for caller in self.waiting:
    ...             GenServer.reply(caller, request)
    >>> doorman = Doorman.start()
    >>> guest = Task.async_(lambda: GenServer.call(doorman, "let me in"))
    >>> sleep(0.1)
    >>> GenServer.cast(doorman, "come in")
    >>> guest.await_()
    'come in'
    """
    if type(caller) is not tuple or len(caller) != 2:
        raise TypeError(f"GenServer.reply takes the caller that handle_call got, (pid, ref), not {brief(caller)}")
    respond(caller[1], value)


def stop(server: Server, reason: Any = "normal", timeout: float | None = None) -> None:
    """Have a server end, after its ``terminate(reason)``, and wait until it has; at most ``timeout`` seconds.

    Raises ``NoProcess`` if it is not there, ``CallTimeout``, and ``ServerDown`` if it ended for another reason.

    >>> GenServer.stop(Counter.start())
    """
    target = resolve(server)
    if target == self():
        raise Exit(
            "calling_self", "a server cannot wait for its own end. Return Stop(reason) from the callback instead"
        )
    ref = Process.monitor(target)
    try:
        send(target, (SYSTEM, None, ("terminate", reason)))
        end = receive(Down(ref), timeout=timeout, default=None)
    finally:
        Process.demonitor(ref, flush=True)
    if end is None:
        raise CallTimeout(message=_late(server, "stop", timeout))
    if end.reason != reason:
        raise down(server, "stop", end.reason)


def whereis(server: Server) -> Destination | None:
    """The pid of a server, by whatever it is referred to; ``(name, node)`` as it is; None if nobody has the name.

    >>> GenServer.whereis("nobody") is None
    True
    """
    return references.whereis(server)


def multi_call(
    nodes: Iterable[str] | None, name: str, request: Any, timeout: float | None = None
) -> tuple[list[tuple[str, Any]], list[str]]:
    """Call the servers registered under ``name`` on many nodes at once; on all of them, this one first, if None.

    Returns ``(replies, bad_nodes)``: a list of ``(node, answer)``, and the nodes that did not answer within ``timeout``
    seconds, are lost, or have no such server. What comes later is dropped.

    >>> counter = Counter.start(3, name="three")
    >>> GenServer.multi_call(["nonode@nohost"], "three", "get")
    ([('nonode@nohost', 3)], [])
    """
    targets = _nodes(nodes)
    me = self()
    pending: dict[Ref, str] = {}
    replies: dict[str, Any] = {}
    clock = token = None
    try:
        for node in targets:
            ref = Process.monitor((name, node), alias="reply_demonitor")
            pending[ref] = node
            try:
                send((name, node), (CALL, (me, ref), request))
            except NotSendable as refusal:
                if refusal.node is None:
                    raise
                Process.demonitor(ref, flush=True)  # that one takes none of it; another may
                del pending[ref]
        if timeout is not None:
            token = Ref()
            clock = Process.send_after(me, (token, None), timeout)
        waiting = dict(pending)
        while waiting:
            answer = receive(
                *((ref, ANY) for ref in (*waiting, token) if ref is not None),
                # or a node does not take the request, or its answer is not understood
                *((ref, ANY, ANY) for ref in waiting),
                *map(Down, waiting),
            )
            if answer[0] == token:
                break
            _note(answer, waiting, replies)
    finally:
        for ref in pending:
            Process.demonitor(ref, flush=True)
        for ref in pending:
            _note(receive((ref, ANY), (ref, ANY, ANY), timeout=0, default=(None,)), pending, replies)
        if clock is not None and Process.cancel_timer(clock) is None:
            receive((token, None), timeout=0, default=None)
    answered = [(node, replies[node]) for node in targets if node in replies]
    return answered, [node for node in targets if node not in replies]


def _note(answer: Any, waiting: dict[Ref, str], replies: dict[str, Any]) -> None:
    if type(answer) is Down:
        waiting.pop(answer.ref, None)
    elif answer[0] in waiting:
        node = waiting.pop(answer[0])
        if len(answer) == 2:
            replies[node] = answer[1]


def abcast(nodes: Iterable[str] | None, name: str, request: Any) -> None:
    """Cast to the servers registered under ``name`` on many nodes; on all of them, this one too, if None.

    >>> GenServer.abcast(["nonode@nohost"], "three", ("add", 1))
    """
    for node in _nodes(nodes):
        send((name, node), (CAST, request))


def _nodes(nodes: Iterable[str] | None) -> list[str]:
    if nodes is not None:
        return list(dict.fromkeys(nodes))
    return [pyex.Node.self() or "nonode@nohost", *pyex.Node.list()]


def down(server: Any, request: Any, reason: Any) -> Exit:
    """The error of a call whose server is not there, or ended meanwhile."""
    if reason == "noproc":
        return NoProcess(
            message=f"{server!r} is not alive, and did not answer {brief(request)} (or one that it called is not)"
        )
    if reason == "noconnection":
        node = server[1] if isinstance(server, tuple) else getattr(server, "node", server)
        return ServerDown(("nodedown", node), f"the node {node} of {server!r} cannot be reached, or was lost")
    error = ServerDown(reason, f"{server!r} ended while it was asked {brief(request)}: {_words(reason)}")
    if isinstance(reason, Crash):
        error.__cause__ = reason.exception
    return error


def _words(reason: Any) -> str:
    if isinstance(reason, Crash):
        return f"it crashed with {brief(reason.exception)}"
    if isinstance(reason, tuple) and len(reason) == 2 and reason[0] == "bad_return_value":
        hint = ". Does a branch of it end without a return?" if reason[1] is None else ""
        return f"its callback returned {brief(reason[1])}, which is no Reply, NoReply or Stop{hint}"
    return f"its exit reason is {brief(reason)}"


def _late(server: Server, request: Any, timeout: float | None) -> str:
    return f"{server!r} did not answer {brief(request)} within {timeout} s{_doing(references.whereis(server))}"


def _doing(target: Destination | None) -> str:
    """What a server is doing, as far as that can be known soon."""
    if not isinstance(target, Pid) or target not in Process.list():
        return ""
    alias = Process.alias(reply=True)
    # A server that holds its scheduler does not even tell what it does: another process waits for that.
    spawn(lambda: send(alias, (alias, Process.info(target))))
    answer = receive((alias, ANY), timeout=ASKING, default=None)
    if answer is None:
        if not Process.unalias(alias):
            receive((alias, ANY), timeout=0, default=None)
        place = held_at(target)
        return f". It holds its scheduler, in a call of C code{f' in {place}' if place is not None else ''}"
    info = answer[1]
    if info is None:
        return ". It has ended since"
    places = info.current_stacktrace
    if places:
        return f". It was {'waiting' if info.status == 'waiting' else 'busy'} in {places[-1]}"
    return f". It was waiting for messages, with {info.message_queue_len} in its mailbox"
