"""What processes on other nodes log, and how they end, is told by the shell that started them: once, with who and where."""

import pytest

NODE = "pyex(bob@127.0.0.1)"


@pytest.fixture
def pair(terminal):
    """A shell at its second prompt, connected to bob at its second."""
    bob = terminal("--name", "bob")
    bob.prompt(1, "bob@127.0.0.1")
    bob.enter("import logging")
    bob.prompt(2, "bob@127.0.0.1")
    alice = terminal("--connect", "bob@127.0.0.1")
    alice.prompt(1)
    alice.enter("import logging; b = 'bob@127.0.0.1'")
    alice.prompt(2)
    return alice, bob


def settled(alice, bob):
    """Both shells have written what was on its way; what bob's screen shows."""
    alice.enter("Node.spawn_monitor(b, lambda: None) and receive() and None")
    alice.wait(lambda: alice.last().startswith("pyex(") and alice.last().endswith(">"))
    bob.enter("'so' + ' far'")
    bob.wait("'so far'")
    return bob.text()


def test_the_crash_of_a_remote_process_is_reported_where_it_was_started(pair):
    alice, bob = pair
    bob.enter("logging.getLogger('pyex').addHandler(logging.FileHandler('of_bob'))")
    bob.prompt(3, "bob@127.0.0.1")
    alice.enter("pid, ref = Node.spawn_monitor(b, lambda: 1 // 0)")
    alice.wait("ZeroDivisionError: integer division or modulo by zero")
    alice.enter("receive(); open('of_bob').read().count('ended: Zero' 'Div')")
    alice.prompt(4)
    [line] = [line for line in alice.lines() if "ended: ZeroDivisionError" in line]
    assert line.startswith("Pid('0.113.0', 'bob@127.0.0.1'): Process Pid('0.113.0') ended: ZeroDivisionError")
    assert alice.lines()[-2] == "1"  # what bob's user has asked for is there
    assert "ZeroDivisionError" not in settled(alice, bob)


@pytest.mark.parametrize("log", ["logging.warning", "logging.getLogger('mine').error", "warnings.warn"])
def test_what_a_remote_process_logs_appears_where_it_was_started(pair, log):
    alice, bob = pair
    alice.enter("import warnings")
    alice.prompt(3)
    alice.enter(f"Node.spawn_monitor(b, lambda: {log}('from ' + 'afar')) and receive() and None")
    alice.prompt(4)
    alice.wait("from afar")
    [line] = [line for line in alice.lines() if "from afar" in line]
    assert line.startswith("Pid('0.113.0', 'bob@127.0.0.1'): ")
    assert "from afar" not in settled(alice, bob)
    bob.enter("logging.getLogger('mine').error('at' + ' home')")
    bob.wait(lambda: any(line.endswith("at home") and "Pid" not in line for line in bob.lines()))
    assert "at home" not in alice.text()


def test_several_lines_of_one_remote_process_say_once_who_it_is(pair):
    alice, _ = pair
    alice.enter("import traceback")
    alice.prompt(3)
    alice.enter("def fails():", "try: 1 // 0", "except ZeroDivisionError: traceback.print_exc()", "")
    alice.prompt(4)
    alice.enter("Node.spawn(b, fails)")
    alice.wait("ZeroDivisionError: integer")
    assert alice.text().count("Pid('0.113.0', 'bob@127.0.0.1'): Traceback") == 1
    assert alice.text().count("'bob@127.0.0.1'): ") == 1
