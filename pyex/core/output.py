"""The ``sys.stdout`` of a program whose processes print to their group leaders."""

from __future__ import annotations

import io
from typing import Final, TextIO

from pyex.core import group_leader
from pyex.core.ids import Pid
from pyex.core.messages import Down
from pyex.core.messaging import select
from pyex.core.process_api import Process
from pyex.core.threads import process_here, this_process

#: Writes a process may be ahead of its group leader; then it waits, so that it cannot flood a slow one.
AHEAD: Final = 64


class ProcessOutput(io.TextIOBase):
    """A text stream that sends what a process writes to its group leader, line by line.

    What has no group leader (a plain thread, say) goes to ``own``, the stream this one stands for.
    """

    def __init__(self, own: TextIO) -> None:
        super().__init__()
        self.own = own

    def write(self, text: str) -> int:
        """Print; in a process, to its group leader."""
        process = process_here()
        if process is None or process.leader is None or process.leader == process.pid:
            return self.own.write(text)
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        group_leader.write(process, process.leader, text)
        relations = process.relations
        if relations is not None and relations.puts >= AHEAD and process.exiting is None:
            relations.puts = 0
            sync_output(process.leader)
        return len(text)

    def flush(self) -> None:
        """Send on the text that has no end of line yet."""
        process = process_here()
        if process is None or process.leader is None or process.leader == process.pid:
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


def sync_output(leader: Pid) -> bool:
    """Wait until a group leader has written all that this process has sent it; False if it is gone."""
    process = this_process()
    ref = Process.monitor(leader)
    group_leader.put_chars(leader, "", process.pid, ref)
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
