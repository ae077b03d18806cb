"""Processes of the runtime's own that have a name on every node, and how they are asked.

A request is ``("call", alias, request)``, answered by ``(alias, answer)``; so it can be asked of a service of another node
too, and an answer nobody waits for any more is dropped.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any, Final

from pyex.core.identity import identity
from pyex.core.ids import Pid, Ref, new_ref
from pyex.core.isolation import share
from pyex.core.messages import Down
from pyex.core.messaging import receive, send
from pyex.core.patterns import ANY
from pyex.core.process import names, processes
from pyex.core.process_api import Process
from pyex.core.spawning import create, start
from pyex.core.threads import this_process
from pyex.distribution import node_events

#: The answer of a service that is not there.
GONE: Final = object()

_NOTHING: Final = object()


class Service:
    """Takes messages one after the other, in a process registered under ``name``."""

    def __init__(self, name: str) -> None:
        self.name = name
        #: its process
        self.pid: Pid

    def start(self) -> Pid:
        """Start its process; raises ``NameTaken`` when there is one of that name."""
        process = create(_serve, (share(self),), name=self.name, system=True)
        self.pid = process.pid
        node_events.subscribe(process.pid)
        start(process)
        return process.pid

    @property
    def runs(self) -> bool:
        """Whether its process lives."""
        return self.pid.key in processes

    def begin(self) -> None:
        """In its process, first of all."""

    def handle(self, message: Any) -> None:
        """In its process: take a message."""

    def handle_call(self, request: Any, alias: Ref) -> Any:
        """In its process: the answer to a request, or ``LATER``."""


#: What ``handle_call`` returns when somebody else is to answer.
LATER: Final = object()


def _serve(service: Service) -> None:
    service.begin()
    while True:
        match receive():
            case ("call", Ref() as alias, request):
                answer = service.handle_call(request, alias)
                if answer is not LATER:
                    send(alias, (alias, answer))
            case message:
                service.handle(message)


#: Two threads that want a service at once get the same.
_starting: Final = threading.RLock()


def running(name: str, kind: type[Service], services: dict[str, Any]) -> Any:
    """The service of that name, started if it does not run; raises ``NameTaken`` if somebody else has the name."""
    service = services.get(name)
    if service is None or not service.runs:
        with _starting:
            service = services.get(name)
            if service is None or not service.runs:
                service = kind(name)
                service.start()
                services[name] = service
    return service


def reachable(name: str, node: str) -> Any:
    """How to address the service of a node."""
    return name if node == (identity.name or "nonode@nohost") else (name, node)


def call(service: Any, request: Any) -> Any:
    """Ask a service, on whatever node, and wait; ``GONE`` if it is not there."""
    return call_all([service], request)[0]


def call_all(services: Iterable[Any], request: Any) -> list[Any]:
    """Ask several at once; their answers in order."""
    aliases: list[Ref] = []
    try:
        for service in services:
            alias = Process.monitor(service, alias="reply_demonitor")
            aliases.append(alias)
            if not isinstance(service, str) or service in names:
                send(service, ("call", alias, request))
        answers = []
        for alias in aliases:
            answer = receive((alias, ANY), Down(alias))
            answers.append(GONE if isinstance(answer, Down) else answer[1])
    except BaseException:
        for alias in aliases:
            Process.demonitor(alias)  # and with it the alias: no answer comes from now on
            if this_process().exiting is None:
                while receive((alias, ANY), Down(alias), timeout=0, default=_NOTHING) is not _NOTHING:
                    pass
        raise
    return answers


def nobody() -> Ref:
    """The alias of a request whose answer nobody waits for."""
    return new_ref()


def visible_nodes() -> list[str]:
    """The nodes this one is connected to."""
    from pyex.distribution.node import Node  # which starts the services

    return Node.list()
