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
from pyex.core.carried import snapshot_call as snapshot_call
from pyex.core.crash import Crash
from pyex.core.crash import format_user_traceback as format_user_traceback
from pyex.core.endings import on_end as on_end
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
from pyex.core.errors import Terminated as Terminated
from pyex.core.expecting import call_hint as call_hint
from pyex.core.expecting import expect_plain as expect_plain
from pyex.core.idling import next_message as next_message
from pyex.core.ids import Atom, Pid, Port, Ref
from pyex.core.input import ProcessInput as ProcessInput
from pyex.core.interrupting import interrupt as interrupt
from pyex.core.interrupting import interrupt_waits as interrupt_waits
from pyex.core.isolation import Template as Template
from pyex.core.isolation import share
from pyex.core.isolation import snapshot as snapshot
from pyex.core.lifecycle import AGAIN as AGAIN
from pyex.core.lifecycle import Hibernation as Hibernation
from pyex.core.lifecycle import reason_of as reason_of
from pyex.core.messages import Down, Exited, NodeDown, NodeUp
from pyex.core.messaging import exit, receive, self, send, sleep
from pyex.core.output import ProcessErrors as ProcessErrors
from pyex.core.output import ProcessOutput as ProcessOutput
from pyex.core.output import remote_leader as remote_leader
from pyex.core.output import sync_output as sync_output
from pyex.core.patterns import ANY
from pyex.core.patterns import matches as matches
from pyex.core.process_api import Process
from pyex.core.process_info import ProcessInfo as ProcessInfo
from pyex.core.process_info import held_at as held_at
from pyex.core.process_info import set_initial_call as set_initial_call
from pyex.core.requests import request as request
from pyex.core.requests import respond as respond
from pyex.core.settings import configure as configure
from pyex.core.spawning import spawn, spawn_link, spawn_monitor
from pyex.core.streams import process_streams as process_streams
from pyex.core.system_info import SystemInfo as SystemInfo
from pyex.core.system_info import system_info as system_info
from pyex.running import run

if TYPE_CHECKING:
    from pyex.core.tracing import TraceEvent as TraceEvent
    from pyex.core.tracing import trace as trace
    from pyex.core.tracing import untrace as untrace
    from pyex.distribution import erpc as erpc
    from pyex.distribution import pg as pg
    from pyex.distribution.global_names import Global
    from pyex.distribution.node import Node
    from pyex.distribution.push import push
    from pyex.otp.agent import Agent
    from pyex.otp.child_spec import ChildSpec, SupervisorError
    from pyex.otp.dynamic_supervisor import DynamicSupervisor
    from pyex.otp.errors import CallTimeout, ServerDown, StartError, StateLost, UnknownRequest
    from pyex.otp.gen_server import GenServer
    from pyex.otp.partition_supervisor import PartitionSupervisor
    from pyex.otp.registry import AlreadyRegistered, NotRegistered, Registry
    from pyex.otp.results import Continue, Hibernate, Ignore, NoReply, Reply, Stop, Timeout
    from pyex.otp.supervisor import Supervisor
    from pyex.otp.supervisor_spec import DynamicSupervisorSpec, SupervisorSpec
    from pyex.otp.task import Task
    from pyex.otp.task_errors import NotOwner, TaskDown, TaskTimeout
    from pyex.otp.task_supervisor import TaskSupervisor

__version__ = "0.1.0"

__all__ = [
    "ANY", "Agent", "AlreadyRegistered", "Atom", "AwaitTimeout", "CallTimeout", "ChildSpec", "ConnectError", "Continue", "CookieError", "Crash",
    "Down", "DynamicSupervisor", "DynamicSupervisorSpec", "ErpcError", "Exit", "Exited", "GenServer", "Global", "Hibernate", "Ignore", "LockTaken",
    "NameTaken", "NoProcess", "NoReply", "Node", "NodeDown", "NodeNameError", "NodeStartError", "NodeUp", "NotDistributed", "NotOwner",
    "NotRegistered", "NotSendable", "PartitionSupervisor", "Pid", "Port", "PortError", "Process", "ProgramNotFound", "PyexError", "ReceiveTimeout",
    "Ref", "Registry", "Reply", "ServerDown", "StartError", "StateLost", "Stop", "Supervisor", "SupervisorError", "SupervisorSpec", "Task",
    "TaskDown", "TaskSupervisor", "TaskTimeout", "Timeout", "UnknownRequest", "areceive", "await_", "blocking", "erpc", "exit", "pg", "push",
    "receive", "run", "self", "send", "share", "sleep", "spawn", "spawn_link", "spawn_monitor",
]  # fmt: skip


#: What is imported by those who use it: name -> its module, or the module it is.
_LAZY = {
    "Node": "pyex.distribution.node",
    "Global": "pyex.distribution.global_names",
    "erpc": "pyex.distribution.erpc",
    "pg": "pyex.distribution.pg",
    "push": "pyex.distribution.push",
    **dict.fromkeys(["CallTimeout", "ServerDown", "StartError", "StateLost", "UnknownRequest"], "pyex.otp.errors"),
    **dict.fromkeys(["Continue", "Hibernate", "Ignore", "NoReply", "Reply", "Stop", "Timeout"], "pyex.otp.results"),
    "Agent": "pyex.otp.agent",
    "GenServer": "pyex.otp.gen_server",
    "Task": "pyex.otp.task",
    **dict.fromkeys(["ChildSpec", "SupervisorError"], "pyex.otp.child_spec"),
    **dict.fromkeys(["DynamicSupervisorSpec", "SupervisorSpec"], "pyex.otp.supervisor_spec"),
    "DynamicSupervisor": "pyex.otp.dynamic_supervisor",
    "PartitionSupervisor": "pyex.otp.partition_supervisor",
    "Supervisor": "pyex.otp.supervisor",
    **dict.fromkeys(["NotOwner", "TaskDown", "TaskTimeout"], "pyex.otp.task_errors"),
    **dict.fromkeys(["AlreadyRegistered", "NotRegistered", "Registry"], "pyex.otp.registry"),
    "TaskSupervisor": "pyex.otp.task_supervisor",
    **dict.fromkeys(["TraceEvent", "trace", "untrace"], "pyex.core.tracing"),
}


def __getattr__(name: str) -> Any:
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(f"module 'pyex' has no attribute {name!r}")
    import importlib

    loaded = importlib.import_module(module)
    value = globals()[name] = _under_its_public_name(getattr(loaded, name, loaded))
    return value


def _under_its_public_name(value: Any) -> Any:
    """A traceback then reads pyex.NoProcess: the name to catch it by."""
    if isinstance(value, type) and issubclass(value, BaseException):
        value.__module__ = __name__
    return value


for _name in __all__:
    if _name not in _LAZY:
        _under_its_public_name(globals()[_name])
