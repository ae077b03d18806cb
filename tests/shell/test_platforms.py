"""Where there is no Unix: what branches by platform, with the platform made up."""

import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from shell import colours, escape, foreground, history, startup
from shell.helpers import code

WITHOUT_UNIX = """
import os, signal, sys
import pyex  # which sees to its own
sys.modules.update(dict.fromkeys(["termios", "tty", "fcntl", "pwd", "grp", "resource", "pty"]))
for name in ("tcsetpgrp", "tcgetpgrp", "getpgrp", "setpgid", "getuid"):
    delattr(os, name)
for name in ("SIGQUIT", "SIGHUP", "SIGTSTP", "SIGTTOU", "SIGUSR1", "SIGCHLD"):
    delattr(signal, name)

import pathlib, pkgutil
import shell, shell.cli
for module in pkgutil.walk_packages(shell.__path__, "shell."):
    if module.name not in ("shell.prompt", "shell.question_prompt", "shell.live_table"):  # these ask prompt_toolkit, which knows
        __import__(module.name)
from shell.testing import capture_shell
print(capture_shell("x = 6 * 7\\nx\\nspawn_monitor(lambda: exit('bye')) and receive(timeout=30).reason\\nbreakpoint\\n1/0"))
"""


def test_without_unix_all_can_be_imported_and_a_shell_runs(env):
    done = subprocess.run([sys.executable, "-c", WITHOUT_UNIX], env=env, capture_output=True, text=True, timeout=50)
    assert done.stdout.startswith("42\n"), done.stderr
    assert "'bye'" in done.stdout
    assert "ZeroDivisionError" in done.stdout


def test_a_terminal_without_unix_is_left_alone(monkeypatch):
    monkeypatch.setattr(foreground, "termios", None)
    with foreground.restored(None, None):
        pass
    monkeypatch.delattr(foreground.os, "tcsetpgrp")
    with foreground.foreground(None):
        pass
    monkeypatch.delattr(signal, "SIGQUIT")
    with escape.way_out(lambda: pytest.fail("there is no such key")):
        pass


def test_without_locks_of_files_the_history_is_kept_all_the_same(monkeypatch, tmp_path):
    monkeypatch.setattr(history, "fcntl", None)
    kept = history.history(tmp_path / "a folder" / "history")
    kept.store_string("x = 1")
    assert [*kept.load_history_strings()] == ["x = 1"]


def test_without_user_ids_a_list_of_trusted_files_is_the_users(monkeypatch, tmp_path):
    monkeypatch.delattr(startup.os, "getuid")
    (tmp_path / ".pyex.py").write_text("x = 1\n")
    trust = startup.Trust(tmp_path / "trusted")
    file = startup.read(tmp_path / ".pyex.py")
    trust.add(file)
    assert trust.has(file)


@pytest.mark.parametrize(("system", "editor"), [("nt", "notepad"), ("posix", "vi")])
def test_the_editor_of_a_system_without_one_in_the_environment(monkeypatch, tmp_path, system, editor):
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    called = []
    monkeypatch.setattr(code.subprocess, "call", lambda argv: called.append(argv) or 0)
    monkeypatch.setattr(code, "os", SimpleNamespace(name=system, environ={}))
    from shell.questions import Questions

    monkeypatch.setattr(code, "this_shell", lambda _: SimpleNamespace(questions=Questions(), far=False))
    code._open_editor(tmp_path / "x.py")
    assert called == [[editor, str(tmp_path / "x.py")]]


def test_a_windows_terminal_has_colours(monkeypatch):
    monkeypatch.setattr(colours.sys, "platform", "win32")
    assert colours.resolved("dark", {}) == "dark"
