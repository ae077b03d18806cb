"""``Process``: the operations on processes that are not everyday ones, as in Elixir."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeAlias

from pyex.core import timers
from pyex.core.asking import ask, make_alias
from pyex.core.carrier import route
from pyex.core.errors import NoProcess, PyexError
from pyex.core.expecting import expect_pid, expect_ref, pid_or_port
from pyex.core.identity import complete, identity
from pyex.core.ids import Pid, Port, Ref
from pyex.core.isolation import snapshot
from pyex.core.lifecycle import Hibernation
from pyex.core.marks import mark
from pyex.core.messages import Down, Exited
from pyex.core.messaging import named, receive, select
from pyex.core.options import set_flag
from pyex.core.process import ControlBlock, free_name, names, processes
from pyex.core.process_info import ProcessInfo, asked, info_of
from pyex.core.signals import (
    EXIT2,
    GROUP_LEADER,
    INFO,
    IS_ALIVE,
    LINK,
    MONITOR,
    SEND,
    drop_alias,
    end_with_monitor,
    signal,
    start_unlink,
    stop_watching,
    unreachable,
)
from pyex.core.spawning import give_name
from pyex.core.threads import this_process

# Inside the namespace, "list" is Process.list.
_Keys: TypeAlias = list[Any]


class Process:
    """A namespace, as in Elixir; processes themselves are made by ``spawn``."""

    def __new__(cls) -> Process:
        raise TypeError("Process is a namespace: spawn(fn, *args) starts a process and returns its pid")

    @staticmethod
    def link(pid: Pid | Port) -> bool:
        """Link this process and ``pid``, a process or a port: when one ends abnormally, so does the other.

        A second link to the same process is the first. Linking to a dead process of this node raises
        ``NoProcess``; if this process traps exits, or ``pid`` is of another node, the answer is
        ``("EXIT", pid, "noproc")`` instead.
        """
        process = this_process()
        pid = pid_or_port("Process.link", pid)
        if pid.key not in processes:
            process.owner.drain()  # it may have linked itself to this process before it ended: then that is the link
        with process.owner.alone():
            if pid == process.pid or (process.links or {}).get(pid, 0) is None:
                return True
            if type(pid.key) is not int or pid.key in processes:
                process.link_to(pid)
                signal(pid, LINK, (process.pid,))
                return True
        if not process.relate().trap_exit:
            raise NoProcess(message=f"cannot link to {pid!r}: it is not alive")
        process.owner.post(process, SEND, Exited(pid, "noproc"))
        return True

    @staticmethod
    def unlink(pid: Pid | Port) -> bool:
        """Remove the link to ``pid``, if any: afterwards no exit signal of that link arrives.

        One that this process has already got as a message, trapping exits, stays in its mailbox.
        """
        pid = pid_or_port("Process.unlink", pid)
        process = this_process()
        with process.owner.alone():
            start_unlink(process, pid)
        return True

    @staticmethod
    def monitor(target: Pid | Port | str | tuple[str, str], *, alias: str | None = None) -> Ref:
        """Get a ``Down`` message when ``target`` ends; at once, with ``noproc``, if it does not exist.

        ``target`` is a pid, a port, a registered name or ``(name, node)``; by name, the message carries
        ``(name, node)``, with the node's full name. Every call makes a monitor of its own.

        With ``alias`` the reference is an alias too (see ``Process.alias``), which ends by ``unalias``
        (``"explicit_unalias"``), with the monitor (``"demonitor"``), or also with the first message that comes
        by it, which ends both (``"reply_demonitor"``).

        >>> ref = Process.monitor(pid)
        >>> Process.exit(pid, "kill")
        True
        >>> receive(Down(ref), timeout=5).reason
        'killed'
        """
        if alias not in (None, "explicit_unalias", "demonitor", "reply_demonitor"):
            raise ValueError(f"an alias ends by 'explicit_unalias', 'demonitor' or 'reply_demonitor', not {alias!r}")
        process = this_process()
        ref = Ref()
        here = identity.name or "nonode@nohost"
        if isinstance(target, str):
            target = (target, here)
        elif isinstance(target, tuple) and len(target) == 2 and isinstance(target[1], str) and "@" not in target[1]:
            target = (target[0], complete(target[1]))
        watched = target = pid_or_port("Process.monitor", target) if isinstance(target, Port) else target
        if isinstance(target, tuple) and len(target) == 2 and target[1] == here and target[0] in names:
            holder = names.get(target[0])
            watched = holder.pid if holder is not None else target
        by_name = isinstance(watched, tuple) and len(watched) == 2 and all(isinstance(part, str) for part in watched)
        if not isinstance(watched, Pid | Port) and not by_name:
            raise TypeError(f"Process.monitor takes a pid, a port, a registered name or (name, node), not {target!r}")
        if watched == process.pid:
            return ref  # nobody lives to see his own end: as in Erlang there is no such monitor, nor its alias
        if alias is not None:
            make_alias(process, ref, alias)
        mark(process, ref)
        process.watch(ref, watched)
        args = (process.pid, ref, target)
        if not isinstance(watched, tuple):
            signal(watched, MONITOR, args)
        elif watched[1] == here:
            unreachable(watched, MONITOR, args, "noproc")
        else:
            route.carrier.deliver_to_name(*watched, MONITOR, args)
        return ref

    @staticmethod
    def demonitor(ref: Ref, *, flush: bool = False, info: bool = False) -> bool:
        """End a monitor of this process; afterwards its ``Down`` does not arrive any more.

        ``flush=True`` also removes one that is in the mailbox already. Returns True; with ``info=True``,
        whether the monitor was still active. Only the process that made a monitor can end it.
        """
        expect_ref("Process.demonitor", ref)
        process = this_process()
        with process.owner.alone():
            target = (process.monitors or {}).pop(ref.key, None)
            end_with_monitor(process, ref)
        if target is not None:
            stop_watching(process.pid, *target)
        if flush:
            select(process, (Down(ref),), 0, None)
        return target is not None if info else True

    @staticmethod
    def exit(pid: Pid | Port, reason: Any) -> bool:
        """Send an exit signal to ``pid``, on whatever node, or to a port; always True, also when it is gone.

        The process ends with ``reason``; if it traps exits it gets ``("EXIT", self(), reason)`` instead.
        ``"normal"`` only reaches one that traps exits (and the caller itself). ``"kill"`` cannot be
        trapped: the process ends with ``"killed"``.
        """
        pid = pid_or_port("Process.exit", pid)
        process = this_process()
        signal(pid, EXIT2, (process.pid, snapshot(reason)))
        if process.owner.inbox:
            process.owner.drain()
        if process.exiting is not None:
            receive(timeout=0)  # it was this process itself: raises
        return True

    @staticmethod
    def flag(name: str, value: Any) -> Any:
        """Set a flag of this process and return its old value.

        ``trap_exit``: whether exit signals become messages, ``("EXIT", pid, reason)``.
        ``priority``: ``"low"``, ``"normal"`` or ``"high"``, how it stands in line with others.
        ``max_heap_size``: the bytes it may hold (see ``Process.info(pid).memory``), None for no limit. One that
        holds more is killed, with a report that says its size.

        Raises ``ValueError`` or ``TypeError`` for a flag or a value that there is not.

        >>> Process.flag("max_heap_size", 100_000_000)
        """
        return set_flag(this_process(), name, value)

    @staticmethod
    def register(pid: Pid, name: str) -> bool:
        """Register a process of this node under a name; ``send(name, ...)`` then reaches it.

        The name is freed when the process ends. Raises ``NameTaken`` (a ``ValueError``) if the name is, or if
        the process has another one; ``NoProcess`` if it is not alive.
        """
        expect_pid("Process.register", pid)
        process = _local(pid)
        give_name(process, name)
        if processes.get(pid.key) is not process:  # it ended meanwhile, perhaps without having seen the name
            free_name(process, name)
            raise NoProcess(message=f"cannot register {pid!r}: it is not alive")
        return True

    @staticmethod
    def unregister(name: str) -> bool:
        """Free a registered name; raises ``NoProcess`` if it is not registered."""
        free_name(named(name), name)
        return True

    @staticmethod
    def whereis(name: str) -> Pid | None:
        """The pid registered under ``name`` on this node, or None."""
        process = names.get(name)
        return process.pid if process is not None else None

    @staticmethod
    def registered() -> list[str]:
        """The registered names of this node, sorted."""
        return sorted(names)

    @staticmethod
    def alias(*, reply: bool = False) -> Ref:
        """Make a name for this process that it can revoke: what is sent to it arrives here until ``unalias``.

        With ``reply=True`` it ends with the first message. What is sent to an alias that has ended is dropped,
        so an answer that comes too late never stays in the mailbox.

        >>> alias = Process.alias(reply=True)
        >>> send(server, ("question", alias))
        >>> receive(("answer", alias, ANY), timeout=5)
        """
        process = this_process()
        ref = Ref()
        make_alias(process, ref, "reply" if reply else "explicit_unalias")
        mark(process, ref)
        return ref

    @staticmethod
    def unalias(alias: Ref) -> bool:
        """Revoke an alias of this process; False if it was none, or has ended."""
        expect_ref("Process.unalias", alias)
        process = this_process()
        with process.owner.alone():
            return drop_alias(process, alias)

    @staticmethod
    def put(key: Any, value: Any) -> Any:
        """Keep a value in this process's dictionary; returns the one before, or None."""
        relations = this_process().relate()
        if relations.dictionary is None:
            relations.dictionary = {}
        old = relations.dictionary.get(key)
        relations.dictionary[key] = value
        return old

    @staticmethod
    def get(key: Any, default: Any = None) -> Any:
        """The value that this process's dictionary has under ``key``."""
        return _dictionary().get(key, default)

    @staticmethod
    def delete(key: Any) -> Any:
        """Remove a key from this process's dictionary; returns its value, or None."""
        return _dictionary().pop(key, None)

    @staticmethod
    def keys() -> _Keys:
        """The keys of this process's dictionary, in the order in which they were put."""
        return [*_dictionary()]

    @staticmethod
    def send_after(dest: Any, message: Any, seconds: float) -> Ref:
        """Have ``message`` sent to ``dest`` in so many seconds; the reference is for ``cancel_timer``.

        The message is a snapshot of now; a name is resolved when the time comes, and if nobody has it then nothing
        happens. The timer ends with the process whose pid ``dest`` is, not with this one. Timers fire in the order of
        their times.

        Raises ``ValueError`` for a negative time.

        >>> Process.send_after(self(), "tick", 0.5)
        """
        return timers.start_timer(dest, message, seconds)

    @staticmethod
    def send_interval(dest: Any, message: Any, seconds: float) -> Ref:
        """Have ``message`` sent to ``dest`` again and again, every so many seconds, until it is cancelled."""
        return timers.start_timer(dest, message, seconds, every=seconds)

    @staticmethod
    def cancel_timer(ref: Ref) -> float | None:
        """Cancel a timer: it will not fire. The seconds that were left; None when it was too late.

        When it was too late the message may be in the mailbox, or still on its way.
        """
        return timers.cancel_timer(ref)

    @staticmethod
    def read_timer(ref: Ref) -> float | None:
        """The seconds until a timer fires (an interval: fires next); None when it has."""
        return timers.read_timer(ref)

    @staticmethod
    def hibernate(fn: Callable[..., Any], *args: Any) -> NoReturn:
        """Leave all this process is doing, and call ``fn(*args)`` once there is a message: at once, if there is one.

        Until then the process needs no stack, and so little memory: its dictionary, its context variables and
        its relations to others are all it keeps. ``finally`` blocks run; the value of ``fn`` is the process's end.

        >>> def loop(state):
        ...     state = handle(receive(), state)
        ...     Process.hibernate(loop, state)
        """
        if not callable(fn):
            raise TypeError(f"Process.hibernate takes a function to go on with and its arguments, not {fn!r}")
        process = this_process()
        if process.initial_call is None:
            raise PyexError(
                "a thread that has become a process has its own stack to keep. Spawn a process to hibernate"
            )
        raise Hibernation(fn, args)

    @staticmethod
    def alive(pid: Pid) -> bool:
        """Whether a process of this node is alive, this process's own earlier signals to it included."""
        target = _found("Process.alive", pid)
        if target is None:
            return False
        here = this_process()
        if target.owner is here.owner and not here.owner.inbox:
            return target.exiting is None
        # What this process has sent before may still be on its way: ask behind it.
        return bool(ask(lambda process, alias: signal(pid, IS_ALIVE, (process.pid, alias))))

    @staticmethod
    def info(pid: Pid) -> ProcessInfo | None:
        """What a process of this node is and does, as a frozen snapshot; None if it is not alive.

        It sees the effect of this process's own earlier signals. ``print`` shows it as a table.

        >>> pid = spawn(receive)
        >>> Process.info(pid).message_queue_len
        0
        """
        target = _found("Process.info", pid)
        if target is None:
            return None
        here = this_process()
        if target.owner is here.owner and not here.owner.inbox:
            return info_of(target) if target.exiting is None else None
        return asked(target, ask(lambda process, alias: signal(pid, INFO, (process.pid, alias))))

    @staticmethod
    def list() -> list[Pid]:
        """The pids of all processes of this node, oldest first."""
        return [process.pid for process in list(processes.values()) if type(process.pid) is Pid]

    @staticmethod
    def group_leader(pid: Pid | None = None, leader: Pid | None = None) -> Pid | None:
        """The group leader of this process: where what it prints goes; None for the program's own output.

        ``group_leader(pid, leader)`` gives ``pid`` another one, and returns it.
        """
        process = this_process()
        if pid is not None:
            expect_pid("Process.group_leader", pid)
        if leader is None:
            return (process if pid is None else _local(pid)).leader
        expect_pid("Process.group_leader", leader)
        signal(pid or process.pid, GROUP_LEADER, (process.pid, leader))
        return leader


def _dictionary() -> dict[Any, Any]:
    relations = this_process().relations
    return {} if relations is None or relations.dictionary is None else relations.dictionary


def _found(what: str, pid: Pid) -> ControlBlock | None:
    """A process of this node; None for one that is dead, as all are of the time before the node was restarted."""
    expect_pid(what, pid)
    if type(pid.key) is not int and pid.node != identity.name:
        raise ValueError(f"{what} asks about processes of this node, not {pid!r}")
    return processes.get(pid.key)


def _local(pid: Pid) -> ControlBlock:
    process = processes.get(pid.key)
    if process is None or process.exiting is not None:
        what = "is not alive" if type(pid.key) is int else "is a process of another node"
        raise NoProcess(message=f"{pid!r} {what}")
    return process
