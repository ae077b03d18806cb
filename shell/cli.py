"""The command ``pyex``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TextIO

import pyex
from shell import config, startup
from shell.banner import banner, count_start
from shell.colours import resolved
from shell.escape import way_out
from shell.evaluator import INTERRUPTED, open_path, play
from shell.foreground import foreground, restored
from shell.lines import LineReader, OneExpression
from shell.screen import Screen
from shell.state import Reader, Shell

#: The exit status of a command line that cannot be carried out.
BAD_COMMAND = 2


class StartFailed(Exception):
    """The node could not be started as the command line wants it; the text says what to do."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        fail(f"{message}. Try: pyex --help")


def fail(message: str) -> NoReturn:
    """End the program with a line that says what is wrong and what to do."""
    print(f"pyex: {message}", file=sys.stderr)
    sys.exit(BAD_COMMAND)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    options = _Parser(
        prog="pyex",
        usage="pyex [options] [-e EXPR | script.py [arguments] | module:tree | doctor]",
        description="A shell with Erlang's processes and nodes for Python. Without arguments: a prompt. "
        "module:tree runs a supervision tree until SIGTERM or Ctrl-C stops it.",
        allow_abbrev=False,
    )
    options.add_argument("-e", dest="expression", metavar="EXPR", help="print the value of EXPR, and leave")
    options.add_argument("--name", help="the node's name; bob means bob@127.0.0.1 (default: the first free pyexN)")
    options.add_argument("--cookie", help="the secret shared by the nodes of a cluster (default: from a file)")
    options.add_argument("--port", type=_port, default=0, help="the port to listen on (default: any that is free)")
    options.add_argument("--lan", action="store_true", help="be reachable from other machines, by this one's address")
    options.add_argument("--hidden", action="store_true", help="be connected to chosen nodes only, and not listed")
    options.add_argument(
        "--net-ticktime", type=_seconds, metavar="SECONDS", help="silence after which a node is lost (default: 60)"
    )
    options.add_argument(
        "--tls", nargs=3, metavar=("CERT", "KEY", "CA"), help="speak TLS with nodes that have certificates of this CA"
    )
    options.add_argument(
        "--schedulers", type=_count, metavar="N", help="scheduler threads there may be (default: the cores, 2 to 4)"
    )
    options.add_argument(
        "--max-heap-size", type=_size, metavar="BYTES", help="bytes a process may hold (200M, 2G; default: no limit)"
    )
    options.add_argument(
        "--no-code", action="store_true", help="take no functions and objects from other nodes, only data"
    )
    options.add_argument("--connect", metavar="NODE", help="connect to this node first")
    options.add_argument("--remsh", metavar="NODE", help="a prompt on this node; exit() leaves it")
    options.add_argument("-r", dest="files", metavar="FILE", action="append", default=[], help="run this file first")
    options.add_argument("--dot-pyex", action="store_true", help="run the .pyex.py of this folder, trusted or not")
    options.add_argument("--completion", metavar="SHELL", help="print what completes pyex in bash, zsh or fish")
    options.add_argument("--version", action="version", version=f"pyex {pyex.__version__}")
    options.add_argument("script", nargs="?", help=argparse.SUPPRESS)
    options.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return options


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is no port, which is a number from 1 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds") from None


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of schedulers, which is 1 or more")
    return int(text)


def _size(text: str) -> int:
    number, unit = (text[:-1], text[-1].upper()) if text[-1:].upper() in _UNITS else (text, "")
    if not number.isdecimal() or int(number) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no size, which is a number of bytes, or one with K, M or G")
    return int(number) * _UNITS.get(unit, 1)


_UNITS = {"K": 1000, "M": 1000**2, "G": 1000**3}


def main() -> int:
    """Run the command line; the exit status."""
    options = parser().parse_args()
    if options.completion is not None:
        return _print_completion(options.completion)
    if options.expression is not None and options.script is not None:
        fail(f"both -e and {options.script!r} were given. Give one of them")
    try:
        return _run(options)
    except KeyboardInterrupt:
        return INTERRUPTED
    except StartFailed as failure:
        fail(str(failure))
    finally:
        # The runtime ends the processes now; nobody is left to take an interrupt, or to look at an error.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if hasattr(sys, "last_value"):
            del sys.last_value


