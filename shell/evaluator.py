"""The evaluator: a process on the main thread that runs what is typed.

Every input runs in it, so ``self()`` at the prompt is its pid. When it ends, by ``exit(reason)``, a link
or a kill, :func:`play` starts another one with the same bindings.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final, TextIO, cast

import pyex
from pyex import ANY, Crash, Down, Exit, Pid, Process, Ref, receive, run, send, share, spawn
from shell import display, jobs, output, server
from shell.changes import note_imports
from shell.current import Leave, shells
from shell.evaluation import BadInput, Code, input_name
from shell.helpers.session import exit, quit
from shell.input import ShellInput
from shell.jobs import open_job
from shell.preload import follow, helper_name
from shell.prying import breakpoints
from shell.reports import ReportHandler, installed
from shell.screen import ERR, OUT
from shell.state import Request, Shell

#: The exit status after Ctrl-C, as shells have it.
INTERRUPTED: Final = 130


def play(shell: Shell) -> int:
    """Run a shell on this thread until it is left; the exit status.

    The first evaluator is the first process of all, and sets up the others.
    """
    streams = sys.stdin, sys.stdout, sys.stderr
    main = sys.modules.get("__main__")
    sys.modules["__main__"] = shell.module
    sys.stdin = cast(TextIO, ShellInput(shell, sys.stdin))
    try:
        with installed(ReportHandler(shell)), pyex.process_streams(), breakpoints():
            while not shell.left:
                try:
                    run(_live, shell)
                    reason: Any = "normal"
                except (Exception, KeyboardInterrupt) as error:
                    if shell.server is None:
                        raise  # it could not be set up
                    if isinstance(error, KeyboardInterrupt):
                        continue  # it came between two inputs
                    reason = error.reason if isinstance(error, Exit) else Crash(error)
                if shell.evaluator is not None:
                    shell.ending = shell.evaluator, reason
    finally:
        sys.stdin, sys.stdout, sys.stderr = streams
        if main is not None:
            sys.modules["__main__"] = main
    return shell.status


def _live(shell: Shell) -> None:
    """The life of an evaluator."""
    shell.evaluator = pyex.self()
    shells[shell.evaluator] = shell
    try:
        _work(shell)
    finally:
        del shells[shell.evaluator]


def _work(shell: Shell) -> None:
    assert shell.evaluator is not None
    leader = shell.leader
    if leader is None or shell.server is None:
        shell.start()
        leader = shell.leader = spawn(
            output.write_requests,
            share(shell.screen),
            shell.tag,
            share(shell.questions),
            share(shell.is_own),
            thread=True,
        )
        Process.group_leader(shell.evaluator, leader)
        shell.streams = [
            output.ShellOutput(leader, shell.screen.out),
            pyex.ProcessErrors(cast(TextIO, output.QueueStream(leader, ERR, shell.screen.err))),
        ]
        sys.stdout, sys.stderr = cast(list[TextIO], shell.streams)
        if shell.banner:
            output.put(leader, shell.banner)
        shell.server = spawn(server.serve, share(shell), thread=True)
        _start(shell, leader)
    else:
        Process.group_leader(shell.evaluator, leader)
        _report_ending(shell, leader)
    watch = Process.monitor(shell.server)
    send(shell.server, (shell.tag, "evaluator", shell.evaluator))
    while not shell.left:
        try:
            message = receive((shell.tag, ANY), Down(watch))
        except KeyboardInterrupt:
            send(shell.server, (shell.tag, "interrupt"))  # nothing runs here; perhaps in another job
            continue
        if isinstance(message[1], Request):
            _evaluate(shell, message[1], leader)
        else:  # the end of input, or of the server
            shell.left = True
            if message[0] != shell.tag:
                shell.status = 1
                print(f"pyex: the process of the prompt has ended: {message[4]!r}", file=shell.screen.err)
    surely(lambda: _take_down(shell, leader, watch))


def _start(shell: Shell, leader: Pid) -> None:
    """Run what is to be run before the first prompt, which waits for it."""
    for file in shell.files:
        try:
            open_path(shell)
            file.run(shell)
        except Leave:
            shell.left = True
        except BaseException as error:
            if ends_the_process(error):
                raise
            text = failure(shell, error)
            surely(lambda text=text: output.put(leader, text, ERR))  # type: ignore[misc]
            if shell.once:
                shell.status = 1
    if shell.remsh is not None and not shell.left:
        try:
            open_job(shell, shell.remsh)
        except pyex.ConnectError as error:  # it was there a moment ago
            output.put(leader, failure(shell, error), ERR)
            shell.remsh = None


def open_path(shell: Shell) -> None:
    """Make the user's import path, once."""
    make, shell.open_path = shell.open_path, _nothing
    make()


