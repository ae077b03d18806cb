"""The priority and the limit of memory that processes are given: what is taken, refused, shown and inherited."""

import pytest

from pyex import Process, run, self, spawn, spawn_link, spawn_monitor
from pyex.core import options
from pyex.core.process import processes
from tests.core.support import forever, kill, result_at, settle

#: Bytes that no process here holds.
MUCH = 10**9


def of(pid):
    info = Process.info(pid)
    kill(pid)
    return info.priority, info.max_heap_size


def test_spawn_takes_them_and_info_shows_them():
    def body():
        Process.flag("trap_exit", True)
        return [
            of(spawn(forever)),
            of(spawn(forever, priority="high")),
            of(spawn(forever, max_heap_size=MUCH)),
            of(spawn(forever, priority="low", max_heap_size=MUCH, thread=True)),
            of(spawn_link(forever, priority="low", max_heap_size=MUCH + 1)),
            of(spawn_monitor(forever, priority="low", max_heap_size=MUCH + 1)[0]),
        ]

    expected = [("normal", None), ("high", None), ("normal", MUCH), ("low", MUCH), ("low", MUCH + 1), ("low", MUCH + 1)]
    assert result_at(0, body) == expected
    assert result_at("thread", body) == expected


def test_a_process_that_has_none_has_no_relations():
    def has_relations():
        pid = spawn(forever)
        settle(pid)
        has = processes[pid.key].relations is not None
        kill(pid)
        return has

    # One that the monitor finds at work in two looks has: there its reductions are kept.
    assert not all(has_relations() for _ in range(5))


@pytest.mark.parametrize("start", [spawn, spawn_link, spawn_monitor])
@pytest.mark.parametrize(
    ("given", "error", "hint"),
    [
        ({"priority": "urgent"}, ValueError, "'low', 'normal' or 'high'"),
        ({"priority": 1}, TypeError, "'low', 'normal' or 'high'"),
        ({"priority": None}, TypeError, "'low', 'normal' or 'high'"),
        ({"max_heap_size": 0}, ValueError, "None for no limit"),
        ({"max_heap_size": -1}, ValueError, "None for no limit"),
        ({"max_heap_size": 1e9}, TypeError, "1000000000 is one"),
        ({"max_heap_size": float("nan")}, TypeError, "whole number of bytes"),
        ({"max_heap_size": True}, TypeError, "whole number of bytes"),
        ({"max_heap_size": "10 MB"}, TypeError, "whole number of bytes"),
    ],
)
def test_what_is_neither_is_refused_and_leaves_no_process(start, given, error, hint):
    def body():
        before = set(processes)
        with pytest.raises(error, match=hint):
            start(forever, name="somebody", **given)
        return set(processes) - before, Process.whereis("somebody")

    assert result_at(0, body) == (set(), None)
    assert run(body) == (set(), None)


def test_a_flag_returns_the_one_before():
    def body():
        return [
            Process.flag("priority", "high"),
            Process.flag("priority", "low"),
            Process.flag("max_heap_size", 1 << 40),
            Process.flag("max_heap_size", None),
            Process.flag("max_heap_size", None),
            Process.info(self()).priority,
            Process.info(self()).max_heap_size,
        ]

    assert result_at(0, body) == ["normal", "high", None, 1 << 40, None, "low", None]


def test_a_flag_refuses_what_there_is_not():
    def body():
        with pytest.raises(ValueError, match="'trap_exit', 'priority' and 'max_heap_size'"):
            Process.flag("heap", 1)
        with pytest.raises(ValueError, match="'low', 'normal' or 'high'"):
            Process.flag("priority", "urgent")
        with pytest.raises(TypeError, match="whole number of bytes"):
            Process.flag("max_heap_size", 1.5)
        return Process.info(self()).priority, Process.info(self()).max_heap_size

    assert result_at(0, body) == ("normal", None)


@pytest.fixture
def default():
    before = options.set_default_max_heap_size(1 << 40)
    yield 1 << 40
    options.set_default_max_heap_size(before)


def test_the_nodes_limit_holds_for_those_without_one_of_their_own(default):
    def body():
        own = Process.flag("max_heap_size", None)
        Process.flag("trap_exit", True)
        return [
            own,
            Process.info(self()).max_heap_size,
            of(spawn(forever))[1],
            of(spawn(forever, max_heap_size=1 << 30))[1],
            of(spawn(forever, priority="high"))[1],
            of(spawn_link(forever))[1],
        ]

    assert result_at(0, body) == [default, None, default, 1 << 30, default, default]
    assert Process.info(self()).max_heap_size is None  # a thread that has become a process
    with pytest.raises(ValueError, match="above zero"):
        options.set_default_max_heap_size(0)
