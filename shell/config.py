"""``config.toml`` in the user's configuration folder: how the prompt looks and behaves.

prompt = "{node} {number}> "    # {name} is the part of the node's name before the @
theme = "auto"                  # light, dark, or a style of Pygments
keys = "emacs"                  # or vi
completion = "typing"           # tab: when asked only; off
mouse = false
banner = true
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final


class BadConfig(ValueError):
    """The configuration cannot be used; the text says where, and what to write."""


@dataclass(frozen=True)
class Config:
    """The settings, as they are without a file."""

    prompt: str = "pyex({node}){number}> "
    theme: str = "auto"
    keys: str = "emacs"
    completion: str = "typing"
    mouse: bool = False
    banner: bool = True

    def prompt_for(self, node: str, number: int, columns: int = 1000) -> str:
        """The text of a prompt; a short one where it would take half of a narrow terminal."""
        text = self.prompt.format(node=node, number=number, name=node.partition("@")[0])
        return text if 2 * len(text) <= columns else f"{number}> "


_CHOICES: Final = {"keys": ("emacs", "vi"), "completion": ("typing", "tab", "off")}


def folder() -> Path:
    """The folder of the user's own files: ``PYEX_CONFIG``, or where this system keeps such things."""
    if path := os.environ.get("PYEX_CONFIG"):
        return Path(path)
    from platformdirs import user_config_dir

    return Path(user_config_dir("pyex"))


def load(path: Path) -> Config:
    """The settings of a file, or the usual ones if there is none. Raises ``BadConfig``."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return Config()
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"cannot read {path}: {error}") from error
    import tomllib

    try:
        settings = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadConfig(f"{path} is no TOML: {error}") from error
    for name, value in settings.items():
        _check(path, name, value)
    return Config(**settings)


def _check(path: Path, name: str, value: Any) -> None:
    known = {one.name: type(one.default) for one in fields(Config)}
    if name not in known:
        raise BadConfig(f"{path}: there is no setting {name!r}. There are {', '.join(known)}")
    if type(value) is not known[name]:
        raise BadConfig(f"{path}: {name} is {'true or false' if known[name] is bool else 'a text'}, not {value!r}")
    if name in _CHOICES and value not in _CHOICES[name]:
        raise BadConfig(f"{path}: {name} is {' or '.join(_CHOICES[name])}, not {value!r}")
    if name == "prompt":
        try:
            Config(prompt=str(value)).prompt_for("a@b", 1)
        except (KeyError, ValueError, IndexError, AttributeError):
            raise BadConfig(f"{path}: prompt knows {{node}}, {{name}} and {{number}}, not {value!r}") from None
    if name == "theme" and value not in ("auto", "light", "dark"):
        from pygments.styles import get_all_styles

        if value not in (names := sorted(get_all_styles())):
            raise BadConfig(f"{path}: theme is auto, light, dark, or one of {', '.join(names)}, not {value!r}")
