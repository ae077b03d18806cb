"""The server: a process on a thread of its own that holds the prompt and hands inputs to the evaluator."""

from __future__ import annotations

from typing import Any

import pyex
from pyex import ANY, Pid, receive, send, share
from shell import output
from shell.questions import QuestionGone
from shell.state import Request, Shell, SteppedAside


def serve(shell: Shell) -> None:
    """Read inputs, one after the other, each when the one before has been evaluated.

    Meanwhile, put the questions of processes to the person: at the prompt, which steps aside, and while an
    input is evaluated.
    """
    leader = shell.leader
    assert leader is not None
    here = pyex.self()

    def asked() -> None:
        shell.reader.aside()
        send(here, (shell.tag, "asked"))

    shell.questions.tell = asked
    if not shell.reader.edits:
        shell.questions.announce = lambda question: output.put(leader, question.text)
    number = 1
    evaluator: Pid = receive((shell.tag, "evaluator", Pid))[2]
    while True:
        if not pyex.sync_output(leader):
            pyex.exit("the output process has ended")  # the evaluator sees it, and leaves
        _put_questions(shell, leader)
        try:
            source = shell.reader.read(here.node or "nonode@nohost", number)
        except SteppedAside:
            continue
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
            message: tuple[Any, ...] = receive((shell.tag, ANY), (shell.tag, "evaluator", ANY))
            while message[1] == "asked":
                _put_questions(shell, leader)
                message = receive((shell.tag, ANY), (shell.tag, "evaluator", ANY))
            if message[1] == "left":
                return
            if message[1] == "evaluator":
                evaluator = message[2]


def _put_questions(shell: Shell, leader: Pid) -> None:
    """Put to the person what processes ask, one after the other; returns when there is nothing more."""
    while receive((shell.tag, "asked"), timeout=0, default=None) is not None:
        pass  # all that is there is looked at now
    while (question := shell.questions.next()) is not None:
        pyex.sync_output(leader)
        try:
            reply: Any = shell.reader.ask(question) + "\n"
        except EOFError:
            reply = "eof"
        except KeyboardInterrupt:
            reply = ("error", "interrupted")
        except QuestionGone:
            reply = None
        shell.questions.answer(question, reply)
        send(leader, (shell.tag, "answered", question.alias))


def _newest(shell: Shell, evaluator: Pid) -> Pid:
    """The evaluator there is now: others may have ended while the prompt waited."""
    while (message := receive((shell.tag, "evaluator", Pid), timeout=0, default=None)) is not None:
        evaluator = message[2]
    return evaluator
