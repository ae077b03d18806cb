"""What can be a child of a supervisor, and what is said to that which cannot."""

import math
import re

import pytest

from pyex import ANY, GenServer, Pid, PyexError, receive, self, send, spawn
from pyex.core.isolation import snapshot
from pyex.core.patterns import matches
from pyex.otp.child_spec import ChildSpec, SupervisorError, check_children, class_spec


class Counter:
    """As a behaviour is to the module: something with start_link and child_spec."""

    @classmethod
    def start_link(cls, *args, **options):
        parent = self()
        return spawn(lambda: send(parent, (cls, args, options)))

    @classmethod
    def child_spec(cls, *args, **options):
        return class_spec(cls, args, options, restart="transient")


class ByDict(Counter):
    @classmethod
    def child_spec(cls, *args):
        return {"id": "by dict", "start": (cls.start_link, args), "shutdown": "brutal_kill"}


def work(*args):
    return args


def started(spec):
    """What its start function does."""
    fn, args = spec.start
    assert isinstance(fn(*args), Pid)
    return receive(timeout=10)


def test_its_defaults_are_otps():
    spec = ChildSpec("one", (work, (1,)))
    assert spec == ChildSpec(
        "one", start=(work, (1,)), restart="permanent", shutdown=5, type="worker", significant=False
    )
    assert ChildSpec("tree", (work, ()), type="supervisor").shutdown is None
    assert ChildSpec("tree", (work, ()), type="supervisor", shutdown=3).shutdown == 3
    assert ChildSpec("list", start=[work, [1, 2]]).start == (work, (1, 2))


def test_it_can_be_sent():
    spec = ChildSpec("one", (work, ([1],)))
    copy = snapshot(spec)
    assert copy == spec
    assert copy.start[1][0] is not spec.start[1][0]


def test_a_class_with_arguments_is_a_child():
    spec = ChildSpec.of((Counter, 10, 20))
    assert (spec.id, spec.restart) == ("Counter", "transient")
    assert started(spec) == (Counter, (10, 20), {})
    assert started(ChildSpec.of(Counter)) == (Counter, (), {})
    by_dict = ChildSpec.of((ByDict, 1))
    assert (by_dict.id, by_dict.shutdown) == ("by dict", "brutal_kill")
    assert started(by_dict) == (ByDict, (1,), {})


def test_options_of_a_childs_class_are_fields_or_go_to_start_link():
    spec = Counter.child_spec(10, name="counter", restart="temporary", timeout=3)
    assert (spec.id, spec.restart) == ("counter", "temporary")
    assert started(spec) == (Counter, (10,), {"name": "counter", "timeout": 3})
    assert Counter.child_spec(name="counter", id=7).id == 7


def test_a_function_is_a_child_whose_process_runs_it():
    me = self()

    def report(*args):
        send(me, (self(), args))

    for child, args in ((report, ()), ((report, 1, 2), (1, 2))):
        spec = ChildSpec.of(child)
        assert (spec.id, spec.restart) == ("report", "permanent")
        pid = spec.start[0](*spec.start[1])
        assert receive((pid, ANY), timeout=10) == (pid, args)


def test_a_dict_is_a_child():
    fields = {"id": 1, "start": (work, (1,)), "restart": "temporary", "shutdown": 0.5}
    assert ChildSpec.of(fields) == ChildSpec(1, (work, (1,)), restart="temporary", shutdown=0.5)


def test_fields_can_be_changed():
    assert ChildSpec.of(Counter, id="other", restart="temporary", shutdown=None).restart == "temporary"
    assert ChildSpec.of(ChildSpec("a", (work, ())), id="b") == ChildSpec("b", (work, ()))
    assert ChildSpec.of({"start": (work, ())}, id="b") == ChildSpec("b", (work, ()))
    with pytest.raises(SupervisorError, match="'restrat'.*Did you mean 'restart'"):
        ChildSpec.of(Counter, restrat="temporary")


