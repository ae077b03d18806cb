"""Code between nodes: pushed, refused, and named when it cannot go."""

import functools
import importlib
import subprocess
import sys
import threading
import time

import cloudpickle
import pytest

from pyex import Down, Node, NotSendable, Process, erpc, push, receive, self, send, spawn
from tests.distribution.conftest import OtherNode
from tests.distribution.test_source import typed

# What these tests ship to other nodes is of this module, which those cannot import.
cloudpickle.register_pickle_by_value(sys.modules[__name__])

BOB, CAROL, DAVE = "bob@127.0.0.1", "carol@127.0.0.1", "dave@127.0.0.1"


@pytest.fixture
def mesh(bob_and_carol):
    for other in bob_and_carol:
        Node.connect(other.name)
    return bob_and_carol


def ask(node, fn, *args):
    return erpc.call(node, fn, *args, timeout=60)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A function that writes a module only this node can import, and imports it."""
    monkeypatch.syspath_prepend(tmp_path)
    written = []

    def write(name, text):
        path = tmp_path.joinpath(*name.split(".")).with_suffix(".py")
        if name.count(".") or text is None:
            path.parent.mkdir(exist_ok=True)
            (path.parent / "__init__.py").write_text("inside = 'the package'\n")
        path.write_text(text)
        importlib.invalidate_caches()
        sys.modules.pop(name, None)
        written.append(name)
        return importlib.import_module(name)

    yield write
    for name in [name for name in sys.modules if name.split(".")[0] in {one.split(".")[0] for one in written}]:
        del sys.modules[name]


def test_a_module_that_others_lack_is_pushed_and_pushed_again(mesh, module):
    only_here = module(
        "only_here", "import math\ndef area(r): return math.pi * r * r\nclass Shape:\n  def name(self): return 'v1'\n"
    )
    with pytest.raises(ModuleNotFoundError) as caught:
        ask(BOB, only_here.area, 1)
    assert any("Node.push(only_here)" in note for note in caught.value.__notes__)
    assert push(only_here) == [BOB, CAROL]
    for node in (BOB, CAROL):
        assert ask(node, only_here.area, 1) == pytest.approx(3.14159, abs=1e-4)
    keeper = Node.spawn(BOB, keeps, only_here.Shape(), self())
    newer = module("only_here", "def area(r): return 'new'\nclass Shape:\n  def name(self): return 'v2'\n")
    assert Node.push(newer, [BOB]) == [BOB]
    assert ask(BOB, newer.area, 1) == "new"
    send(keeper, "name")
    assert receive(timeout=60) == "v2"  # the object was there before
    with pytest.raises(ZeroDivisionError) as caught:
        push(module("only_here", "import sys\nif 'pytest' not in sys.modules: 1 / 0\n"))
    assert "only_here.py" in caught.value.__notes__[0]
    assert ask(CAROL, importable, "only_here") == "old"  # what does not run is not kept


def importable(name):
    return "old" if hasattr(importlib.import_module(name), "area") else "new"


def keeps(thing, listener):
    while True:
        receive()
        send(listener, thing.name())


def test_a_package_goes_with_its_modules(mesh, module):
    deep = module("package_here.deep", "from package_here import inside\ndef f(): return inside\n")
    assert push(deep) == [BOB, CAROL]
    assert ask(BOB, deep.f) == "the package"
    assert push(sys.modules["package_here"], [CAROL]) == [CAROL]


COUNTER = """
class Base:
    def greet(self): return "base"
class Counter(Base):
    step = {step}
    def __init__(self): self.n = 0
    def bump(self):
        self.n += self.step
        return self.n, super().greet()
    {more}
