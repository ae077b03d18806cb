"""The loop of a server: message in, callback, result.

While there is no message the loop is left altogether, so that an idle server is its instance and little else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from pyex import Crash, Exit, Exited, Hibernation, Process, Ref, Terminated, next_message, self, send
from pyex.otp.calling import CALL, CAST, SYSTEM, Caller
from pyex.otp.results import Continue, Hibernate, Ignore, NoReply, Reply, Stop, Then, Timeout

if TYPE_CHECKING:
    from pyex.otp.gen_server import GenServer
    from pyex.otp.starting import Starter

#: A timeout that runs: the timer's reference, and the token that its message carries.
Clock = tuple[Ref, Ref]

_TIMEOUT: Final = "$timeout"


def run(starter: Starter, cls: type[GenServer], args: tuple[Any, ...]) -> None:
    """The life of a server."""
    server = cls.__new__(cls)
    server._parent = starter.parent
    result = server.init(*args)
    if isinstance(result, Stop):
        starter.fail(result.reason)
    if isinstance(result, Ignore):
        starter.ignore()
    if result is not None and not isinstance(result, Timeout | Continue | Hibernate):
        _bad(server, "init", args, result)
    starter.ready()
    try:
        clock = _then(server, result)
    except BaseException as error:
        _terminate(server, error)
    del starter, args, result
    serve(server, clock)


def serve(server: GenServer, clock: Clock | None = None) -> None:
    """Handle messages, until there is none: then go on here with the next."""
    try:
        while True:
            message = next_message(serve, server, clock)
            if clock is not None:
                Process.cancel_timer(clock[0])
                expired, clock = clock[1], None
            else:
                expired = None
            if type(message) is tuple and message:
                tag = message[0]
                if tag == CALL and len(message) == 3:
                    request = message[2]
                    clock = _called(server, message[1], request)
                    continue
                if tag == CAST and len(message) == 2:
                    request = message[1]
                    clock = _went_on(server, "handle_cast", request, server.handle_cast(request))
                    continue
                if tag == SYSTEM and len(message) == 3:
                    _system(message[2])
                    continue
                if tag == _TIMEOUT and len(message) == 2 and type(message[1]) is Ref:
                    if message[1] != expired:
                        continue
                    message = "timeout"
            elif type(message) is Exited and message[1] == server._parent:
                raise Exit(message[2])
            request = message
            clock = _went_on(server, "handle_info", message, server.handle_info(message))
    except BaseException as error:
        _terminate(server, error)


def _called(server: GenServer, caller: Caller, request: Any) -> Clock | None:
    result = server.handle_call(request, caller)
    if type(result) is Reply:
        alias = caller[1]
        send(alias, (alias, result.value))
        return None if result.then is None else _then(server, result.then)
    if type(result) is NoReply:
        return None if result.then is None else _then(server, result.then)
    if type(result) is Stop:
        raise _Stopped(result, caller)
    return _bad(server, "handle_call", request, result)


def _went_on(server: GenServer, callback: str, request: Any, result: Any) -> Clock | None:
    """After a callback that may return None."""
    if result is None:
        return None
    if type(result) is NoReply:
        return None if result.then is None else _then(server, result.then)
    if type(result) is Stop:
        raise _Stopped(result, None)
    return _bad(server, callback, request, result)


def _then(server: GenServer, then: Then) -> Clock | None:
    """What a callback has asked for next; a timeout, if one runs now."""
    while type(then) is Continue:
        result = server.handle_continue(then.term)
        then = result.then if type(result) is NoReply else None
        if result is not None and type(result) is not NoReply:
            return _went_on(server, "handle_continue", None, result)
    if type(then) is Timeout and then.seconds is not None:
        token = Ref()
        return Process.send_after(self(), (_TIMEOUT, token), then.seconds), token
    return None


class _Stopped(Exit):
    """A callback has returned ``Stop``: the server ends in order, and answers who is still to be answered."""

    def __init__(self, stop: Stop, caller: Caller | None) -> None:
        super().__init__(stop.reason)
        self.stop = stop
        self.caller = caller


def _bad(server: GenServer, callback: str, request: Any, result: Any) -> NoReturn:
    raise Exit(
        ("bad_return_value", result),
        f"{type(server).__qualname__}.{callback} returned {result!r} for {request!r}",
    )


def _system(request: Any) -> None:
    match request:
        case ("terminate", reason):
            raise Exit(reason)


def _terminate(server: GenServer, error: BaseException) -> NoReturn:
    """Let a server that is to end clean up; what that raises is the reason then."""
    if isinstance(error, Terminated | Hibernation):
        raise error
    try:
        server.terminate(error.reason if isinstance(error, Exit) else Crash.of(error))
    finally:
        if isinstance(error, _Stopped) and error.caller is not None and error.stop.replies:
            send(error.caller[1], (error.caller[1], error.stop.reply))
    raise error
