"""``pyex.run(tree)`` and ``pyex module:tree``: a supervision tree as a program."""

import signal
import subprocess
import sys
import threading

import pytest

import pyex
from pyex import (
    ChildSpec,
    Exit,
    Process,
    StartError,
    Supervisor,
    SupervisorError,
    SupervisorSpec,
    exit,
    receive,
    self,
    send,
    spawn,
)
from tests.core.support import ROOT, SOON, forever
from tests.otp.supervised import all_news, news, worker

APP = """
from pyex import *

class Told(GenServer):
    def init(self, n):
        Process.flag("trap_exit", True)
        self.n = n
        print("up", n, flush=True)
        if n == "broken":
            raise ValueError("cannot be")

    def terminate(self, reason):
        print("down", self.n, reason, flush=True)
        if self.n == "slow":
            receive("never")

class Tree(Supervisor):
    def init(self, *numbers):
        return SupervisorSpec([Supervisor.child_spec((Told, n), id=n) for n in numbers])

tree = (Tree, 1, 2, 3)
slow = [Supervisor.child_spec((Told, "slow"), shutdown=None)]
broken = SupervisorSpec([(Told, 1), Supervisor.child_spec((Told, "broken"), id=2)])
failing = SupervisorSpec([lambda: exit("boom")], max_restarts=0)
done = Supervisor.child_spec(lambda: None, restart="temporary", id="done")

def makes():
    return [Supervisor.child_spec((Told, 1)), Supervisor.child_spec(lambda: exit("boom"), id="b")]

def starts():
    return Supervisor.start_link([])

def main():
    print("main runs as", type(self()).__name__)

if __name__ == "__main__":
    import pyex
    pyex.run(tree)
    print("after")
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


def begin(folder, *command):
    """A program that has begun; it prints a line for each child that starts."""
    return subprocess.Popen(
        [sys.executable, *command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip


def finish(program, *signals):
    """Send it signals, one after another line, and wait for its end: status, lines, errors."""
    lines = []
    for number in signals:
        lines.append(program.stdout.readline().strip())
        program.send_signal(number)
    out, err = program.communicate(timeout=SOON * 3)
    return program.returncode, [line for line in lines if line] + out.splitlines(), err


DOWN = ["down 3 shutdown", "down 2 shutdown", "down 1 shutdown"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", [["app.py"], ["-m", "pyex", "app.py"], ["-m", "pyex", "app:tree"]], ids=" ".join)
def test_a_signal_stops_it_in_order(folder, command, number):
    program = begin(folder, *command)
    assert [program.stdout.readline() for _ in range(2)] == ["up 1\n", "up 2\n"]
    status, lines, errors = finish(program, number)  # at the third
    after = [] if "app:tree" in command else ["after"]
    assert (status, lines, errors) == (0, ["up 3", *DOWN, *after], "")


def test_a_second_signal_does_not_wait(folder):
    program = begin(folder, "-m", "pyex", "app:slow")
    status, lines, errors = finish(program, signal.SIGTERM, signal.SIGTERM)
    assert (status, lines[:2]) == (1, ["up slow", "down slow shutdown"])
    assert "killed before it had stopped in order" in errors


def run_app(folder, target):
    return finish(begin(folder, "-m", "pyex", target))


def test_the_exit_status_tells_how_it_ended(folder):
    status, lines, errors = run_app(folder, "app:broken")
    assert (status, lines) == (1, ["up 1", "up broken", "down 1 shutdown"])
    assert errors.splitlines()[-1] == (
        "pyex: the service could not be started, because of its child 2: ValueError: cannot be"
    )
    status, _, errors = run_app(folder, "app:failing")
    assert status == 1
    assert errors.splitlines()[-1] == "pyex: the service has ended by itself: 'shutdown'"
    assert run_app(folder, "app:done") == (0, [], "")


def test_a_function_can_be_named_too(folder):
    assert run_app(folder, "app:main") == (0, ["main runs as Pid"], "")


def test_a_function_that_makes_a_tree_is_served_and_one_that_starts_it_is_told_better(folder):
    status, lines, errors = run_app(folder, "app:makes")
    assert (status, lines) == (1, ["up 1", "down 1 shutdown"])
    assert errors.splitlines()[-1] == "pyex: the service has ended by itself: 'shutdown'"
    status, lines, errors = run_app(folder, "app:starts")
    assert (status, lines) == (2, [])
    assert "Let it return what is to be started, a list of children or SupervisorSpec([...])" in errors


def test_what_is_not_there_is_named(folder):
    (folder / "lost.py").write_text("import app, nowhere")
    for target, words in (
        ("app:tre", "app has no 'tre'. Did you mean 'tree'?"),
        ("app:NoRepl", "app has no 'NoRepl', neither a tree nor a function"),
        ("app.py:tree", "a module is named without .py: pyex app:..."),
        ("apps:tree", "there is no module 'apps' here. Run this in the folder of apps.py"),
        ("app.sub:tree", "there is no module 'app.sub' here"),
    ):
        status, lines, errors = run_app(folder, target)
        assert (status, lines) == (2, [])
        assert words in errors
    status, _, errors = run_app(folder, "lost:tree")
    assert status == 1
    assert "No module named 'nowhere'" in errors


# In this process


def quit():
    exit("boom")


def test_what_a_tree_may_be():
    class Tree(Supervisor):
        def init(self, *children):
            return SupervisorSpec(children, max_restarts=0)

    class Lone(Tree):
        def init(self):
            return super().init(quit)

    children = [worker("a"), quit]
    for tree in ((Tree, *children), SupervisorSpec(children, max_restarts=0), Tree.child_spec(*children)):
        with pytest.raises(Exit, match="the service has ended by itself") as ended:
            pyex.run(tree)
        assert ended.value.reason == "shutdown"
        assert all_news() == [("up", "a"), ("down", "a", "shutdown")]
    for tree, reason in ((Lone, "shutdown"), ([Lone, quit], "shutdown"), ((_link_and, quit), "boom")):
        with pytest.raises(Exit, match="the service has ended by itself") as ended:
            pyex.run(tree)
        assert ended.value.reason == reason
    with pytest.raises(SupervisorError, match="cannot be a child"):
        pyex.run(["tree"])
    with pytest.raises(TypeError, match=r"takes a function or a tree, not 5. Give the function without calling it"):
        pyex.run(5)
    with pytest.raises(TypeError, match="A class with arguments is a tuple"):
        pyex.run([worker("a")], 5)


def _link_and(fn):
    fn()


def test_a_tree_that_cannot_be_started():
    def fail():
        raise StartError("boom")

    with pytest.raises(StartError, match="because of its child 'a': 'boom'") as failed:
        pyex.run([ChildSpec("a", (fail, ()))])
    assert failed.value.reason == ("shutdown", ("failed_to_start_child", "a", "boom"))


def test_signals_are_handled_as_before_afterwards():
    pyex.self()  # from the first use on Ctrl-C is handled by the runtime
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    threads = set(threading.enumerate())
    pyex.run(Supervisor.child_spec(lambda: None, id="done"))
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before
    left = [it.name for it in threading.enumerate() if it not in threads]
    assert [name for name in left if not name.startswith(("pyex-scheduler", "pyex-monitor"))] in ([], ["pyex-signals"])


def test_on_another_thread_a_tree_runs_until_it_ends():
    me = self()
    tree = Supervisor.child_spec([worker("a")], name="root")

    def main():
        try:
            pyex.run(tree)
        except Exit as ended:
            send(me, ("ended", ended.reason))

    threading.Thread(target=main).start()
    assert news() == ("up", "a")
    Supervisor.stop("root", "boom")
    assert receive(("ended", "boom"), timeout=SOON)


def test_it_ends_with_the_process_that_runs_it():
    me = self()
    tree = [worker("a")]
    runner = spawn(lambda: (send(me, "begin"), pyex.run(tree), forever()))
    assert receive("begin", timeout=SOON)
    assert news() == ("up", "a")
    Process.exit(runner, "kill")
    assert news() == ("down", "a", "shutdown")
