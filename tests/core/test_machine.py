"""The whole of it against a model: statements 1 to 19 of the behaviour contract, in any order, at any place.

Hypothesis makes up what processes do to each other. After each step all signals are waited for, and what the
processes then see (who lives, names, mailboxes, links, monitors, aliases) is compared with a model of
Erlang's rules. ``PYEX_EXAMPLES=1000`` tries that many instead of the usual number, and takes the time to shrink
one that fails.
"""

import os
import threading
import time
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from pyex import (
    ANY,
    Crash,
    Down,
    Exited,
    NameTaken,
    NoProcess,
    Pid,
    Process,
    Ref,
    exit,
    receive,
    self,
    send,
    share,
    sleep,
    spawn,
    spawn_link,
    spawn_monitor,
)
from pyex.core.identity import identity
from pyex.core.process import aliases, names, processes
from pyex.core.threads import this_process
from tests.core.support import SOON, messages, monitor_at, start_at, until

EXAMPLES = int(os.environ.get("PYEX_EXAMPLES", "60"))
PHASES = [Phase.generate, Phase.shrink] if "PYEX_EXAMPLES" in os.environ else [Phase.generate]

#: Processes that live at once, at most.
MOST = 8

NAMES = ["machine-a", "machine-b", "machine-c"]


# What the processes of the machine run


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


MY_STEPS = ["link", "unlink", "monitor", "send", "wait"]
YOUR_STEPS = ["link", "unlink", "send", "wait"]

#: Which process is meant: of those that live, and of all that ever did, the latest first.
actor_number = st.integers(0, 7)
any_number = st.integers(0, 15)
which_number = st.integers(0, 30)

reasons = st.sampled_from(["normal", "kill", "boom", "shutdown", ("shutdown", 1), ["a", {"list": 1}]])
monitor_aliases = st.sampled_from([None, None, "explicit_unalias", "demonitor", "reply_demonitor"])


# The model


class Actor:
    """What the model knows of a process."""

    def __init__(self, pid, place):
        self.pid = pid
        self.place = place
        self.thread = processes[pid.key].owner.thread if place == "thread" else None
        self.test = Process.monitor(pid)
        self.alive = True
        self.reason = None
        self.buried = False
        self.trap = False
        self.name = None
        #: what has arrived, in its order
        self.mailbox = []
        #: what must have arrived since: by sender, what is ordered, and then what comes with its end, which is not
        self.coming = {}
        self.links = set()
        #: ref -> (the process or None, what its Down calls it)
        self.monitors = {}
        self.aliases = {}

    def __repr__(self):
        return f"<{self.pid} at {self.place}>"


