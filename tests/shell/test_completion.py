"""What is offered while one types, and that nothing of the user's runs for it."""

import builtins
import sys
import types

import pytest

import pyex
from pyex import Pid, Process, self, send, spawn
from shell.completion import complete
from shell.surroundings import Surroundings
from shell.values import bindings

SERVERS = """\
class Other(pyex.GenServer):
    def handle_call(self, request, caller):
        match request:
            case "other": return 1

class Counter(pyex.GenServer):
    def init(self):
        self.n = 0

    def handle_call(self, request, caller):
        match request:
            case "get" | "peek": return 1
            case ("div", by): return 2
            case {"not": "this"}: return 3

    def handle_cast(self, request):
        match request:
            case ("add", k) if k: pass
            case other: pass

def echo():
    while True:
        match pyex.receive():
            case ("echo", text, sender): pass
            case ("stop",): return
"""


@pytest.fixture
def names():
    return {**vars(builtins), **{name: getattr(pyex, name) for name in pyex.__all__}}


@pytest.fixture
def offered(names):
    """The texts that are offered after what is typed, with these bindings."""

    def ask(before, **more):
        return [one.text for one in complete(before, names | more, Surroundings()).candidates]

    return ask


def test_names_those_of_the_user_first(offered):
    assert offered("spa") == ["spawn", "spawn_link", "spawn_monitor"]
    assert offered("print(spac", spaces=1) == ["spaces"]
    found = offered("pr", primes=[])
    assert found[0] == "primes"
    assert {"print", "property"} <= {*found}
    assert "lambda" in offered("x = lam")
    assert "match" in offered("mat")
    assert "match" not in offered("x = mat")
    assert offered("_hid", _hidden=1) == ["_hidden"]
    assert offered("hidd", _hidden=1) == []
    assert offered("PRI") == ["print"]


@pytest.mark.parametrize(
    "before",
    [
        "x = 1.",
        "x = 12",
        "# spa",
        "'spa",
        "half a spa",
        "def spa",
        "class spa",
        "import os as spa",
        "nothing.spa",
        "b'spa",
        ").",
    ],
)
def test_nothing_where_a_name_cannot_stand(offered, before):
    assert offered(before) == []


def test_attributes(offered):
    assert offered("Process.register") == ["register", "registered"]
    assert "upper" in offered("'text'.")
    assert "append" in offered("[1, 2].")
    assert "keys" in offered("{}.")
    assert "append" in offered("x[0]['a'].", x=[{"a": []}])
    assert "bit_length" in offered("x.y.bit", x=types.SimpleNamespace(y=3))
    assert not [name for name in offered("x.", x=3) if name.startswith("_")]
    assert "__add__" in offered("x.__a", x=3)
    assert "node" in offered("self().")  # it says that it returns a Pid
    assert "real" in offered("int('3').")
    assert "Node" in offered("pyex.No", pyex=pyex)


def test_attributes_of_a_class_that_is_being_typed(offered):
    typed = "class A:\n    def init(self):\n        self.number = 1\n    def f(self):\n        self."
    assert offered(typed) == ["f", "init", "number"]


def test_keywords_of_a_call_and_their_signatures(offered, names):
    def fn(a, b=3, *rest, timeout: float = 5, **more): ...

    assert offered("fn(", fn=fn)[:3] == ["a=", "b=", "timeout="]
    assert offered("fn(1, ti", fn=fn) == ["timeout="]
    assert "timeout=" not in offered("fn(timeout=5, ti", fn=fn)
    assert offered("fn(1, ", fn=fn)[:2] == ["b=", "timeout="]
    assert offered("fn(len(x), (1, 2), ti", fn=fn) == ["timeout="]
    assert offered("fn(1, 2, 3, 4, ", fn=fn)[0] == "timeout="
    assert "timeout=" not in offered("fn(x, timeout=ti", fn=fn)
    [found] = complete("fn(1, ti", names | {"fn": fn}, Surroundings()).candidates
    assert found.note == "timeout: float = 5"
    [found] = complete("spawn_l", names, Surroundings()).candidates
    assert found.note.startswith("(fn: Callable[..., Any], *args: Any, name: str | None = None")
    assert offered("sorted([], re")[0] == "reverse="
    assert "priority=" in offered("spawn(f, pri")


def test_keys_of_dictionaries(offered):
    kept = {"name": 1, "number": 2, 3: 4, ("a", 1): 5, "it's": 6}
    assert offered("d['n", d=kept) == ["name", "number"]
    assert offered("d['", d=kept) == ["name", "number"]  # it's needs other quotes
    assert offered('d["it', d=kept) == ["it's"]
    assert offered("d[", d=kept)[:4] == ["'name'", "'number'", "3", "('a', 1)"]
    assert offered("x.d['na", x=types.SimpleNamespace(d=kept)) == ["name"]


def test_paths_in_strings(offered, tmp_path, monkeypatch):
    (tmp_path / "lessons").mkdir()
    (tmp_path / "lessons" / "one.py").touch()
    (tmp_path / ".hidden").touch()
    monkeypatch.chdir(tmp_path)
    assert offered("open('le") == ["lessons/"]
    assert offered("x = './") == ["lessons/"]
    assert offered("x = './.h") == [".hidden"]
    assert offered(f"f('{tmp_path}/lessons/o") == ["one.py"]
    assert offered("x = 'le") == []
    assert offered("x = 'no/such/") == []


