"""The helper that lets a project's ``.pyex.py`` run."""

from __future__ import annotations

from pathlib import Path

from shell import config, startup
from shell.current import this_shell

__all__ = ["trust"]


def trust() -> None:
    """Trust the ``.pyex.py`` of this folder, as it is now: run it here, and in shells of this folder from now on.

    When it changes it is not run until it is trusted again. Raises ``FileNotFoundError`` if there is none.

    >>> trust()
    """
    shell = this_shell("trust()")
    file = startup.of_project(Path.cwd())
    if file is None:
        raise FileNotFoundError(f"there is no {startup.NAME} in {Path.cwd()}")
    startup.Trust(config.folder() / "trusted").add(file)
    file.run(shell)
