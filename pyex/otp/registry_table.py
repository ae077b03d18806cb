"""The entries of registries: in the memory of the node, read without asking anybody.

What is written is written by the process that an entry is of, under the lock of a partition, and taken out again when
that process has ended, before anybody is told of it (:func:`pyex.on_end`).
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from pyex import NoProcess, Pid, Template, on_end, send, snapshot
from pyex import self as here
from pyex.otp.references import whereis


class Entry:
    """A process under a key, with a value."""

    __slots__ = ("_value", "key", "pid")

    def __init__(self, key: Any, pid: Pid, value: Any) -> None:
        self.key = snapshot(key)
        self.pid = pid
        self.value = value

    @property
    def value(self) -> Any:
        """A copy of it, with what was shared on purpose."""
        value = self._value
        return value.copy() if type(value) is Template else value

    @value.setter
    def value(self, value: Any) -> None:
        copied = Template(value)
        self._value = value if copied.copy() is value else copied

    def pair(self) -> tuple[Pid, Any]:
        """As a look-up gives it."""
        return self.pid, self.value


#: What a partition has under a key or of a process; a dict for its order, and since reading all of it is one step.
_Entries = dict[Entry, None]


class Partition:
    """A part of the entries, with a lock of its own."""

    def __init__(self, table: Table) -> None:
        self._table = table
        # Of the thread, since a finalizer may run anywhere, and register too.
        self._lock = threading.RLock()
        self._by_key: dict[Any, _Entries] = {}
        self._by_pid: dict[Pid, _Entries] = {}

    def add(self, entry: Entry, *, unique: bool) -> Pid | None:
        """In the process that the entry is of: add it; if there may be one only and is, whose that is."""
        with self._lock:
            there = self._by_key.get(entry.key)
            if unique and there:
                return next(iter(there)).pid
            if not on_end(self.forget):
                raise NoProcess(message=f"{entry.pid!r} is not alive")
            # First where its end looks for it: this may be interrupted between the two.
            self._by_pid.setdefault(entry.pid, {})[entry] = None
            self._by_key.setdefault(entry.key, {})[entry] = None
        return None

    def remove(self, key: Any, pid: Pid) -> int:
        """Take out the entries of a process under a key; how many there were."""
        with self._lock:
            entries = [entry for entry in self._by_key.get(key, ()) if entry.pid == pid]
            for entry in entries:
                self._drop(entry)
            return len(entries)

    def forget(self, pid: Pid) -> None:
        """A process has ended; see :func:`pyex.on_end`."""
        with self._lock:
            entries = list(self._by_pid.get(pid, ()))
            for entry in entries:
                self._drop(entry)
        self._table.ended.extend(entries)

    def _drop(self, entry: Entry) -> None:
        for entries, key in ((self._by_key, entry.key), (self._by_pid, entry.pid)):
            of_key = entries.get(key)
            if of_key is not None:
                of_key.pop(entry, None)
                if not of_key:
                    del entries[key]

    def under(self, key: Any) -> list[Entry]:
        """The entries under a key, the oldest first."""
        return list(self._by_key.get(key, ()))

    def of(self, pid: Pid) -> list[Entry]:
        """The entries of a process, the oldest first."""
        return list(self._by_pid.get(pid, ()))

    def all(self) -> list[Entry]:
        """All entries."""
        with self._lock:
            return [entry for entries in self._by_key.values() for entry in entries]

    def count(self) -> int:
        """How many entries there are."""
        with self._lock:
            return sum(map(len, self._by_pid.values()))


class Table:
    """A registry."""

    def __init__(self, name: str, *, unique: bool, partitions: int, listeners: tuple[Any, ...], parent: Pid) -> None:
        self.name = name
        self.unique = unique
        self.listeners = listeners
        #: the process of the registry, and the one that has started that
        self.pid = here()
        self.parent = parent
        self.partitions = [Partition(self) for _ in range(partitions)]
        self.meta: dict[Any, Any] = {}
        #: entries of processes that have ended, for the listeners
        self.ended: deque[Entry] = deque(maxlen=None if listeners else 0)

    def home(self, key: Any, pid: Pid) -> Partition:
        """Where an entry belongs: there may be many of one key, if it is not unique, and they are spread."""
        if len(self.partitions) == 1:
            return self.partitions[0]
        return self.partitions[(hash(key) if self.unique else pid.number) % len(self.partitions)]

    def under(self, key: Any) -> list[Entry]:
        """The entries under a key."""
        expect_key(key)
        if self.unique:
            return self.home(key, self.pid).under(key)
        return [entry for partition in self.partitions for entry in partition.under(key)]

    def of(self, pid: Pid) -> list[Entry]:
        """The entries of a process."""
        return [entry for partition in self.partitions for entry in partition.of(pid)]

    def all(self) -> list[Entry]:
        """All entries."""
        return [entry for partition in self.partitions for entry in partition.all()]

    def tell(self, *news: Any) -> None:
        """Let the listeners know."""
        for listener in self.listeners:
            target = whereis(listener)
            if target is not None:
                try:
                    send(target, news)
                except NoProcess:
                    pass  # it has given up its name this moment


def expect_key(key: Any) -> None:
    """Refuse what cannot be looked up."""
    try:
        hash(key)
    except TypeError:
        raise TypeError(f"a key can be looked up: a str, a number, a tuple of such ..., not {key!r}") from None


_tables: Final[dict[str, Table]] = {}
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_tables.clear)  # it has no processes


def table_of(name: Any) -> Table:
    """The table of a registry; raises ``NoProcess`` if it does not run."""
    table = _tables.get(name) if isinstance(name, str) else None
    if table is None:
        if not isinstance(name, str):
            raise TypeError(f"a registry is referred to by its name, a str, not {name!r}")
        known = ", ".join(map(repr, sorted(_tables)))
        raise NoProcess(
            message=f"no registry runs as {name!r}. "
            + (f"There are: {known}" if known else f"Registry.start_link(keys='unique', name={name!r}) starts one")
        )
    return table


def open_table(table: Table) -> None:
    """In its process: the table is there, until that ends."""
    _tables[table.name] = table
    on_end(_close(table))


def _close(table: Table) -> Callable[[Pid], None]:
    def close(_pid: Pid) -> None:
        if _tables.get(table.name) is table:
            del _tables[table.name]

    return close
