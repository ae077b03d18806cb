"""Helpers about the jobs of a shell: prompts on this node and on others."""

from __future__ import annotations

from typing import Any

import pyex
from pyex import ANY, Process, receive, send
from shell.current import this_shell
from shell.jobs import LOCAL, PATIENCE, open_job
from shell.table import Table

__all__ = ["job", "jobs", "quiet", "remote"]


def remote(node: str) -> None:
    """Give a prompt on another node: what is typed there is evaluated there, what it prints appears here.

    ``exit()`` or Ctrl-D at that prompt comes back; ``job(1)`` comes back and leaves it open. Raises ``ConnectError`` if the
    node cannot be reached.

    >>> remote("bob@127.0.0.1")
    """
    open_job(this_shell("remote()"), node)


def jobs() -> Table:
    """The jobs of this shell: a table of their numbers, their nodes and what they do.

    >>> jobs()
    """
    return Table(("job", "node", "does"), _ask("jobs"), "there is none")


def job(number: int = LOCAL) -> None:
    """Go to another job's prompt; the one left waits, or goes on with what it does.

    Raises ``LookupError`` for a job that there is not.

    >>> job(2)
    """
    if not _ask("job", number):
        raise LookupError(f"there is no job {number!r}; jobs() shows which there are")


def quiet(on: bool = True) -> None:
    """Do not show what other processes print, until ``quiet(False)``, which says how much that was.

    >>> quiet()
    """
    shell = this_shell("quiet()")
    assert shell.leader is not None
    send(shell.leader, (shell.tag, "quiet", on))
    pyex.sync_output(shell.leader)


def _ask(what: str, *more: Any) -> Any:
    shell = this_shell(f"{what}()")
    alias = Process.alias(reply=True)
    assert shell.server is not None
    send(shell.server, (shell.tag, what, alias, *more))
    answer = receive((alias, ANY), timeout=PATIENCE, default=None)
    if answer is None:
        Process.unalias(alias)
        raise RuntimeError(f"{what}() is answered while this job is in front; another one is")
    return answer[1]
