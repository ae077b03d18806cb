"""``pyex.run``: a function as a process of the thread that calls it."""

import pytest

from pyex import (
    Exit,
    Process,
    exit,
    receive,
    run,
    self,
    send,
    sleep,
    spawn,
    spawn_link,
)
from pyex.core.process import processes
from tests.core.support import SOON, in_thread, program


def test_run_returns_the_value():
    assert run(lambda: 42) == 42
    assert run(lambda a, b: (a, b), 1, [2]) == (1, [2])
    assert run(lambda: send(self(), "hello") and receive()) == "hello"


def test_run_is_a_process_of_its_own_that_ends():
    mine = self()
    inside = run(self)
    assert inside != mine
    assert self() == mine
    assert inside.key not in processes


def test_run_raises_the_exception_itself():
    error = ValueError("itself")

    def main():
        raise error

    with pytest.raises(ValueError) as raised:
        run(main)
    assert raised.value is error
    assert raised.traceback[-1].name == "main"


@pytest.mark.parametrize("reason", ["boom", ("a", 1), "kill", "shutdown"])
def test_run_raises_exit_with_the_reason(reason):
    with pytest.raises(Exit) as raised:
        run(exit, reason)
    assert raised.value.reason == reason


@pytest.mark.parametrize(("reason", "seen"), [("kill", "killed"), ("boom", "boom")])
def test_run_raises_exit_when_main_was_exited(reason, seen):
    def main():
        victim = self()
        spawn(lambda: Process.exit(victim, reason))
        receive(timeout=SOON)

    with pytest.raises(Exit) as raised:
        run(main)
    assert raised.value.reason == seen


def test_run_raises_exit_when_a_link_breaks():
    def main():
        spawn_link(exit, "broken")
        sleep(SOON)

    with pytest.raises(Exit) as raised:
        run(main)
    assert raised.value.reason == "broken"


@pytest.mark.parametrize("code", [3, "text"])
def test_run_turns_system_exit_into_exit(code):
    def main():
        raise SystemExit(code)

    with pytest.raises(Exit) as raised:
        run(main)
    assert raised.value.reason == ("exit", code)


@pytest.mark.parametrize("thread", [False, True])
def test_run_inside_a_process_simply_calls(thread):
    parent = self()
    spawn(lambda: send(parent, run(self) == self()), thread=thread)
    assert receive(timeout=SOON) is True
    assert run(lambda: run(self) == self())


def test_run_on_another_thread():
    assert in_thread(lambda: run(lambda: run(lambda: 42))) == 42


def test_links_of_what_ran_are_told():
    parent = self()

    def main():
        child = spawn(watch, self(), parent)
        assert receive(timeout=SOON) == "watching"
        return child

    def watch(pid, parent):
        Process.flag("trap_exit", True)
        Process.link(pid)
        send(pid, "watching")
        send(parent, receive(timeout=SOON))

    run(main)
    assert receive(timeout=SOON).reason == "normal"


def test_what_computes_on_another_thread_ends_also_where_nothing_was_spawned():
    done = program("""
    began, how = [], []
    def busy():
        began.append(self())
        try:
            while True:
                pass
        finally:
            how.append("ended in order")
    def main():
        try:
            run(busy)
        except Exit as exit:
            print(exit.reason, *how)
    thread = threading.Thread(target=main, daemon=True)
    thread.start()
    while not began:
        time.sleep(0.001)
    Process.exit(began[0], "over")
    thread.join(60)
    """)
    assert (done.returncode, done.stdout) == (0, "over ended in order\n"), done.stderr


def test_the_end_of_a_thread_where_nothing_was_spawned_leaves_the_switch_interval_as_it_was():
    done = program("""
    before = sys.getswitchinterval()
    began, stop = [], []
    def main():
        began.append(self())
        while not stop:
            time.sleep(0.001)
    thread = threading.Thread(target=main)
    thread.start()
    while not began:
        time.sleep(0.001)
    Process.exit(began[0], "kill")
    print(sys.getswitchinterval() == before)
    stop.append(True)
    """)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
