"""Supervisors against a model: statements 33 to 38 and 41 of the behaviour contract, in any order.

Hypothesis makes up a supervisor, and then crashes, starts, stops, restarts and deletions. After each step who lives, what
is answered, and who was started and stopped in which order is compared with a small model of OTP's rules.
``PYEX_EXAMPLES=1000`` tries that many instead of the usual number, and takes the time to shrink one that fails.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pyex import (
    ChildSpec,
    Exited,
    GenServer,
    Process,
    StartError,
    Supervisor,
    SupervisorError,
    receive,
    self,
)
from tests.core.support import SOON
from tests.otp.supervised import Worker, _trapping, all_news, end, kill  # noqa: F401 - fixtures

EXAMPLES = int(os.environ.get("PYEX_EXAMPLES", "40"))
PHASES = [Phase.generate, Phase.shrink] if "PYEX_EXAMPLES" in os.environ else [Phase.generate]

#: Restarts that are borne; the window never ends.
MOST = 2

IDS = ["a", "b", "c", "d", "e"]

specs = st.tuples(
    st.sampled_from(["permanent", "transient", "temporary"]),
    st.booleans(),
    st.sampled_from([1, 1, 1, 0, "ignore"]),
)
reasons = st.sampled_from(["normal", "shutdown", ("shutdown", 1), "boom", "killed"])


class Ended(Exception):
    """In the model: the supervisor ends."""


class ModelChild:
    """What the model knows of a child."""

    def __init__(self, id, restart, significant):
        self.id, self.restart = id, restart
        self.significant = significant and restart != "permanent"
        self.up = False


class Model:
    """OTP's rules, without processes: ``told`` is what the children are to say."""

    def __init__(self, strategy, auto_shutdown, failures):
        self.strategy, self.auto_shutdown = strategy, auto_shutdown
        #: for each id how its next starts go: as long as there is one, True to start, False to fail, None to be ignored
        self.failures = failures
        self.children = []
        self.restarts = 0
        self.told = []

    def find(self, id):
        return next((child for child in self.children if child.id == id), None)

    def start(self, child):
        plan = self.failures[child.id]
        outcome = plan.pop(0) if plan else True
        if outcome is False:
            return False
        child.up = outcome is True
        if child.up:
            self.told.append(("up", child.id))
        elif child.restart == "temporary" and child in self.children:
            self.children.remove(child)
        return True

    def stop(self, child):
        if child.up:
            child.up = False
            self.told.append(("down", child.id, "shutdown"))

    def forget(self, child):
        child.up = False
        if child.restart == "temporary":
            self.children.remove(child)

    def stop_all(self):
        for child in reversed(self.children):
            self.stop(child)

    def start_again(self, child):
        """Restart until that succeeds; each attempt counts."""
        while True:
            self.restarts += 1
            if self.restarts > MOST:
                self.forget(child)
                raise Ended
            again = [child]
            if self.strategy != "one_for_one":
                first = 0 if self.strategy == "one_for_all" else self.children.index(child)
                again = self.children[first:]
                for one in reversed(again):
                    self.stop(one)
                for one in again:
                    self.forget(one)
                again = [one for one in again if one.restart != "temporary"]
            failed = next((one for one in again if not self.start(one)), None)
            if failed is None:
                return
            child = failed

    def ended(self, child, reason):
        orderly = reason in ("normal", "shutdown") or isinstance(reason, tuple)
        child.up = False
        if child.restart == "permanent" or (child.restart == "transient" and not orderly):
            self.start_again(child)
            return
        self.forget(child)
        if child.significant and (
            self.auto_shutdown == "any_significant"
            or (
                self.auto_shutdown == "all_significant" and not any(one.significant and one.up for one in self.children)
            )
        ):
            raise Ended


