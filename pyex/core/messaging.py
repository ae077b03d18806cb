"""``send``, ``receive`` and what else a process does by itself."""

from __future__ import annotations

import difflib
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NoReturn, TypeVar

from greenlet import getcurrent

from pyex.core import marks
from pyex.core.carrier import Parcel, route
from pyex.core.errors import Exit, NoProcess, ReceiveTimeout
from pyex.core.expecting import call_hint
from pyex.core.identity import complete, identity
from pyex.core.ids import Pid, Port, Ref
from pyex.core.isolation import IMMUTABLE, snapshot
from pyex.core.lifecycle import raise_exit
from pyex.core.patterns import ANY, MATCHERS, matches
from pyex.core.process import ControlBlock, Owner, aliases, names, processes
from pyex.core.reports import message_lost
from pyex.core.safe_points import collecting
from pyex.core.scheduler import Scheduler, _running_loop
from pyex.core.signals import ALIAS_SEND, REG_SEND, SEND, signal
from pyex.core.threads import border, this_process
from pyex.core.undelivered import undecodable
from pyex.core.waiting import about_to_wait

T = TypeVar("T")

_RAISE: Final = object()
_ANYTHING: Final = (ANY,)
_DROPPED: Final = object()

#: Where ``send`` looks for a process of its own scheduler; a table without any while somebody is traced.
nearby = processes


def send(dest: Any, message: T) -> T:
    """Post ``message`` to a process and return it; succeeds when the process is gone.

    It never waits, but for another node that takes less than is sent to it: once a megabyte is on its way there.
    ``dest`` is a pid, a registered name, ``(name, node)``, or an alias (``Process.alias``); ``bob`` for a node means
    ``bob@127.0.0.1``, as everywhere. The receiver gets a snapshot: what either side does to its own copy later, the
    other never sees.

    Raises ``NoProcess`` (a ``LookupError``) for a name that is not registered on this node, and
    ``NotSendable`` (a ``TypeError``) for a message that cannot be copied.

    >>> send(self(), "hello")
    'hello'
    """
    # The common case, a process of this scheduler with a mailbox; all else is not worth a word here.
    try:
        target = nearby[dest.key]
        owner: Scheduler = getcurrent().owner  # type: ignore[attr-defined]
    except (AttributeError, KeyError):
        pass
    else:
        if type(dest) is Pid:  # a reference has such a key too
            copy = message if type(message) in IMMUTABLE else snapshot(message)
            # Direct delivery: the rule stands in pyex.core.moving.
            if (mailbox := target.mailbox) is not None and target.owner is owner and not owner.inbox:
                mailbox.append(copy)
                if target.waiting:
                    target.waiting = False
                    target.queue.append(target)
            elif mailbox is not None or not _begin_mailbox(target, owner, copy):
                post(dest, copy, as_it_is)
            return message
    post(dest, message)
    return message


def _begin_mailbox(target: ControlBlock, owner: Scheduler, message: Any) -> bool:
    """Direct delivery to one that hibernates, or has not begun; False if it is not to be had."""
    mailbox = deque((message,))
    if target.owner is not owner or owner.inbox or target.mailbox is not None or target.exiting is not None:
        return False
    target.mailbox = mailbox
    if target.waiting:
        target.waiting = False
        target.queue.append(target)
    return True


def as_it_is(message: T) -> T:
    """The copier of what is a snapshot already."""
    return message


