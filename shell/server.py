"""The server: a process on a thread of its own that holds the prompt and hands inputs to the evaluators of the jobs."""

from __future__ import annotations

import os
import signal
from typing import Any, Final

import pyex
from pyex import ANY, Node, Pid, Ref, receive, send
from shell import display, output
from shell.jobs import LOCAL, Job, KeptJob, open_job
from shell.questions import Question, QuestionGone
from shell.screen import ERR
from shell.state import Request, Shell, SteppedAside

#: Seconds that a killed shell gets to end in order.
LAST_WORDS: Final = 3.0

#: Seconds that the node of a job gets to say that it is there.
ROLL_CALL: Final = 1.0

#: What can become of an evaluation that does not end.
_CHOICES: Final = {
    "i": "i(nterrupt)",
    "k": "k(ill)",
    "n": "n(ew job beside it)",
    "b": "b(ack to job 1)",
    "w": "w(ait)",
    "q": "q(uit)",
}


class _Left(Exception):
    """The shell has been left."""


def serve(shell: Shell) -> None:
    """Read inputs, one after the other, each when the one before has been evaluated.

    Meanwhile, put the questions of processes to the person: at the prompt, which steps aside, and while an
    input is evaluated.
    """
    assert shell.leader is not None
    try:
        _Server(shell, shell.leader).serve()
    except _Left:
        pass


