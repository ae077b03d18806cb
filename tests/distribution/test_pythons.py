"""Nodes of unequal Pythons: code crosses as source, never as bytecode."""

import fcntl
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pyex import DynamicSupervisor, GenServer, NotSendable, Supervisor, erpc, push, receive, self
from tests.distribution.test_shipping_servers import SUPERVISORS, child, end, prompt, tell
from tests.distribution.test_source import typed

BOB = "bob@127.0.0.1"
NEEDS = ["greenlet", "msgpack", "cloudpickle"]


def other_python():
    """A Python of another version that has what pyex needs; None if there is no other on this machine."""
    candidates = [os.environ.get("PYEX_OTHER_PYTHON"), *(shutil.which(f"python3.{minor}") for minor in (13, 12, 11))]
    candidates += sorted(map(str, Path.home().glob(".pyenv/versions/3.1[1-9]*/bin/python")), reverse=True)
    for python in filter(None, candidates):
        version = answer(python, "import sys; print('%d.%d' % sys.version_info[:2])")
        if version is None or version == "{}.{}".format(*sys.version_info[:2]) or version < "3.11":
            continue
        if answer(python, f"import {', '.join(NEEDS)}; print('has them')"):
            return python
        if (own := with_packages(python, version)) is not None:
            return own
    return None


def answer(python, program):
    try:
        done = subprocess.run([python, "-c", program], capture_output=True, text=True, timeout=60)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def with_packages(python, version):
    """An environment of that Python, made once inside the one the tests run in; None if it cannot be made."""
    folder = Path(sys.prefix) / f"python{version}-for-tests"
    with Path(sys.prefix, f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = folder / "bin" / "python"
        if not (folder / "made").exists():
            try:
                subprocess.run([python, "-m", "venv", folder], check=True, capture_output=True, timeout=50)
                install = [made, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *NEEDS]
                subprocess.run(install, check=True, capture_output=True, timeout=100)
            except (OSError, subprocess.SubprocessError):
                shutil.rmtree(folder, ignore_errors=True)
                return None
            (folder / "made").touch()
        return str(made)


@pytest.fixture(scope="module")
def python():
    if sys.prefix == sys.base_prefix:
        pytest.skip("the tests do not run in an environment of their own")
    found = other_python()
    if found is None:
        pytest.skip("there is no Python of another version here")
    return found


@pytest.fixture
def bob(alice, nodes, python):
    [bob] = nodes("bob", python=python)
    return bob


pytestmark = pytest.mark.timeout(240)  # the first time packages are installed


PROMPT = """
import dataclasses
from pyex import *
offset = 100
def helper(x): return [y + offset for y in range(x)]
def closes(n):
    def inner(m=n):
        nonlocal n
        n += 1
        return helper(m), n, Node.self()
    return inner
class Base:
    __secret = 7
    def __init__(self, value): self.value = value
    def tell(self): return self.__secret, self.value
class Derived(Base):
    def tell(self): return ("derived", *super().tell())
@dataclasses.dataclass(frozen=True)
class Point:
    x: int
    tags: list = dataclasses.field(default_factory=list)
    def far(self): return self.x > 10
class Own(Exception):
    pass
def fails(): raise Own("there", Derived(1))
def back(listener): send(listener, (lambda: offset, Derived))
"""


def test_what_was_typed_crosses_as_source_and_comes_back(bob):
    names = typed(PROMPT)

    def ask(fn, *args):
        return erpc.call(BOB, fn, *args, timeout=60)

    assert ask(platform.python_version) != platform.python_version()
    assert ask(names["helper"], 2) == [100, 101]
    assert ask(names["closes"](3)) == ([100, 101, 102], 4, BOB)
    assert ask(names["Derived"].tell, names["Derived"](5)) == ("derived", 7, 5)
    derived = ask(names["Derived"], 6)  # an object comes back, of the class it was sent as
    assert type(derived) is names["Derived"]
    assert derived.tell() == ("derived", 7, 6)
    point = ask(names["Point"], 11)
    assert point == names["Point"](11)
    assert ask(names["Point"].far, point) is True
    assert ask(repr, names["Point"](1, ["t"])) == "Point(x=1, tags=['t'])"
    with pytest.raises(names["Own"]) as caught:
        ask(names["fails"])
    assert caught.value.args[0] == "there"
    assert 'def fails(): raise Own("there"' in caught.value.__notes__[0]  # the line, as typed
    ask(names["back"], self())
    fn, cls = receive((object, type), timeout=60)
    assert fn() == 100
    assert cls is names["Derived"]


def test_what_has_no_source_is_refused_naming_both_versions(bob):
    names = {"__name__": "__main__"}
    exec("def made(): pass", names)
    own = "{}.{}".format(*sys.version_info[:2])
    with pytest.raises(NotSendable, match=rf"it runs Python 3\.\d+ and this node {own}, .* the source of 'made'"):
        erpc.call(BOB, names["made"], timeout=60)
    assert erpc.call(BOB, len, [1, 2], timeout=60) == 2


def test_servers_typed_here_are_children_there_and_move_to_newer_code(alice, nodes, python):
    nodes("bob", python=python, program=SUPERVISORS)
    sup, tree = ("sup", BOB), ("tree", BOB)
    first, second = prompt("v1"), prompt("v2")
    one = DynamicSupervisor.start_child(sup, (first["Counter"], 1))
    two = Supervisor.start_child(tree, {"id": "two", "start": (first["start"], (2,))})
    assert (tell(one), tell(two)) == (("v1", 2, "secret"), ("v1", 4, "secret"))
    end(one)
    again = child(sup, other_than=[one])
    assert tell(again) == ("v1", 2, "secret")
    assert tell(erpc.call(BOB, first["Counter"].start, 3, timeout=60)) == ("v1", 6, "secret")
    assert tell(Supervisor.start_child(tree, (first["Counter"], 4))) == ("v1", 8, "secret")
    assert Supervisor.get_childspec(tree, "Counter").start == (first["Counter"].start_link, (4,))  # as it is here
    assert push(second["Counter"], [BOB]) == [BOB]
    assert (tell(again), tell(two)) == (("v2", ("changed", 2), "secret"), ("v2", ("changed", 4), "secret"))
    end(again)
    assert tell(child(sup, other_than=[one, again])) == ("v2", 2, "secret")


def test_a_server_without_source_is_refused_to_who_wants_it_started(alice, nodes, python):
    nodes("bob", python=python, program=SUPERVISORS)
    names = {"__name__": "__main__"}
    exec("from pyex import *\nclass Made(GenServer):\n    def handle_cast(self, request): pass\n", names)
    for _ in range(2):  # the first time there is no connection yet, and it is not known who bob is
        with pytest.raises(
            NotSendable, match=r"it runs Python 3\.\d+ .* the source of 'Made.handle_cast' is not known"
        ):
            DynamicSupervisor.start_child(("sup", BOB), names["Made"])
    assert GenServer.call(("sup", BOB), "count_children").specs == 0
