"""Servers and children whose class the other node lacks: started there, restarted there, and moved to newer versions."""

import importlib
import sys

import pytest

from pyex import (
    ANY,
    ChildSpec,
    Down,
    DynamicSupervisor,
    GenServer,
    Node,
    NoProcess,
    NotSendable,
    Process,
    Reply,
    ServerDown,
    Supervisor,
    erpc,
    push,
    receive,
    self,
    send,
    sleep,
)
from tests.core.support import SOON, until
from tests.distribution.conftest import PROGRAM
from tests.distribution.test_source import typed

BOB, DAVE = "bob@127.0.0.1", "dave@127.0.0.1"
SUPERVISORS = PROGRAM.replace(
    'print("ready"',
    'DynamicSupervisor.start_link(name="sup", max_restarts=100)\n'
    'Supervisor.start_link([], name="tree", max_restarts=100)\n'
    'print("ready"',
)

#: As typed at a prompt: with names of the prompt, a class above it, and one that is private to it.
TEXT = """
from pyex import *
class Base(GenServer):
    __secret = "secret"
    def init(self, n=0):
        self.n = helper(n)
    def handle_call(self, request, caller):
        match request:
            case "tell": return Reply(({version!r}, self.n, self.__secret))
            case "crash": return 1 / 0
            case _: return super().handle_call(request, caller)
class Counter(Base):
    def init(self, n=0):
        super().init(n)
    def code_change(self, old):
        self.n = "changed", self.n
def helper(n):
    return n * 2
def start(n):
    return Counter.start_link(n)
def works(listener):
    send(listener, ("works", Node.self()))
    sleep(None)
"""


def prompt(version):
    """The names of a prompt after that has been typed."""
    return typed(TEXT.format(version=version))


def tell(server):
    return GenServer.call(server, "tell", timeout=SOON)


def end(pid):
    """Let a server crash."""
    with pytest.raises(ServerDown, match="ZeroDivisionError"):
        GenServer.call(pid, "crash", timeout=SOON)


def child(supervisor, *, other_than=()):
    """The child that has come last, once there is one with a process that is not one of those."""
    found = []

    def is_there():
        found[:] = [
            line.pid
            for line in Supervisor.which_children(supervisor)
            if line.pid not in (None, "restarting", *other_than)
        ]
        return found

    until(is_there)
    return found[-1]


@pytest.fixture
def bob(alice, nodes):
    """A node with supervisors, that knows none of the classes."""
    [bob] = nodes("bob", program=SUPERVISORS)
    return bob


@pytest.fixture
def tester():
    """This process has that name."""
    Process.register(self(), "tester")
    yield
    Process.unregister("tester")


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A function that writes a module only this node has, and loads it."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(version):
        (tmp_path / "servers_here.py").write_text(TEXT.format(version=version))
        importlib.invalidate_caches()
        if "servers_here" in sys.modules:
            return importlib.reload(sys.modules["servers_here"])
        return importlib.import_module("servers_here")

    yield write
    sys.modules.pop("servers_here", None)


def test_servers_of_a_class_typed_here_run_on_another_node(bob):
    names = prompt("v1")
    counter, here = names["Counter"], self()
    assert tell(erpc.call(BOB, counter.start, 4, timeout=SOON)) == ("v1", 8, "secret")
    Node.spawn(BOB, lambda: (send(here, counter.start_link(5, name="typed")), sleep(None)))
    pid = receive(ANY, timeout=SOON)
    assert pid.node == BOB
    assert tell(pid) == tell(("typed", BOB)) == ("v1", 10, "secret")


def test_whatever_can_be_a_child_can_be_one_on_a_node_that_lacks_it(bob):
    names = prompt("v1")
    counter, sup, tree = names["Counter"], ("sup", BOB), ("tree", BOB)
    for one, n in (
        (counter, 0),
        ((counter, 1), 2),
        (counter.child_spec(2, id="spec"), 4),
        ({"id": "dict", "start": (counter.start_link, (3,))}, 6),
        (ChildSpec("function", (names["start"], (4,))), 8),
    ):
        assert tell(DynamicSupervisor.start_child(sup, one)) == ("v1", n, "secret")
        one = ChildSpec.of(one, id=n)
        assert tell(Supervisor.start_child(tree, one)) == ("v1", n, "secret")
        assert Supervisor.get_childspec(tree, n).id == n
    assert Supervisor.get_childspec(tree, 0) == ChildSpec.of(counter, id=0)  # it comes back as what it is here
    pid = DynamicSupervisor.start_child(sup, (names["works"], self()))
    assert receive(("works", ANY), timeout=SOON) == ("works", BOB)
    assert pid.node == BOB


STARTS = (
    PROGRAM.split("while True:", maxsplit=1)[0]
    + TEXT.format(version="carol's")
    + """
pid = DynamicSupervisor.start_child(("sup", "bob@127.0.0.1"), (Counter, 21))
send(("tester", "alice@127.0.0.1"), pid)
sleep(None)
"""
)


