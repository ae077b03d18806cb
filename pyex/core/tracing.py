"""Tracing: what chosen processes send, get, receive, spawn, link and end with, told to another process as it happens.

Nothing is paid while nobody is traced: the places where such things happen have no word of it. When the first process
is traced they are replaced, names of modules and entries of tables, and put back after the last one. The shortest way of
``send``, and of requests, is closed by showing them a table without processes.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from pyex.core import messaging, scheduler, signals, spawning
from pyex.core.carrier import Carrier, Parcel, Route
from pyex.core.errors import NoProcess
from pyex.core.ids import Key, Pid, Ref
from pyex.core.isolation import snapshot, snapshot_or_text
from pyex.core.moving import pass_on
from pyex.core.process import ControlBlock, aliases, names, processes
from pyex.core.reports import function_name
from pyex.core.scheduler import Scheduler
from pyex.core.signals import EXIT, EXIT2, HANDLERS, LINK, SEND, SPAWN_REQUEST, UNLINK, signal
from pyex.core.threads import ThreadOwner, process_here, this_process


class TraceEvent(NamedTuple):
    """Something that a traced process did, or that happened to it.

    ====================  ================================  ==============================
    ``what``              ``other``                         ``value``
    ====================  ================================  ==============================
    ``"send"``            whom it sent to: a pid, if known  the message
    ``"message"``         None                              what has come into its mailbox
    ``"receive"``         None                              what it took from there
    ``"spawn"``           the new process, or the node that what that runs, as text
                          is asked to start one
    ``"link"``            the other process                 None
    ``"unlink"``          the other process                 None
    ``"exit_signal"``     whom it was sent to               the reason
    ``"exit"``            None                              the reason it ended with
    ``"trace_end"``       None                              how many events there were
    ====================  ================================  ==============================

    ``number`` tells the order over all processes of the node. A message, or a reason, of another node, which is decoded
    when it is looked at, has the value ``...``. Who sent a signal, or is sent one, may be a process of another node.
    """

    number: int
    pid: Pid
    what: str
    other: Any
    value: Any


class _Session:
    """One call of ``trace``: who is told, and of how much."""

    def __init__(self, to: Pid, count: int, follow: bool) -> None:
        self.to = to
        self.count = count
        self.left = count
        self.follow = follow


_lock = threading.RLock()  # a finalizer may send
_next_number: Final = itertools.count(1).__next__

#: Who is traced.
_traced: Final[dict[Key, _Session]] = {}


def trace(pid: Pid, to: Pid | None = None, *, count: int = 100, follow: bool = False) -> bool:
    """Have ``to``, this process if it is not given, told what a process of this node does: a ``TraceEvent`` for each.

    After ``count`` events it ends with one more, ``"trace_end"``; it also ends with the last process that is traced, or by
    ``untrace``. With ``follow`` those that a traced process spawns, or sends to, are traced too: so all that comes of
    something. Messages that lay in the mailbox before are not told of when they are received.

    Returns True. Raises ``NoProcess`` if the process is not alive, ``ValueError`` if it is traced already, or is ``to``.

    >>> pyex.trace(pid)
    >>> send(pid, "hello")
    >>> receive(pyex.TraceEvent).value
    'hello'
    """
    if not isinstance(pid, Pid) or type(pid.key) is not int:
        raise TypeError(f"trace() takes a pid of this node, not {pid!r}")
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"trace() tells of a number of events from 1 on, not of {count!r}")
    to = this_process().pid if to is None else to
    if to == pid:
        raise ValueError(f"{pid!r} cannot be told of itself: that would never end. Give another process to be told")
    with _lock:
        if processes.get(pid.key) is None:
            raise NoProcess(message=f"cannot trace {pid!r}: it is not alive")
        if pid.key in _traced:
            raise ValueError(f"{pid!r} is traced already, for {_traced[pid.key].to!r}. untrace(pid) ends that")
        _add(pid.key, _Session(to, count, follow))
    return True


def untrace(pid: Pid) -> bool:
    """End the tracing of a process, and of all that were traced with it because of ``follow``; False if it was not traced."""
    with _lock:
        session = _traced.get(pid.key)
        if session is None:
            return False
        _end_session(session)
    return True


def _add(key: Key, session: _Session) -> None:
    if not _traced:
        _places.replace()
    _traced[key] = session


def _drop(key: Key) -> None:
    if _traced.pop(key, None) is not None and not _traced:
        _places.put_back()


def _end_session(session: _Session) -> None:
    session.left = 0
    for key in [key for key, one in _traced.items() if one is session]:
        _drop(key)


def _forget() -> None:
    """In the child of a fork: its parent's processes are not there, and nobody is told of any."""
    global _lock
    _lock = threading.RLock()
    _traced.clear()
    _places.put_back()