class Machine(RuleBasedStateMachine):
    """One supervisor and its model."""

    tree = None

    @initialize()
    def begin(self):
        self.before = set(Process.list()) | {self_pid()}
        Process.flag("trap_exit", True)

    @precondition(lambda self: self.tree is None)
    @rule(
        strategy=st.sampled_from(["one_for_one", "one_for_all", "rest_for_one"]),
        auto_shutdown=st.sampled_from(["never", "any_significant", "all_significant"]),
        children=st.lists(specs, max_size=4),
    )
    def start_link(self, strategy, auto_shutdown, children):
        self.plans = {id: [] for id in IDS}
        self.model = Model(strategy, auto_shutdown, {id: [] for id in IDS})
        given = []
        for id, fields in zip(IDS, children, strict=False):
            child, spec = self.child(id, *fields)
            self.model.children.append(child)
            given.append(spec)
        failed = next((child for child in [*self.model.children] if not self.model.start(child)), None)
        flags = {"strategy": strategy, "auto_shutdown": auto_shutdown, "max_restarts": MOST, "max_seconds": 1e9}
        if failed is None:
            self.tree = Supervisor.start_link(given, **flags)
        else:
            self.model.stop_all()
            with pytest.raises(StartError) as failure:
                Supervisor.start_link(given, **flags)
            assert failure.value.reason == ("shutdown", ("failed_to_start_child", failed.id, "boom"))
        self.check_told()

    def child(self, id, restart, significant, outcome):
        significant = significant and self.model.auto_shutdown != "never"
        child = ModelChild(id, restart, significant)
        self.plan(id, [outcome])
        return child, ChildSpec(
            id, (starter(self.plans[id]), (self_pid(), id)), restart=restart, significant=child.significant
        )

    def plan(self, id, outcomes):
        """How the next starts of a child will go."""
        outcomes = [{1: True, 0: False}.get(one) for one in outcomes]
        self.plans[id][:] = outcomes
        self.model.failures[id] = [*outcomes]

    # What the children have said

    def check_told(self):
        assert all_news() == self.model.told
        self.model.told.clear()

    def check_ended(self):
        """The model has ended: so does the supervisor, in order."""
        self.model.stop_all()
        assert receive(Exited(self.tree), timeout=SOON).reason == "shutdown"
        self.tree = None
        self.check_told()

    @invariant()
    def all_is_as_in_the_model(self):
        if self.tree is None:
            assert set(Process.list()) <= self.before  # nobody is orphaned
            return
        lines = self.lines()
        assert [line.id for line in lines] == [child.id for child in self.model.children]
        assert [line.pid is not None for line in lines] == [child.up for child in self.model.children]
        living = {line.pid for line in lines if line.pid is not None}
        assert all(map(Process.alive, living))
        assert set(Process.list()) - self.before == living | {self.tree}
        counted = (len(lines), len(living), 0, len(lines))
        assert Supervisor.count_children(self.tree) == counted
        self.check_told()

    def lines(self):
        """The supervisor's, once no restart is under way."""
        while True:
            lines = Supervisor.which_children(self.tree)
            if not any(line.pid == "restarting" for line in lines):
                return lines

    def running(self, number):
        living = [child for child in self.model.children if child.up]
        if not living:
            return None, None
        child = living[number % len(living)]
        return child, next(line.pid for line in self.lines() if line.id == child.id)

    # What happens

    @precondition(lambda self: self.tree)
    @rule(number=st.integers(0, 4), reason=reasons, outcomes=st.lists(st.sampled_from([1, 0, "ignore"]), max_size=3))
    def a_child_ends(self, number, reason, outcomes):
        child, pid = self.running(number)
        if child is None:
            return
        self.plan(child.id, outcomes)
        if reason == "killed":
            kill(pid)
        else:
            end(pid, reason)
            self.model.told.append(("down", child.id, reason))
        try:
            self.model.ended(child, reason)
        except Ended:
            self.check_ended()

    @precondition(lambda self: self.tree)
    @rule(id=st.sampled_from(IDS), fields=specs)
    def start_child(self, id, fields):
        known = self.model.find(id)
        child, spec = self.child(id, *fields)
        expected = None
        if known is not None:
            expected = "already_started" if known.up else "already_present"
        elif fields[2] == 0:
            expected = "boom"
        try:
            pid = Supervisor.start_child(self.tree, spec)
        except (StartError, SupervisorError) as refusal:
            word = refusal.reason[0] if isinstance(refusal.reason, tuple) else refusal.reason
            assert word == expected
            self.plan(id, [])
            return
        assert expected is None
        self.model.start(child)
        assert (pid is not None) == child.up
        if child.up or child.restart != "temporary":
            self.model.children.append(child)

    @precondition(lambda self: self.tree)
    @rule(id=st.sampled_from(IDS))
    def terminate_child(self, id):
        child = self.model.find(id)
        self.expect(Supervisor.terminate_child, id, "not_found" if child is None else None)
        if child is not None:
            self.model.stop(child)
            self.model.forget(child)

    @precondition(lambda self: self.tree)
    @rule(id=st.sampled_from(IDS), outcome=st.sampled_from([1, 1, 0, "ignore"]))
    def restart_child(self, id, outcome):
        child = self.model.find(id)
        expected = "not_found" if child is None else "running" if child.up else None
        if expected is None:
            self.plan(id, [outcome])
            if not self.model.start(child):
                expected = "boom"
        self.expect(Supervisor.restart_child, id, expected)

    @precondition(lambda self: self.tree)
    @rule(id=st.sampled_from(IDS))
    def delete_child(self, id):
        child = self.model.find(id)
        expected = "not_found" if child is None else "running" if child.up else None
        self.expect(Supervisor.delete_child, id, expected)
        if expected is None:
            self.model.children.remove(child)

    def expect(self, call, id, reason):
        refused = None
        try:
            call(self.tree, id)
        except (SupervisorError, StartError) as refusal:
            refused = refusal.reason
        assert refused == reason

    @precondition(lambda self: self.tree)
    @rule(how=st.sampled_from(["stop", "exit"]))
    def the_supervisor_is_stopped(self, how):
        if how == "stop":
            GenServer.stop(self.tree, "shutdown")
        else:
            Process.exit(self.tree, "shutdown")
        self.check_ended()

    def teardown(self):
        if self.tree is not None:
            Supervisor.stop(self.tree)
            receive(Exited(self.tree), timeout=SOON)
        all_news()


def self_pid():
    return self()


def starter(plan):
    """A start that goes as planned; the plan is shared with the test."""

    def start(test, id):
        outcome = plan.pop(0) if plan else True
        if outcome is False:
            raise StartError("boom")
        return Worker.start_link(test, id) if outcome else None

    return start


@pytest.mark.timeout(1000)
def test_supervisors_do_as_the_model_says():
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=40, deadline=None, phases=PHASES, database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
