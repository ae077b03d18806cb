"""The whole of it against a model: statements 1 to 19 of the behaviour contract, in any order, at any place.

Hypothesis makes up what processes do to each other. After each step all signals are waited for, and what the
processes then see (who lives, names, mailboxes, links, monitors, aliases) is compared with a model of
Erlang's rules. ``PYEX_EXAMPLES=1000`` tries that many instead of the usual number, and takes the time to shrink
one that fails.
"""

import os
import threading
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from pyex import (
    ANY,
    Crash,
    Down,
    NameTaken,
    NoProcess,
    Process,
    exit,
    share,
    spawn,
    spawn_link,
    spawn_monitor,
)
from pyex.core.process import processes
from tests.core.actors import crash, do_all, leave, link_or_not, lockstep, node, post, start_another, take
from tests.core.model import NAMES, Actor, Model

EXAMPLES = int(os.environ.get("PYEX_EXAMPLES", "60"))
PHASES = [Phase.generate, Phase.shrink] if "PYEX_EXAMPLES" in os.environ else [Phase.generate]

#: Processes that live at once, at most.
MOST = 8

MY_STEPS = ["link", "unlink", "monitor", "send", "wait"]
YOUR_STEPS = ["link", "unlink", "send", "wait"]

#: Which process is meant: of those that live, and of all that ever did, the latest first.
actor_number = st.integers(0, 7)
any_number = st.integers(0, 15)
which_number = st.integers(0, 30)

reasons = st.sampled_from(["normal", "kill", "boom", "shutdown", ("shutdown", 1), ["a", {"list": 1}]])
monitor_aliases = st.sampled_from([None, None, "explicit_unalias", "demonitor", "reply_demonitor"])


class Machine(Model):
    """Processes that act on each other one step at a time, or two at once.

    What is tried does not depend on what happened (there are no preconditions): that may be open, as in a race.
    """

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
