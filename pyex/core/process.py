"""What the runtime knows of a process, and the table of all of them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeAlias

from pyex.core.errors import Terminated
from pyex.core.ids import Key, Pid, Ref

if TYPE_CHECKING:
    from greenlet import greenlet


#: What was monitored: a pid, or (name, node).
Watched: TypeAlias = "Pid | tuple[str, str]"


class Alarm(Protocol):
    """A deadline for one wait."""

    @property
    def fired(self) -> bool:
        """Whether the time has come."""

    def cancel(self) -> None:
        """Forget it."""


class Owner(Protocol):
    """The one place where a process's signals are applied: its scheduler, or its own thread."""

    inbox: deque[Any]
    #: the run queue of its processes, if they are several
    ready: deque[ControlBlock]

    def queue_for(self, priority: str) -> deque[ControlBlock]:
        """The run queue of processes of that priority."""

    def start(self, process: ControlBlock) -> None:
        """From any thread: let a new process run."""

    def post(self, process: ControlBlock, op: int, args: Any) -> None:
        """From any thread: have this signal applied, after those posted before from the same thread."""

    def drain(self) -> None:
        """Apply the signals that other threads have posted."""

    def wake(self, process: ControlBlock) -> None:
        """Let a process that waits look again."""

    @property
    def thread_id(self) -> int | None:
        """The thread it runs its processes on, once it does."""

    def alarm(self, process: ControlBlock, seconds: float) -> Alarm:
        """An alarm that wakes the process."""

    def wait(self, process: ControlBlock, seen: int = 0, alarm: Alarm | None = None) -> None:
        """In the process: give up the thread until woken; at once if there are not just ``seen`` messages."""

    def hibernate(self, process: ControlBlock) -> bool:
        """In a process whose stack is empty: whether it now waits without one; else there is mail, or its exit."""

    def give_way(self, process: ControlBlock) -> None:
        """In the process: let others that can run do so first."""

    def alone(self) -> AbstractContextManager[None]:
        """In the process: for as long as this is entered, no signal is applied by anybody else."""

    def end(self, process: ControlBlock, reason: Any) -> None:
        """In the process, which has stopped running: take it out of the world."""

    def raises(self, process: ControlBlock) -> None:
        """In the process: its exit is about to be raised."""

    def abandon(self, process: ControlBlock, reason: Any) -> None:
        """In the process, which does not stop running: take it out of the world all the same."""


#: The ``max_heap_size`` of a process that has none of its own.
NODES: Final = -1


class Relations:
    """What most processes never have, allocated when first needed."""

    # Most of it most of them never have either: it stands here, and costs nothing to make.

    trap_exit = False
    name: str | None = None
    #: its context variables, while it hibernates and has no stack to keep them
    context: Any = None
    #: the process dictionary
    dictionary: dict[Any, Any] | None = None
    #: marks that stand in the mailbox
    marks = 0
    #: printed text that has no end of line yet
    text = ""
    #: writes to the group leader since one was last acknowledged
    puts = 0
    #: what is called when it has ended, before anybody is told
    on_end: tuple[Callable[[Pid], None], ...] = ()
    #: how it stands in line with others: low, normal or high
    priority = "normal"
    #: bytes it may hold, None for no limit; ``NODES`` when it has been given none, and the node's default holds
    max_heap_size: int | None = NODES
    #: the work it has done, by the monitor's samples
    reductions = 0
    #: what is known of its size, if it has a limit, and what it was when its turn began, if that was interrupted
    heap: Any = None
    turn: Any = None


class ControlBlock:
    """One process: its identity, its mailbox and where it runs.

    Changed only by its owner: on a scheduler's thread, or under the lock of a thread-backed process.
    """

    __slots__ = (
        "aliases", "exiting", "greenlet", "initial_call", "leader", "links", "mailbox", "monitors", "owner", "parent", "pid",
        "queue", "relations", "start", "waiting", "watchers",
    )  # fmt: skip

    def set_up(
        self,
        pid: Pid,
        owner: Owner,
        start: tuple[Callable[..., Any], tuple[Any, ...]] | None,
        parent: Pid | None,
        leader: Pid | None,
    ) -> Self:
        """Fill in a new block; as ``__init__``, which Python calls by way of C, it would make every spawn dearer."""
        self.pid = pid
        self.owner = owner
        #: the function and arguments to run; None once it has begun (or for a thread that became a process)
        self.start = start
        self.initial_call = start[0] if start is not None else None
        self.parent = parent
        #: the group leader: where its output goes
        self.leader = leader
        #: None until the first message, and again once the process is ending
        self.mailbox: deque[Any] | None = None
        #: it waits for something to change, and is in no queue of runnable processes
        self.waiting = False
        #: set by the exit signal that ends it
        self.exiting: Terminated | None = None
        #: the run queue of its scheduler that it enters when it can run
        self.queue: deque[ControlBlock] = owner.ready
        #: the stack it runs on, once it has one
        self.greenlet: greenlet | None = None
        # What it has to do with others; None until there is something. Monitors and aliases are found by their references'
        # keys, which are plain numbers: a call of a server is a dozen look-ups.

        #: linked process -> None, or the number of an unlink that it has not acknowledged yet
        self.links: dict[Pid, int | None] | None = None
        #: its monitors on others: what was monitored, a pid or (name, node)
        self.monitors: dict[Key, tuple[Ref, Watched]] | None = None
        #: monitors of others on it: who, and as what it was monitored
        self.watchers: dict[Key, tuple[Pid, Ref, Watched]] | None = None
        #: its aliases, and what ends them
        self.aliases: dict[Key, str] | None = None
        self.relations: Relations | None = None
        return self

    def link_to(self, peer: Pid) -> None:
        """Its side of a link."""
        if self.links is None:
            self.links = {}
        self.links[peer] = None

    def watch(self, ref: Ref, watched: Watched) -> None:
        """Its side of a monitor on somebody."""
        if self.monitors is None:
            self.monitors = {}
        self.monitors[ref.key] = ref, watched

    def relate(self) -> Relations:
        """Its relations, made when there are none yet."""
        relations = self.relations
        if relations is None:
            fresh = Relations()
            if self.relations is None:  # threads change between calls, not between this line and the next
                self.relations = fresh
            relations = self.relations or fresh
        return relations


def has_mail(process: ControlBlock) -> bool:
    """In its owner: whether there is a message; if not, its mailbox is let go too."""
    relations = process.relations
    if len(process.mailbox or ()) > (relations.marks if relations is not None else 0):
        return True
    process.mailbox = None
    if relations is not None:
        relations.marks = 0
    return False


#: Every living local process, by its pid's key.
processes: dict[Key, ControlBlock] = {}

#: Aliases, by their references' keys, each with the process it stands for.
aliases: dict[Key, Pid] = {}

#: Registered names; changed under their lock, since any thread may register any process.
names: dict[str, ControlBlock] = {}
naming = threading.RLock()  # a finalizer may run anywhere, and register too


def free_name(process: ControlBlock, name: str) -> None:
    """Make a name free again, if it is still this process's."""
    with naming:
        if names.get(name) is process:
            del names[name]
        if process.relations is not None and process.relations.name == name:
            process.relations.name = None
