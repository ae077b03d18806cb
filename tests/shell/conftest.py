"""Shells in tests have a home, a cookie, a history and a name service of their own."""

import logging
import os
import socket
import sys

import pytest

from tests.shell.terminal import ROOT, Terminal


@pytest.fixture(autouse=True)
def reports(alone):
    """What a shell prints includes the reports."""
    logging.getLogger("pyex").setLevel(logging.NOTSET)


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """A person is not kept waiting; what is about that sets its own time, and all else is right also when it comes late."""
    monkeypatch.setattr("shell.bounded.PATIENCE", 30)
    monkeypatch.setattr("shell.surroundings.PATIENCE", 30)
    monkeypatch.setattr("shell.family_tree.ASKED", 30)


@pytest.fixture
def env(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "SYSTEMROOT") if name in os.environ}
    home = tmp_path / "home"
    home.mkdir()
    return kept | {
        "HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "PYEX_COOKIE": "a secret of these tests only",
        "PYEX_HISTORY": str(tmp_path / "history"),
        "ERL_EPMD_PORT": str(port),
        "TERM": "xterm-256color",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }


@pytest.fixture
def terminal(env, tmp_path):
    """Starts ``pyex`` in a terminal; ends it after the test."""
    opened = []

    def start(*options, **more):
        opened.append(Terminal([sys.executable, "-m", "pyex", *options], env | more, tmp_path))
        return opened[-1]

    yield start
    for one in opened:
        one.close()