REFUSED = {
    "a typo in restart": (lambda: ChildSpec(1, (work, ()), restart="permanant"), ("invalid_restart_type", "permanant"),
                          "restart is 'permanent', 'transient' or 'temporary', not 'permanant'. Did you mean 'permanent'?"),
    "restart None": (lambda: ChildSpec(1, (work, ()), restart=None), ("invalid_restart_type", None), "not None"),
    "a typo in type": (lambda: ChildSpec(1, (work, ()), type="Worker"), ("invalid_child_type", "Worker"), "Did you mean 'worker'?"),
    "a typo in shutdown": (lambda: ChildSpec(1, (work, ()), shutdown="brutalkill"), ("invalid_shutdown", "brutalkill"),
                           "Did you mean 'brutal_kill'?"),
    "infinity": (lambda: ChildSpec(1, (work, ()), shutdown="infinity"), ("invalid_shutdown", "infinity"), "None is without limit"),
    "inf": (lambda: ChildSpec(1, (work, ()), shutdown=math.inf), ("invalid_shutdown", math.inf), "None is without limit"),
    "a negative time": (lambda: ChildSpec(1, (work, ()), shutdown=-1), ("invalid_shutdown", -1), "a number of seconds"),
    "True for a time": (lambda: ChildSpec(1, (work, ()), shutdown=True), ("invalid_shutdown", True), "a number of seconds"),
    "significant yes": (lambda: ChildSpec(1, (work, ()), significant="yes"), ("invalid_significant", "yes"), "True or False"),
    "significant and permanent": (lambda: ChildSpec(1, (work, ()), significant=True), ("bad_combination", ANY), "restart='transient'"),
    "an id that is a list": (lambda: ChildSpec([], (work, ())), ("invalid_child_id", []), "Take a str"),
    "no arguments": (lambda: ChildSpec(1, work), ("invalid_start", work), "Write (work, ())"),
    "one argument": (lambda: ChildSpec(1, (work, 5)), ("invalid_start", (work, 5)), "Write (work, (5,))"),
    "a called start": (lambda: ChildSpec(1, (self(), ())), ("invalid_start", ANY), "has been called already"),
    "a class to call": (lambda: ChildSpec(1, (Counter, ())), ("invalid_start", ANY), "Write (Counter.start_link, ())"),
    "three parts": (lambda: ChildSpec(1, (Counter, "start_link", ())), ("invalid_start", ANY), "start is a function and its arguments"),
    "no id": (lambda: ChildSpec.of({"start": (work, ())}), "missing_id", "has no 'id'"),
    "no start": (lambda: ChildSpec.of({"id": 1}), "missing_start", "has no 'start'"),
    "a typo in a key": (lambda: ChildSpec.of({"id": 1, "star": (work, ())}), ("invalid_child_spec", "star"), "Did you mean 'start'?"),
    "a key that is none": (lambda: ChildSpec.of({"id": 1, 2: 3}), ("invalid_child_spec", 2), "has no 2"),
    "a name": (lambda: ChildSpec.of("counter"), ("invalid_child_spec", "counter"), "'counter' cannot be a child"),
    "None": (lambda: ChildSpec.of(None), ("invalid_child_spec", None), "None cannot be a child"),
    "a pid": (lambda: ChildSpec.of(self()), ("invalid_child_spec", ANY), "A supervisor starts its children itself"),
    "a pid in a tuple": (lambda: ChildSpec.of((self(), 1)), ("invalid_child_spec", ANY), "without calling start_link"),
    "a module": (lambda: ChildSpec.of(re), ("invalid_child_spec", re), "a class in it is: re.Something"),
    "a list": (lambda: ChildSpec.of([Counter]), ("invalid_child_spec", [Counter]), "Supervisor.child_spec([...])"),
    "an empty tuple": (lambda: ChildSpec.of(()), ("invalid_child_spec", ()), "cannot be a child"),
    "any class": (lambda: ChildSpec.of((int, 3)), ("invalid_child_spec", int), "class int has no child_spec"),
    "start_link": (lambda: ChildSpec.of((Counter.start_link, 3)), ("invalid_child_spec", ANY), "as in [(Counter, 3)]"),
    "a child list that is one child": (lambda: check_children(Counter), ("bad_start_spec", Counter), "Write [Counter]"),
    "a list that is one tuple": (lambda: check_children((Counter, 3)), ("bad_start_spec", (Counter, 3)), "[(Counter, 3)]"),
    "no list": (lambda: check_children(5), ("bad_start_spec", 5), "takes a list of children"),
    "an id twice": (lambda: check_children([Counter, (Counter, 1)]), ("duplicate_child_name", "Counter"), "child_spec(child, id=...)"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_meant_is_refused_where_it_is_written(case):
    make, reason, words = REFUSED[case]
    with pytest.raises(SupervisorError, match=re.escape(words)) as refused:
        make()
    assert matches(reason, refused.value.reason)
    assert isinstance(refused.value, ValueError)
    assert isinstance(refused.value, PyexError)


def test_what_runs_nothing_when_called_is_refused():
    async def coroutine():
        pass

    def generator():
        yield

    for fn in (coroutine, generator):
        with pytest.raises(SupervisorError, match="calling it runs nothing"):
            ChildSpec.of(fn)


def test_a_class_that_forgot_its_child_spec_or_start_link():
    class Plain:
        pass

    class NoSpec:
        @classmethod
        def start_link(cls):
            """Enough for a ChildSpec."""

    with pytest.raises(SupervisorError, match=r"class Plain\(GenServer\)"):
        ChildSpec.of(Plain)
    with pytest.raises(SupervisorError, match=r"ChildSpec\('NoSpec', start="):
        ChildSpec.of(NoSpec)


def test_children_may_be_any_iterable():
    ids = [spec.id for spec in check_children(ChildSpec(n, (work, ())) for n in range(3))]
    assert ids == [0, 1, 2]
    assert check_children(()) == []
    assert [spec.id for spec in check_children((Counter, ByDict))] == ["Counter", "by dict"]


def test_a_start_as_erlang_writes_it_is_answered_with_how_it_is_written_here():
    with pytest.raises(SupervisorError, match=r"Write \(GenServer.start_link, \(1,\)\)"):
        ChildSpec.of({"id": "a", "start": (GenServer, "start_link", [1])})
