"""The loop of a server: message in, callback, result.

While there is no message the loop is left altogether, so that an idle server is its instance and little else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from pyex import AGAIN, Crash, Exit, Exited, Hibernation, Process, Ref, Terminated, next_message, respond, self
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
    server._parent, server._clock = starter.parent, None
    result = server.init(*args)
    if isinstance(result, Stop):
        starter.fail(result.reason)
    if isinstance(result, Ignore):
        starter.ignore()
    if result is not None and not isinstance(result, Timeout | Continue | Hibernate):
        _bad(server, "init", args, result)
    starter.ready()
    try:
        _then(server, result)
    except BaseException as error:
        _terminate(server, error)
    Process.hibernate(serve, server)


def serve(server: GenServer) -> Any:
    """Handle the messages there are; called again with the next one."""
    try:
        while (message := next_message()) is not AGAIN:
            clock = server._clock
            if clock is not None:
                Process.cancel_timer(clock[0])
                server._clock = None
            if type(message) is tuple and message:
                tag = message[0]
                if tag == CALL and len(message) == 3:
                    result = server.handle_call(message[2], message[1])
                    if type(result) is Reply:
                        respond(message[1][1], result.value)
                        if result.then is not None:
                            _then(server, result.then)
                    elif type(result) is NoReply:
                        if result.then is not None:
                            _then(server, result.then)
                    elif type(result) is Stop:
                        raise _Stopped(result, message[1])
                    else:
                        _bad(server, "handle_call", message[2], result)
                    continue
                if tag == CAST and len(message) == 2:
                    _went_on(server, "handle_cast", message[1], server.handle_cast(message[1]))
                    continue
                if tag == SYSTEM and len(message) == 3:
                    _system(message[2])
                    continue
                if tag == _TIMEOUT and len(message) == 2 and type(message[1]) is Ref:
                    if clock is None or message[1] != clock[1]:
                        continue
                    message = "timeout"
            elif type(message) is Exited and message[1] == server._parent:
                raise Exit(message[2])
            _went_on(server, "handle_info", message, server.handle_info(message))
    except BaseException as error:
        _terminate(server, error)
    return AGAIN


def _went_on(server: GenServer, callback: str, request: Any, result: Any) -> None:
    """After a callback that may return None."""
    if result is None:
        return
    if type(result) is NoReply:
        if result.then is not None:
            _then(server, result.then)
    elif type(result) is Stop:
        raise _Stopped(result, None)
    else:
        _bad(server, callback, request, result)


def _then(server: GenServer, then: Then) -> None:
    """What a callback has asked for next; a timeout, if one runs now."""
    while type(then) is Continue:
        result = server.handle_continue(then.term)
        then = result.then if type(result) is NoReply else None
        if result is not None and type(result) is not NoReply:
            _went_on(server, "handle_continue", None, result)
    if type(then) is Timeout and then.seconds is not None:
        token = Ref()
        server._clock = Process.send_after(self(), (_TIMEOUT, token), then.seconds), token


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
            respond(error.caller[1], error.stop.reply)
    raise error
