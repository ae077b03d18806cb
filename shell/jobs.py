"""The jobs of a shell: what is typed goes to one of them, on this node or another; the others wait, or go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyex
from pyex import Down, Node, Pid, Process, Ref, receive, send, share
from shell import display, output
from shell.screen import ERR

if TYPE_CHECKING:
    from shell.candidates import Found
    from shell.state import Request, Shell

#: The number of the job that a shell begins with, whose evaluator is the process of the main thread.
LOCAL: Final = 1

#: Seconds that the server, and another node, get for an answer.
PATIENCE: Final = 10.0

#: Seconds that a completion on another node may take.
GLANCE: Final = 1.5

#: Seconds after which a node that has not answered is said to be silent.
SILENCE: Final = 2.0


class Job:
    """The job of the main thread."""

    def __init__(self, shell: Shell, number: int, node: str) -> None:
        self.shell = shell
        self.number = number
        self.node = node
        #: the number of its next input
        self.input = 1
        #: the input that is being evaluated
        self.request: Request | None = None

    def evaluate(self, request: Request) -> None:
        """Have an input evaluated; ``(tag, "done", number)`` comes when it has been."""
        self.request = request
        self.input += 1
        self.put()

    def put(self) -> None:
        """Send the input to the evaluator; again, to one that has come in the place of one that had not begun."""
        assert self.shell.evaluator is not None
        send(self.shell.evaluator, (self.shell.tag, share(self.request)))

    def interrupt(self) -> None:
        """Nothing: Ctrl-C comes to the main thread by itself."""

    def kill(self) -> None:
        """End the evaluator, whatever it does; the next one has its bindings."""
        assert self.shell.evaluator is not None
        Process.exit(self.shell.evaluator, "kill")

    def answers(self, seconds: float) -> bool:
        """Whether its node says within so many seconds that it is there."""
        return True

    def complete(self, before: str) -> Found:
        """What could be typed next; on a thread of its own."""
        return self.shell.complete_here(before)


class KeptJob(Job):
    """A job whose bindings are held by a keeper: a process on another node, or on this one beside the main thread."""

    def __init__(self, shell: Shell, number: int, node: str, keeper: Pid) -> None:
        super().__init__(shell, number, node)
        self.keeper = keeper
        self._doubt: Pid | None = None
        pyex.spawn(_watch, keeper, pyex.self(), share(shell))

    def put(self) -> None:
        """Send the input to the keeper, as text."""
        assert self.request is not None
        self.request.begun = True
        self._tell("width", self.shell.screen.width())
        self._tell("evaluate", self.request.source, self.request.number)

    def interrupt(self) -> None:
        """Have the keeper end the evaluation; it is said if it does not answer."""
        self._tell("interrupt")
        if self._doubt is None or not Process.alive(self._doubt):
            self._doubt = pyex.spawn(_doubt, self.keeper, share(self.shell))

    def kill(self) -> None:
        """As an interrupt, but it cannot be trapped."""
        self._tell("kill")

    def close(self) -> None:
        """End it."""
        self._tell("close")

    def answers(self, seconds: float) -> bool:
        """Whether the keeper does, whatever the evaluator is at."""
        return _answers(self.keeper, self.shell.tag, seconds)

    def complete(self, before: str) -> Found:
        """What could be typed next, there."""
        from shell.candidates import Found

        alias = Process.alias(reply=True)
        self._tell("complete", alias, before)
        found = receive((alias, Found), timeout=GLANCE, default=None)
        Process.unalias(alias)
        return Found() if found is None else found[1]

    def _tell(self, *what: Any) -> None:
        send(self.keeper, (self.shell.tag, *what))


def _watch(keeper: Pid, server: Pid, shell: Shell) -> None:
    """A process that tells the server when a keeper has gone, also while the prompt waits for a key."""
    down = receive(Down(Process.monitor(keeper)))
    send(server, (shell.tag, "gone", keeper, down.reason))
    shell.reader.aside()


def _answers(keeper: Pid, tag: Ref, seconds: float) -> bool:
    """Whether a keeper answers in time; one that has ended has nothing more to say."""
    there = Process.monitor(keeper, alias="reply_demonitor")
    send(keeper, (tag, "there", there))
    answer = receive((there, "here"), Down(there), timeout=seconds, default=None)
    Process.demonitor(there)
    if answer is None:
        receive((there, "here"), Down(there), timeout=0, default=None)
    return answer is not None


def _doubt(keeper: Pid, shell: Shell) -> None:
    """A process that says so when a keeper does not answer."""
    if not _answers(keeper, shell.tag, SILENCE):
        assert shell.leader is not None
        text = f"{keeper.node} has not answered for {SILENCE:g} s. Ctrl-\\ shows what can be done"
        output.put(shell.leader, "\n" + display.alert(text, colour=shell.screen.theme), ERR)


def open_job(shell: Shell, node: str) -> None:
    """In an evaluator: start a keeper on a node, and have its prompt come next.

    Raises ``ConnectError`` if the node cannot be reached, or has no shell that could be used.
    """
    from shell.keeper import keep

    if "@" not in node:
        node = f"{node}@127.0.0.1"
    ready = Process.alias(reply=True)
    module = share(shell.module) if node == Node.self() else None
    how = (shell.server, shell.tag, ready, shell.screen.theme, shell.screen.width(), module)
    if node == Node.self():
        keeper, watch = pyex.spawn_monitor(keep, *how)
    else:
        Node.connect(node)
        keeper, watch = Node.spawn_monitor(node, keep, *how)
    try:
        answer = receive((ready, "ready"), Down(watch), timeout=PATIENCE, default=None)
        if not isinstance(answer, tuple) or answer[0] != ready:
            why = "it has not answered" if answer is None else f"its process ended with {answer[4]!r}"
            raise pyex.ConnectError(f"there is no prompt to be had on {node}: {why}. Is the same pyex installed there?")
    finally:
        Process.unalias(ready)
        Process.demonitor(watch, flush=True)
    assert shell.server is not None
    send(shell.server, (shell.tag, "open", node, keeper))