def test_registered_names_and_pids(offered):
    pid = spawn(pyex.receive, name="completed_name")
    number = repr(pid).split("'")[1]
    assert offered("send('completed_") == ["completed_name"]
    assert offered("Process.whereis('completed_n") == ["completed_name"]
    assert offered("send(('completed_n") == ["completed_name"]
    assert offered("print('completed_n") == []
    assert '"completed_name"' in offered("send(")
    assert offered(f"Pid('{number[:-1]}") == [
        text for one in Process.list() if (text := repr(one).split("'")[1]).startswith(number[:-1])
    ]
    assert Pid(number) == pid


def test_nodes(names):
    class Two(Surroundings):
        def nodes(self):
            return ["alice@127.0.0.1", "bob@127.0.0.1"]

    def offered(before):
        return [one.text for one in complete(before, names, Two()).candidates]

    assert offered("Node.connect('b") == ["bob@127.0.0.1"]
    assert offered("Node.spawn('a") == ["alice@127.0.0.1"]
    assert offered("send(('counter', 'b") == ["bob@127.0.0.1"]
    assert offered("Pid('0.1.0', 'a") == ["alice@127.0.0.1"]
    assert offered("print('b") == []


@pytest.fixture
def typed(names):
    """What was typed at a prompt, as far as completion is concerned."""
    import linecache

    module = types.ModuleType("__main__")
    linecache.cache["<typed>"] = (len(SERVERS), None, SERVERS.splitlines(keepends=True), "<typed>")
    module.pyex = pyex
    exec(compile(SERVERS, "<typed>", "exec"), vars(module))
    yield {name: value for name, value in vars(module).items() if not name.startswith("__")}
    del linecache.cache["<typed>"]


def test_messages_that_a_server_handles(offered, typed):
    server = typed["Counter"].start_link(name="completed_server")
    for dest in ("server", "'completed_server'"):
        found = [text for text in offered(f"GenServer.call({dest}, ", server=server, **typed) if "=" not in text]
        assert found[:3] == ['"get"', '"peek"', '("div", ']
        assert '"other"' not in found
    assert offered("GenServer.call(server, ('di", server=server, **typed) == ["div"]


def test_of_an_unknown_server_the_messages_of_all_servers_at_hand(offered, typed):
    assert offered("GenServer.call('c', ", **typed)[:4] == ['"other"', '"get"', '"peek"', '("div", ']
    assert offered("GenServer.call('c', 'ge", **typed) == ["get"]
    assert offered("GenServer.call('c', ('d", **typed) == ["div"]
    assert offered("GenServer.cast('c', (\"", **typed) == ["add"]


def test_messages_that_a_process_receives(offered, typed):
    echoer = spawn(typed["echo"])
    found = offered("send(echoer, ", echoer=echoer, **typed)
    assert found[:2] == ['("echo", ', '("stop",)']
    assert offered("send(echoer, ('", echoer=echoer, **typed) == ["echo", "stop"]


def test_imports_are_completed_and_not_carried_out(offered):
    sys.modules.pop("this", None)
    assert "this" in offered("import thi")
    assert "this" in offered("import os, thi")
    assert "shell" in offered("from shel")
    assert offered("import json.dec") == ["decoder"]
    assert offered("from json import JSONDec") == ["JSONDecodeError", "JSONDecoder"] or "json" not in sys.modules
    assert offered("from this import ") == []
    assert "this" not in sys.modules


def test_expressions_in_f_strings(offered):
    assert offered("f'{x} {primes_") == []
    assert offered("f'{x} {prime", primes=[]) == ["primes"]
    assert offered("f'{primes:", primes=[]) == []
    assert offered("f'{{prime", primes=[]) == []


def test_names_of_a_prompt(names):
    from shell.preload import new_main_module

    module = new_main_module()
    module.mine = 1
    found = bindings(module)
    assert {"mine", "print", "spawn", "flush"} <= {*found}


def test_a_process_that_does_not_answer_delays_a_moment_only(offered, typed, monkeypatch):
    import threading
    import time

    monkeypatch.setattr("shell.surroundings.PATIENCE", 0.5)
    enough = threading.Event()
    stuck = spawn(lambda held: held.wait(60), pyex.share(enough), thread=True)
    begun = time.monotonic()
    offered('send(stuck, ("', stuck=stuck, **typed)
    assert time.monotonic() - begun < 20
    enough.set()


def test_whatever_is_typed_it_answers(offered, typed):
    text = SERVERS + "send(x, (f'{d[\"a\"](1)!r:>{w}}', b'\\x00', 0x1f)).y\n@a\nlambda: (yield)\n'''\n"
    for place in range(0, len(text), 3):
        assert isinstance(offered(text[:place], **typed), list)
    for text in (
        ")]}.",
        "((((",
        "}{",
        "''''",
        "x[",
        "x..y",
        "\\",
        "\0",
        "'\\",
        "f'{",
        "f'{'",
        "é.",
        "x.(",
        "(.",
        "a b.c",
        "import ",
        "from . import x",
    ):
        assert isinstance(offered(text), list)
    send(self(), "still here")
    assert pyex.receive(timeout=10) == "still here"
