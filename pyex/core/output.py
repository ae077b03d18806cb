"""The ``sys.stdout`` and ``sys.stderr`` of a program whose processes print to their group leaders."""

from __future__ import annotations

import io
from typing import Any, Final, NoReturn, TextIO

from pyex.core import group_leader
from pyex.core.ids import Pid
from pyex.core.messages import Down
from pyex.core.messaging import select
from pyex.core.process import ControlBlock
from pyex.core.process_api import Process
from pyex.core.threads import process_here
from pyex.core.waiting import about_to_wait, can_wait

#: Writes a process may be ahead of its group leader; then it waits, so that it cannot flood a slow one.
AHEAD: Final = 64


class ProcessOutput(io.TextIOBase):
    """A text stream that sends what a process writes to its group leader, line by line.

    What has no group leader (a plain thread, say) goes to ``own``, the stream this one stands for.
    """

    #: what the requests to a group leader are called
    _stream = group_leader.OUT
    #: who floods a slow group leader waits for it
    _waits = True

    def __init__(self, own: TextIO) -> None:
        super().__init__()
        self.own = own

    def _goes_to(self, process: ControlBlock | None) -> Pid | None:
        """Where what this process writes goes; None: to the own stream."""
        return None if process is None or process.leader == process.pid else process.leader

    def write(self, text: str) -> int:
        """Print; in a process, to its group leader."""
        process = process_here()
        leader = self._goes_to(process)
        if process is None or leader is None:
            return self.own.write(text)
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        group_leader.write(process, leader, text, self._stream)
        relations = process.relations
        waits = self._waits and process.exiting is None
        if waits and relations is not None and relations.puts >= AHEAD and can_wait():
            relations.puts = 0
            sync_output(leader)
        return len(text)

    def flush(self) -> None:
        """Send on the text that has no end of line yet."""
        process = process_here()
        if process is None or self._goes_to(process) is None:
            self.own.flush()
        else:
            group_leader.flush(process)

    def close(self) -> None:
        """Nothing: the stream is not its own, and dropped last when the interpreter goes, it must not flush."""

    def isatty(self) -> bool:
        """As the stream this one stands for."""
        return self.own.isatty()

    def fileno(self) -> int:
        """As the stream this one stands for."""
        return self.own.fileno()

    def writable(self) -> bool:
        """Always."""
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """As the stream this one stands for."""
        return self.own.encoding

    @property
    def errors(self) -> str:  # type: ignore[override]
        """As the stream this one stands for; without it ``input()`` takes no terminal for one."""
        return self.own.errors or "strict"

    def __getattr__(self, name: str) -> Any:
        # buffer, reconfigure ...
        return getattr(self.own, name)

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise TypeError("a stream of the program is not copied")


class ProcessErrors(ProcessOutput):
    """The same for standard error, but only what processes write that other nodes have started leaves this one.

    So what such a process logs, or warns of, appears where what it prints does. Nobody waits here: who logs holds
    the lock of the handler, which others want whose scheduler may be the one that the answer comes to.
    """

    _stream = group_leader.ERR
    _waits = False

    def _goes_to(self, process: ControlBlock | None) -> Pid | None:
        return process.leader if process is not None and elsewhere(process.leader) else None


def elsewhere(leader: Pid | None) -> bool:
    """Whether this is a group leader on another node."""
    return leader is not None and type(leader.key) is not int


def remote_leader() -> Pid | None:
    """The group leader of the process this code runs in, if that leader is on another node."""
    process = process_here()
    return process.leader if process is not None and elsewhere(process.leader) else None


def sync_output(leader: Pid) -> bool:
    """Wait until a group leader has written all that this process has sent it; False if it is gone."""
    process = about_to_wait("To wait for the group leader", "`await asyncio.to_thread(...)`")
    ref = Process.monitor(leader)
    group_leader.put(leader, "", process.pid, ref)
    interrupted = None
    while True:
        try:
            answer = select(process, (("io_reply", ref, "ok"), Down(ref)), None, None)
            break
        except KeyboardInterrupt as interrupt:
            interrupted = interrupt  # let in once the answer is here: nobody else would take it from the mailbox
    Process.demonitor(ref, flush=True)
    if interrupted is not None:
        raise interrupted
    return not isinstance(answer, Down)