def _nothing() -> None:
    """It has been done."""


def _report_ending(shell: Shell, leader: Pid) -> None:
    """Say how the evaluator before this one ended."""
    if shell.ending is None:
        return
    (pid, reason), shell.ending = shell.ending, None
    if shell.once:
        match reason:
            case "normal":
                return
            case ("exit", int(code)):
                shell.status = code
                return
        shell.status = 1
    output.put(leader, display.ending(pid, reason, colour=shell.screen.theme), ERR)


def _take_down(shell: Shell, leader: Pid, watch: Ref) -> None:
    """Leave: the server first, then the output, when it has written everything."""
    shell.questions.close()
    send(shell.server, (shell.tag, "left"))
    receive(Down(watch), timeout=1, default=None)
    watch = Process.monitor(leader)
    send(leader, (shell.tag, "stop"))
    receive(Down(watch), timeout=1, default=None)


def _evaluate(shell: Shell, request: Request, leader: Pid) -> None:
    """Run one input and answer the server; what ends the process passes through."""
    request.begun = True
    open_path(shell)
    try:
        text, stream = outcome(shell, request), OUT
    except BaseException as error:
        if isinstance(error, Leave):
            shell.left = True
            return
        if ends_the_process(error):
            raise
        if shell.once:
            shell.status = INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1
        if isinstance(error, KeyboardInterrupt):
            shell.reader.interrupted()
        remember(shell, error)
        text, stream = failure(shell, error), ERR
    for own in shell.streams:
        surely(own.flush)
    if text:
        surely(lambda: output.put(leader, text, stream))
    surely(lambda: send(shell.server, (shell.tag, "done", jobs.LOCAL)))


def outcome(shell: Shell, request: Request) -> str:
    """Run an input; the text that shows its value."""
    code = Code(request.source, input_name(request.number, shell.label), shell.compiler_flags)
    shell.compiler_flags = code.flags
    follow(shell.module)
    shell.results.begin(request.number, request.source)
    value = code.run(shell.module)
    note_imports()
    shell.results.finish(request.number, value)
    if value is None:
        return ""
    names = vars(shell.module)["__builtins__"]
    names["_"], names["__"] = value, names.get("_")
    if value is exit or value is quit:
        return "exit() or Ctrl-D leaves the shell; exit(reason) ends the evaluation\n"
    if (name := helper_name(value)) is not None:
        return f"{name}() calls it; h({name}) tells what it does\n"
    return display.result(value, colour=shell.screen.theme, width=shell.screen.width())


def failure(shell: Shell, error: BaseException) -> str:
    """The text that shows what an input has raised."""
    try:
        return _describe(shell, error)
    except KeyboardInterrupt as interrupt:  # the text of the error took too long
        return _describe(shell, interrupt)


def _describe(shell: Shell, error: BaseException) -> str:
    colour = shell.screen.theme
    if isinstance(error, BadInput) and error.__cause__ is not None:
        return display.syntax_error(error.__cause__, colour=colour) + error.hint
    if isinstance(error, KeyboardInterrupt):
        # On a terminal "^C" stands on the line.
        return ("\n" if shell.screen.terminal else "") + display.alert("KeyboardInterrupt", colour=colour)
    return display.error(error, colour=colour)


def surely(action: Callable[[], object]) -> None:
    """Carry out an action of the shell's own, whatever interrupts still come."""
    while True:
        try:
            action()
        except KeyboardInterrupt:
            continue
        return


def ends_the_process(error: BaseException) -> bool:
    """Whether this is exit(reason), SystemExit or the runtime's signal to end; an error is none of them."""
    if isinstance(error, Exception):
        return type(error) is Exit
    return isinstance(error, SystemExit) or type(error).__module__.startswith("pyex.")


def remember(shell: Shell, error: BaseException) -> None:
    """As Python's own prompt does, for ``pdb.pm()``; and for ``bt()``."""
    if not isinstance(error, BadInput | KeyboardInterrupt):
        shell.results.error = error
        sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
