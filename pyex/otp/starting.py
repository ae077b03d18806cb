"""Starting a process and waiting until it is ready, as Erlang's ``proc_lib`` does.

The name is registered before anything else runs, so a taken one runs nothing; whoever starts a process knows, when
that returns or raises, that it is ready or gone; and nothing about it is left in his mailbox.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn

from pyex import ANY, Crash, Down, Exit, Exited, NameTaken, Pid, Process, Ref, exit, receive, self, send, spawn_monitor
from pyex.otp.errors import StartError
from pyex.otp.references import Name, via_of

#: Seconds after which a start that was given up no longer waits for the end of what it has killed.
GIVE_UP: Final = 10

#: Seconds after which a start takes long.
LONG: Final = 0.2

_GIVE_UP_FOR: Final = "$give_up_for"


class Starter:
    """In the process that is being started: who waits for it, to be told once how it went."""

    __slots__ = ("_alias", "parent")

    def __init__(self, parent: Pid | None, alias: Ref) -> None:
        #: who started it, if they are linked
        self.parent = parent
        self._alias = alias

    def ready(self) -> None:
        """It is up: ``start`` returns its pid."""
        send(self._alias, (self._alias, "ready", None))

    def ignore(self) -> NoReturn:
        """It is not wanted: it ends normally, and ``start`` returns None."""
        send(self._alias, (self._alias, "ignore", None))
        exit("normal")

    def fail(self, reason: Any) -> NoReturn:
        """It cannot be: it ends with ``reason``, which ``start`` raises as a ``StartError``."""
        raise Exit(reason)


def start(
    main: Callable[..., Any],
    *args: Any,
    who: str,
    name: Name | None = None,
    link: bool = False,
    timeout: float | None = None,
    **options: Any,
) -> Pid | None:
    """Start a process that runs ``main(starter, *args)``, and wait until that has said how it went.

    Returns the pid when it is ready, None when it is not wanted. ``name`` is registered first: a ``str``, a global or a
    via name. ``who`` it is, error messages say. ``link`` links it to this process; ``options`` are those of ``spawn``.

    Raises :class:`StartError` with the reason of the process's end, if it ends before it is ready; the process is gone
    by then, its name is free, and a linked caller that does not trap exits gets the exit too. After ``timeout`` seconds
    it is killed, and the reason is ``"timeout"``.
    """
    local = name if isinstance(name, str) else None
    via = via_of(name) if name is not None and local is None else None
    if name is not None and local is None and via is None:
        raise TypeError(f"a name is a str, ('global', name) or Registry.via(registry, key), not {name!r}{_hint(name)}")
    alias = Process.alias(reply=True)
    pid = ref = None
    try:
        while pid is None or ref is None:
            try:
                pid, ref = spawn_monitor(
                    _begin, main, self() if link else None, alias, via, args, name=local, link=link, **options
                )
            except NameTaken:
                holder = Process.whereis(local) if local is not None else None
                if holder is not None:
                    raise _already_started(who, name, holder) from None
        answer = _answer(alias, ref, timeout)
    except BaseException:
        Process.unalias(alias)
        if pid is not None and ref is not None:
            _discard(pid, ref, link)
        raise
    if answer is None:
        return _give_up(who, pid, ref, alias, link, timeout)
    if type(answer) is Down:
        Process.unalias(alias)
        _forget_exit(pid, link)
        raise _failure(who, answer.reason)
    if answer[0] != alias:
        Process.unalias(alias)
        _discard(pid, ref, link)
        send(self(), answer)  # for whoever is to see it
        raise StartError("shutdown", f"{who} was not ready when its starter was to end, and was killed")
    if answer[1] == "ready":
        Process.demonitor(ref, flush=True)
        return pid
    receive(Down(ref))
    _forget_exit(pid, link)
    if answer[1] == "taken":
        raise _already_started(who, name, answer[2])
    return None


def give_up_for(*patterns: Any) -> None:
    """From now on this process gives up a start that takes long when a message comes that matches one of ``patterns``.

    Supervisors use it: one that is to end must not wait for a child that hangs while it starts. The message stays in the
    mailbox.
    """
    Process.put(_GIVE_UP_FOR, patterns)


def _answer(alias: Ref, ref: Ref, timeout: float | None) -> Any:
    """How it went, None when the time is over, or what is a reason to give up."""
    patterns = Process.get(_GIVE_UP_FOR)
    if patterns is None or (timeout is not None and timeout <= LONG):
        return receive((alias, ANY, ANY), Down(ref), timeout=timeout, default=None)
    # Most starts are short; to look for those patterns is to look through the whole mailbox.
    answer = receive((alias, ANY, ANY), Down(ref), timeout=LONG, default=None)
    if answer is not None:
        return answer
    left = None if timeout is None else timeout - LONG
    return receive((alias, ANY, ANY), Down(ref), *patterns, timeout=left, default=None)


def _begin(main: Callable[..., Any], parent: Pid | None, alias: Ref, via: Any, args: tuple[Any, ...]) -> None:
    """The first function of the new process."""
    if via is not None:
        while not via.register(self()):
            holder = via.whereis()
            if holder is not None:
                send(alias, (alias, "taken", holder))
                return
    main(Starter(parent, alias), *args)


def _give_up(who: str, pid: Pid, ref: Ref, alias: Ref, link: bool, timeout: float | None) -> Pid:
    """The time is over: the process is killed, unless it has become ready at the last moment."""
    if not Process.unalias(alias):
        answer = receive((alias, ANY, ANY), timeout=0, default=None)
        if answer is not None and answer[1] == "ready":
            Process.demonitor(ref, flush=True)
            return pid
    _discard(pid, ref, link)
    raise StartError(
        "timeout", f"{who} could not be started: its init was not done within {timeout} s, and it was killed"
    )


def _discard(pid: Pid, ref: Ref, link: bool) -> None:
    """End a process that is half started, and everything there is of it here."""
    if link:
        Process.unlink(pid)
    Process.exit(pid, "kill")
    receive(Down(ref), timeout=GIVE_UP, default=None)
    Process.demonitor(ref, flush=True)
    _forget_exit(pid, link)


def _forget_exit(pid: Pid, link: bool) -> None:
    """A starter that traps exits is told by what ``start`` raises, and not once more by a message."""
    if link:
        receive(Exited(pid), timeout=0, default=None)


def _already_started(who: str, name: Any, holder: Pid) -> StartError:
    return StartError(
        ("already_started", holder),
        f"{who} could not be started: the name {name!r} is taken, by {holder!r}. "
        "Take another name, or stop that one first: GenServer.stop(name)",
    )


def _failure(who: str, reason: Any) -> StartError:
    if isinstance(reason, Crash):
        error = StartError(reason, f"{who} could not be started: its init raised {reason.exception!r}")
        error.__cause__ = reason.exception
        return error
    return StartError(reason, f"{who} could not be started: it ended with {reason!r}")


def _hint(name: Any) -> str:
    return f". Write name={name.__name__!r}" if isinstance(name, type) else ""
