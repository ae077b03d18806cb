"""``pyex doctor``: what may be wrong on this machine, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import pyex

_LOOPBACK: Final = "127.0.0.1"


class Finding(NamedTuple):
    """One thing that was looked at."""

    what: str
    #: how it is
    state: str
    #: what to do; nothing, if it is well
    remedy: str = ""


def examine(cookie: str | None = None, write: Callable[[str], object] = sys.stdout.write) -> int:
    """Look at everything and say how it is; the exit status: 1 if something is wrong."""
    wrong = 0
    for look in (_python, _packages, _terminal, _files, lambda: _cookie(cookie), _ports, _name_service):
        try:
            for finding in look():
                mark = "!!" if finding.remedy else "ok"
                wrong += bool(finding.remedy)
                write(f"{mark}  {finding.what}: {finding.state}\n")
                if finding.remedy:
                    write(f"      {finding.remedy}\n")
        except Exception as error:  # one look that fails is a finding, too
            wrong += 1
            write(f"!!  {getattr(look, '__name__', 'cookie').strip('_')}: {type(error).__name__}: {error}\n")
    write("All is well.\n" if not wrong else f"{wrong} to look at.\n")
    return 1 if wrong else 0


def _python() -> Iterator[Finding]:
    text = f"{platform.python_version()} ({platform.python_implementation()}) on {platform.system()}"
    if platform.python_implementation() != "CPython":
        yield Finding(
            "Python", text, "Processes cannot be interrupted on it: those that loop hold up others. Use CPython"
        )
    else:
        yield Finding("Python", text)


def _packages() -> Iterator[Finding]:
    from importlib.metadata import PackageNotFoundError, version

    for name in ("greenlet", "msgpack", "cloudpickle", "prompt_toolkit", "pygments", "platformdirs"):
        try:
            yield Finding(name, version(name))
        except PackageNotFoundError:
            yield Finding(name, "is not installed", f"Install it: {sys.executable} -m pip install {name}")


def _terminal() -> Iterator[Finding]:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield Finding("terminal", "none; the prompt reads lines, without editing")
        return
    columns, rows = shutil.get_terminal_size()
    term = os.environ.get("TERM", "")
    if term in ("", "dumb", "unknown"):
        yield Finding(
            "terminal", f"TERM is {term!r}", "There is no editing and no colour. Try: TERM=xterm-256color pyex"
        )
    else:
        yield Finding("terminal", f"{term}, {columns} x {rows}" + (", NO_COLOR" if os.environ.get("NO_COLOR") else ""))
    encoding = (sys.stdout.encoding or "").lower()
    if "utf" not in encoding:
        yield Finding(
            "encoding", encoding or "unknown", "Other letters than English ones are escaped. Try: LANG=C.UTF-8 pyex"
        )
    else:
        yield Finding("encoding", encoding)


def _files() -> Iterator[Finding]:
    from shell import config
    from shell.cli import history_path

    path = config.folder() / "config.toml"
    try:
        config.load(path)
    except config.BadConfig as error:
        yield Finding("configuration", "cannot be used", str(error))
    else:
        yield Finding("configuration", str(path) if path.exists() else f"none; it would be {path}")
    history = history_path()
    folder = next(one for one in (history, *history.parents) if one.exists())
    if not os.access(folder, os.W_OK):
        yield Finding("history", f"{history} cannot be written", f"What is typed is not kept. Make {folder} your own")
    else:
        yield Finding("history", str(history))


def _cookie(given: str | None) -> Iterator[Finding]:
    pyex.configure(schedulers=1)
    try:
        pyex.Node.start(None, given)
    except pyex.CookieError as error:
        yield Finding("cookie", "cannot be used", str(error))
        return
    except (pyex.PyexError, OSError) as error:
        yield Finding("node", "cannot be started", str(error))
        return
    cookie = pyex.Node.cookie()
    source = "--cookie" if given is not None else "PYEX_COOKIE" if "PYEX_COOKIE" in os.environ else "the user's file"
    if len(cookie) < 20:
        yield Finding(
            "cookie", f"{len(cookie)} characters, from {source}", "It can be guessed. Use 20 characters and more"
        )
    else:
        yield Finding("cookie", f"{len(cookie)} characters, from {source}")
    yield Finding("node", f"{pyex.Node.self()} could be started")


def _ports() -> Iterator[Finding]:
    with socket.socket() as listener:
        listener.bind((_LOOPBACK, 0))
        listener.listen()
        with socket.create_connection(listener.getsockname(), 5):
            yield Finding("loopback", "connections are possible")
    try:
        addresses = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    except OSError:
        yield Finding(
            "host",
            f"{socket.gethostname()} has no address",
            "Only nodes of this machine can be reached. See /etc/hosts",
        )
        return
    yield Finding("host", f"{socket.gethostname()} is {', '.join(sorted(map(str, addresses)))}")


def _name_service() -> Iterator[Finding]:
    port = os.environ.get("ERL_EPMD_PORT", "4369")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        yield Finding("name service", f"ERL_EPMD_PORT is {port!r}", "That is no port. Remove it, or make it 4369")
        return
    epmd = shutil.which("epmd")
    try:
        names = pyex.Node.names()
    except pyex.ConnectError as error:
        yield Finding(
            "name service", str(error), f"Something else may listen on port {port}. See what: lsof -i :{port}"
        )
        return
    kind = f"there is an epmd at {epmd}" if epmd else "the first node serves it"
    others = sorted({*names} - {pyex.Node.self(), pyex.Node.self().partition("@")[0]})
    yield Finding("name service", f"port {port}, {kind}; nodes: {', '.join(others) or 'none but this one'}")
    stale = [one for one in others if not pyex.Node.ping(one if "@" in one else f"{one}@{_LOOPBACK}")]
    if stale:
        yield Finding("nodes", f"{', '.join(stale)} cannot be connected to", "Another cookie, or not nodes of pyex")
