"""``lesson``: processes, servers and nodes, learned at the prompt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyex import Down, Pid, Process, receive, self
from shell.current import this_shell

if TYPE_CHECKING:
    from shell.lesson_player import Player

__all__ = ["lesson"]

#: How a process of a lesson before is ended, and the seconds that it gets for it.
_WAYS: Final = (("shutdown", 0.5), ("kill", 5.0))


class _Lessons:
    """Play a lesson here: ``lesson()`` lists them, ``lesson(1)`` begins the first, or goes on where you have left it.

    Each input of it stands ready at the prompt, and Enter plays it. The right arrow lets you edit it first; what you type
    in its place is evaluated as ever, and the lesson waits. With ``ready=False`` you type the inputs yourself, and Enter
    on an empty line plays them. Page Down, as a presenter's remote control sends it, plays too, and Page Up goes back.

    ``lesson.next()`` plays a step, ``lesson.skip()`` goes on without it, ``lesson.back()`` goes back one or more,
    ``lesson.again()`` shows the text once more, ``lesson.restart()`` begins anew, and ``lesson.leave()``, or Ctrl-D,
    leaves. ``lesson(4, 7)`` goes to step 7 of lesson 4, and plays those before it for what they define.

    A lesson of yours is a Markdown file with blocks of ``pyex``, as those of ``tutorials/`` are: ``lesson("my_talk.md")``.

    >>> lesson(1)
    >>> lesson("supervisors")
    """

    __qualname__ = "lesson"

    def __repr__(self) -> str:
        return "<lesson() lists the lessons, lesson(1) plays the first>"

    def __call__(
        self, which: int | str | Path | None = None, step: int | None = None, *, ready: bool | None = None
    ) -> None:
        """List the lessons, or play one."""
        player = _player("lesson()")
        if ready is not None:
            player.ready = bool(ready)
        if which is None:
            _list(player)
        else:
            _begin(player, which, step)

    def next(self) -> None:
        """Play the next step."""
        _in_lesson("lesson.next()").play()

    def skip(self, steps: int = 1) -> None:
        """Go on without playing the next step, or the next ones."""
        _in_lesson("lesson.skip()").move(steps)

    def back(self, steps: int = 1) -> None:
        """Go back by one step, or by more; nothing of what they have done is undone."""
        _player("lesson.back()").reopen()
        _in_lesson("lesson.back()").move(-steps)

    def again(self) -> None:
        """Show once more the text before the next step."""
        _in_lesson("lesson.again()").move(0)

    def restart(self) -> None:
        """Begin the lesson anew: what it has started is ended, and the mailbox is emptied."""
        player = _in_lesson("lesson.restart()")
        assert player.lesson is not None
        _begin(player, player.lesson.name, 1)

    def leave(self) -> None:
        """Leave the lesson; ``lesson()`` shows where it goes on."""
        _in_lesson("lesson.leave()").leave()


lesson: Final = _Lessons()


def _player(what: str) -> Player:
    """The player of this shell, which comes with the first call."""
    from shell.lesson_player import Player

    shell = this_shell(what)
    if shell.label:
        raise RuntimeError(
            f"{what} works at the first prompt of your own shell, and this is another one: exit() leaves it, job(1) goes there"
        )
    if shell.once:
        raise RuntimeError(f"{what} works at a prompt: start the shell with: pyex")
    if not isinstance(shell.reader, Player):
        shell.reader = Player(shell)
    return shell.reader


def _in_lesson(what: str) -> Player:
    player = _player(what)
    if player.lesson is None:
        raise RuntimeError(f"{what} is for within a lesson, and none is being played; lesson() lists them")
    return player


def _list(player: Player) -> None:
    from shell import lesson_file

    for number, path in lesson_file.shipped().items():
        one = lesson_file.read(path, number)
        place = player.progress.get(one.key)
        how_far = f"at step {place.steps + 1} of {len(one.steps)}" if place.steps else "done" if place.done else ""
        print(f"  {f'lesson({number})':<12}{one.title:<28}{how_far}".rstrip())


def _begin(player: Player, which: int | str | Path, step: int | None) -> None:
    from shell import lesson_file

    found = lesson_file.find(which)
    lesson_file.check(found, Path(str(found.name)).name)
    steps = len(found.steps)
    if step is not None and not 1 <= step <= steps:
        raise LookupError(f"there is no step {step} in this lesson; there are 1 to {steps}")
    before = player.last
    position = min(player.progress.get(found.key).steps, steps - 1) if step is None else step - 1
    played = before is not None and before.key == found.key and 0 < position <= player.furthest
    if not played:
        _clear_away(player.started)
        player.started = set()
    player.begin(found, position, played=played)


def _clear_away(started: set[Pid]) -> None:
    """End what a lesson before has left, and have this process as it was before."""
    if not started:
        return
    Process.flag("trap_exit", True)  # some are linked to this one
    try:
        for pid in sorted(started):
            watch = Process.monitor(pid)
            for reason, seconds in _WAYS:
                Process.exit(pid, reason)
                if receive(Down(watch), timeout=seconds, default=None) is not None:
                    break
            Process.demonitor(watch, flush=True)
        info = Process.info(self())
        for other in () if info is None else info.links:
            Process.unlink(other)
        while receive(timeout=0, default=_clear_away) is not _clear_away:
            pass
    finally:
        Process.flag("trap_exit", False)
