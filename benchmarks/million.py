"""``python -m benchmarks.million [N]``: a million idle GenServers are started, answer a call each, and are stopped."""

import resource
import sys
from time import perf_counter

from pyex import Down, GenServer, Process, Reply, receive, run, self, send, spawn_monitor

#: Bytes that they may take all together.
GOAL = 2_000_000_000


class Server(GenServer):
    def init(self, n):
        self.n = n

    def handle_call(self, request, caller):
        return Reply(self.n)


def measure(n: int) -> list[str]:
    lines = []

    def timed(what, work):
        begin = perf_counter()
        result = work()
        took = perf_counter() - begin
        lines.append(f"{what:<6} {took:>8.1f} s   {took / n * 1e6:>6.1f} us each")
        return result

    before = peak()
    servers = timed("start", lambda: [Server.start(number) for number in range(n)])
    answers = timed(
        "call", lambda: sum(GenServer.call(server, "get") == number for number, server in enumerate(servers))
    )
    each = (peak() - before) / n
    timed("stop", lambda: [GenServer.stop(server) for server in servers])
    left = sum(Process.alive(server) for server in servers)
    lines.append(
        f"{answers:,} of {n:,} answered, {left} are left; {each:,.0f} bytes each, {peak() / 1e9:.2f} GB in all"
    )
    if n >= 1_000_000:
        lines.append("reached: under 2 GB" if peak() < GOAL else "MISSED: under 2 GB")
    return lines


def peak() -> int:
    """The largest resident size there was, in bytes."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size if sys.platform == "darwin" else size * 1024


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    here = self()
    _, ref = spawn_monitor(lambda: send(here, measure(n)))  # on a scheduler, where the servers are too
    print("\n".join(receive(list)))
    receive(Down(ref))


run(main)
