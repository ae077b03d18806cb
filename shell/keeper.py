"""A prompt's other end: a keeper, which holds bindings, and an evaluator, which it starts anew when that ends.

The keeper runs on the node whose prompt it is, and goes, with the evaluator, when the shell does or the line drops. The
evaluator has a thread of its own, so that code that blocks holds up nobody else on that node. What it prints goes to the
shell's output process, its group leader, and what it asks with ``input()`` is asked there.
"""

from __future__ import annotations

import sys
import types
from typing import Any, Final

import pyex
from pyex import ANY, Down, Pid, Process, Ref, receive, send, share
from shell import display, output
from shell.current import Leave, shells
from shell.evaluator import ends_the_process, failure, outcome, remember
from shell.lines import LineReader
from shell.screen import Screen
from shell.state import Request, Shell

#: Seconds until an evaluator that traps the exit of an interrupt is killed.
INSIST: Final = 1.0

#: The reason of an evaluator that was interrupted: an orderly end, as others see it.
INTERRUPTED: Final = ("shutdown", "interrupted")


def keep(server: Pid, tag: Ref, ready: Ref, colour: bool, width: int | None, module: types.ModuleType | None) -> None:
    """The keeper: does what the server of a shell says, until that is gone."""
    watch = Process.monitor(server)
    shell = Shell(LineReader(sys.stdin), _FarScreen(colour, width))
    shell.tag, shell.server = tag, server
    shell.leader = Process.group_leader()
    shell.label = f" for {server.node}" if server.node != pyex.self().node else " beside"
    if module is not None:
        shell.module = module
    with pyex.process_streams():
        evaluator = _Evaluator(shell)
        send(server, (tag, "evaluates", evaluator.pid))
        send(ready, (ready, "ready"))
        while True:
            match receive((tag, ANY), (tag, ANY, ANY), (tag, ANY, ANY, ANY), Down):
                case Down(ref=ref) if ref == watch:
                    evaluator.end("kill")
                    return
                case Down(ref=ref, reason=reason) if ref == evaluator.watch:
                    evaluator.restart(reason)
                    send(server, (tag, "evaluates", evaluator.pid))
                    send(server, (tag, "done", pyex.self()))
                case (_, "evaluate", source, number):
                    send(evaluator.pid, (tag, "evaluate", source, number))
                case (_, "interrupt"):
                    evaluator.end(INTERRUPTED)
                    Process.send_after(pyex.self(), (tag, "insist", evaluator.pid), INSIST)
                case (_, "insist", pid):
                    Process.exit(pid, "kill")  # dead long ago, most often
                case (_, "kill"):
                    evaluator.end("kill")
                case (_, "complete", alias, before):
                    pyex.spawn(_complete, alias, before, share(shell), thread=True)
                case (_, "close"):
                    evaluator.end("kill")
                    return


def _complete(alias: Ref, before: str, shell: Shell) -> None:
    """A process that answers what could be typed next; it may take a little."""
    send(alias, (alias, shell.complete(before)))


class _FarScreen(Screen):
    """What is known of the screen of the shell; nothing is written to it from here."""

    def __init__(self, colour: bool, width: int | None) -> None:
        super().__init__(sys.stdout, sys.stderr, terminal=False, colour=colour)
        self._width = width

    def width(self) -> int | None:
        """Its columns, when the job was opened."""
        return self._width


class _Evaluator:
    """The evaluator there is now."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._keeper = pyex.self()
        self._start()

    def _start(self) -> None:
        self.pid, self.watch = pyex.spawn_monitor(_live, share(self._shell), self._keeper, thread=True)

    def end(self, reason: Any) -> None:
        Process.exit(self.pid, reason)

    def restart(self, reason: Any) -> None:
        """Say how the one before ended, and start the next."""
        shell = self._shell
        colour = shell.screen.colour
        if reason == INTERRUPTED:
            text = "\n" + display.alert("KeyboardInterrupt", colour=colour)
        else:
            text = display.ending(self.pid, reason, colour=colour)
        assert shell.leader is not None
        output.put(shell.leader, text, sender=pyex.self())
        self._start()


def _live(shell: Shell, keeper: Pid) -> None:
    """The evaluator's process."""
    here = shell.evaluator = pyex.self()
    shells[here] = shell
    watch = Process.monitor(keeper)
    try:
        while not isinstance(message := receive((shell.tag, "evaluate", str, int), Down(watch)), Down):
            _evaluate(shell, Request(message[2], message[3]), keeper)
    finally:
        shells.pop(here, None)


def _evaluate(shell: Shell, request: Request, keeper: Pid) -> None:
    try:
        text = outcome(shell, request)
    except BaseException as error:
        if isinstance(error, Leave):
            send(shell.server, (shell.tag, "closed", keeper))  # and from there it comes to the keeper
            return
        if ends_the_process(error):
            raise
        remember(shell, error)
        text = failure(shell, error)
    sys.stdout.flush()
    sys.stderr.flush()
    assert shell.leader is not None
    if text:
        output.put(shell.leader, text, sender=pyex.self())
    pyex.sync_output(shell.leader)
    send(shell.server, (shell.tag, "done", keeper))
