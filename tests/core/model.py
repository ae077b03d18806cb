"""Erlang's rules, for the processes of the state machine; and whether what these see is what the rules say."""

from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from pyex import ANY, Down, Exited, NoProcess, Process, Ref, exit, receive, send
from pyex.core.process import aliases, names, processes
from pyex.core.threads import this_process
from tests.core.actors import actor, boss, do_all, look, post, wait_gone
from tests.core.support import SOON, messages, monitor_at, start_at

NAMES = ["machine-a", "machine-b", "machine-c"]


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


class Model(RuleBasedStateMachine):
    """What has been done to the processes, what must have come of it, and what did."""

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

    # Links

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

    # Messages

    def message(self, sender):
        self.serial += 1
        return ("message", sender.pid, self.serial)

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
