"""``pyex --completion bash``: what completes the options of ``pyex`` in other shells, made from the options there are."""

from __future__ import annotations

import argparse
from typing import Final

SHELLS: Final = ("bash", "zsh", "fish")

_BASH: Final = """\
# In ~/.bashrc:  eval "$(pyex --completion bash)"
_pyex() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
    case $before in
        {nodes}) COMPREPLY=($(compgen -W "$(_pyex_nodes)" -- "$word")); return;;
        --completion) COMPREPLY=($(compgen -W "bash zsh fish" -- "$word")); return;;
    esac
    case $word in
        -*) COMPREPLY=($(compgen -W "{options}" -- "$word"));;
        *) COMPREPLY=($(compgen -f -- "$word"));;
    esac
}}
_pyex_nodes() {{ pyex -e 'print(*Node.names())' 2>/dev/null; }}
COMP_WORDBREAKS=${{COMP_WORDBREAKS//@/}}
complete -o filenames -F _pyex pyex
"""

_ZSH: Final = """\
#compdef pyex
# In ~/.zshrc, after compinit:  eval "$(pyex --completion zsh)"
_pyex_nodes() {{ compadd -- ${{(f)"$(pyex -e 'print(*Node.names(), sep=chr(10))' 2>/dev/null)"}} }}
_pyex() {{
    _arguments -S \\
{options}
        '*:file:_files'
}}
compdef _pyex pyex
"""

_FISH: Final = """\
# In ~/.config/fish/config.fish:  pyex --completion fish | source
complete -c pyex -f
complete -c pyex -a '(__fish_complete_suffix .py)'
complete -c pyex -n '__fish_is_first_arg' -a doctor -d 'tell what may be wrong on this machine'
{options}
"""

#: Options that name a node.
_NODES: Final = {"--connect", "--remsh"}
_FILES: Final = {"-r"}
_WORDS: Final = {"--completion": " ".join(SHELLS)}


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """The script for one of ``SHELLS``."""
    actions = [one for one in parser._actions if one.option_strings]  # argparse has no public way to list them
    if shell == "bash":
        names = " ".join(name for one in actions for name in one.option_strings)
        return _BASH.format(options=names, nodes="|".join(sorted(_NODES)))
    if shell == "zsh":
        return _ZSH.format(options="\n".join(_zsh(one) for one in actions))
    return _FISH.format(options="\n".join(_fish(one) for one in actions))


def _zsh(action: argparse.Action) -> str:
    name = action.option_strings[-1]
    text = _help(action).replace("'", "'\\''").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")
    takes = ""
    if action.nargs != 0:
        what = "_pyex_nodes" if name in _NODES else "_files" if name in _FILES else f"({_WORDS.get(name, '')})"
        takes = f":{str(action.metavar or name.strip('-')).lower()}:{what if what != '()' else ''}"
    return f"        '{name}[{text}]{takes}' \\"


def _fish(action: argparse.Action) -> str:
    names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in action.option_strings)
    text = _help(action).replace("\\", "\\\\").replace("'", "\\'")
    last = action.option_strings[-1]
    takes = "" if action.nargs == 0 else " -r"
    if last in _NODES:
        takes = " -x -a \"(pyex -e 'print(*Node.names(), sep=chr(10))' 2>/dev/null)\""
    elif last in _WORDS:
        takes = f" -x -a '{_WORDS[last]}'"
    elif last in _FILES:
        takes = " -r -F"
    return f"complete -c pyex {names}{takes} -d '{text}'"


def _help(action: argparse.Action) -> str:
    return (action.help or "").replace("\n", " ")
