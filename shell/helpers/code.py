"""Helpers about code in files: run it, edit it, take it in again when it has changed."""

from __future__ import annotations

import importlib
import os
import shlex
import subprocess
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

from shell import changes
from shell.current import this_shell
from shell.evaluation import Code

__all__ = ["edit", "load", "reload", "reload_changed"]


def load(file: str | os.PathLike[str]) -> list[str]:
    """Run a Python file as if it had been typed here, and return the names it has bound.

    What it defines can be spawned on other nodes, as what is typed can.

    >>> load("counter.py")
    ['Counter']
    """
    path = Path(file).expanduser()
    if path.suffix != ".py" and not path.exists():
        path = path.with_name(path.name + ".py")
    text = path.read_text(encoding="utf-8")
    return _run(text, str(path.resolve()))


def edit(what: Any = None) -> list[str]:
    """Open an editor (``$VISUAL``, ``$EDITOR``) and run here what was written; returns the names it has bound.

    It begins with the last input; ``edit(3)`` with input 3, ``edit("file.py")`` with that file, which is saved, and
    ``edit(fn)`` with the source of a function or a class. A file left as it was runs nothing.

    >>> edit()
    """
    if isinstance(what, str | os.PathLike):
        path = Path(what).expanduser()
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        _open_editor(path)
        return load(path) if path.exists() and path.read_text(encoding="utf-8") != before else []
    before = _begin_with(what)
    with tempfile.TemporaryDirectory(prefix="pyex-") as folder:
        path = Path(folder, "edit.py")
        path.write_text(before, encoding="utf-8")
        _open_editor(path)
        text = path.read_text(encoding="utf-8")
    number = max(this_shell("edit()").results.inputs)
    return _run(text, f"<edited {number}>") if text.strip() and text != before else []


def _begin_with(what: Any) -> str:
    inputs = this_shell("edit()").results.inputs
    if what is None:
        return next((f"{source}\n" for source in [*inputs.values()][-2::-1] if not source.startswith("edit(")), "")
    if isinstance(what, int):
        if what not in inputs:
            raise LookupError(f"there is no input {what}; history() shows them")
        return inputs[what] + "\n"
    import inspect
    import textwrap

    return textwrap.dedent(inspect.getsource(inspect.unwrap(what)))


def _open_editor(path: Path) -> None:
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ("notepad" if os.name == "nt" else "vi")
    shell = this_shell("edit()")
    if shell.far:
        raise RuntimeError(
            "edit() has no terminal at this prompt. job(1) goes to the one that has: edit there, then push"
        )
    with shell.questions.evaluator_reads():
        try:
            status = subprocess.call([*shlex.split(command), str(path)])  # noqa: S603 - the user's own choice
        except FileNotFoundError:
            raise FileNotFoundError(
                f"there is no editor {command!r}. Set EDITOR: os.environ['EDITOR'] = 'nano'"
            ) from None
    if status:
        raise RuntimeError(f"the editor {command!r} ended with status {status}: nothing is run")


def _run(text: str, name: str) -> list[str]:
    shell = this_shell("load()")
    bound = vars(shell.module)
    before = dict(bound)
    Code(text, name, shell.compiler_flags).run(shell.module)
    return sorted(one for one, value in bound.items() if one[:2] != "__" and before.get(one, bound) is not value)


def reload(module: types.ModuleType | str) -> types.ModuleType:
    """Import a module anew from its file; what is bound here of the old one (``from module import f``) follows.

    Objects made before keep their old classes; a process in the midst of old code goes on in it.

    >>> reload(counter)
    """
    if isinstance(module, str):
        if module not in sys.modules:
            return importlib.import_module(module)
        module = sys.modules[module]
    return changes.reload_module(module, vars(this_shell("reload()").module))


def reload_changed() -> list[str]:
    """Import anew all modules of yours whose files have changed since they were imported; returns their names.

    >>> reload_changed()
    ['counter']
    """
    namespace = vars(this_shell("reload_changed()").module)
    found = changes.changed()
    for module in found:
        changes.reload_module(module, namespace)
    return [module.__name__ for module in found]