def _emit(session: _Session | None, pid: Pid, what: str, other: Any = None, value: Any = None) -> None:
    if session is None:
        return
    with _lock:
        if session.left <= 0:
            return
        session.left -= 1
        number = _next_number()
        is_last = session.left == 0
        if is_last:
            _end_session(session)
    _tell(session.to, TraceEvent(number, pid, what, other, value))
    if is_last:
        _tell(session.to, TraceEvent(_next_number(), pid, "trace_end", None, session.count))
    elif type(session.to.key) is int and session.to.key not in processes:
        with _lock:
            _end_session(session)  # nobody listens


def _tell(to: Pid, event: TraceEvent) -> None:
    """Send an event, and do nothing else meanwhile: no signal is to overtake the one that is being told of."""
    process = processes.get(to.key)
    if process is not None and isinstance(process.owner, Scheduler):
        owner, entry = process.owner, [process, SEND, event]
        owner.put_in(entry)
        if process.owner is not owner:  # it has left meanwhile
            pass_on(entry)
    else:
        signal(to, SEND, event)


def _follow(session: _Session | None, pid: Pid | None) -> None:
    """What a process of this session has spawned, or sent to, belongs to it too."""
    if session is None or not session.follow or pid is None or type(pid.key) is not int or pid == session.to:
        return
    with _lock:
        if session.left > 0 and pid.key in processes and pid.key not in _traced:
            _add(pid.key, session)


def _pid_of(dest: Any) -> Pid | None:
    """The process of this node that something sent there reaches."""
    if type(dest) is Pid:
        return dest
    if isinstance(dest, Ref):
        return aliases.get(dest.key)
    holder = names.get(dest) if isinstance(dest, str) else None
    return holder.pid if holder is not None else None


class _TracedMailbox(deque[Any]):
    """The mailbox of a traced process: tells what is taken out of it."""

    __slots__ = ("pid",)

    pid: Pid

    def popleft(self) -> Any:
        message = super().popleft()
        self._tell(message)
        return message

    def __delitem__(self, place: Any) -> None:
        message = self[place]
        super().__delitem__(place)
        self._tell(message)

    def _tell(self, message: Any) -> None:
        if type(message) is not Parcel:  # a mark, or put back to be opened
            _emit(_traced.get(self.pid.key), self.pid, "receive", None, snapshot_or_text(message))


_SIGNALS: Final = {LINK: "link", UNLINK: "unlink", EXIT: "exit_signal", EXIT2: "exit_signal"}

# What is put in the places


def _post(dest: Any, message: Any, copy: Callable[[Any], Any] = snapshot) -> None:
    here = process_here()
    session = _traced.get(here.pid.key) if here is not None else None
    if here is not None and session is not None:
        target = _pid_of(dest)
        _follow(session, target)
        _emit(session, here.pid, "send", dest if target is None else target, snapshot_or_text(message))
    _places.original(messaging, "post")(dest, message, copy)


def _on_message(process: ControlBlock, message: Any) -> None:
    session = _traced.get(process.pid.key)
    if session is not None and process.exiting is None:
        if not process.mailbox:
            mailbox = process.mailbox = _TracedMailbox()
            mailbox.pid = process.pid
        seen = ... if type(message) is Parcel else snapshot_or_text(message)
        _emit(session, process.pid, "message", None, seen)
    _places.original(signals, "_on_message")(process, message)


