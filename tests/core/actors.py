"""What the processes of the state machine run; and how it is told what they see."""

import time

from pyex import ANY, NameTaken, NoProcess, Pid, Process, Ref, receive, self, send, sleep
from pyex.core.identity import identity
from pyex.core.process import processes
from pyex.core.threads import this_process
from tests.core.support import SOON, until


def actor():
    """Does what it is told, until that ends it; every other message stays in its mailbox."""
    done = False
    while not done:
        _, ref, boss, fn = receive(("do", Ref, Pid, ANY))
        try:
            value = fn()
        except (NoProcess, NameTaken) as refusal:
            value = type(refusal)
        done = value is StopIteration
        send(boss, (ref, value))


def look():
    """All that a process knows of itself."""
    process = this_process()
    relations = process.relate()
    mailbox = [message for message in list(process.mailbox or ()) if message[0] != "do"]
    return (
        mailbox,
        dict(process.links or {}),
        dict((process.monitors or {}).values()),
        {ref: (watcher, called) for watcher, ref, called in (process.watchers or {}).values()},
        dict(process.aliases or {}),
        relations.name,
        relations.trap_exit,
    )


def do_all(actions):
    return [action() for action in actions]


def post(dest, message):
    send(dest, message)


def take(pattern):
    return receive(pattern, timeout=0, default=None)


def start_another(start, thread):
    started = start(actor, thread=thread)
    return started if isinstance(started, tuple) else (started, None)


def crash(text):
    raise ValueError(text, [text])


def leave(code):
    raise SystemExit(code)


def node():
    return identity.name or "nonode@nohost"


def link_or_not(link):
    return Process.link if link else Process.unlink


def boss():
    return self()


def lockstep(barrier, actions, together):
    """Do all, the first of them together with another process; the monitors made, and the mailbox after it."""
    refs = []
    for number, action in enumerate(actions):
        if barrier is not None and number < together:
            barrier.wait(SOON)
        if isinstance(got := action(), Ref):
            refs.append(got)
        if barrier is None and number < together:
            sleep(0)
    return refs, look()[0]


def wait_gone(pid):
    """Without a look at what it has signalled, unless that is on the same scheduler, and seen at once anyway."""
    process = processes.get(pid.key)
    if process is not None and process.owner is this_process().owner:
        until(lambda: pid.key not in processes)
    deadline = time.monotonic() + SOON
    while pid.key in processes:
        assert time.monotonic() < deadline
        time.sleep(0.0001)
