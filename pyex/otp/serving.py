"""The loop of a server: a message in, a callback, its result.

While there is no message the loop is left altogether, so that an idle server is its instance and little else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from pyex import (
    AGAIN,
    Exit,
    Exited,
    Hibernation,
    Process,
    Ref,
    Terminated,
    next_message,
    reason_of,
    respond,
    self,
    set_initial_call,
)
from pyex.otp import system
from pyex.otp.calling import CALL, CAST, SYSTEM, Caller
from pyex.otp.reporting import annotate, bad_return
from pyex.otp.results import Continue, Hibernate, Ignore, NoReply, Reply, Stop, Then, Timeout
from pyex.otp.versions import move_to_current

if TYPE_CHECKING:
    from pyex.otp.gen_server import GenServer
    from pyex.otp.starting import Starter

#: A timeout that runs: the timer's reference, and the token that its message carries.
Clock = tuple[Ref, Ref]

_TIMEOUT: Final = "$timeout"


def run(starter: Starter, cls: type[GenServer], args: tuple[Any, ...]) -> None:
    """The life of a server."""
    set_initial_call(cls.init if "init" in vars(cls) else cls)  # else they would all look alike
    server = cls.__new__(cls)
    server._parent, server._clock, server._traced = starter.parent or self(), None, False
    result = server.init(*args)
    if isinstance(result, Stop):
        starter.fail(result.reason)
    if isinstance(result, Ignore):
        starter.ignore()
    if result is not None and not isinstance(result, Timeout | Continue | Hibernate):
        raise bad_return(server, "init", args, result)
    starter.ready()
    del starter, args
    try:
        stop = _then(server, result)
    except BaseException as error:
        _terminate(server, error)
    if stop is not None:
        _stop(server, stop)
    Process.hibernate(serve, server)


def serve(server: GenServer) -> Any:
    """Handle the messages there are; called again with the next one."""
    message: Any = None
    stop: Stop | None = None
    try:
        while (message := next_message()) is not AGAIN:
            tag = message[0] if type(message) is tuple and message else None
            if type(tag) is not str:
                tag = None
            if tag == SYSTEM and len(message) == 3:
                system.obey(server, message[1], message[2])
                continue
            clock = server._clock
            if tag == _TIMEOUT and len(message) == 2:
                if clock is None or message[1] != clock[1]:
                    continue  # a message came before it, and has cancelled it
                message = tag = "timeout"
            if clock is not None:
                Process.cancel_timer(clock[0])
                server._clock = None
            if server._stale:
                move_to_current(server)
            if server._traced:
                system.show(server, message)
            if tag == CALL and len(message) == 3:
                caller = message[1]
                result = server.handle_call(message[2], caller)
                if type(result) is Reply:
                    respond(caller[1], result.value)
                    if result.then is None:
                        continue
                stop = _called(server, message[2], result)
            elif tag == CAST and len(message) == 2:
                stop = _went_on(server, "handle_cast", message[1], server.handle_cast(message[1]))
            elif type(message) is Exited and message[1] == server._parent:
                raise Exit(message[2])
            else:
                stop = _went_on(server, "handle_info", message, server.handle_info(message))
            if stop is not None:
                break
        else:
            return AGAIN
    except BaseException as error:
        _terminate(server, error, message)
    assert stop is not None
    return _stop(server, stop, message)


def _called(server: GenServer, request: Any, result: Any) -> Stop | None:
    """After ``handle_call``, unless it did no more than reply."""
    if type(result) is Stop:
        return result
    if type(result) is Reply or type(result) is NoReply:
        return _then(server, result.then)
    raise bad_return(server, "handle_call", request, result)


def _went_on(server: GenServer, callback: str, request: Any, result: Any) -> Stop | None:
    """After a callback that may return None, and has nobody to reply to."""
    if result is None:
        return None
    if type(result) is Stop and not result.replies:
        return result
    if type(result) is NoReply:
        return _then(server, result.then)
    raise bad_return(server, callback, request, result)


def _then(server: GenServer, then: Then) -> Stop | None:
    """What a callback has asked for next."""
    while type(then) is Continue:
        result = server.handle_continue(then.term)
        if type(result) is not NoReply:
            return _went_on(server, "handle_continue", then.term, result)
        then = result.then
    if type(then) is Timeout:
        if then.seconds is not None:
            token = Ref()
            server._clock = Process.send_after(self(), (_TIMEOUT, token), then.seconds), token
    elif then is not None and type(then) is not Hibernate:
        raise TypeError(f"then is Timeout(seconds), Continue(term) or Hibernate(), not {then!r}")
    return None


def _stop(server: GenServer, stop: Stop, message: Any = None) -> NoReturn:
    """A callback has returned ``Stop``: end in order, and then answer who is still to be answered."""
    try:
        _terminate(server, Exit(stop.reason), message)
    finally:
        if stop.replies:
            caller: Caller = message[1]
            respond(caller[1], stop.reply)


def _terminate(server: GenServer, error: BaseException, message: Any = None) -> NoReturn:
    """Let a server that is to end clean up; what that raises is the reason then."""
    if not isinstance(error, Terminated | Hibernation):
        reason = error.reason if isinstance(error, Exit) else reason_of(error)
        annotate(server, error, reason, message)
        server.terminate(reason)
    raise error
