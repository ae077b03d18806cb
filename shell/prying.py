"""A prompt inside a process, where its code stands: the process waits there, all others go on.

It asks for its lines as ``input()`` does, so it is there in any process, on whatever node. In a shell ``breakpoint()`` opens
it, but for the code of the prompt itself, which has the terminal, and so Python's own debugger.
"""

from __future__ import annotations

import contextlib
import ctypes
import linecache
import os
import sys
import threading
import traceback
import types
from collections.abc import Callable, Iterator
from typing import Any, Final

import pyex
from shell import display
from shell.current import shell_here
from shell.evaluation import BadInput, Code
from shell.preload import preloaded

#: Lines of code shown around the place.
AROUND: Final = 4

HELP: Final = """\
Names mean here what they mean in the code; an expression shows its value. An assignment to a variable of the code
changes it; other names that are bound here are this prompt's own.
  continue, c    let the process go on (Ctrl-D as well)
  locals         the variables, and their values
  where, bt      the stack
  whereami       the code around
  exit(reason)   end the process
"""


_UNBOUND: Final = object()

#: Writes what ``f_locals`` was given back to a frame's variables, where that is not the way it works anyway (PEP 667).
_locals_to_fast: Callable[[types.FrameType, int], object] | None = None
if sys.version_info < (3, 13) and hasattr(ctypes.pythonapi, "PyFrame_LocalsToFast"):
    _locals_to_fast = ctypes.pythonapi.PyFrame_LocalsToFast
    _locals_to_fast.argtypes = (ctypes.py_object, ctypes.c_int)


@contextlib.contextmanager
def breakpoints() -> Iterator[None]:
    """Have ``breakpoint()`` open a prompt in the process that calls it, unless ``PYTHONBREAKPOINT`` says what else."""
    if os.environ.get("PYTHONBREAKPOINT") or sys.breakpointhook is not sys.__breakpointhook__:
        yield
        return

    def hook(*_: Any, **_more: Any) -> None:
        frame = sys._getframe(1)
        if shell_here() is not None and threading.current_thread() is threading.main_thread():
            _debug(frame)
        else:
            Pry(frame).talk()

    sys.breakpointhook = hook
    try:
        yield
    finally:
        sys.breakpointhook = sys.__breakpointhook__


def _debug(frame: types.FrameType) -> None:
    """Python's own debugger, in this frame."""
    import pdb  # noqa: T100 - that is what was asked for

    places = [place for place, _ in traceback.walk_stack(frame)]

    class Debugger(pdb.Pdb):
        """Stops first at one of these places, though a collection of garbage in between may call anything."""

        def stop_here(self, place: types.FrameType) -> bool:
            return (not places or place in places) and super().stop_here(place)

        def interaction(self, *args: Any, **more: Any) -> None:
            places.clear()
            super().interaction(*args, **more)

    # And the runtime, which sees every collection, is not what anybody means to step through.
    Debugger(skip=["pyex.core.*"]).set_trace(frame)


class Pry:
    """The prompt at one place of one process."""

    def __init__(self, frame: types.FrameType) -> None:
        self._frame = frame
        self._line = frame.f_lineno
        self._locals = dict(frame.f_locals)
        self._names = {**frame.f_globals, **self._locals, "__builtins__": preloaded()}
        code = frame.f_code
        self._variables = {*code.co_varnames, *code.co_cellvars, *code.co_freevars}
        self._commands: dict[str, Callable[[], None]] = {
            "locals": self.show_locals, "where": self.show_stack, "bt": self.show_stack, "whereami": self.show_code,
            "help": lambda: print(HELP, end=""),
        }  # fmt: skip

    def talk(self) -> None:
        """Read lines and carry them out, until the process is to go on."""
        self.show_code()
        while True:
            try:
                text = input("pry> ").strip()
            except EOFError:
                return
            except KeyboardInterrupt:
                print("continue lets the process go on, exit() ends it")
                continue
            if text in ("continue", "c") and text not in self._names:
                return
            if text in self._commands and text not in self._locals:
                self._commands[text]()
            elif text:
                self._evaluate(text)

    def _evaluate(self, text: str) -> None:
        self._locals = dict(self._frame.f_locals)  # a closure's variables may have changed meanwhile
        self._names.update(self._locals)
        try:
            try:
                value = Code(text, "<pry>", 0).run_with(self._names)
            finally:
                self._assign()
            if value is not None:
                print(display.result(value, colour=False), end="")
        except BadInput as bad:
            print(display.syntax_error(bad.__cause__ or bad, colour=False), end="")
        except Exception as error:
            if type(error) is pyex.Exit:
                raise  # exit() ends the process
            print(display.error(error, colour=False), end="")

    def _assign(self) -> None:
        """Give the variables of the code the values they were given here."""
        names, before = self._names, self._locals
        is_module = self._frame.f_locals is self._frame.f_globals
        changed = {
            name: names[name]
            for name in (names if is_module else self._variables)
            if name in names and name != "__builtins__" and names[name] is not before.get(name, _UNBOUND)
        }
        if changed:
            self._frame.f_locals.update(changed)
            if _locals_to_fast is not None and not is_module:
                _locals_to_fast(self._frame, 0)
            self._locals.update(changed)

    def show_code(self) -> None:
        """Print where the process stands, and the lines around."""
        code = self._frame.f_code
        print(f"{pyex.self()!r} stands in {code.co_qualname}, line {self._line} of {code.co_filename}")
        for number in range(max(1, self._line - AROUND), self._line + AROUND + 1):
            text = linecache.getline(code.co_filename, number, self._frame.f_globals)
            if text:
                print(f"{'->' if number == self._line else '  '} {number:>4}  {text.rstrip()}")

    def show_locals(self) -> None:
        """Print the variables."""
        if not self._locals or self._frame.f_code.co_name == "<module>":
            print("there are no local variables")
            return
        for name, value in self._locals.items():
            print(f"{name} = {display.brief(value)}")

    def show_stack(self) -> None:
        """Print how the process got here."""
        frames: list[Any] = []
        frame: types.FrameType | None = self._frame
        while frame is not None:
            if not str(frame.f_globals.get("__name__", "")).startswith(("pyex.", "shell.", "threading")):
                frames.append((frame, frame.f_lineno))
            frame = frame.f_back
        print("".join(traceback.StackSummary.extract(iter(reversed(frames))).format()), end="")