def test_a_child_is_restarted_after_the_node_that_has_sent_its_class_is_gone(bob, nodes, tester):
    [carol] = nodes("carol", program=STARTS)
    first = receive(ANY, timeout=SOON)
    carol.kill()
    assert tell(first) == ("carol's", 42, "secret")
    end(first)
    second = child(("sup", BOB), other_than=[first])
    assert tell(second) == ("carol's", 42, "secret")
    end(second)
    assert tell(child(("sup", BOB), other_than=[first, second])) == ("carol's", 42, "secret")


def test_a_class_that_is_pushed_takes_over_what_came_before_and_what_a_supervisor_starts(bob):
    sup = ("sup", BOB)
    first, second, third = (prompt(version)["Counter"] for version in ("v1", "v2", "v3"))
    old = DynamicSupervisor.start_child(sup, (first, 1))
    new = DynamicSupervisor.start_child(sup, (second, 2))
    assert (tell(old), tell(new)) == (("v1", 2, "secret"), ("v2", 4, "secret"))  # sent, not pushed: each as it was
    assert push(second, [BOB]) == [BOB]
    assert (tell(old), tell(new)) == (("v2", ("changed", 2), "secret"), ("v2", 4, "secret"))
    assert push(third, [BOB]) == [BOB]
    assert (tell(old), tell(new)) == (("v3", ("changed", ("changed", 2)), "secret"), ("v3", ("changed", 4), "secret"))
    end(old)
    assert tell(child(sup, other_than=[old, new])) == ("v3", 2, "secret")
    for counter in (first, second, third):  # none of them takes bob back
        assert tell(DynamicSupervisor.start_child(sup, (counter, 5))) == ("v3", 10, "secret")
    assert tell(new) == ("v3", ("changed", 4), "secret")


def test_a_plain_class_that_was_pushed_again_is_not_taken_back_by_an_older_one_that_comes_late(bob):
    first, second = (typed(f"class Plain:\n    def tell(self): return {n}\n")["Plain"] for n in (1, 2))
    assert push(first, [BOB]) == push(second, [BOB]) == [BOB]
    assert erpc.call(BOB, lambda: second().tell(), timeout=SOON) == 2
    assert erpc.call(BOB, lambda: first().tell(), timeout=SOON) == 2
    assert erpc.call(BOB, lambda: second().tell(), timeout=SOON) == 2


def test_servers_that_another_node_has_of_its_own_are_left_alone(bob):
    """Everybody's server is called Counter: what is sent is nobody else's, until it is pushed."""
    theirs, ours = prompt("theirs"), prompt("ours")["Counter"]
    text = TEXT.format(version="bob's")
    mine = erpc.call(BOB, typed_in_main, text, 1, timeout=SOON)
    guest = DynamicSupervisor.start_child(("sup", BOB), (theirs["Counter"], 2))
    assert (tell(mine), tell(guest)) == (("bob's", 2, "secret"), ("theirs", 4, "secret"))
    erpc.call(BOB, typed_in_main, text.replace("bob's", "bob's new"), 1, timeout=SOON)
    assert (tell(mine), tell(guest)) == (("bob's new", ("changed", 2), "secret"), ("theirs", 4, "secret"))
    push(ours, [BOB])
    assert tell(mine)[0] == tell(guest)[0] == "ours"


def typed_in_main(text, n):
    """On another node: as if it was typed there; a server of it."""
    names = vars(sys.modules["__main__"])
    exec(compile(text, "<typed there>", "exec"), names)
    return names["Counter"].start(n)


def test_a_module_that_the_other_node_lacks_is_named_until_it_is_pushed(bob, module):
    here = module("v1")
    sup, tree = ("sup", BOB), ("tree", BOB)
    assert GenServer.call(sup, "count_children", timeout=SOON).specs == 0
    for refused in (
        lambda: DynamicSupervisor.start_child(sup, here.Counter),
        lambda: Supervisor.start_child(tree, {"id": 1, "start": (here.start, (1,))}),
        lambda: GenServer.call(sup, here.helper, timeout=None),
    ):
        with pytest.raises(
            NotSendable, match=r"bob@127.0.0.1 .*No module named 'servers_here'. Node.push\(servers_here\)"
        ):
            refused()
    with pytest.raises(ModuleNotFoundError):
        erpc.call(BOB, here.Counter.start, 1, timeout=SOON)
    assert GenServer.multi_call([BOB], "sup", here.helper) == ([], [BOB])
    push(here, [BOB])
    pid = DynamicSupervisor.start_child(sup, (here.Counter, 1))
    plain = Supervisor.start_child(tree, {"id": 1, "start": (here.start, (1,))})
    assert tell(pid) == tell(plain) == ("v1", 2, "secret")
    newer = module("v2")
    assert tell(pid) == ("v1", 2, "secret")
    push(newer, [BOB])
    assert tell(pid) == tell(plain) == ("v2", ("changed", 2), "secret")
    assert tell(DynamicSupervisor.start_child(sup, (here.Counter, 1))) == ("v2", 2, "secret")