def _run(options: argparse.Namespace) -> int:
    pyex.configure(schedulers=options.schedulers, max_heap_size=options.max_heap_size)
    # An empty name or cookie is given too: the node says what is wrong with it.
    given = (options.name, options.cookie, options.connect, options.remsh, options.net_ticktime, options.tls)
    wants_node = (
        options.port or options.lan or options.hidden or options.no_code or any(one is not None for one in given)
    )
    start = _starter(options) if wants_node else _nothing
    if options.script == "doctor" and not Path("doctor").exists():
        from shell.doctor import examine

        return examine(options.cookie)
    if options.script is not None:
        from shell.script import run_script
        from shell.service import NoSuchTree, is_service, run_service

        if is_service(options.script) and not Path(options.script).exists():
            try:
                return run_service(options.script, options.arguments, start)
            except NoSuchTree as failure:
                fail(str(failure))
        try:
            return run_script(Path(options.script), options.arguments, start)
        except OSError as error:
            fail(f"cannot read {options.script!r}: {error.strerror}. Give the path of a Python script")
    if options.expression is not None:
        screen = Screen(sys.stdout, sys.stderr, terminal=False, colour=False)
        reader = OneExpression(options.expression, sys.stdin)
        shell = Shell(reader, screen, start=start, open_path=_open_path, once=True)
        shell.files = _given_files(options)
        return play(shell)
    # The path is the user's own only when all that a prompt needs has been imported: a stray token.py or
    # code.py in the working folder is not to be taken for Python's.
    shell = _interactive(options)
    if not shell.screen.terminal:
        return play(shell)
    with foreground(sys.stdin), restored(sys.stdin, sys.stdout), way_out(shell.escape):
        return play(shell)


def _interactive(options: argparse.Namespace) -> Shell:
    typed = sys.stdin.isatty()
    terminal = typed and sys.stdout.isatty()
    dumb = os.environ.get("TERM", "dumb") in ("dumb", "unknown")
    colour = terminal and not dumb and not os.environ.get("NO_COLOR")
    settings = _settings() if typed else config.Config()
    theme = resolved(settings.theme) if colour else ""
    screen = Screen(sys.stdout, sys.stderr, terminal=terminal, colour=theme)
    if not typed:
        shell = Shell(LineReader(sys.stdin), screen, start=_starter(options), open_path=_open_path)
        shell.files = _given_files(options)
        shell.remsh = options.remsh
        return shell
    reader: Reader
    prompt = None
    if terminal and not dumb:
        from shell.prompt import TerminalReader

        reader = prompt = TerminalReader(screen, history_path(), settings)
    else:
        reader = LineReader(sys.stdin, _writer(sys.stdout), settings)
    files, warning = startup.chosen(Path.cwd(), startup.Trust(config.folder() / "trusted"), told_to=options.dot_pyex)
    text = banner(count_start(history_path().with_name("starts")), screen.width()) if settings.banner else ""
    shell = Shell(reader, screen, start=_starter(options), open_path=_open_path, banner=text + warning)
    shell.files = [*files, *_given_files(options)]
    shell.progress_file = history_path().with_name("lessons")
    shell.remsh = options.remsh
    if prompt is not None:
        prompt.completer = shell.complete
        prompt.when_shown = lambda: open_path(shell)  # functions that come from other nodes find its modules, too
    return shell


def _settings() -> config.Config:
    try:
        return config.load(config.folder() / "config.toml")
    except config.BadConfig as error:
        fail(str(error))


def _given_files(options: argparse.Namespace) -> list[startup.StartupFile]:
    files = []
    for name in options.files:
        try:
            files.append(startup.read(Path(name)))
        except OSError as error:
            fail(f"cannot read {name!r}: {error.strerror or error}. Give the path of a Python file")
    return files


def _print_completion(shell: str) -> int:
    from shell.shell_completion import SHELLS, script

    if shell not in SHELLS:
        fail(f"there is completion for {', '.join(SHELLS)}, not for {shell!r}")
    print(script(shell, parser()), end="")
    return 0


def history_path() -> Path:
    """The file that keeps what was typed, from one shell to the next."""
    if path := os.environ.get("PYEX_HISTORY"):
        return Path(path)
    from platformdirs import user_state_dir

    return Path(user_state_dir("pyex")) / "history"


def _starter(options: argparse.Namespace) -> Callable[[], None]:
    """What starts the node; called in the first process."""

    def start() -> None:
        try:
            more = {} if options.net_ticktime is None else {"net_ticktime": options.net_ticktime}
            pyex.Node.start(
                options.name,
                options.cookie,
                port=options.port,
                lan=options.lan,
                hidden=options.hidden,
                tls=options.tls,
                code=not options.no_code,
                **more,
            )
            for node in (options.connect, options.remsh):
                if node is not None:
                    pyex.Node.connect(node)
        except (pyex.PyexError, OSError) as error:
            raise StartFailed(str(error)) from error

    return start


def _nothing() -> None:
    """Without a node there is nothing to start."""


def _open_path() -> None:
    """Put the working folder at the front of the path, in the place of the folder of this program."""
    if not sys.flags.safe_path:
        sys.path[0:1] = [""]


def _writer(stream: TextIO) -> Callable[[str], None]:
    def write(text: str) -> None:
        stream.write(text)
        stream.flush()

    return write
