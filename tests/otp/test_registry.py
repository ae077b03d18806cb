"""Registry: statement 44 of the behaviour contract."""

import threading

import pytest

import pyex
from pyex import (
    ANY,
    AlreadyRegistered,
    Down,
    Exited,
    GenServer,
    NoProcess,
    NotRegistered,
    Pid,
    Process,
    Registry,
    Reply,
    StartError,
    receive,
    self,
    send,
    share,
    sleep,
    spawn,
)
from tests.core.support import PLACES, SOON, ended, forever, kill, messages, monitor_at, result_at, start_at, switching


@pytest.fixture(params=[1, 4], ids=["one partition", "four"])
def partitions(request):
    return request.param


def test_tables_of_processes_show_a_registry_as_one():
    registry = Registry.start_link(keys="unique", name="shown")
    assert Process.info(registry).initial_call == "pyex.otp.registry.Registry"


@pytest.fixture
def unique(partitions):
    return Registry.start_link(keys="unique", name="names", partitions=partitions) and "names"


@pytest.fixture
def duplicate(partitions):
    return Registry.start_link(keys="duplicate", name="topics", partitions=partitions) and "topics"


def stay(asker, registry, *keys):
    """Register under these keys, say so, and wait for ``end``."""
    for key in keys:
        Registry.register(registry, key, self())
    send(asker, (self(), "registered"))
    receive("end")


def stayer(registry, *keys, place=0):
    pid = start_at(place, stay, self(), registry, *keys)
    receive((pid, "registered"), timeout=SOON)
    return pid


def test_44_a_unique_key_is_of_one_process(unique):
    other = stayer(unique, "key")
    assert Registry.lookup(unique, "key") == [(other, other)]
    with pytest.raises(AlreadyRegistered, match="is taken, by") as caught:
        Registry.register(unique, "key", 2)
    assert caught.value.pid == other
    assert isinstance(caught.value, ValueError)
    assert Registry.register(unique, "mine", 2) == Process.whereis(unique)
    with pytest.raises(AlreadyRegistered) as caught:
        Registry.register(unique, "mine", 3)
    assert caught.value.pid == self()
    assert Registry.lookup(unique, "mine") == [(self(), 2)]
    assert Registry.lookup(unique, "nobody's") == []
    assert Registry.count(unique) == 2


def test_44_a_duplicate_key_is_of_many(duplicate):
    other = stayer(duplicate, "key", "key", "else")
    Registry.register(duplicate, "key", "mine")
    assert sorted(Registry.lookup(duplicate, "key"), key=repr) == sorted(
        [(other, other), (other, other), (self(), "mine")], key=repr
    )
    assert Registry.keys(duplicate, other) == ["key", "key", "else"]
    assert Registry.values(duplicate, "key", other) == [other, other]
    assert Registry.count(duplicate) == 4
    assert Registry.unregister(duplicate, "key") is True
    assert Registry.unregister(duplicate, "key") is True
    assert Registry.keys(duplicate, self()) == []
    assert len(Registry.lookup(duplicate, "key")) == 2


