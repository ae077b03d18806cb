"""Registry: processes of this node under keys of any kind, with values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from pyex import Exited, Pid, Process, PyexError, matches, set_initial_call, snapshot
from pyex import self as here
from pyex.otp.child_spec import ChildSpec, class_spec
from pyex.otp.gen_server import GenServer
from pyex.otp.references import Server, whereis
from pyex.otp.registry_table import Entry, Table, expect_key, open_table, table_of
from pyex.otp.results import NoReply, Stop
from pyex.otp.task import Task


class AlreadyRegistered(PyexError, ValueError):
    """The key is taken in a registry of unique keys; ``pid`` is its holder."""

    def __init__(self, key: Any, pid: Pid) -> None:
        super().__init__(key, pid)
        self.key = key
        self.pid = pid

    def __str__(self) -> str:
        return f"the key {self.key!r} is taken, by {self.pid!r}"


class NotRegistered(PyexError, LookupError):
    """This process is not registered under the key."""


class Registry:
    """Processes of this node under keys, which may be anything that can be looked up, each with a value.

    >>> from pyex import *
    >>> names = Registry.start_link(keys="unique", name="names")

    A registry of unique keys gives names to processes, where ``name=`` takes only a str:

    >>> Registry.register("names", ("room", 7), "blue")
    Pid('0.110.0')
    >>> Registry.lookup("names", ("room", 7))
    [(Pid('0.111.0'), 'blue')]

    A process registers itself; it is gone from the registry when it has ended, before anybody is told of its end. A
    server is registered as it starts, and referred to, by ``Registry.via``:

    >>> pid = Counter.start_link(10, name=Registry.via("names", ("counter", 1)))
    >>> GenServer.call(Registry.via("names", ("counter", 1)), "get")
    10

    A registry of duplicate keys is a list of who is interested in something:

    >>> topics = Registry.start_link(keys="duplicate", name="topics")
    >>> Registry.register("topics", "weather", "short")
    Pid('0.112.0')
    >>> Registry.dispatch("topics", "weather", lambda entries: [send(pid, "sun") for pid, value in entries])
    >>> receive()
    'sun'

    Reading asks no process, so it neither waits nor is in anybody's way. Under a supervisor a registry stands
    before those that register there, as ``Registry.child_spec(keys="unique", name="names")``. Who is registered is
    linked to the registry: when that ends abnormally, so does he, and is registered again when his supervisor starts him again.
    """

    def __new__(cls) -> Registry:
        raise TypeError("Registry is a namespace: Registry.start_link(keys='unique', name='names') starts a registry")

    @classmethod
    def start_link(
        cls,
        *,
        keys: Literal["unique", "duplicate"],
        name: str,
        partitions: int = 1,
        listeners: Iterable[Server] = (),
    ) -> Pid:
        """Start a registry, linked to this process; its pid. It is referred to by its name.

        Of ``"unique"`` keys each is of one process at most, of ``"duplicate"`` keys of as many as register it, or of one
        several times. ``partitions`` share the work where many threads register at once. ``listeners`` are servers, by
        name or pid, that are sent ``("register", name, key, pid, value)`` and ``("unregister", name, key, pid)``.

        Raises ``StartError`` if the name is taken, ``ValueError`` or ``TypeError`` for options that cannot be meant.

        >>> pid = Registry.start_link(keys="unique", name="rooms", listeners=["log"])
        """
        if keys not in ("unique", "duplicate"):
            raise ValueError(f"keys is 'unique' or 'duplicate', not {keys!r}")
        if not isinstance(name, str) or not name:
            raise TypeError(f"the name of a registry is a str that is not empty, not {name!r}")
        if isinstance(partitions, bool) or not isinstance(partitions, int) or partitions < 1:
            raise ValueError(f"partitions is a number, 1 or more, not {partitions!r}")
        if isinstance(listeners, str | Pid):
            raise TypeError(f"listeners is a list of names or pids: [{listeners!r}]")
        listening = tuple(listeners)
        for listener in listening:
            whereis(listener)  # raises for what is no server
        pid: Pid = _Keeper.start_link(name, keys == "unique", partitions, listening, here(), name=name)
        return pid

    @classmethod
    def child_spec(cls, **options: Any) -> ChildSpec:
        """How a supervisor starts a registry: with the options of ``start_link``, and those of a ``ChildSpec``.

        >>> Registry.child_spec(keys="unique", name="names").id
        'names'
        """
        return class_spec(cls, (), options)

    @staticmethod
    def register(registry: str, key: Any, value: Any = None) -> Pid:
        """Register this process under a key, with a value, of which look-ups give copies; the pid of the registry.

        Raises ``AlreadyRegistered`` (a ``ValueError``) if keys are unique and this one is taken, be it by this process;
        ``pid`` of the error is the holder. Raises ``NoProcess`` if there is no such registry, ``TypeError`` for a key
        that cannot be looked up.

        >>> Registry.register("names", "me")
        Pid('0.110.0')
        """
        expect_key(key)
        table, me = table_of(registry), here()
        if me not in (table.parent, table.pid):
            Process.link(table.pid)
        entry = Entry(key, me, value)
        holder = table.home(key, me).add(entry, unique=table.unique)
        if holder is not None:
            _unlink_if_nowhere(table, me)
            raise AlreadyRegistered(key, holder)
        table.tell("register", registry, entry.key, me, entry.value)
        return table.pid

    @staticmethod
    def unregister(registry: str, key: Any) -> bool:
        """Take this process's entries under a key out of the registry; True, also if there were none.

        >>> Registry.unregister("names", "me")
        True
        """
        expect_key(key)
        table, me = table_of(registry), here()
        for _ in range(table.home(key, me).remove(key, me)):
            table.tell("unregister", registry, key, me)
        _unlink_if_nowhere(table, me)
        return True

    @staticmethod
    def lookup(registry: str, key: Any) -> list[tuple[Pid, Any]]:
        """Who is registered under a key: a list of ``(pid, value)``, the oldest first, which is empty for none.

        >>> Registry.lookup("names", "nobody")
        []
        """
        return [entry.pair() for entry in table_of(registry).under(key)]

    @staticmethod
    def match(registry: str, key: Any, pattern: Any) -> list[tuple[Pid, Any]]:
        """Likewise, those whose value matches a pattern, as for ``receive``.

        >>> Registry.match("topics", "weather", str)
        [(Pid('0.110.0'), 'short')]
        """
        return [pair for pair in Registry.lookup(registry, key) if matches(pattern, pair[1])]

    @staticmethod
    def select(registry: str, predicate: Callable[[Any, Pid, Any], object]) -> list[tuple[Any, Pid, Any]]:
        """All ``(key, pid, value)`` of a registry for which ``predicate(key, pid, value)`` is true, in no order.

        >>> Registry.select("names", lambda key, pid, value: value == "blue")
        [(('room', 7), Pid('0.110.0'), 'blue')]
        """
        found = [(entry.key, *entry.pair()) for entry in table_of(registry).all()]
        return [triple for triple in found if predicate(*triple)]

    @staticmethod
    def keys(registry: str, pid: Pid) -> list[Any]:
        """The keys of a process, in the order in which it registered; one that it has several times as often.

        >>> Registry.keys("names", self())
        [('room', 7)]
        """
        return [entry.key for entry in table_of(registry).of(pid)]

    @staticmethod
    def values(registry: str, key: Any, pid: Pid) -> list[Any]:
        """The values that a process has under a key.

        >>> Registry.values("names", ("room", 7), self())
        ['blue']
        """
        return [value for holder, value in Registry.lookup(registry, key) if holder == pid]

    @staticmethod
    def count(registry: str) -> int:
        """How many entries a registry has.

        >>> Registry.count("topics")
        1
        """
        return sum(partition.count() for partition in table_of(registry).partitions)

    @staticmethod
    def dispatch(
        registry: str, key: Any, fn: Callable[[list[tuple[Pid, Any]]], object], *, parallel: bool = False
    ) -> None:
        """Call ``fn(entries)`` with the list of ``(pid, value)`` under a key, in this process, unless it is empty.

        With several partitions it is called for each that has some; with ``parallel=True`` in tasks at the same time,
        which are waited for.

        >>> Registry.dispatch("topics", "storm", print)
        """
        table = table_of(registry)
        expect_key(key)
        homes = [table.home(key, table.pid)] if table.unique else table.partitions
        parts = [[entry.pair() for entry in partition.under(key)] for partition in homes]
        if parallel and len(parts) > 1:
            Task.await_many([Task.async_(fn, part) for part in parts if part], timeout=None)
            return
        for part in parts:
            if part:
                fn(part)

    @staticmethod
    def update_value(registry: str, key: Any, fn: Callable[[Any], Any]) -> tuple[Any, Any]:
        """Replace the value that this process has under a key, which is unique, by ``fn(value)``; ``(new, old)``.

        Raises ``NotRegistered`` (a ``LookupError``) if the key is not this process's, and ``ValueError`` where keys are not
        unique.

        >>> Registry.update_value("names", ("room", 7), str.upper)
        ('BLUE', 'blue')
        """
        table, me = table_of(registry), here()
        if not table.unique:
            raise ValueError(f"a process may have many values under one key in {registry!r}: which is meant?")
        for entry in table.under(key):
            if entry.pid == me:
                old = entry.value
                entry.value = fn(entry.value)
                return entry.value, old
        raise NotRegistered(f"{me!r} is not registered under {key!r} in {registry!r}")

    @staticmethod
    def meta(registry: str, key: Any, default: Any = None) -> Any:
        """What is known of the registry itself under a key: put there by ``put_meta``, else ``default``.

        >>> Registry.put_meta("names", "city", "Paris")
        True
        >>> Registry.meta("names", "city")
        'Paris'
        """
        expect_key(key)
        return snapshot(table_of(registry).meta.get(key, default))

    @staticmethod
    def put_meta(registry: str, key: Any, value: Any) -> bool:
        """Keep something about the registry itself, as long as that runs; returns True."""
        expect_key(key)
        table_of(registry).meta[snapshot(key)] = snapshot(value)
        return True

    @staticmethod
    def via(registry: str, key: Any, value: Any = None) -> RegisteredName:
        """The name of a server: wherever one may stand, in ``start_link(name=...)`` and ``GenServer.call``.

        ``value`` is what it is registered with when it starts. Keys have to be unique.

        >>> GenServer.whereis(Registry.via("names", "nobody"))
        """
        expect_key(key)
        return RegisteredName(registry, key, value)


class RegisteredName:
    """What ``Registry.via`` returns."""

    __slots__ = ("_key", "_registry", "_value")

    def __init__(self, registry: str, key: Any, value: Any) -> None:
        self._registry = registry
        self._key = key
        self._value = value

    def whereis(self) -> Pid | None:
        """Who has the name."""
        return next((pid for pid, _ in Registry.lookup(self._expect_unique(), self._key)), None)

    def register(self, pid: Pid) -> bool:
        """In the process ``pid``: take it; False if it is taken."""
        assert pid == here()
        try:
            Registry.register(self._expect_unique(), self._key, self._value)
        except AlreadyRegistered:
            return False
        return True

    def unregister(self) -> None:
        """In the process that has it: give it up."""
        Registry.unregister(self._registry, self._key)

    def _expect_unique(self) -> str:
        if not table_of(self._registry).unique:
            raise ValueError(
                f"a name is of one process, but the keys of the registry {self._registry!r} are not unique"
            )
        return self._registry

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RegisteredName) and (self._registry, self._key) == (other._registry, other._key)

    def __hash__(self) -> int:
        return hash((self._registry, self._key))

    def __repr__(self) -> str:
        return f"Registry.via({self._registry!r}, {self._key!r})"


class _Keeper(GenServer):
    """The process of a registry: while it lives there is one. Nobody has to ask it anything."""

    __qualname__ = "Registry"  # for those who read reports

    def init(self, name: str, unique: bool, partitions: int, listeners: tuple[Server, ...], parent: Pid) -> None:
        set_initial_call(Registry)
        Process.flag("trap_exit", True)  # those who are registered are linked to it
        self.name = name
        open_table(Table(name, unique=unique, partitions=partitions, listeners=listeners, parent=parent))

    def handle_info(self, message: Any) -> NoReply | Stop | None:
        if type(message) is not Exited:
            return super().handle_info(message)
        table = table_of(self.name)
        while table.ended:
            entry = table.ended.popleft()
            table.tell("unregister", table.name, entry.key, entry.pid)
        return None


def _unlink_if_nowhere(table: Table, me: Pid) -> None:
    if me not in (table.parent, table.pid) and not table.of(me):
        Process.unlink(table.pid)
