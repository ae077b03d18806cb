"""Supervisors do, step by step, what those of OTP do, where there is an Erlang to ask.

Random scripts are carried out by both; ``PYEX_EXAMPLES`` says how many.
"""

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from pyex import ChildSpec, Exit, Exited, Pid, Supervisor, SupervisorError, receive, self
from tests.core.support import SOON
from tests.otp.supervised import Worker, _trapping, all_news, end, kill, pids  # noqa: F401 - fixtures

SCRIPTS = int(os.environ.get("PYEX_EXAMPLES", "60"))
IDS = "abcde"
REASONS = ["normal", "shutdown", ("shutdown", "more"), "boom", "killed"]


def a_child(dice, name, auto_shutdown):
    restart = dice.choice(["permanent", "transient", "temporary"])
    return name, restart, auto_shutdown != "never" and restart != "permanent" and dice.random() < 0.5


def a_script(dice):
    strategy = dice.choice(["one_for_one", "one_for_all", "rest_for_one"])
    auto_shutdown = dice.choice(["never", "never", "any_significant", "all_significant"])
    children = [a_child(dice, name, auto_shutdown) for name in IDS[: dice.randint(0, 4)]]
    steps = []
    for _ in range(dice.randint(4, 14)):
        what = dice.choice(["end", "end", "end", "start_child", "terminate_child", "restart_child", "delete_child"])
        name = dice.choice(IDS)
        if what == "end":
            steps.append((what, name, dice.choice(REASONS)))
        else:
            steps.append((what, a_child(dice, name, auto_shutdown) if what == "start_child" else name))
    return strategy, auto_shutdown, children, steps


def term(value):
    """As Erlang writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}'"
    inner = ", ".join(map(term, value))
    return f"{{{inner}}}" if isinstance(value, tuple) else f"[{inner}]"


def run(script):
    """The lines of a script, from pyex."""
    strategy, auto_shutdown, children, steps = script
    flags = {"strategy": strategy, "auto_shutdown": auto_shutdown, "max_restarts": 3, "max_seconds": 1000}
    tree = Supervisor.start_link([*map(spec, children)], **flags)
    yield show("begun", tree)
    for step in steps:
        yield show(do(tree, *step), tree)
    try:
        Supervisor.stop(tree)
    except Exit:
        pass  # it has ended already
    receive(Exited(tree), timeout=SOON)
    all_news()


def spec(child):
    name, restart, significant = child
    return ChildSpec(name, (Worker.start_link, (self(), name)), restart=restart, significant=significant)


def do(tree, what, child, reason=None):
    try:
        if what == "end":
            pid = pids(tree).get(child)
            if not isinstance(pid, Pid):
                return "none"
            kill(pid) if reason == "killed" else end(pid, reason)
        else:
            getattr(Supervisor, what)(tree, spec(child) if what == "start_child" else child)
    except SupervisorError as refused:
        return refused.reason if isinstance(refused.reason, str) else refused.reason[0]
    except Exit:
        return "dead"
    return "ok"


def show(word, tree):
    words = [word]
    try:
        for name, pid in pids(tree).items():
            words += [name, "off" if pid is None else "up"]
    except Exit:
        words.append("dead")
    for what, name, *reason in all_news():
        words += [f"told_{what}", name, *("more" if isinstance(one, tuple) else one for one in reason)]
    return " ".join(words)


@pytest.mark.skipif(not (shutil.which("erl") and shutil.which("erlc")), reason="there is no Erlang here")
@pytest.mark.timeout(300)
def test_supervisors_do_what_those_of_otp_do(tmp_path):
    dice = random.Random(SCRIPTS)
    scripts = [a_script(dice) for _ in range(SCRIPTS)]
    (tmp_path / "scripts").write_text("".join(f"{term(script)}.\n" for script in scripts))
    subprocess.run(["erlc", "-o", tmp_path, Path(__file__).with_name("beside_erlang.erl")], check=True)
    command = ["erl", "-noshell", "-pa", tmp_path, "-run", "beside_erlang", "main", tmp_path / "scripts"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    expected = iter(done.stdout.splitlines())
    for script in scripts:
        for number, line in enumerate(run(script)):
            assert line == next(expected, done.stderr), (script, number)
    assert list(expected) == []
