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
    ErpcError,
    Exit,
    LockTaken,
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

if TYPE_CHECKING:
    from pyex.distribution import erpc as erpc
    from pyex.distribution import pg as pg
    from pyex.distribution.global_names import Global
    from pyex.distribution.node import Node
    from pyex.distribution.push import push

__version__ = "0.1.0"

__all__ = [
    "ANY", "Atom", "AwaitTimeout", "ConnectError", "CookieError", "Crash", "Down", "ErpcError", "Exit", "Exited", "Global", "LockTaken", "NameTaken", "NoProcess", "Node",
    "NodeDown", "NodeNameError", "NodeStartError", "NodeUp", "NotDistributed", "NotSendable", "Pid", "Port", "PortError", "Process",
    "ProgramNotFound", "PyexError", "ReceiveTimeout", "Ref", "areceive", "await_", "blocking", "erpc", "exit", "pg", "push", "receive", "run", "self", "send", "share",
    "sleep", "spawn", "spawn_link", "spawn_monitor",
]  # fmt: skip


#: Distribution is imported by those who use it: where each of its names is.
_LAZY = {
    "Global": ("pyex.distribution.global_names", "Global"),
    "Node": ("pyex.distribution.node", "Node"),
    "erpc": ("pyex.distribution.erpc", None),
    "pg": ("pyex.distribution.pg", None),
    "push": ("pyex.distribution.push", "push"),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'pyex' has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _LAZY[name]
    value = import_module(module)
    return value if attribute is None else getattr(value, attribute)


def _show_errors_under_their_public_names() -> None:
    # A traceback then reads pyex.NoProcess: the name to catch it by.
    for name in set(__all__) - set(_LAZY):
        if isinstance(cls := globals()[name], type) and issubclass(cls, BaseException):
            cls.__module__ = __name__


_show_errors_under_their_public_names()
