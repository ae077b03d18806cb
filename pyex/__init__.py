"""pyex: Erlang/OTP's processes and mesh of nodes for Python.

>>> from pyex import *
>>> echo = spawn(lambda: send(*receive((Pid, ANY))))
>>> send(echo, (self(), "hello"))
>>> receive()
'hello'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyex.core import forking as forking  # for its effect
from pyex.core.areceiving import areceive
from pyex.core.awaiting import await_
from pyex.core.blocking import blocking
from pyex.core.crash import Crash
from pyex.core.crash import format_user_traceback as format_user_traceback
from pyex.core.errors import (
    AwaitTimeout,
    ConnectError,
    CookieError,
    Exit,
    NameTaken,
    NodeNameError,
    NodeStartError,
    NoProcess,
    NotDistributed,
    NotSendable,
    PortError,
    ProgramNotFound,
    PyexError,
    ReceiveTimeout,
)
from pyex.core.ids import Atom, Pid, Port, Ref
from pyex.core.input import ProcessInput as ProcessInput
from pyex.core.isolation import share
from pyex.core.messages import Down, Exited, NodeDown, NodeUp
from pyex.core.messaging import exit, receive, self, send, sleep
from pyex.core.output import ProcessErrors as ProcessErrors
from pyex.core.output import ProcessOutput as ProcessOutput
from pyex.core.output import remote_leader as remote_leader
from pyex.core.output import sync_output as sync_output
from pyex.core.patterns import ANY
from pyex.core.process_api import Process
from pyex.core.process_info import ProcessInfo as ProcessInfo
from pyex.core.running import run
from pyex.core.settings import configure as configure
from pyex.core.spawning import spawn, spawn_link, spawn_monitor
from pyex.core.streams import process_streams as process_streams
from pyex.core.system_info import SystemInfo as SystemInfo
from pyex.core.system_info import system_info as system_info

if TYPE_CHECKING:
    from pyex.core.tracing import TraceEvent as TraceEvent
    from pyex.core.tracing import trace as trace
    from pyex.core.tracing import untrace as untrace
    from pyex.distribution.node import Node

__version__ = "0.1.0"

__all__ = [
    "ANY", "Atom", "AwaitTimeout", "ConnectError", "CookieError", "Crash", "Down", "Exit", "Exited", "NameTaken", "NoProcess", "Node",
    "NodeDown", "NodeNameError", "NodeStartError", "NodeUp", "NotDistributed", "NotSendable", "Pid", "Port", "PortError", "Process",
    "ProgramNotFound", "PyexError", "ReceiveTimeout", "Ref", "areceive", "await_", "blocking", "exit", "receive", "run", "self", "send", "share",
    "sleep", "spawn", "spawn_link", "spawn_monitor",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # Distribution is imported by those who use it.
    if name == "Node":
        from pyex.distribution.node import Node

        return Node
    if name in ("TraceEvent", "trace", "untrace"):  # and tracing
        from pyex.core import tracing

        return getattr(tracing, name)
    raise AttributeError(f"module 'pyex' has no attribute {name!r}")


def _show_errors_under_their_public_names() -> None:
    # A traceback then reads pyex.NoProcess: the name to catch it by.
    for name in __all__:
        if name != "Node" and isinstance(cls := globals()[name], type) and issubclass(cls, BaseException):
            cls.__module__ = __name__


_show_errors_under_their_public_names()