def _put(owner: type) -> Callable[[Any, ControlBlock, int, Any], None]:
    """A signal that is sent to a process of this node."""

    def put(self: Any, process: ControlBlock, op: int, args: Any) -> None:
        what = _SIGNALS.get(op)
        if what is not None:
            _emit_signal(_traced.get(args[0].key) or _traced.get(process.pid.key), what, process.pid, args)
        _places.original(owner, "post")(self, process, op, args)

    return put


def _emit_signal(session: _Session | None, what: str, target: Pid, args: Any) -> None:
    if session is not None:
        reason = args[1] if what == "exit_signal" else None
        _emit(session, args[0], what, target, ... if type(reason) is Parcel else snapshot_or_text(reason))


class _TracedCarrier:
    """The carrier of signals to other nodes."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    def __getattr__(self, name: str) -> Any:
        return getattr(self._carrier, name)

    def deliver(self, target: Pid, op: int, args: Any) -> None:
        """A signal to a process of another node."""
        what = _SIGNALS.get(op)
        if what is not None:
            _emit_signal(_traced.get(args[0].key), what, target, args)
        self._carrier.deliver(target, op, args)

    def deliver_to_node(self, node: str, op: int, args: Any) -> None:
        """A signal to another node itself: to start a process there, say."""
        if op == SPAWN_REQUEST and args[0].key in _traced:
            _emit(_traced.get(args[0].key), args[0], "spawn", node, function_name(args[5][0]))
        self._carrier.deliver_to_node(node, op, args)


#: Where the carrier in use is read.
_carrier: Final[Any] = vars(Route)["carrier"]


def _start(owner: type) -> Callable[[Any, ControlBlock], None]:
    def start(self: Any, process: ControlBlock) -> None:
        session = _traced.get(process.parent.key) if process.parent is not None else None
        if session is not None and process.parent is not None:
            _follow(session, process.pid)
            runs = function_name(process.initial_call) if process.initial_call is not None else None
            _emit(session, process.parent, "spawn", process.pid, runs)
        _places.original(owner, "start")(self, process)

    return start


def _end(original: Callable[..., None]) -> Callable[..., None]:
    """The end of a process, which is the last argument but one."""

    def end(*args: Any) -> None:
        process, reason = args[-2:]
        key = process.pid.key
        session = _traced.get(key)
        if session is not None and key in processes:
            _emit(session, process.pid, "exit", None, snapshot_or_text(reason))
        original(*args)
        with _lock:
            _drop(key)

    return end


class _Places:
    """Names of modules and classes, and entries of a table, that are replaced while somebody is traced."""

    def __init__(self, replacements: list[tuple[Any, Any, Any]]) -> None:
        self._replacements = replacements
        self._originals = {(id(where), name): _get(where, name) for where, name, _ in replacements}

    def original(self, where: Any, name: Any) -> Any:
        """What was there before."""
        return self._originals[id(where), name]

    def replace(self) -> None:
        """Put the replacements in."""
        for where, name, what in self._replacements:
            _set(where, name, what)

    def put_back(self) -> None:
        """Put what was there back."""
        for where, name, _ in self._replacements:
            _set(where, name, self._originals[id(where), name])


def _get(where: Any, name: Any) -> Any:
    return where[name] if isinstance(where, dict) else vars(where)[name]


def _set(where: Any, name: Any, what: Any) -> None:
    if isinstance(where, dict):
        where[name] = what
    else:
        setattr(where, name, what)


_places: Final = _Places([
    (messaging, "nearby", {}),
    (messaging, "post", _post),
    (signals, "_on_message", _on_message),
    (HANDLERS, SEND, _on_message),
    (Scheduler, "post", _put(Scheduler)),
    (ThreadOwner, "post", _put(ThreadOwner)),
    (spawning, "short_way", False),
    (Scheduler, "start", _start(Scheduler)),
    (ThreadOwner, "start", _start(ThreadOwner)),
    (Scheduler, "end", staticmethod(_end(signals.end))),
    (ThreadOwner, "end", _end(ThreadOwner.end)),
    (scheduler, "end", _end(signals.end)),
    (Route, "carrier", property(lambda route: _TracedCarrier(_carrier.__get__(route)), _carrier.__set__)),
])  # fmt: skip

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
