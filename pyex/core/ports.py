"""What the methods of ``Port`` do, and ``send`` to a port."""

from __future__ import annotations

import errno
import os
from typing import Any

from pyex.core.errors import NoProcess, PortError, ProgramNotFound, PyexError
from pyex.core.ids import Port
from pyex.core.isolation import snapshot
from pyex.core.port_process import PortBlock, PortInfo, ask
from pyex.core.process import processes
from pyex.core.runtime import runtime
from pyex.core.scheduler import Scheduler
from pyex.core.signals import EXIT2, SEND, signal
from pyex.core.threads import this_process


def open_port(argv: Any, lines: bool) -> Port:
    """``Port.open``."""
    argv = _checked(argv)
    here = this_process()
    scheduler = here.owner if isinstance(here.owner, Scheduler) else runtime.first()
    block = PortBlock(scheduler, here.pid, argv, lines)
    processes[block.pid.key] = block
    try:
        failure = ask(block.pid, "open", start=block)
    except BaseException:  # an exit, or Ctrl-C
        signal(block.pid, EXIT2, (here.pid, "kill"))
        raise
    if failure is not None:
        raise _refusal(argv, failure) from (failure if isinstance(failure, Exception) else None)
    return block.port


def command(port: Port, data: Any) -> bool:
    """``Port.command``."""
    data = _bytes(data)
    _living(port, "Port.command").command(data)
    return True


def close(port: Port) -> bool:
    """``Port.close``."""
    ask(_living(port, "Port.close").pid, "close")
    return True


def info(port: Port) -> PortInfo | None:
    """``Port.info``."""
    block = _block(port, "Port.info")
    answer = ask(block.pid, "info") if block is not None else None
    return answer if isinstance(answer, PortInfo) else None


def post(port: Port, message: Any) -> None:
    """``send`` to a port; a dead one takes nothing, and nobody is told."""
    block = _block(port, "send()")
    match message:
        case (pid, ("command", data)):
            data = _bytes(data)
            if block is not None and pid == block.connected:
                block.command(data)
                return
    if block is not None:
        signal(block.pid, SEND, snapshot(message))


def _block(port: Any, what: str) -> PortBlock | None:
    if not isinstance(port, Port):
        raise TypeError(f"{what} takes a port, not {port!r}. Port.open(argv) opens one")
    if type(port.key) is not int:
        raise PyexError(f"{what} takes ports of this node only. Send to the owner of {port!r} instead")
    block = processes.get(port.key)
    return block if isinstance(block, PortBlock) else None


def _living(port: Any, what: str) -> PortBlock:
    block = _block(port, what)
    if block is None:
        raise NoProcess(message=f"{what}: {port!r} is closed")
    return block


def _checked(argv: Any) -> tuple[str | bytes, ...]:
    if isinstance(argv, str | bytes | os.PathLike):
        raise TypeError(
            f"Port.open takes a list, the program and its arguments: not {argv!r}. "
            "shlex.split(text) makes one of a command line; ['sh', '-c', text] runs it in a shell"
        )
    try:
        fields = tuple([os.fspath(field) for field in argv])
    except TypeError as error:
        raise TypeError(f"Port.open takes a list of text, the program and its arguments: {error}") from None
    if not fields or not fields[0]:
        raise ValueError("Port.open takes a list with at least the program's name in it")
    return fields


def _bytes(data: Any) -> bytes:
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, bytes | bytearray):
        return bytes(data)
    raise TypeError(f"a port takes data as bytes, bytearray or str, not {type(data).__name__}: {data!r}")


def _refusal(argv: tuple[str | bytes, ...], failure: Any) -> Exception:
    name = os.fsdecode(argv[0])
    if isinstance(failure, FileNotFoundError):
        where = "at that path" if os.sep in name else "on the PATH"
        return ProgramNotFound(
            f"there is no program {name!r} {where}. Install it, or give its path: Port.open(['/path/to/it'])"
        )
    if isinstance(failure, OSError):
        hint = " It is not executable" if failure.errno == errno.EACCES else ""
        return PortError(f"the program {name!r} cannot be started: {failure.strerror}.{hint}")
    if isinstance(failure, ValueError):
        return ValueError(f"Port.open: {failure}")
    return PortError(f"the program {name!r} cannot be started: its port ended with {failure!r}")
