"""A prompt inside a process, where its code stands: the process waits there, all others go on.

It asks for its lines as ``input()`` does, so it is there in any process, on whatever node.
"""

from __future__ import annotations

import linecache
import traceback
import types
from collections.abc import Callable
from typing import Any, Final

import pyex
from shell import display
from shell.evaluation import BadInput, Code
from shell.preload import preloaded

#: Lines of code shown around the place.
AROUND: Final = 4

HELP: Final = """\
Names mean here what they mean in the code; an expression shows its value. What is bound here is this prompt's own.
  continue, c    let the process go on (Ctrl-D as well)
  locals         the variables, and their values
  where, bt      the stack
  whereami       the code around
  exit(reason)   end the process
"""


class Pry:
    """The prompt at one place of one process."""

    def __init__(self, frame: types.FrameType) -> None:
        self._frame = frame
        self._line = frame.f_lineno
        self._locals = dict(frame.f_locals)
        self._names = {**frame.f_globals, **self._locals, "__builtins__": preloaded()}
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
        try:
            value = Code(text, "<pry>", 0).run_with(self._names)
            if value is not None:
                print(display.result(value, colour=False), end="")
        except BadInput as bad:
            print(display.syntax_error(bad.__cause__ or bad, colour=False), end="")
        except Exception as error:
            if type(error) is pyex.Exit:
                raise  # exit() ends the process
            print(display.error(error, colour=False), end="")

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
