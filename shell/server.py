"""The server: a process on a thread of its own that holds the prompt and hands inputs to the evaluator."""

from __future__ import annotations

from typing import Any

import pyex
from pyex import ANY, Pid, receive, send, share
from shell.state import Request, Shell


def serve(shell: Shell) -> None:
    """Read inputs, one after the other, each when the one before has been evaluated."""
    assert shell.leader is not None
    number = 1
    evaluator: Pid = receive((shell.tag, "evaluator", Pid))[2]
    while True:
        if not pyex.sync_output(shell.leader):
            pyex.exit("the output process has ended")  # the evaluator sees it, and leaves
        node = pyex.self().node or "nonode@nohost"
        source = shell.reader.read(node, number)
        evaluator = _newest(shell, evaluator)
        if source is None:
            send(evaluator, (shell.tag, "end_of_input"))
            return
        if not source.strip():
            continue
        request = Request(source, number)
        number += 1
        while not request.begun:  # an evaluator that was ended just now had not begun with it
            send(evaluator, (shell.tag, share(request)))
            message: tuple[Any, ...] = receive((shell.tag, "done"), (shell.tag, "left"), (shell.tag, "evaluator", ANY))
            if message[1] == "left":
                return
            if message[1] == "evaluator":
                evaluator = message[2]


def _newest(shell: Shell, evaluator: Pid) -> Pid:
    """The evaluator there is now: others may have ended while the prompt waited."""
    while (message := receive((shell.tag, "evaluator", Pid), timeout=0, default=None)) is not None:
        evaluator = message[2]
    return evaluator
