"""Functions called on other nodes.

>>> erpc.call("bob@127.0.0.1", Node.self)
'bob@127.0.0.1'

Each call is a process of the other node. What the function raises is raised here as itself, with the remote trace noted on
it; erpc's own failures are ``ErpcError``. An answer that comes too late is dropped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Final, NoReturn

from pyex.core.asking import make_alias
from pyex.core.carrier import route
from pyex.core.crash import Crash, Unportable
from pyex.core.errors import ErpcNoConnection, ErpcTimeout, Exit, NotSendable, Terminated
from pyex.core.identity import identity
from pyex.core.ids import Pid, Ref, new_ref
from pyex.core.lifecycle import Hibernation
from pyex.core.marks import mark
from pyex.core.messages import Down
from pyex.core.messaging import receive, send
from pyex.core.patterns import ANY
from pyex.core.process_api import Process
from pyex.core.signals import SPAWN_REQUEST, drop_alias
from pyex.core.spawning import spawn, spawn_monitor
from pyex.core.threads import this_process
from pyex.distribution.names import full_name

__all__ = ["call", "cast", "multicall", "receive_response", "send_request"]

#: Seconds that a call waits, if it is not told.
TIMEOUT: Final = 5.0

_NOTHING: Final = object()


class Request:
    """A call under way, for ``receive_response`` in the process that made it."""

    __slots__ = ("_answer", "_asker", "_spawned", "done", "node")

    def __init__(self, node: str, asker: Pid, spawned: Ref, answer: Ref) -> None:
        self.node = node
        self._asker = asker
        #: the request to spawn, and the monitor of what was spawned
        self._spawned = spawned
        #: the alias that the outcome comes to
        self._answer = answer
        self.done = False

    def __repr__(self) -> str:
        return f"<a request to {self.node}>"

    def receive(self, timeout: float | None) -> Any:
        """What came of it."""
        if this_process().pid != self._asker:
            raise ValueError(f"{self!r} is another process's: only {self._asker!r} gets its response")
        if self.done:
            raise ValueError(f"the response of {self!r} has been received, or given up, before")
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            while True:
                left = None if deadline is None else max(0.0, deadline - time.monotonic())
                patterns = (self._answer, ANY), (self._spawned, ANY), Down(self._spawned)
                match receive(*patterns, timeout=left, default=_NOTHING):
                    case Down(_, _, reason):
                        self._lost(reason)
                    case (_, Pid()):
                        pass  # it runs
                    case (self._answer, ("returned", value)):
                        return value
                    case (self._answer, ("raised", Crash(error, trace))):
                        raise _with_trace(error, trace, self.node)
                    case (self._spawned, "noconnection"):
                        self._lost("noconnection")
                    case (self._spawned, why):
                        raise NotSendable(why)
                    case _:
                        raise ErpcTimeout(f"{self.node} did not answer within {timeout} s")
        finally:
            self._forget()

    def _lost(self, reason: Any) -> NoReturn:
        match reason:
            case "noconnection":
                why = (
                    "cannot be reached"
                    if identity.name
                    else "cannot be reached: this node has no name. Node.start() first"
                )
                raise ErpcNoConnection(f"{self.node} {why}")
            case Crash(error, trace):
                raise _with_trace(error, trace, self.node)
            case "normal":
                what = "ended without an answer, or with one that could not be decoded here: see the log"
            case _:
                what = f"got an exit signal: {reason!r}"
        raise Exit(("signal", reason), f"the process of the call on {self.node} {what}")

    def _forget(self) -> None:
        """Nothing of it comes from now on, or is left in the mailbox."""
        self.done = True
        process = this_process()
        with process.owner.alone():
            drop_alias(process, self._answer)
            drop_alias(process, self._spawned)
        Process.demonitor(self._spawned, flush=True)
        if process.exiting is None:
            while receive((self._answer, ANY), (self._spawned, ANY), timeout=0, default=_NOTHING) is not _NOTHING:
                pass


def call(node: str, fn: Callable[..., Any], *args: Any, timeout: float | None = TIMEOUT) -> Any:
    """Call ``fn(*args)`` in a process of another node, wait, and return its value.

    What it raises is raised here, ``Exit`` included; an exit signal that hits its process is ``Exit(("signal", reason))``.
    What it prints appears here. Raises ``ErpcError`` with reason ``"timeout"`` (a ``TimeoutError``) after ``timeout``
    seconds, whatever holds up the other node, and with ``"noconnection"`` (a ``ConnectionError``) if that cannot be
    reached or is lost; ``NotSendable`` (a ``TypeError``) for a function, argument or value that cannot travel.

    >>> erpc.call("bob@127.0.0.1", lambda: sum(range(1_000_000)))
    499999500000
    """
    return send_request(node, fn, *args).receive(timeout)


def cast(node: str, fn: Callable[..., Any], *args: Any) -> None:
    """Have ``fn(*args)`` called in a process of another node, and go on; a node out of reach is no error.

    >>> erpc.cast("bob@127.0.0.1", print, "hello")
    """
    full = _full_name(node, fn)
    if full == identity.name:
        spawn(fn, *args)
        return
    process = this_process()
    what = (process.pid, new_ref(), process.leader, False, False, (fn, args))
    route.carrier.deliver_to_node(full, SPAWN_REQUEST, what)


def send_request(node: str, fn: Callable[..., Any], *args: Any) -> Request:
    """Begin a call; ``receive_response`` waits for what comes of it. Meanwhile this process can do other things.

    >>> requests = [erpc.send_request(node, work) for node in Node.list()]
    >>> [erpc.receive_response(request) for request in requests]
    """
    full = _full_name(node, fn)
    process = this_process()
    answer = Process.alias(reply=True)
    try:
        if full == identity.name:
            _, spawned = spawn_monitor(_execute, answer, fn, args)
        else:
            spawned = new_ref()
            make_alias(process, spawned, "reply")
            mark(process, spawned)
            what = (process.pid, spawned, process.leader, False, True, (_execute, (answer, fn, args)))
            try:
                route.carrier.deliver_to_node(full, SPAWN_REQUEST, what)
            except BaseException:
                drop_alias(process, spawned)
                raise
    except BaseException:
        Process.unalias(answer)
        raise
    return Request(full, process.pid, spawned, answer)


def receive_response(request: Request, timeout: float | None = None) -> Any:
    """Wait for what comes of a request of this process: returns and raises as ``call`` does, and once only.

    A request that was not answered in time is given up.
    """
    if not isinstance(request, Request):
        raise TypeError(f"receive_response takes what send_request returned, not {request!r}")
    return request.receive(timeout)


def multicall(nodes: Iterable[str], fn: Callable[..., Any], *args: Any, timeout: float | None = TIMEOUT) -> list[Any]:
    """Call ``fn(*args)`` on several nodes at once; in their order, the value of each, or the exception it ended with.

    >>> erpc.multicall(["bob@127.0.0.1", "carol@127.0.0.1"], Node.self)
    ['bob@127.0.0.1', ErpcNoConnection('carol@127.0.0.1 cannot be reached')]
    """
    if isinstance(nodes, str):
        raise TypeError(f"multicall takes several nodes, as in [{nodes!r}]; for one there is call")
    deadline = None if timeout is None else time.monotonic() + timeout
    requests: list[Request | Exception] = []
    for node in nodes:
        try:
            requests.append(send_request(node, fn, *args))
        except NotSendable as error:  # that node takes none of it; another may
            requests.append(error)
    return [_outcome(request, deadline) for request in requests]


def _outcome(request: Request | Exception, deadline: float | None) -> Any:
    if isinstance(request, Exception):
        return request
    try:
        return request.receive(None if deadline is None else max(0.0, deadline - time.monotonic()))
    except Exception as error:
        return error


def _full_name(node: str, fn: Callable[..., Any]) -> str:
    if not callable(fn):
        raise TypeError(f"erpc takes a node, a function to call there and its arguments, not {fn!r}")
    return full_name(node)


def _execute(answer: Ref, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """What the process of a call runs, on the other node."""
    try:
        outcome: Any = ("returned", fn(*args))
        send(answer, (answer, outcome))
    except (Terminated, Hibernation):
        raise
    except BaseException as error:
        crash = Crash.of(error)
        try:
            send(answer, (answer, ("raised", crash)))
        except NotSendable:
            text = Unportable(f"{type(error).__qualname__}: {crash.exception}")
            send(answer, (answer, ("raised", Crash(text, crash.stacktrace))))


def _with_trace(error: BaseException, trace: str, node: str) -> BaseException:
    error.add_note(f"On {node}:\n{trace.rstrip()}")
    return error