"""


def test_a_class_of_the_prompt_that_is_pushed_twice_updates_what_is_there(mesh):
    first = typed(COUNTER.format(step=1, more="def old(self): return 'old'"))["Counter"]
    assert push(first, BOB) == [BOB]
    assert ask(BOB, in_main, "Counter", "step") == 1
    server = Node.spawn(BOB, counts, first, self())
    send(server, "bump")
    assert receive(timeout=60) == (1, "base")
    second = typed(COUNTER.format(step=10, more="def new(self): return 'new'"))["Counter"]
    assert push(second, [BOB]) == [BOB]
    send(server, "bump")
    assert receive(timeout=60) == (11, "base")  # the same object, the new methods
    send(server, "new")
    assert receive(timeout=60) == "new"
    assert ask(BOB, in_main, "Counter", "step") == 10
    assert ask(BOB, has_in_main, "Counter", "old") is False
    assert ask(BOB, lambda: second().bump()) == (10, "base")


def in_main(name, attribute):
    return getattr(getattr(sys.modules["__main__"], name), attribute)


def has_in_main(name, attribute):
    return hasattr(getattr(sys.modules["__main__"], name), attribute)


def counts(cls, listener):
    counter = cls()
    while True:
        send(listener, getattr(counter, receive())())


def test_what_cannot_be_pushed_is_refused(mesh):
    with pytest.raises(TypeError, match="takes a module or a class, not 'json'"):
        push("json")
    with pytest.raises(NotSendable, match="the module math cannot be sent to other nodes: its source is not known"):
        push(__import__("math"))
    with pytest.raises(NotSendable, match="each node has its own"):
        push(sys.modules["__main__"])
    with pytest.raises(ConnectionError):
        push(typed("class A: pass")["A"], ["nobody"])


class Holder:
    def __init__(self):
        self.guard = threading.Lock()


def test_what_cannot_be_shipped_is_named(mesh):
    names = typed("import threading\nguard = threading.Lock()\ndef work(): return guard\n")
    with pytest.raises(NotSendable, match=r"lock.*\(the global 'guard' of work.*\) cannot be sent to another node"):
        Node.spawn(BOB, names["work"])
    lock = threading.Lock()
    with pytest.raises(
        NotSendable, match=r"the variable 'lock' of test_what_cannot_be_shipped_is_named.<locals>.<lambda>"
    ):
        Node.spawn(BOB, lambda: lock)
    with pytest.raises(NotSendable, match=r"lock.* \(the attribute 'guard' of a Holder\)"):
        send(("main", BOB), [1, {"here": Holder()}])
    with pytest.raises(NotSendable, match="an argument of a partial"):
        Node.spawn(BOB, functools.partial(print, lock))
    with pytest.raises(NotSendable, match="generator"):
        send(("main", BOB), (number for number in range(3)))


def test_a_node_without_code_says_so_to_the_caller_and_takes_data(mesh, nodes_beside):
    nodes_beside("dave", code=False)
    Node.connect(DAVE)
    send(("main", DAVE), (self(), "echo", (1, "two", [3.0], {"four": {5}}, self())))
    assert receive(timeout=60) == ("echo", (1, "two", [3.0], {"four": {5}}, self()))
    for refused in (
        lambda: Node.spawn(DAVE, lambda: None),
        lambda: Node.spawn_link(DAVE, time.sleep, 1),
        lambda: erpc.call(DAVE, Node.self),
        lambda: send(("main", DAVE), Holder),
        lambda: push(typed("class A: pass")["A"], [DAVE]),
    ):
        with pytest.raises(NotSendable, match="dave@127.0.0.1 takes no code"):
            refused()
    ref = Process.monitor(("main", DAVE))
    Node.disconnect(DAVE)
    receive(Down(ref), timeout=60)
    with pytest.raises(NotSendable, match="takes no code"):
        erpc.call(DAVE, Node.self, timeout=60)  # connects first
    here = self()
    send(("main", DAVE), (spawn(lambda: send(here, receive())), "echo", 1))  # a crash there would be seen here
    assert receive(timeout=60) == ("echo", 1)


@pytest.fixture
def nodes_beside(mesh):
    """A function that starts one node more in the mesh."""
    started = []

    def start(name, **options):
        started.append(OtherNode(name, options=options))
        return started[-1].ready()

    yield start
    for node in started:
        node.discard()


def test_the_option_no_code_starts_such_a_node(mesh):
    program = "Node.connect('alice'); send(('tester', 'alice@127.0.0.1'), self()); receive('end', timeout=60)"
    Process.register(self(), "tester")
    shell = subprocess.Popen([sys.executable, "-m", "pyex", "--name", "erin", "--no-code", "-e", program])
    try:
        pid = receive(timeout=60)
        with pytest.raises(NotSendable, match="erin@127.0.0.1 takes no code"):
            send(pid, Holder)
        send(pid, "end")
        assert shell.wait(timeout=30) == 0
    finally:
        Process.unregister("tester")
        shell.kill()
        shell.wait()