class Machine(RuleBasedStateMachine):
    """Processes that act on each other one step at a time, or two at once.

    What is tried does not depend on what happened (there are no preconditions): that may be open, as in a race.
    """

    places = (0, 1, "thread")

    @initialize(places=st.lists(st.integers(0, 2), min_size=3, max_size=6))
    def begin(self, places):
        boss()  # this thread is a process from here on
        self.before = set(processes)
        self.names_before = dict(names)
        self.aliases_before = dict(aliases)
        self.serial = 0
        self.actors = []
        for place in places:
            self.add(place)

    def add(self, place):
        place = self.places[place % len(self.places)]
        self.actors.append(Actor(start_at(place, actor), place))

    # Telling processes what to do

    def living(self, number):
        return self.alive[number % len(self.alive)]

    def anybody(self, number):
        return self.actors[-1 - number % len(self.actors)]

    @property
    def alive(self):
        return [one for one in self.actors if one.alive]

    def of(self, pid):
        return next(one for one in self.actors if one.pid == pid)

    def tell(self, one, fn):
        ref = Ref()
        send(one.pid, ("do", ref, boss(), fn))
        return ref

    def hear(self, one, ref):
        got = receive((ref, ANY), Down(one.test), timeout=SOON)
        if isinstance(got, Down):
            raise AssertionError(f"{one} has ended, with {got.reason!r}")
        return got[1]

    def do(self, one, fn):
        """Let a process do something; what it returned, or the class of the error it got."""
        return self.hear(one, self.tell(one, fn))

    # Erlang's rules

    def deliver(self, to, sender, message, *, last=False):
        if to.alive:
            to.coming.setdefault(sender, ([], []))[last].append(message)

    def exit_signal(self, to, sender, reason, *, last=False):
        if not to.alive:
            return
        if to.trap:
            self.deliver(to, sender, Exited(sender, reason), last=last)
        elif reason != "normal" or sender == to.pid:
            self.die(to, reason)

    def exit_by(self, to, sender, reason):
        """``Process.exit``"""
        if reason == "kill":
            self.die(to, "killed")
        else:
            self.exit_signal(to, sender, reason)

    def die(self, one, reason):
        if not one.alive:
            return
        one.alive, one.reason = False, reason
        links, one.links = one.links, set()
        for peer in map(self.of, links):
            peer.links.discard(one.pid)
            self.exit_signal(peer, one.pid, reason, last=True)
        for watcher in self.alive:
            for ref, (watched, called) in list(watcher.monitors.items()):
                if watched == one.pid:
                    self.end_monitor(watcher, ref)
                    self.deliver(watcher, one.pid, Down(ref, called, reason), last=True)

    def end_monitor(self, watcher, ref):
        if watcher.aliases.get(ref) in ("demonitor", "reply_demonitor"):
            del watcher.aliases[ref]
        return watcher.monitors.pop(ref, None)

    def holder(self, name):
        return next((one for one in self.alive if one.name == name), None)

    # Ends

    @rule(number=actor_number, how=st.sampled_from(["return", "exit", "crash", "leave"]), reason=reasons)
    def end(self, number, how, reason):
        one = self.living(number)
        fn, reason = {
            "return": (lambda: StopIteration, "normal"),
            "exit": (partial(exit, reason), reason),
            "crash": (partial(crash, str(reason)), Crash(ValueError(str(reason), [str(reason)]))),
            "leave": (partial(leave, reason), ("exit", reason)),
        }[how]
        self.tell(one, fn)
        self.die(one, reason)

    @rule(number=actor_number, other=any_number, reason=reasons)
    def exit(self, number, other, reason):
        one, target = self.living(number), self.anybody(other)
        ref = self.tell(one, partial(Process.exit, target.pid, reason))
        self.exit_by(target, one.pid, reason)
        if one.alive:
            assert self.hear(one, ref) is True

    # Links

    @rule(number=actor_number, other=any_number)
    def link(self, number, other):
        one, target = self.living(number), self.anybody(other)
        self.check_link(one, target, self.do(one, partial(Process.link, target.pid)))

    def check_link(self, one, target, answer):
        if target.alive:
            assert answer is True
            if target is not one:
                self.set_link(one, target, True)
        elif one.trap:
            assert answer is True
            self.deliver(one, target.pid, Exited(target.pid, "noproc"), last=True)
        else:
            assert answer is NoProcess

    @rule(number=actor_number, other=any_number)
    def unlink(self, number, other):
        one, target = self.living(number), self.anybody(other)
        assert self.do(one, partial(Process.unlink, target.pid)) is True
        self.set_link(one, target, False)

    @rule(number=actor_number, trap=st.booleans())
    def trap_exit(self, number, trap):
        one = self.living(number)
        assert self.do(one, partial(Process.flag, "trap_exit", trap)) is one.trap
        one.trap = trap

    @rule(
        number=actor_number, other=actor_number, ends=st.booleans(),
        mine=st.lists(st.sampled_from(MY_STEPS), min_size=1, max_size=6),
        yours=st.lists(st.sampled_from(YOUR_STEPS), min_size=1, max_size=6),
        after=st.lists(st.sampled_from(MY_STEPS), max_size=3),
    )  # fmt: skip
    def race(self, number, other, mine, yours, ends, after):
        """Two act on each other in lockstep, neither seeing the other's signals; one may end, and the other go on."""
        one, two = self.living(number), self.living(other)
        if one is two:
            return
        length = max(len(mine), len(yours))
        mine, yours = mine + ["wait"] * (length - len(mine)), yours + ["wait"] * (length - len(yours))
        my_end, your_end = (["gone", *after], ["end"]) if ends else ([], [])
        if ends:
            self.trap_exit(self.alive.index(one), trap=True)
        was_linked = two.pid in one.links
        together = processes[one.pid.key].owner is processes[two.pid.key].owner
        barrier = None if together else share(threading.Barrier(2))
        told = [
            self.tell(this, partial(lockstep, barrier, [self.step(kind, this, that) for kind in steps], length))
            for this, that, steps in ((one, two, mine + my_end), (two, one, yours + your_end))
        ]
        refs, then = self.hear(one, told[0])
        self.set_link(one, two, False)
        if ends:
            self.die(two, "boom")
            self.bury()
        else:
            self.hear(two, told[1])
        self.round()
        mailbox, links, *_ = self.round()[one.pid]
        mine = [kind for kind in mine + my_end if kind in ("link", "unlink")]
        yours = [kind for kind in yours if kind in ("link", "unlink")]
        if ends:
            exits, exits_then = (
                [message for message in box if message[:2] == ("EXIT", two.pid)] for box in (mailbox, then)
            )
            new = exits[sum(message[:2] == ("EXIT", two.pid) for message in one.mailbox) :]
            reasons = [message.reason for message in new]
            assert set(reasons) <= {"boom", "noproc"}
            assert "boom" not in reasons[1:]
            if mine and mine[-1] == "unlink" and "link" not in yours:
                assert exits == exits_then  # nothing after unlink has returned
            elif mine and mine[-1] == "link" and "unlink" not in yours:
                assert new
            elif not mine and not yours:
                assert reasons == ["boom"] * was_linked
            for message in new:
                self.deliver(one, two.pid, message, last=True)
        elif mine and yours:
            self.set_link(one, two, links.get(two.pid, 0) is None)  # who won is open, not that they agree
        else:
            self.set_link(one, two, (mine + yours)[-1] == "link" if mine or yours else was_linked)
        for ref in refs:
            if not ends:
                one.monitors[ref] = (two.pid, two.pid)
                continue
            (down,) = [message for message in mailbox if message[:2] == ("DOWN", ref)]
            assert down.reason in ("boom", "noproc")
            self.deliver(one, two.pid, down, last=True)

    def step(self, kind, one, two):
        if kind == "send":
            message = self.message(one)
            self.deliver(two, one.pid, message)
            return partial(post, two.pid, message)
        return {
            "wait": int,
            "link": partial(Process.link, two.pid),
            "unlink": partial(Process.unlink, two.pid),
            "monitor": partial(Process.monitor, two.pid),
            "gone": partial(wait_gone, two.pid),
            "end": partial(exit, "boom"),
        }[kind]

    def set_link(self, one, two, linked):
        for this, that in ((one, two), (two, one)):
            (this.links.add if linked else this.links.discard)(that.pid)

    # Monitors

    @rule(number=actor_number, other=any_number, alias=monitor_aliases, times=st.integers(1, 3))
    def monitor(self, number, other, alias, times):
        one, target = self.living(number), self.anybody(other)
        refs = self.do(one, partial(do_all, [partial(Process.monitor, target.pid, alias=alias)] * times))
        for ref in refs:
            self.check_monitor(one, target, ref, target.pid, alias)

    @rule(number=actor_number, name=st.sampled_from(NAMES), full=st.booleans(), alias=monitor_aliases)
    def monitor_name(self, number, name, full, alias):
        one, target = self.living(number), self.holder(name)
        ref = self.do(one, partial(Process.monitor, (name, node()) if full else name, alias=alias))
        self.check_monitor(one, target, ref, (name, node()), alias)

    def check_monitor(self, one, target, ref, called, alias):
        assert isinstance(ref, Ref)
        assert all(ref not in other.monitors for other in self.actors)
        if target is one:
            return  # nobody lives to see his own end
        if alias is not None:
            one.aliases[ref] = alias
        one.monitors[ref] = (target.pid if target is not None else None, called)
        if target is None or not target.alive:
            self.end_monitor(one, ref)
            self.deliver(one, target.pid if target is not None else called, Down(ref, called, "noproc"), last=True)

    @rule(number=actor_number, which=which_number, flush=st.booleans(), owner=st.integers(0, 9))
    def demonitor(self, number, which, flush, owner):
        one = self.living(number)
        of = one if owner else self.anybody(which)  # nobody can end another's
        refs = [*of.monitors, *of.aliases, *(message[1] for message in of.mailbox if isinstance(message, Down))]
        if not refs:
            return
        ref = refs[which % len(refs)]
        was = ref in one.monitors
        if was:
            self.end_monitor(one, ref)
        assert self.do(one, partial(Process.demonitor, ref, flush=flush, info=True)) is was
        if flush:
            one.mailbox = [message for message in one.mailbox if message[:2] != ("DOWN", ref)]

    # Names

    @rule(number=actor_number, other=any_number, name=st.sampled_from(NAMES))
    def register(self, number, other, name):
        one, target = self.living(number), self.anybody(other)
        answer = self.do(one, partial(Process.register, target.pid, name))
        if not target.alive:
            assert answer is NoProcess
        elif self.holder(name) is not None or target.name is not None:
            assert answer is NameTaken
        else:
            assert answer is True
            target.name = name

    @rule(number=actor_number, name=st.sampled_from(NAMES))
    def unregister(self, number, name):
        holder = self.holder(name)
        assert self.do(self.living(number), partial(Process.unregister, name)) is (holder is not None or NoProcess)
        if holder is not None:
            holder.name = None

    # Messages

    def message(self, sender):
        self.serial += 1
        return ("message", sender.pid, self.serial)

    @rule(number=actor_number, other=any_number, times=st.integers(1, 3))
    def send(self, number, other, times):
        one, target = self.living(number), self.anybody(other)
        posts = []
        for _ in range(times):
            message = self.message(one)
            posts.append(partial(post, target.pid, message))
            self.deliver(target, one.pid, message)
        assert self.do(one, partial(do_all, posts)) == [None] * times

    @rule(number=actor_number, name=st.sampled_from(NAMES), full=st.booleans())
    def send_to_name(self, number, name, full):
        one, target = self.living(number), self.holder(name)
        message = self.message(one)
        answer = self.do(one, partial(post, (name, node()) if full else name, message))
        assert answer is (None if target is not None or full else NoProcess)
        if target is not None:
            self.deliver(target, one.pid, message)

    @rule(number=actor_number, which=which_number, kind=st.sampled_from(["any", "this", "of this sender"]))
    def take(self, number, which, kind):
        having = [one for one in self.alive if one.mailbox]
        if not having:
            return
        one = having[number % len(having)]
        this = one.mailbox[which % len(one.mailbox)]
        pattern = {
            "any": (this[0], *[ANY] * (len(this) - 1)),
            "this": this,
            "of this sender": (this[0], this[1], *[ANY] * (len(this) - 2)),
        }[kind]
        place = next(
            place
            for place, message in enumerate(one.mailbox)
            if message[0] == this[0]
            and (kind == "any" or message[1] == this[1])
            and (kind != "this" or message == this)
        )
        assert self.do(one, partial(take, pattern)) == one.mailbox[place]
        del one.mailbox[place]

    # Aliases

    @rule(number=actor_number, reply=st.booleans())
    def alias(self, number, reply):
        one = self.living(number)
        one.aliases[self.do(one, partial(Process.alias, reply=reply))] = "reply" if reply else "explicit_unalias"

    @rule(number=actor_number, owner=any_number, which=which_number)
    def unalias(self, number, owner, which):
        one, of = self.living(number), self.anybody(owner)
        refs = [*of.aliases, *of.monitors]
        if refs:
            ref = refs[which % len(refs)]
            assert self.do(one, partial(Process.unalias, ref)) is (one.aliases.pop(ref, None) is not None)

    @rule(number=actor_number, owner=any_number, which=which_number, times=st.integers(1, 2))
    def send_to_alias(self, number, owner, which, times):
        having = [one for one in self.actors if one.aliases]
        if not having:
            return
        one, of = self.living(number), having[owner % len(having)]
        ref = [*of.aliases][which % len(of.aliases)]
        sent = [self.message(one) for _ in range(times)]
        assert self.do(one, partial(do_all, [partial(post, ref, message) for message in sent])) == [None] * times
        for message in sent if of.alive else ():
            if ref in of.aliases:
                self.deliver(of, one.pid, message)
                if of.aliases[ref] in ("reply", "reply_demonitor"):
                    del of.aliases[ref]
                    of.monitors.pop(ref, None)

    # More

    @rule(place=st.integers(0, 2))
    def start(self, place):
        if len(self.alive) < MOST:
            self.add(place)

    @rule(number=actor_number, how=st.sampled_from(["alone", "linked", "monitored", "both"]), thread=st.booleans())
    def spawn(self, number, how, thread):
        if len(self.alive) == MOST:
            return
        one = self.living(number)
        thread = thread and "thread" in self.places
        start = {
            "alone": spawn,
            "linked": spawn_link,
            "monitored": spawn_monitor,
            "both": partial(spawn_monitor, link=True),
        }
        pid, ref = self.do(one, partial(start_another, start[how], thread))
        # A thread's process starts its children on some scheduler, another on its own.
        child = Actor(pid, "thread" if thread else one.place if one.place != "thread" else 0)
        self.actors.append(child)
        if how in ("linked", "both"):
            self.set_link(one, child, True)
        if how in ("monitored", "both"):
            one.monitors[ref] = (pid, pid)

    @rule(
        number=actor_number, other=actor_number, reason=reasons, ends=st.booleans(),
        steps=st.lists(st.sampled_from(["send", "link", "unlink", "link", "unlink", "monitor"]), max_size=8),
    )  # fmt: skip
    def burst(self, number, other, steps, ends, reason):
        """Signals of one process to another, none of which is waited for, and perhaps an exit behind them."""
        one, target = self.living(number), self.living(other)
        if one is target:
            return
        actions = []
        for step in steps:
            if step == "send":
                message = self.message(one)
                self.deliver(target, one.pid, message)
                actions.append(partial(post, target.pid, message))
            elif step == "monitor":
                actions.append(partial(Process.monitor, target.pid))
            else:
                actions.append(partial(link_or_not(step == "link"), target.pid))
                self.set_link(one, target, step == "link")
        if ends:
            actions.append(partial(Process.exit, target.pid, reason))
        ref = self.tell(one, partial(do_all, [*actions, partial(Process.alive, target.pid)]))
        if ends:
            self.exit_by(target, one.pid, reason)
        if not one.alive:
            return
        *answers, alive = self.hear(one, ref)
        assert alive is target.alive
        for step, answer in zip(steps, answers, strict=False):
            if step == "monitor" and target.alive:
                one.monitors[answer] = (target.pid, target.pid)
            elif step == "monitor":
                self.deliver(one, target.pid, Down(answer, target.pid, target.reason), last=True)

    # Comparing

    def round(self):
        """Have every living process look at itself, behind all that was signalled to it before."""
        refs = [(one, self.tell(one, look)) for one in self.alive]
        return {one.pid: self.hear(one, ref) for one, ref in refs}

    def bury(self):
        """Wait for all that must have ended, and until everybody has been told."""
        ending = [one for one in self.actors if not one.alive and not one.buried]
        for one in ending:
            assert receive(Down(one.test), timeout=SOON) == Down(one.test, one.pid, one.reason)
            one.buried = True
            if one.thread is not None:
                one.thread.join(SOON)
        if ending:
            # Who saw a Down is told before others are: behind this, all have been told.
            for place in (0, 1):
                assert receive(Down(monitor_at(place, int)[1]), timeout=SOON).reason == "normal"

    @invariant()
    def compare(self):
        if not hasattr(self, "actors"):
            return
        self.bury()
        while len(self.alive) < 3:
            self.add(len(self.actors))
        self.round()  # an unlink has now arrived
        seen = self.round()  # and was acknowledged
        for one in self.alive:
            self.compare_one(one, *seen[one.pid])
        assert set(processes) - self.before == {one.pid.key for one in self.alive}
        assert {name: holder.pid for name, holder in names.items() if name not in self.names_before} == {
            one.name: one.pid for one in self.alive if one.name is not None
        }
        assert {key: pid for key, pid in aliases.items() if key not in self.aliases_before} == {
            ref.key: one.pid for one in self.alive for ref in one.aliases
        }
        questions = [partial(Process.alive, one.pid) for one in self.actors]
        questions += [partial(Process.whereis, name) for name in NAMES]
        holders = [self.holder(name) for name in NAMES]
        assert self.do(self.alive[-1], partial(do_all, questions)) == [
            *(one.alive for one in self.actors),
            *(holder and holder.pid for holder in holders),
        ]
        registered = self.do(self.alive[0], Process.registered)
        assert [name for name in registered if name in NAMES] == [
            n for n, holder in zip(NAMES, holders, strict=True) if holder
        ]

    def compare_one(self, one, mailbox, links, monitors, watchers, own_aliases, name, trap):
        known = len(one.mailbox)
        assert mailbox[:known] == one.mailbox
        arrived = mailbox[known:]
        for ordered, unordered in one.coming.values():
            mine = [message for message in arrived if message in ordered or message in unordered]
            arrived = [message for message in arrived if message not in mine]
            assert mine[: len(ordered)] == ordered
            assert all(unordered.count(message) == mine.count(message) for message in unordered)
            assert len(mine) == len(ordered) + len(unordered)
        assert arrived == []
        one.mailbox, one.coming = mailbox, {}
        assert links == dict.fromkeys(one.links)
        assert monitors == {ref: target for ref, (target, _) in one.monitors.items()}
        assert {ref: watcher for ref, watcher in watchers.items() if watcher[0] != boss()} == {
            ref: (other.pid, called)
            for other in self.alive
            for ref, (target, called) in other.monitors.items()
            if target == one.pid
        }
        assert own_aliases == {ref.key: ends for ref, ends in one.aliases.items()}
        assert (name, trap) == (one.name, one.trap)

    def teardown(self):
        if not hasattr(self, "actors"):
            return
        for one in self.actors:
            Process.exit(one.pid, "kill")
        for one in self.actors:
            if not one.buried:
                assert receive(Down(one.test), timeout=SOON).reason in ("killed", one.reason)
        messages()
        assert set(processes) == self.before
        assert names == self.names_before
        assert aliases == self.aliases_before
        mine = this_process()
        assert not any((mine.links, mine.monitors, mine.watchers))


class OnSchedulers(Machine):
    """Without the cost of threads, more can be tried."""

    places = (0, 1, 0)


@pytest.mark.timeout(60 + 6 * EXAMPLES)
@pytest.mark.parametrize("machine", [OnSchedulers, Machine])
def test_processes_behave_as_the_model_does(machine):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=40, deadline=None, database=None, phases=PHASES,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