@pytest.mark.parametrize("places", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("end", ["normal", "kill"])
def test_44_entries_are_gone_when_a_down_is_seen(places, end):
    Registry.start_link(keys="unique", name="names")
    Registry.start_link(keys="duplicate", name="topics", partitions=2)

    def registered(asker):
        Registry.register("names", "key")
        Registry.register("topics", "key")
        Registry.register("topics", "key", 2)
        stay(asker, "names")

    def body():
        for _ in range(100):
            pid, ref = monitor_at(places[1], registered, self())
            receive((pid, "registered"), timeout=SOON)
            assert Registry.lookup("names", "key") == [(pid, None)]
            send(pid, "end") if end == "normal" else Process.exit(pid, "kill")
            receive(Down(ref), timeout=SOON)
            assert Registry.lookup("names", "key") == Registry.lookup("topics", "key") == []
            assert Registry.keys("names", pid) == Registry.keys("topics", pid) == []

    with switching(1e-5):
        result_at(places[0], body)
    assert Registry.count("names") == Registry.count("topics") == 0


@pytest.mark.parametrize("places", [(0, 0, 0), (0, 1, 0), ("thread", "thread", 0), ("thread", 0, 1)])
def test_44_racing_registrations_have_one_winner(places):
    Registry.start_link(keys="unique", name="names", partitions=2)

    def race(asker):
        while True:
            n = receive(int)
            try:
                Registry.register("names", n)
                send(asker, (n, "won", self()))
            except AlreadyRegistered as error:
                send(asker, (n, "lost", error.pid))
            receive("again")
            Registry.unregister("names", n)

    def body():
        racers = [start_at(place, race, self()) for place in places]
        for n in range(1000 // 4):
            for racer in racers:
                send(racer, n)
            answers = [receive((n, ANY, Pid), timeout=SOON) for _ in racers]
            (winner,) = [pid for _, how, pid in answers if how == "won"]
            assert {pid for _, _, pid in answers} == {winner}
            assert Registry.lookup("names", n) == [(winner, None)]
            for racer in racers:
                send(racer, "again")

    with switching(1e-5):
        result_at(0, body)


def test_44_a_key_is_free_for_the_next_when_its_process_has_ended(unique):
    for _ in range(100):
        kill(stayer(unique, "key"))
        kill(stayer(unique, "key", place="thread"))
    Registry.register(unique, "key")


class Echo(GenServer):
    def handle_call(self, request, caller):
        return Reply((pyex.self(), request))


def test_44_a_server_has_a_name_by_via(unique):
    name = Registry.via(unique, ("room", 7), "blue")
    pid = Echo.start_link(name=name)
    assert GenServer.call(name, "hello") == (pid, "hello")
    assert GenServer.whereis(name) == pid
    assert Registry.lookup(unique, ("room", 7)) == [(pid, "blue")]
    with pytest.raises(StartError) as caught:
        Echo.start_link(name=name)
    assert caught.value.reason == ("already_started", pid)
    GenServer.cast(Registry.via(unique, "nobody"), "anything")
    GenServer.stop(name)
    assert GenServer.whereis(name) is None
    with pytest.raises(NoProcess, match=r"Registry\.via\('names', \('room', 7\)\)"):
        GenServer.call(name, "hello")
    assert Echo.start_link(name=name) != pid


def test_44_a_via_name_passes_in_messages_and_needs_unique_keys(unique):
    name = Registry.via(unique, "echo")
    pid = Echo.start_link(name=name)
    assert result_at(0, lambda: GenServer.call(name, 1)) == (pid, 1)
    Registry.start_link(keys="duplicate", name="topics")
    with pytest.raises(ValueError, match="not unique"):
        GenServer.call(Registry.via("topics", "echo"), 1)


def test_44_dispatch_calls_with_all_entries(duplicate):
    others = {stayer(duplicate, "topic") for _ in range(8)}
    got = []
    Registry.dispatch(duplicate, "topic", got.extend)
    assert {pid for pid, _ in got} == others
    assert all(pid == value for pid, value in got)
    Registry.dispatch(duplicate, "nothing", got.extend)
    assert len(got) == 8
    me = self()
    Registry.dispatch(duplicate, "topic", lambda entries: send(me, [pid for pid, _ in entries]), parallel=True)
    parts = messages()
    assert sorted(pid for part in parts for pid in part) == sorted(others)


def test_44_dispatch_tells_of_what_is_raised(unique):
    Registry.register(unique, "key")
    with pytest.raises(ZeroDivisionError):
        Registry.dispatch(unique, "key", lambda entries: 1 / 0)


def test_44_values_are_copies_and_what_is_shared_is_shared(unique):
    value, lock = [1], threading.Lock()
    Registry.register(unique, "list", value)
    value.append(2)
    ((_, copy),) = Registry.lookup(unique, "list")
    assert copy == [1]
    copy.append(3)
    assert Registry.values(unique, "list", self()) == [[1]]
    Registry.register(unique, "lock", {"lock": share(lock)})
    for _ in range(2):
        assert Registry.lookup(unique, "lock")[0][1]["lock"] is lock


def test_44_a_value_is_updated_by_its_process(unique):
    Registry.register(unique, "key", [1])
    assert Registry.update_value(unique, "key", lambda value: [*value, 2]) == ([1, 2], [1])
    assert Registry.lookup(unique, "key") == [(self(), [1, 2])]
    stayer(unique, "other's")
    for key in ("other's", "nobody's"):
        with pytest.raises(NotRegistered):
            Registry.update_value(unique, key, str)
    Registry.start_link(keys="duplicate", name="topics")
    with pytest.raises(ValueError, match="many values"):
        Registry.update_value("topics", "key", str)


def test_44_match_and_select(duplicate):
    other = stayer(duplicate, "a", "b")
    Registry.register(duplicate, "a", ("size", 5))
    Registry.register(duplicate, "b", ("size", 50))
    assert Registry.match(duplicate, "a", ("size", int)) == [(self(), ("size", 5))]
    assert Registry.match(duplicate, "a", Pid) == [(other, other)]
    assert sorted(Registry.select(duplicate, lambda key, pid, value: pid == self())) == [
        ("a", self(), ("size", 5)), ("b", self(), ("size", 50)),
    ]  # fmt: skip
    assert len(Registry.select(duplicate, lambda *_: True)) == 4


def test_44_metadata_belongs_to_the_registry(unique):
    value = {"a": [1]}
    assert Registry.put_meta(unique, "config", value) is True
    value["a"].append(2)
    assert Registry.meta(unique, "config") == {"a": [1]}
    assert Registry.meta(unique, "nothing") is None
    assert Registry.meta(unique, "nothing", 5) == 5


def test_44_listeners_hear_who_comes_and_goes(partitions):
    me = self()
    Process.register(me, "log")
    Registry.start_link(keys="unique", name="names", partitions=partitions, listeners=["log", me, "nobody"])
    Registry.register("names", "key", [1])
    assert messages() == [("register", "names", "key", me, [1])] * 2
    Registry.unregister("names", "key")
    Registry.unregister("names", "key")
    assert messages() == [("unregister", "names", "key", me)] * 2
    for end in ("normal", "kill"):
        pid = spawn(stay, me, "names", "a", "b")
        receive((pid, "registered"), timeout=SOON)
        send(pid, "end") if end == "normal" else Process.exit(pid, "kill")
        for key in ("a", "b"):
            for _ in range(2):
                assert receive(("register", "names", key, pid, pid), timeout=SOON)
                assert receive(("unregister", "names", key, pid), timeout=SOON)
    assert messages() == []
    Process.unregister("log")


def test_44_reading_waits_for_nobody(unique):
    """The process of the registry and the one that is registered do something else."""
    other = stayer(unique, "key", place="thread")
    GenServer.suspend(unique)
    assert Registry.lookup(unique, "key") == [(other, other)]
    Registry.register(unique, "mine")
    assert Registry.count(unique) == 2
    Registry.unregister(unique, "mine")
    kill(other)
    assert Registry.lookup(unique, "key") == []
    GenServer.resume(unique)


def test_who_is_registered_ends_with_the_registry():
    def main(asker):
        Registry.start_link(keys="unique", name="names")
        send(asker, "there")
        forever()

    owner = spawn(main, self())
    receive("there", timeout=SOON)
    registered = stayer("names", "key")
    gone = stayer("names", "key 2")
    unregistered = start_at(
        0, lambda: (Registry.register("names", "x"), Registry.unregister("names", "x"), sleep(None))
    )
    send(gone, "end")
    ended(gone)
    Process.exit(Process.whereis("names"), "kill")
    assert ended(registered) in ("killed", "noproc")
    ended(owner)
    assert Process.alive(unregistered)
    with pytest.raises(NoProcess, match="no registry runs"):
        Registry.lookup("names", "key")


def test_the_parent_stays_linked_to_its_registry(unique):
    Registry.register(unique, "key")
    Registry.unregister(unique, "key")
    Process.flag("trap_exit", True)
    Process.exit(pid := Process.whereis(unique), "kill")
    assert receive(Exited(pid), timeout=SOON).reason == "killed"


def test_a_registry_starts_again_empty():
    Process.flag("trap_exit", True)
    for _ in range(100):
        pid = Registry.start_link(keys="unique", name="names")
        Registry.register("names", "key")
        Process.exit(pid, "kill")
        ended(pid)
        with pytest.raises(NoProcess):
            Registry.lookup("names", "key")


def test_a_taken_name_and_a_child_spec(unique):
    with pytest.raises(StartError, match="Registry could not be started: the name 'names' is taken"):
        Registry.start_link(keys="unique", name=unique)
    spec = Registry.child_spec(keys="unique", name="rooms", id="my rooms")
    assert spec.id == "my rooms"
    pid = spec.start[0](*spec.start[1])
    assert Process.whereis("rooms") == pid
    assert Registry.register("rooms", 1) == pid


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"keys": "uniq"}, ValueError, "'unique' or 'duplicate'"),
        ({"name": None}, TypeError, "not empty"),
        ({"partitions": 0}, ValueError, "1 or more"),
        ({"listeners": "log"}, TypeError, "a list"),
        ({"listeners": [5]}, TypeError, "no server"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        Registry.start_link(**{"keys": "unique", "name": "names", **options})


def test_errors_say_what_to_do(unique):
    with pytest.raises(TypeError, match="namespace"):
        Registry()
    with pytest.raises(NoProcess, match="There are: 'names'"):
        Registry.lookup("nams", "key")
    with pytest.raises(TypeError, match="by its name"):
        Registry.lookup(self(), "key")
    for use in (Registry.register, Registry.unregister, Registry.lookup, Registry.via, Registry.meta):
        with pytest.raises(TypeError, match="a key can be looked up"):
            use(unique, ["list"])
    with pytest.raises(pyex.NotSendable):
        Registry.register(unique, "key", threading.Lock())
    assert Registry.count(unique) == 0