class _Server:
    """The jobs, and whose prompt it is."""

    def __init__(self, shell: Shell, leader: Pid) -> None:
        self._shell = shell
        self._leader = leader
        here = pyex.self()
        self._first = Job(shell, LOCAL, here.node or "nonode@nohost")
        self._jobs: dict[int, Job] = {LOCAL: self._first}
        self._job = self._first
        #: the evaluators there are now, by their keepers
        self._evaluators: dict[Pid, Pid] = {}
        self._tag = shell.tag
        self._patterns = ((self._tag, ANY), (self._tag, ANY, ANY), (self._tag, ANY, ANY, ANY))

        def asked() -> None:
            shell.reader.aside()
            send(here, (shell.tag, "asked"))

        shell.questions.tell = asked
        if not shell.reader.edits:
            shell.questions.announce = lambda question: output.put(leader, question.text)

    def serve(self) -> None:
        """The life of the server."""
        shell = self._shell
        if receive((self._tag, "evaluator", Pid), (self._tag, "left"))[1] == "left":
            return
        while True:
            if not pyex.sync_output(self._leader):
                pyex.exit("the output process has ended")  # the evaluator sees it, and leaves
            self._catch_up()
            self._put_questions()
            job = self._job
            if job.request is not None:
                self._wait(job)
                continue
            try:
                source = shell.reader.read(job.node, job.input)
            except SteppedAside:
                continue
            self._catch_up()
            if self._job is not job:
                continue  # its line has dropped
            if source is None:
                self._leave(job)
            elif source.strip():
                job.evaluate(Request(source, job.input))
                self._wait(job)

    def _wait(self, job: Job) -> None:
        """Until a job has evaluated its input, or is not the one in front any more."""
        while job.request is not None and self._job is job:
            self._handle(receive(*self._patterns))

    def _catch_up(self) -> None:
        """What has come while the prompt waited. An interrupt of then is none of the next input, but of those after it."""
        while (message := receive(*self._patterns, timeout=0, default=None)) is not None:
            if message[1] == "interrupt":
                self._shell.reader.interrupted()
            else:
                self._handle(message)

    def _handle(self, message: tuple[Any, ...]) -> None:
        shell, first = self._shell, self._first
        match message:
            case (_, "gone", keeper, reason):
                self._dropped(keeper, reason)
            case (_, "asked"):
                self._put_questions()
            case (_, "left"):
                raise _Left
            case (_, "evaluator", _):
                if first.request is not None and not first.request.begun:
                    first.put()
                else:
                    first.request = None  # it has ended the evaluator
            case (_, "evaluates", pid, keeper):
                shell.abroad.add(pid)
                self._evaluators[keeper] = pid
            case (_, "done", which):
                if (job := self._find(which)) is not None:
                    job.request = None
            case (_, "interrupt"):
                shell.reader.interrupted()
                self._job.interrupt()
            case (_, "open", node, keeper):
                number = max(self._jobs) + 1
                self._jobs[number] = KeptJob(shell, number, node, keeper)
                self._to_front(self._jobs[number])
            case (_, "closed", keeper):
                if isinstance(job := self._find(keeper), KeptJob):
                    self._leave(job)
            case (_, "jobs", Ref() as alias):
                send(alias, (alias, [(one.number, one.node, self._doing(one)) for one in self._jobs.values()]))
            case (_, "job", Ref() as alias, number):
                send(alias, (alias, number in self._jobs))
                if number in self._jobs:
                    self._to_front(self._jobs[number])
            case (_, "escape"):
                self._escape()

    def _doing(self, job: Job) -> str:
        if job.request is not None:
            return job.request.source.strip().partition("\n")[0]
        return "at the prompt" if job is self._job else "waits"

    def _find(self, which: int | Pid) -> Job | None:
        return next((job for job in self._jobs.values() if which in (job.number, getattr(job, "keeper", None))), None)

    def _to_front(self, job: Job) -> None:
        self._job = job
        self._shell.front = job.number
        self._shell.completer = job.complete

    def _leave(self, job: Job) -> None:
        """A job is left; with the first one, or the one that the command line wanted, the shell."""
        if isinstance(job, KeptJob):
            self._remove(job)
            job.close()
            if self._shell.remsh is None or job.number != LOCAL + 1:
                return
        assert self._shell.evaluator is not None
        send(self._shell.evaluator, (self._tag, "end_of_input"))
        raise _Left

    def _remove(self, job: KeptJob) -> None:
        del self._jobs[job.number]
        self._evaluators.pop(job.keeper, None)
        if self._job is job:
            self._to_front(self._first)

    def _dropped(self, keeper: Pid, reason: Any) -> None:
        job = self._find(keeper)
        if not isinstance(job, KeptJob):
            return
        why = "the line has dropped" if reason == "noconnection" else f"its process ended with {display.brief(reason)}"
        self._give_up(job, why)

    def _give_up(self, job: KeptJob, why: str) -> None:
        self._remove(job)
        text = f"** (job {job.number} on {job.node} is gone: {why}) This is {Node.self()} again"
        output.put(self._leader, display.alert(text, colour=self._shell.screen.theme), ERR)

    def _put_questions(self) -> None:
        """Put to the person what processes ask, one after the other; returns when there is nothing more."""
        shell = self._shell
        while receive((self._tag, "asked"), timeout=0, default=None) is not None:
            pass  # all that is there is looked at now
        while (question := shell.questions.next()) is not None:
            pyex.sync_output(self._leader)
            if isinstance(self._job, KeptJob) and question.asker == self._evaluators.get(self._job.keeper):
                question.text = question.prompt  # it is clear who asks
            try:
                reply: Any = shell.reader.ask(question) + "\n"
            except EOFError:
                reply = "eof"
            except KeyboardInterrupt:
                reply = ("error", "interrupted")
            except QuestionGone:
                reply = None
            shell.questions.answer(question, reply)
            send(self._leader, (self._tag, "answered", question.alias))

    def _escape(self) -> None:
        """Ctrl-backslash: what is to become of an evaluation that does not end."""
        shell, job = self._shell, self._job
        if job.request is None or not shell.reader.edits:
            return
        choices = ", ".join(text for letter, text in _CHOICES.items() if letter != "b" or job is not self._first)
        silent = "" if job.answers(ROLL_CALL) else f"{job.node} does not answer.\n"
        answer = ""
        while answer not in _CHOICES:
            question = Question(pyex.self(), Ref(), "")
            question.text = f"\n{silent}Job {job.number} is busy: {choices}? "
            pyex.sync_output(self._leader)
            try:
                answer = shell.reader.ask(question).strip().lower()[:1] or "w"
            except (EOFError, KeyboardInterrupt, QuestionGone):
                return
        self._catch_up()
        if job.request is None:
            return  # it has ended meanwhile
        shell.reader.interrupted()
        match answer:
            case "i" if job is self._first:
                os.kill(os.getpid(), signal.SIGINT)
            case "i":
                job.interrupt()
            case "k":
                job.kill()
                if isinstance(job, KeptJob) and not job.answers(2 * ROLL_CALL):
                    job.close()
                    self._give_up(job, f"{job.node} does not answer")
            case "b":
                self._to_front(self._first)
            case "n":
                open_job(shell, Node.self())
            case "q":
                self._quit()

    def _quit(self) -> None:
        """Leave, also when the evaluator holds the main thread for ever."""
        shell = self._shell
        shell.left, shell.status = True, 1
        self._first.kill()
        receive((self._tag, "left"), timeout=LAST_WORDS, default=None)
        os._exit(1)
