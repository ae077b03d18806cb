"""A question put to a process, and its answer: what every call of a server is.

Whoever asks monitors whom he asks, and is answered to the alias of that monitor. The alias ends with the answer, with
the other process and with the asker's patience, so that an answer which comes later goes nowhere. Between processes
of one scheduler all this is done here by hand; otherwise, and while somebody is traced, it is ``monitor``, ``send``
and ``receive``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from greenlet import getcurrent

from pyex.core import messaging, undelivered
from pyex.core.errors import Exit, NotSendable
from pyex.core.ids import Pid, Ref, new_ref
from pyex.core.isolation import IMMUTABLE, snapshot
from pyex.core.lifecycle import raise_exit
from pyex.core.messages import Down
from pyex.core.messaging import as_it_is, expect_time, select
from pyex.core.patterns import ANY
from pyex.core.process import ControlBlock, aliases
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
    ``timeout`` seconds. Whatever comes later never arrives. Raises ``NotSendable`` for what cannot be sent, and if the
    other node does not take the request, or one of the two cannot decode what comes from the other.
    """
    try:
        here: Any = getcurrent()
        process: ControlBlock = here.process
        owner: Scheduler = here.owner
        target: ControlBlock | None = messaging.nearby[dest.key]  # type: ignore[union-attr]
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
    if type(dest) is not Pid or target.owner is not owner:
        return _request(dest, tag, body, timeout, default)
    if type(body) not in IMMUTABLE:
        body = snapshot(body)
    ref = new_ref()
    key = ref.key
    pid = process.pid
    if process.aliases is None:
        process.aliases = {}
    process.aliases[key] = "reply_demonitor"
    aliases[key] = pid
    if process.monitors is None:
        process.monitors = {}
    process.monitors[key] = (ref, dest)
    if target.watchers is None:
        target.watchers = {}
    target.watchers[key] = (pid, ref, dest)
    mailbox = process.mailbox
    seen = len(mailbox) if mailbox is not None else 0
    message = (tag, (pid, ref), body)
    fresh = deque((message,)) if target.mailbox is None else None
    # Direct delivery: the rule stands in pyex.core.moving.
    if target.owner is not owner or owner.inbox:
        _give_up(process, ref)
        return _request(dest, tag, body, timeout, default, as_it_is)
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
                if type(answer) is tuple and answer and answer[0] is ref:
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


def _request(
    dest: Pid | tuple[str, str],
    tag: Any,
    body: Any,
    timeout: float | None,
    default: Any,
    copy: Callable[[Any], Any] = snapshot,
) -> Any:
    """Likewise, wherever the two are."""
    process = about_to_wait("A call", "`await asyncio.to_thread(GenServer.call, server, request)`")
    if timeout is not None:
        expect_time("timeout", timeout)
    if dest == process.pid:
        raise Exit("calling_self", _CALLING_SELF)
    ref = Process.monitor(dest, alias="reply_demonitor")
    try:
        messaging.post(dest, (tag, (process.pid, ref), body), copy)
        answer = select(process, _outcomes(ref), timeout, _NOTHING)
    except BaseException:
        _give_up(process, ref)
        raise
    return _delivered(answer) if answer is not _NOTHING else _last_moment(process, ref, default)


def _outcomes(ref: Ref) -> tuple[Any, ...]:
    """What can come of a request."""
    return (ref, ANY), Down(ref), undelivered.pattern(ref)


def _delivered(answer: Any) -> Any:
    if type(answer) is tuple and len(answer) == 3:
        raise NotSendable(answer[2])
    return answer


def _last_moment(process: ControlBlock, ref: Ref, default: Any) -> Any:
    """The time is over: nothing comes any more, but it may have come."""
    Process.demonitor(ref)
    answer = select(process, _outcomes(ref), 0, _NOTHING)
    return default if answer is _NOTHING else _delivered(answer)


def _give_up(process: ControlBlock, ref: Ref) -> None:
    """An exit or an interrupt ends the wait; the process may live on."""
    Process.demonitor(ref)
    if process.exiting is None:
        select(process, _outcomes(ref), 0, None)


def respond(alias: Ref, value: Any) -> None:
    """Send ``(alias, value)`` to an alias: the answer to a request."""
    message = (alias, value if type(value) in IMMUTABLE else snapshot(value))
    try:
        key = alias.key
        nearby = messaging.nearby
        process = nearby[aliases[key].key]
        owner = getcurrent().owner  # type: ignore[attr-defined]
        near = type(alias) is Ref
        fresh = deque((message,)) if process.mailbox is None else None
        own: Any = process.aliases
        monitors: Any = process.monitors
        watched = nearby[monitors[key][1].key]
        watchers: Any = watched.watchers
        # Direct delivery: the rule stands in pyex.core.moving.
        near = (
            near
            and process.owner is owner
            and watched.owner is owner
            and not owner.inbox
            and key in watchers
            and own[key] == "reply_demonitor"
        )
    except (AttributeError, KeyError, TypeError):  # one of them is not there, or elsewhere
        near = False
    if not near:
        try:
            messaging.post(alias, message, as_it_is)
        except NotSendable as refusal:
            if refusal.node is None:
                raise
            # That is the other node's affair, and no fault of whoever answers.
            undelivered.refuse_answer(alias, f"the answer could not be sent: {refusal}")
        return
    del aliases[key], own[key], monitors[key], watchers[key]
    mailbox = process.mailbox
    if mailbox is not None:
        mailbox.append(message)
    elif process.exiting is None:
        process.mailbox = fresh
    if process.waiting:
        process.waiting = False
        process.queue.append(process)
