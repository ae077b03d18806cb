"""The first lines of a shell: what it is, how to leave it, and one thing to try, another one every time."""

from __future__ import annotations

import platform
import sys
import textwrap
from pathlib import Path
from typing import Final

import pyex

TIPS: Final = (
    'Try: p = spawn(lambda: print("hello from", self()))',
    'Try: send(self(), "hi"), then flush()',
    "Try: lesson(1) plays the first of the lessons here; lesson() lists them",
    "Try: h(spawn) tells what a function does",
    "Try: Node.spawn(node, fn) runs a function you have just typed on another node",
    "Try: Process.info(pid) tells what a process is doing",
    "Try: spawn_monitor(lambda: 1 / 0), then flush(): a crash is a message to who watches",
    "Try: a pid can be pasted back as it is printed: send(Pid('0.110.0'), \"hi\")",
    "Try: Tab completes names, keywords, keys, nodes and messages; Ctrl-R searches what you have typed",
    'Try: remote("bob@127.0.0.1") gives a prompt on another node; exit() comes back',
    "Try: Ctrl-\\ gets you out of anything stuck",
)


def banner(starts: int, width: int | None) -> str:
    """The lines, for who has started it so many times before, on a screen that is so wide."""
    what = f"pyex {pyex.__version__} on Python {platform.python_version()}."
    lines = f"{what} Ctrl-C interrupts, exit() leaves, h() helps, lesson() teaches.", TIPS[starts % len(TIPS)]
    wide = max(width - 1, 1) if width is not None else sys.maxsize
    return "".join(f"{textwrap.fill(line, wide, break_on_hyphens=False)}\n" for line in lines)


def count_start(path: Path) -> int:
    """How many shells have been started before this one; 0 where that cannot be kept."""
    try:
        before = int(path.read_text("ascii")) if path.exists() else 0
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(str(before + 1), "ascii")
    except (OSError, ValueError):
        return 0
    return before
