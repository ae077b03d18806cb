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
from shell.evaluator import ends_the_process, failure, outcome, remember, surely
from shell.lines import LineReader
from shell.screen import Screen
from shell.state import Request, Shell

#: Seconds that an evaluator has to come out of a call of C code, which nothing interrupts; then it is ended.
INSIST: Final = 1.0

#: Seconds that an evaluator gets to end in order, as a child of a supervisor does.
LAST_WORDS: Final = 5.0

#: The reason of an evaluator that could not be interrupted otherwise: an orderly end, as others see it.
INTERRUPTED: Final = ("shutdown", "interrupted")


def keep(server: Pid, tag: Ref, ready: Ref, colour: str, width: int | None, module: types.ModuleType | None) -> None:
    """The keeper: does what the server of a shell says, until that is gone."""
    watch = Process.monitor(server)
    screen = _FarScreen(colour, width)
    shell = Shell(LineReader(sys.stdin), screen)
    shell.tag, shell.server = tag, server
    shell.leader = Process.group_leader()
    shell.far = True
    shell.label = f" for {server.node}" if server.node != pyex.self().node else " beside"
    if module is not None:
        shell.module = module
    with pyex.process_streams():
        evaluator = _Evaluator(shell)
        send(server, (tag, "evaluates", evaluator.pid, pyex.self()))
        send(ready, (ready, "ready"))
        while True:
            match receive((tag, ANY), (tag, ANY, ANY), (tag, ANY, ANY, ANY), Down):
                case Down(ref=ref) if ref == watch:
                    evaluator.stop()
                    return
                case Down(ref=ref, reason=reason) if ref == evaluator.watch:
                    evaluator.restart(reason)
                    send(server, (tag, "evaluates", evaluator.pid, pyex.self()))
                    send(server, (tag, "done", pyex.self()))
                case (_, "evaluate", source, number):
                    send(evaluator.pid, (tag, "evaluate", source, number))
                case (_, "width", columns):
                    screen.columns = columns
                case (_, "interrupt"):
                    evaluator.interrupt()
                case (_, "insist", pid):
                    evaluator.insist(pid)
                case (_, "there", alias):
                    send(alias, (alias, "here"))
                case (_, "kill"):
                    evaluator.end("kill")
                case (_, "complete", alias, before):
                    pyex.spawn(_complete, alias, before, share(shell), thread=True)
                case (_, "close"):
                    evaluator.stop()
                    return


def _complete(alias: Ref, before: str, shell: Shell) -> None:
    """A process that answers what could be typed next; it may take a little."""
    send(alias, (alias, shell.complete(before)))


class _FarScreen(Screen):
    """What is known of the screen of the shell; nothing is written to it from here."""

    def __init__(self, colour: str, width: int | None) -> None:
        super().__init__(sys.stdout, sys.stderr, terminal=False, colour=colour)
        self.columns = width

    def width(self) -> int | None:
        """Its columns, when what runs was typed."""
        return self.columns


class _Evaluator:
    """The evaluator there is now."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._keeper = pyex.self()
        self._start()

    def _start(self) -> None:
        #: it was told to end, for it has not taken an interrupt
        self._insisted = False
        self._shell.evaluating = False
        self.pid, self.watch = pyex.spawn_monitor(_live, share(self._shell), self._keeper, thread=True)

    def end(self, reason: Any) -> None:
        Process.exit(self.pid, reason)

    def stop(self) -> None:
        """End it for good: in order, if it lets that happen."""
        self.end("shutdown")
        if receive(Down(self.watch), timeout=LAST_WORDS, default=None) is None:
            self.end("kill")

    def interrupt(self) -> None:
        """Interrupt what it evaluates, and nothing else."""
        if self._shell.evaluating:
            pyex.interrupt(self.pid)
            self._look_again()

    def insist(self, pid: Pid) -> None:
        """End the one that has not come to take its interrupt."""
        if pid == self.pid and self._shell.evaluating and pyex.interrupt_waits(pid):
            self.end("kill" if self._insisted else INTERRUPTED)
            self._insisted = True
            self._look_again()

    def _look_again(self) -> None:
        Process.send_after(self._keeper, (self._shell.tag, "insist", self.pid), INSIST)

    def restart(self, reason: Any) -> None:
        """Say how the one before ended, and start the next."""
        shell = self._shell
        colour = shell.screen.theme
        if self._insisted:
            text = "\n" + display.alert(
                f"KeyboardInterrupt: {self.pid!r} was in a call that takes none, and has ended", colour=colour
            )
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
        while True:
            try:
                message = receive((shell.tag, "evaluate", str, int), Down(watch))
            except KeyboardInterrupt:
                continue  # it was for the input before
            if isinstance(message, Down):
                return
            _evaluate(shell, Request(message[2], message[3]), keeper)
    finally:
        shells.pop(here, None)


def _evaluate(shell: Shell, request: Request, keeper: Pid) -> None:
    shell.evaluating = True
    try:
        text = outcome(shell, request)
    except BaseException as error:
        if isinstance(error, Leave):
            send(shell.server, (shell.tag, "closed", keeper))  # and from there it comes to the keeper
            return
        if ends_the_process(error):
            raise
        remember(shell, error)
        # On the terminal "^C" stands on the line.
        text = "\n" * isinstance(error, KeyboardInterrupt) + failure(shell, error)
    shell.evaluating = False
    surely(sys.stdout.flush)
    surely(sys.stderr.flush)
    leader = shell.leader
    assert leader is not None
    if text:
        surely(lambda: output.put(leader, text, sender=pyex.self()))
    surely(lambda: pyex.sync_output(leader))
    surely(lambda: send(shell.server, (shell.tag, "done", keeper)))
