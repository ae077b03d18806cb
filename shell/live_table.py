"""``top``: the processes of a node in a table that fills the terminal, made anew again and again.

A process gathers the rows and hands them over; the terminal is drawn, and its keys are read, on the evaluator's thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from prompt_toolkit.application import Application
from prompt_toolkit.input import create_input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import FormattedTextControl, Layout, Window
from prompt_toolkit.output import create_output

import pyex
from pyex import Node, Process, receive, send, share, spawn
from shell.elsewhere import at
from shell.state import Shell
from shell.survey import HEADS, SORTS, survey
from shell.table import Table

#: The key that sorts by a column.
KEYS: Final = {
    "p": "pid",
    "n": "name",
    "f": "function",
    "s": "status",
    "b": "messages",  # the mailbox
    "m": "memory",
    "r": "reductions",
}

#: Rows that are gathered: no terminal is as high.
_MOST: Final = 500


class View:
    """What is shown, and how; changed by the keys, filled by the process that gathers."""

    def __init__(self, sort: str, node: str | None) -> None:
        self.sort = sort
        self.node = node
        self.turned = False
        self.frozen = False
        self.first = 0
        self.count = 0
        self.rows: list[Any] = []
        self.trouble = ""
        #: has it gathered anew at once
        self.refresh: Callable[[], object] = lambda: None
        self.height = 24
        self.width = 80

    def head(self) -> str:
        """The line above the table."""
        what = "stopped: the space bar goes on" if self.frozen else "the space bar stops"
        order = f"by {self.sort}{', turned' if self.turned else ''}"
        return f"{self.node or Node.self()}: {self.count:,} processes {order}; {what}, q leaves {self.trouble}"

    def text(self) -> str:
        """The whole screen."""
        keys = " ".join(f"{key}:{name}" for key, name in KEYS.items())
        # In the order wanted now: what has been gathered meanwhile may have the one before.
        rows = sorted(self.rows, key=lambda row: getattr(row, self.sort), reverse=SORTS[self.sort] != self.turned)
        self.first = max(0, min(self.first, len(rows) - self.height + 3))
        table = Table(HEADS, rows[self.first : self.first + self.height - 3], keep=self.sort).text(self.width)
        return "\n".join(line[: self.width] for line in (self.head(), keys, *table.splitlines()))

    def sort_by(self, column: str) -> None:
        """Another order; the same one again the other way round."""
        self.turned = self.sort == column and not self.turned
        self.sort = column


class _Held:
    """Holds back what processes print while the table has the terminal."""

    def above(self, write: Any) -> None:
        """Not now: it is written when the table is gone."""


def watch(shell: Shell, sort: str, node: str | None, every: float) -> None:
    """Show the table until a key leaves it."""
    at(node, Node.self)  # raises if the node is not there
    view = View(sort, node)
    output = create_output(shell.screen.out)
    output.enable_cpr = False  # type: ignore[attr-defined]
    control = FormattedTextControl(view.text, show_cursor=False)
    app: Application[None] = Application(
        Layout(Window(control)), full_screen=True, key_bindings=_keys(view), input=create_input(), output=output,
        before_render=lambda app: _measure(view, app),
    )  # fmt: skip
    with shell.questions.evaluator_reads():
        if shell.leader is not None:
            pyex.sync_output(shell.leader)
        shell.screen.prompt_begins(_Held())
        # On a thread of its own: of many processes it takes a while, and no scheduler is to be held by that.
        gatherer = spawn(gather, share(view), every, share(app.invalidate), thread=True)
        view.refresh = lambda: send(gatherer, "now")
        try:
            app.run(handle_sigint=False)
        finally:
            shell.screen.prompt_ended()
            Process.exit(gatherer, "shutdown")


def _measure(view: View, app: Application[None]) -> None:
    size = app.output.get_size()
    view.height, view.width = size.rows, size.columns


def gather(view: View, every: float, changed: Any) -> None:
    """A process: fill the view again and again, until it is ended."""
    while True:
        begun = time.monotonic()
        if not view.frozen:
            try:
                view.count, view.rows = at(view.node, survey, view.sort, _MOST)
                view.trouble = ""
            except Exception as error:
                view.trouble = f"({error})"
            changed()
        # Of much to look at not more than a fifth of the time.
        receive("now", timeout=max(every, 4 * (time.monotonic() - begun)), default=None)


def _keys(view: View) -> KeyBindings:
    keys = KeyBindings()

    def sorter(column: str) -> Any:
        def sort(_event: KeyPressEvent) -> None:
            view.sort_by(column)
            view.refresh()

        return sort

    for key, column in KEYS.items():
        keys.add(key)(sorter(column))

    @keys.add("space")
    def _freeze(_event: KeyPressEvent) -> None:
        view.frozen = not view.frozen
        view.refresh()

    @keys.add("down")
    def _down(_event: KeyPressEvent) -> None:
        view.first += 1

    @keys.add("up")
    def _up(_event: KeyPressEvent) -> None:
        view.first -= 1

    @keys.add("pagedown")
    def _page_down(_event: KeyPressEvent) -> None:
        view.first += view.height - 4

    @keys.add("pageup")
    def _page_up(_event: KeyPressEvent) -> None:
        view.first -= view.height - 4

    @keys.add("q")
    @keys.add("x")
    @keys.add("escape", eager=True)
    @keys.add("c-c")
    @keys.add("c-d")
    def _leave(event: KeyPressEvent) -> None:
        event.app.exit()

    return keys
