"""Helpers that show many processes at once: how they hang together, and what they do as time passes."""

from __future__ import annotations

import sys
from typing import Any

import pyex
from shell import family_tree
from shell.current import this_shell, width_here
from shell.elsewhere import at
from shell.fitting import cut
from shell.survey import HEADS, expect_sort, pid_of, survey
from shell.table import Table

__all__ = ["top", "tree"]


def tree(root: Any = None, node: str | None = None) -> None:
    """Draw who has started whom, supervisors and their children, and who is linked to whom.

    From one process on, by its pid or name, or all of a node. A dashed branch is a link to a process that was started
    elsewhere.

    >>> tree()
    >>> tree("my_supervisor")
    """
    try:
        pid = pid_of(root) if root is not None else None
    except pyex.NoProcess as error:
        if not isinstance(root, str) or "Did you mean" in str(error):
            raise
        raise pyex.NoProcess(message=f"{error}. All of another node: tree(node={root!r})") from None
    members = at(pid.node if pid is not None else node, family_tree.gather)
    fine = (sys.stdout.encoding or "").lower().startswith("utf")
    print(cut(family_tree.draw(members, pid, fine=fine), width_here()))


def top(sort: str = "memory", node: str | None = None, every: float = 1.0) -> Table | None:
    """Watch the processes of a node, this one if none is named, in a table that is made anew ``every`` so many seconds.

    Keys: m memory, b messages (the mailbox), r reductions, p pid, n name, f function, s status: sort by that, again for
    the other way round; the space bar stops and goes on; the arrows move; q, Esc or Ctrl-C leave. What processes print
    meanwhile comes afterwards. Where there is no terminal: the table of now.

    >>> top("messages")
    """
    expect_sort(sort, "top")
    shell = this_shell("top()")
    if not shell.screen.terminal:
        _, rows = at(node, survey, sort, 20)
        return Table(HEADS, rows, keep=sort)
    from shell.live_table import watch

    watch(shell, sort, node, every)
    return None
