"""Servers that the tests about GenServer share, and starting one at a given place."""

from pyex import GenServer, NoReply, Reply, Stop, exit, receive, self, send, sleep
from pyex.core.process import processes
from tests.core.support import result_at


class Counter(GenServer):
    def init(self, start=0):
        self.n = start

    def handle_call(self, request, caller):
        match request:
            case "get":
                return Reply(self.n)
            case ("divide", by):
                return Reply(self.n // by)
            case "nothing":
                return None
            case ("exit", reason):
                exit(reason)
            case ("stop", reason):
                return Stop(reason)
            case ("stop", reason, reply):
                return Stop(reason, reply=reply)
            case ("echo", value):
                return Reply(value)
            case ("sleep", seconds, value):
                sleep(seconds)
                return Reply(value)
            case "wait":
                receive("go on")
                return Reply("went on")
            case "never":
                return NoReply()
            case ("call", server, request):
                return Reply(GenServer.call(server, request))
        return super().handle_call(request, caller)

    def handle_cast(self, request):
        match request:
            case ("add", k):
                self.n += k
            case ("tell", pid, message):
                send(pid, message)
            case "wait":
                receive("go on")
            case _:
                super().handle_cast(request)


def server_at(place, cls, *args, **options):
    """Start a server on a given scheduler (an index) or on a thread of its own."""
    if place == "thread":
        return cls.start(*args, thread=True, **options)
    return result_at(place, lambda: cls.start(*args, **options))


def no_traces_of_calls(server):
    """Nothing that a call has made is left, on either side."""
    mine, its = (processes[pid.key] for pid in (self(), server))
    return not (mine.monitors or mine.aliases or its.watchers)
