"""A question put to a process, and its answer: what every call of a server is.

Whoever asks monitors whom he asks, and is answered to the alias of that monitor. The alias ends with the answer, with
the other process and with the asker's patience, so that an answer which comes later goes nowhere. Between processes
of one scheduler all this is done here by hand; otherwise it is ``monitor``, ``send`` and ``receive``.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from greenlet import getcurrent

from pyex.core.errors import Exit
from pyex.core.ids import Pid, Ref, new_ref
from pyex.core.isolation import IMMUTABLE, snapshot
from pyex.core.lifecycle import raise_exit
from pyex.core.messages import Down
from pyex.core.messaging import expect_time, post, select
from pyex.core.patterns import ANY
from pyex.core.process import ControlBlock, aliases, processes
from pyex.core.process_api import Process
from pyex.core.scheduler import Scheduler
from pyex.core.waiting import about_to_wait

_NOTHING: Final[Any] = object()
_CALLING_SELF: Final = (
    "a process that calls itself would wait for its own answer for ever. In a server call the method itself, "
    "self.method(), or return Continue(term)"
)


def request(dest: Pid | tuple[str, str], tag: Any, body: Any, timeout: float | None, default: Any = None) -> Any:
    """Send ``(tag, (self(), alias), body)`` to another process, and wait for the answer to the alias.

    Returns that, ``(alias, value)``; or a ``Down`` when the other process ends, or is not there; or ``default`` after
    ``timeout`` seconds. Whatever comes later never arrives.
    """
    try:
        here: Any = getcurrent()
        process: ControlBlock = here.process
        owner: Scheduler = here.owner
        target: ControlBlock | None = processes[dest.key]  # type: ignore[union-attr]
    except (AttributeError, KeyError):
        target = None  # and on, out of here: what is raised from now on has nothing to do with this
    if target is None:
        return _request(dest, tag, body, timeout, default)
    if timeout is not None and type(timeout) is not int:
        expect_time("timeout", timeout)
    if process.exiting is not None:
        raise_exit(process)
    if target is process:
        raise Exit("calling_self", _CALLING_SELF)
    if type(body) not in IMMUTABLE:
        body = snapshot(body)
    if type(dest) is not Pid:
        return _request(dest, tag, body, timeout, default)
    ref = new_ref()
    pid = process.pid
    relations = process.relations or process.relate()
    if relations.aliases is None:
        relations.aliases = {}
    relations.aliases[ref] = "reply_demonitor"
    aliases[ref] = pid
    relations.monitors[ref] = dest
    (target.relations or target.relate()).watchers[ref] = (pid, dest)
    mailbox = process.mailbox
    seen = len(mailbox) if mailbox is not None else 0
    message = (tag, (pid, ref), body)
    fresh = deque((message,)) if target.mailbox is None else None
    if target.owner is not owner:
        _give_up(process, ref)
        return _request(dest, tag, body, timeout, default)
    # From here to the waking nothing is called in which threads could change, while the process leaves for another.
    mailbox = target.mailbox
    if mailbox is not None:
        mailbox.append(message)
    elif target.exiting is None:
        target.mailbox = fresh
    if target.waiting:
        target.waiting = False
        target.queue.append(target)
    alarm = alarms = None
    try:
        if timeout is not None:
            alarms = owner.alarms.get(timeout)
            if alarms is not None:
                alarms.set(process)
            else:
                alarm = owner.alarm(process, timeout)
        while True:
            owner.wait(process, seen)
            mailbox = process.mailbox
            if mailbox and len(mailbox) == seen + 1:  # the answer comes behind what was there before the question
                answer = mailbox[-1]
                if type(answer) is tuple and answer[0] is ref:
                    del mailbox[-1]
                    return answer
            answer = select(process, ((ref, ANY), Down(ref)), 0, _NOTHING, seen)
            if answer is not _NOTHING:
                return answer
            seen = len(process.mailbox or ())
            if (alarms is not None and process not in alarms.pending) or (alarm is not None and alarm.fired):
                return _last_moment(process, ref, default)
    except BaseException:
        _give_up(process, ref)
        raise
    finally:
        if alarms is not None:
            alarms.pending.pop(process, None)
        elif alarm is not None:
            alarm.cancel()


def _request(dest: Pid | tuple[str, str], tag: Any, body: Any, timeout: float | None, default: Any) -> Any:
    """Likewise, wherever the two are."""
    process = about_to_wait("A call", "`await asyncio.to_thread(GenServer.call, server, request)`")
    if timeout is not None:
        expect_time("timeout", timeout)
    if dest == process.pid:
        raise Exit("calling_self", _CALLING_SELF)
    ref = Process.monitor(dest, alias="reply_demonitor")
    try:
        post(dest, (tag, (process.pid, ref), body))
        answer = select(process, ((ref, ANY), Down(ref)), timeout, _NOTHING)
    except BaseException:
        _give_up(process, ref)
        raise
    return answer if answer is not _NOTHING else _last_moment(process, ref, default)


def _last_moment(process: ControlBlock, ref: Ref, default: Any) -> Any:
    """The time is over: nothing comes any more, but it may have come."""
    Process.demonitor(ref)
    return select(process, ((ref, ANY), Down(ref)), 0, default)


def _give_up(process: ControlBlock, ref: Ref) -> None:
    """An exit or an interrupt ends the wait; the process may live on."""
    Process.demonitor(ref)
    if process.exiting is None:
        select(process, ((ref, ANY), Down(ref)), 0, None)


def respond(alias: Ref, value: Any) -> None:
    """Send ``(alias, value)`` to an alias: the answer to a request."""
    message = (alias, value if type(value) in IMMUTABLE else snapshot(value))
    pid = aliases.get(alias)
    process = processes.get(pid.key) if pid is not None else None
    relations = process.relations if process is not None else None
    if process is None or relations is None or process.owner is not getattr(getcurrent(), "owner", None):
        post(alias, message)
        return
    asked = relations.monitors.get(alias)
    watched = processes.get(asked.key) if type(asked) is Pid else None
    own = relations.aliases
    if watched is None or watched.relations is None or watched.owner is not process.owner or own is None:
        post(alias, message)
        return
    ends = own.pop(alias, "")
    if ends != "reply_demonitor":
        if ends:
            own[alias] = ends
        post(alias, message)
        return
    del aliases[alias], relations.monitors[alias]
    watched.relations.watchers.pop(alias, None)
    mailbox = process.mailbox
    if mailbox is not None:
        mailbox.append(message)
    elif process.exiting is None:
        process.mailbox = deque((message,))
    if process.waiting:
        process.waiting = False
        process.queue.append(process)
