"""The process dictionary."""

from pyex import Down, Process, receive, self, send, spawn_monitor
from tests.core.support import SOON, result_at


def test_put_get_delete_keys():
    def body():
        assert Process.get("a") is None
        assert Process.get("a", 5) == 5
        assert Process.keys() == []
        assert Process.put("a", 1) is None
        assert Process.put("a", 2) == 1
        Process.put("b", 3)
        assert Process.get("a") == 2
        assert Process.keys() == ["a", "b"]
        assert Process.delete("a") == 2
        assert Process.delete("a") is None
        assert Process.keys() == ["b"]

    for place in (0, "thread"):
        result_at(place, body)


def test_every_process_has_its_own():
    def body():
        Process.put("mine", 1)
        here = self()
        _, ref = spawn_monitor(lambda: send(here, Process.keys()))
        assert receive(list, timeout=SOON) == []
        receive(Down(ref), timeout=SOON)
        assert Process.get("mine") == 1

    result_at(0, body)