def test_an_answer_that_cannot_be_decoded_here_is_named(bob):
    """The other way round: it is this node that lacks the module."""
    lacking = typed(
        "import sys, types\n"
        "from pyex import *\n"
        "class Answers(GenServer):\n"
        "    def handle_call(self, request, caller):\n"
        "        module = sys.modules['only_there'] = types.ModuleType('only_there')\n"
        "        exec('class Thing: pass', vars(module))\n"
        "        return Reply(module.Thing())\n"
    )["Answers"]
    pid = erpc.call(BOB, lacking.start, timeout=SOON)
    with pytest.raises(NotSendable, match=r"cannot be decoded here: .*'only_there'. Node.push\(only_there\)"):
        GenServer.call(pid, "thing", timeout=None)
    assert Process.info(self()).message_queue_len == 0


def test_no_code_is_told_to_who_wants_to_start_something_there_even_first_of_all(alice, nodes):
    nodes("dave", program=SUPERVISORS, options={"code": False})
    counter, sup = prompt("v1")["Counter"], ("sup", DAVE)
    for refused in (
        lambda: DynamicSupervisor.start_child(sup, counter),  # there is no connection yet
        lambda: DynamicSupervisor.start_child(sup, (counter, 1)),
        lambda: Supervisor.start_child(("tree", DAVE), {"id": 1, "start": (counter.start_link, ())}),
        lambda: GenServer.call(sup, counter, timeout=None),
        lambda: erpc.call(DAVE, counter.start),
    ):
        with pytest.raises(NotSendable, match="dave@127.0.0.1 takes no code from other nodes"):
            refused()
    assert GenServer.multi_call([DAVE], "sup", counter) == ([], [DAVE])
    assert Process.info(self()).message_queue_len == 0
    assert DynamicSupervisor.count_children(sup).active == 0  # and it lives on


class Keeper(GenServer):
    def handle_call(self, request, caller):
        return Reply(self.handle_call if request == "method" else request)


ASKS = (
    PROGRAM.split("while True:", maxsplit=1)[0]
    + """
def outcome(fn):
    try:
        return repr(fn())
    except Exception as error:
        return f"{type(error).__name__}: {error}"
tree, tester = ("tree", "alice@127.0.0.1"), ("tester", "alice@127.0.0.1")
send(tester, outcome(lambda: Supervisor.get_childspec(tree, "keeper")))
send(tester, outcome(lambda: GenServer.call(("keeper", "alice@127.0.0.1"), "method")))
send(tester, outcome(lambda: GenServer.call(("keeper", "alice@127.0.0.1"), "plain")))
sleep(None)
"""
)


def test_one_that_takes_no_code_brings_down_no_server_by_asking_it(alice, nodes, tester):
    """The answer is refused by the other node: that is no fault of whoever answers."""
    tree = Supervisor.start_link([Keeper.child_spec(name="keeper")], name="tree")
    ref = Process.monitor(tree)
    keeper = child(tree)
    nodes("dave", program=ASKS, options={"code": False})
    for _ in range(2):
        told = receive(str, timeout=SOON)
        assert told.startswith("NotSendable: the answer could not be sent: dave@127.0.0.1 takes no code")
    assert receive(str, timeout=SOON) == "'plain'"
    assert child(tree) == keeper
    assert receive(Down(ref), timeout=0, default=None) is None
    Supervisor.stop(tree)


def test_what_cannot_be_shipped_with_a_child_is_named(bob):
    names = typed(
        "import threading\nfrom pyex import *\nguard = threading.Lock()\n"
        "class Guarded(GenServer):\n    def init(self): self.locked = guard.locked()\n"
    )
    for refused in (
        lambda: DynamicSupervisor.start_child(("sup", BOB), names["Guarded"]),
        lambda: Supervisor.start_child(("tree", BOB), names["Guarded"]),
        lambda: erpc.call(BOB, names["Guarded"].start),
    ):
        with pytest.raises(
            NotSendable, match=r"lock.*\(the global 'guard' of Guarded.init, 'init' of Guarded, .*cannot be sent"
        ):
            refused()
    with pytest.raises(NoProcess):
        DynamicSupervisor.start_child(("nobody", BOB), prompt("v1")["Counter"])


def test_a_class_that_comes_back_is_the_one_from_here_and_changes_nothing(bob):
    names = prompt("v1")
    counter = names["Counter"]
    counter.extra = "before"
    sent = Node.spawn(BOB, returns_later, self(), counter)
    counter.extra = "after"
    stale, defined = counter._stale, counter._defined
    send(sent, "now")
    assert receive(type, timeout=SOON) is counter
    assert (counter.extra, counter._stale, counter._defined) == ("after", stale, defined)
    assert "__guest__" not in vars(counter)
    assert names["Base"].__subclasses__() == [counter]  # none was made to be thrown away


def returns_later(listener, cls):
    receive("now")
    send(listener, cls)