def post(dest: Any, message: Any, copy: Callable[[Any], Any] = snapshot) -> None:
    """Send by any way but the shortest."""
    border()
    if isinstance(dest, Pid):
        local = processes.get(dest.key)
        if local is not None:
            message = copy(message)  # by which time it may belong to another scheduler
            local.owner.post(local, SEND, message)
        elif type(dest.key) is not int:
            route.carrier.deliver(dest, SEND, message)  # encoding it is the snapshot
            route.carrier.hold_back(dest.node or "")
    elif isinstance(dest, str):
        process = named(dest)
        message = copy(message)
        process.owner.post(process, SEND, message)
    elif isinstance(dest, Ref):
        _post_to_alias(dest, message, copy)
    elif isinstance(dest, Port):
        from pyex.core import ports  # whose processes use this module

        ports.post(dest, message)
    elif isinstance(dest, tuple) and len(dest) == 2 and all(isinstance(part, str) for part in dest):
        name, node = dest
        if "@" not in node:
            node = complete(node)
        if node == (identity.name or "nonode@nohost"):
            there = names.get(name)
            if there is not None:
                message = copy(message)
                there.owner.post(there, SEND, message)
        else:
            route.carrier.deliver_to_name(name, node, REG_SEND, message)
            route.carrier.hold_back(node)
    else:
        raise TypeError(
            f"send() takes a pid, a registered name, a port, an alias or (name, node), not {dest!r}{call_hint(dest)}"
        )


def _post_to_alias(alias: Ref, message: Any, copy: Callable[[Any], Any]) -> None:
    if isinstance(alias.key, int):
        pid = aliases.get(alias.key)
        if pid is not None:
            signal(pid, ALIAS_SEND, (alias, copy(message)))
    else:
        route.carrier.deliver_to_node(alias.key[1], ALIAS_SEND, (alias, message))
        route.carrier.hold_back(alias.key[1])


def named(name: str) -> ControlBlock:
    """The process registered under a name; raises ``NoProcess`` naming those there are."""
    process = names.get(name)
    if process is not None:
        return process
    known = sorted(names)
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        hint = f"Did you mean {near[0]!r}?"
    elif known:
        hint = f"Registered are: {', '.join(map(repr, known))}"
    else:
        hint = "No name is; Process.register(pid, name) registers one"
    raise NoProcess(message=f"no process is registered as {name!r}. {hint}")


def receive(*patterns: Any, timeout: float | None = None, default: Any = _RAISE) -> Any:
    """Take the first message of the mailbox, in order of arrival, that matches any of ``patterns``.

    Without patterns any message does. Waits until there is one, others running meanwhile; at most
    ``timeout`` seconds, after which ``default`` is returned if given, else ``ReceiveTimeout`` (a
    ``TimeoutError``) raised. ``timeout=0`` looks at what is there. Messages that do not match stay, in
    their order.

    Names in patterns are values: a pid or a ref is matched by writing it. See ``pyex.core.patterns``.

    >>> send(self(), ("ok", 3))
    >>> receive(("ok", int))
    ('ok', 3)
    """
    try:
        process: ControlBlock = getcurrent().process  # type: ignore[attr-defined]
    except AttributeError:
        process = about_to_wait("receive()", "`await areceive(...)`")
    else:
        # The common case, a process of a scheduler that takes what comes: select() without its book-keeping.
        if not patterns and timeout is None:
            while True:
                mailbox = process.mailbox
                if mailbox:
                    message = mailbox.popleft()
                    if type(message) is not Parcel:
                        return message
                    mailbox.appendleft(message)
                    break
                if process.exiting is not None:
                    raise_exit(process)
                # And while it waits another goes on at once: Scheduler.wait() without its call.
                owner: Any = process.owner
                ready = owner.ready
                if not collecting and _running_loop() is None and ready and owner.budget:
                    owner.budget -= 1
                    following = ready.popleft()
                    process.waiting = True
                    (following.greenlet or owner.stack_for(following)).switch()
                else:
                    owner.wait(process)
    return select(process, patterns, timeout, default)


