"""What is said of a server that ends because something went wrong."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from pyex import Exit
from pyex.otp.results import Stop

if TYPE_CHECKING:
    from pyex.otp.gen_server import GenServer

#: The longest text of a request or a state, in characters.
LONGEST: Final = 500


def brief(value: Any, longest: int = 200) -> str:
    """What it looks like, shortly; never raises."""
    try:
        text = repr(value)
    except Exception as error:
        text = f"(its repr raised {type(error).__name__})"
    return text if len(text) <= longest else text[: longest - 3] + "..."


def message_text(message: Any) -> str:
    """What a server was told, in words."""
    from pyex.otp.calling import CALL, CAST

    match message:
        case (str(tag), (pid, _), request) if tag == CALL:
            return f"the call {brief(request, LONGEST)} from {pid!r}"
        case (str(tag), request) if tag == CAST:
            return f"the cast {brief(request, LONGEST)}"
    return brief(message, LONGEST)


def annotate(server: GenServer, error: BaseException, reason: Any, message: Any) -> None:
    """Let an error tell what the server was handling when it happened, wherever it is shown."""
    with contextlib.suppress(Exception):  # classes of errors may do as they like; it is the error that has to be told
        if _is_orderly(reason) or getattr(error, "__notes__", None):
            return
        status = {"state": vars(server), "message": message, "reason": reason}
        try:
            status = server.format_status(status)
        except Exception as failure:
            status = {"state": f"(format_status raised {type(failure).__name__})", "message": message}
        if status.get("message") is not None:
            error.add_note(f"Last message: {message_text(status['message'])}")
        error.add_note(f"State: {brief(status.get('state'), LONGEST)}")


#: How Elixir writes the result of a callback, by its first word, as it is written here.
_ELIXIRS: Final[dict[Any, Callable[[tuple[Any, ...]], str]]] = {
    "reply": lambda result: f"Reply({brief(result[1], 60) if len(result) > 1 else 'value'})",
    "noreply": lambda _: "NoReply()",
    "stop": lambda result: f"Stop({brief(result[1], 60) if len(result) > 1 else 'reason'})",
}


def _is_orderly(reason: Any) -> bool:
    if type(reason) is tuple and len(reason) == 2:
        reason = reason[0]
    return type(reason) is str and reason in ("normal", "shutdown")


def bad_return(server: GenServer, callback: str, request: Any, result: Any) -> Exit:
    """The error of a callback that returned what none may."""
    name = type(server).__qualname__
    wanted = {
        "init": "It keeps what it gets in attributes, and returns None, Ignore(), Stop(reason), Timeout, Continue or Hibernate",
        "handle_call": "It returns Reply(value), NoReply() or Stop(reason)",
    }.get(callback, "It returns None, NoReply() or Stop(reason)")
    if type(result) is Stop:
        wanted = "Only a call can be replied to: write Stop(reason) without a reply"
    elif inspect.iscoroutine(result):
        result.close()
        wanted = f"Write a plain def {callback}: in it, await_(...) waits for a coroutine"
    elif result is None:
        wanted += ". Does a branch end without a return?"
    elif type(result) is tuple and result and type(result[0]) is str and result[0] in _ELIXIRS:
        wanted += f". There are no atoms here, and the state is the instance: write {_ELIXIRS[result[0]](result)}"
    elif callback == "handle_call":
        wanted += f". To answer with it, write Reply({brief(result, 60)})"
    return Exit(
        ("bad_return_value", result), f"{name}.{callback} returned {brief(result)} for {brief(request)}. {wanted}"
    )