def select(process: ControlBlock, patterns: tuple[Any, ...], timeout: float | None, default: Any, seen: int = 0) -> Any:
    """``receive`` in full, for a process of any kind; ``seen`` messages at the front are known not to match."""
    if timeout is not None:
        expect_time("receive(timeout=)", timeout)
    owner = process.owner
    alarm = None
    mark = -1  # the place of the mark that told so
    if not seen and process.relations is not None and process.relations.marks and process.mailbox:
        seen = mark = marks.start_of(process, process.mailbox, patterns)
    try:
        while True:
            if owner.inbox:
                owner.drain()
            if process.exiting is not None:
                raise_exit(process)
            mailbox = process.mailbox
            if mailbox:
                while seen < len(mailbox):
                    last = mailbox[seen]
                    if type(last) is Parcel:
                        if last.mark is not None:
                            if seen == mark:
                                seen += 1  # kept until this receive is over: what is before it is not for us
                            else:
                                marks.remove(process, mailbox, seen)
                            continue
                        last = _unpack(process, mailbox, seen, last, patterns)
                        if last is _DROPPED:
                            continue
                    for pattern in patterns or _ANYTHING:
                        matched = pattern is last or MATCHERS.get(type(pattern), matches)(pattern, last)
                        if seen < len(mailbox) and mailbox[seen] is last:
                            if matched:
                                del mailbox[seen]
                                return last
                        elif matched and _take(mailbox, last):
                            return last
                        else:
                            seen = -1  # a guard has received meanwhile: from the beginning
                            mailbox = process.mailbox or mailbox
                            break
                    seen += 1
            if timeout is not None:
                if alarm is None and timeout > 0:
                    alarm = owner.alarm(process, timeout)
                elif alarm is None or alarm.fired:
                    break
            owner.wait(process, seen, alarm)
    finally:
        if alarm is not None:
            alarm.cancel()
        if mark >= 0 and process.mailbox:
            marks.remove(process, process.mailbox, mark)
    if default is not _RAISE:
        return default
    raise no_message(patterns, timeout)


def no_message(patterns: tuple[Any, ...], timeout: float | None) -> ReceiveTimeout:
    """The error of a receive whose time is over."""
    wanted = " or ".join(map(repr, patterns)) if patterns else "any message"
    return ReceiveTimeout(f"no message came within {timeout} s that matches {wanted}")


def _take(mailbox: Any, message: Any) -> bool:
    """Take out a message, wherever a guard that received has left it; False if that took it."""
    for moved_to, other in enumerate(mailbox):
        if other is message:
            del mailbox[moved_to]
            return True
    return False


def _unpack(process: ControlBlock, mailbox: Any, place: int, parcel: Parcel, patterns: tuple[Any, ...]) -> Any:
    """Decode a message where it lies, unless that fails and it is dropped."""
    try:
        message = parcel.open()
    except Exception as error:  # sent by code of another node; whatever it does, only this message is lost
        message = undecodable(parcel, error, patterns)
        if message is None:
            del mailbox[place]
            message_lost(process, error)
            return _DROPPED
    mailbox[place] = message
    return message


def sleep(seconds: float) -> None:
    """Let this process wait that long; others run meanwhile. ``None`` waits for ever.

    >>> sleep(0.5)
    """
    if seconds is not None:
        expect_time("sleep()", seconds)
    process = about_to_wait("sleep()", "`await asyncio.sleep(seconds)`")
    owner: Owner = process.owner
    if process.exiting is None and seconds is not None and seconds <= 0:
        owner.give_way(process)
        seconds = 0
    alarm = owner.alarm(process, seconds) if seconds else None
    try:
        while True:
            if owner.inbox:
                owner.drain()
            if process.exiting is not None:
                raise_exit(process)
            if seconds == 0 or (alarm is not None and alarm.fired):
                return
            owner.wait(process, len(process.mailbox or ()), alarm)
    finally:
        if alarm is not None:
            alarm.cancel()


def expect_time(what: str, seconds: Any) -> None:
    """Refuse what is no number of seconds."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"{what} takes a number of seconds or None, not {seconds!r}")
    if seconds != seconds:  # noqa: PLR0124 - so it is with what is not a number
        raise ValueError(f"{what} takes a number of seconds or None, and {seconds!r} is none")


def self() -> Pid:
    """The pid of the process this code runs in; a thread that was none becomes one."""
    try:
        return getcurrent().process.pid  # type: ignore[attr-defined, no-any-return]
    except AttributeError:
        return this_process().pid


def exit(reason: Any = "normal") -> NoReturn:
    """End this process with ``reason``, by raising :class:`Exit`; those linked to it get the reason too.

    >>> spawn(lambda: exit("bored"))
    """
    raise Exit(snapshot(reason))
