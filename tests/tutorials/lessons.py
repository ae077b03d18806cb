"""Lessons: what they say is played in a shell, and what it should answer."""

from pathlib import Path

from shell import lesson_file
from shell.lesson_player import told
from shell.lesson_text import rendered
from shell.testing import capture_shell

#: What is said at the end of a lesson that says nothing itself.
OVER = "This lesson is over."

LESSONS = sorted((Path(__file__).parents[2] / "tutorials").glob("[0-9][0-9]-*.md"))


def typed(which, lesson):
    """What one types to have a lesson played from its beginning to its end."""
    return f"lesson({which!r}, 1)\n" + "lesson.next()\n" * len(lesson.steps)


def differences(lesson, transcript, *, fine=False):
    """A description of each step whose output is another than the lesson says, in what a shell has printed."""
    wrong = []
    texts = [told(step.text, step.source) for step in lesson.steps]
    rest = transcript.partition(rendered(texts[0], fine=fine))[2]
    ending = lesson.ending.partition("Next: [")[0].strip() or OVER
    for step, text in zip(lesson.steps, [*texts[1:], ending], strict=True):
        got, mark, rest = rest.partition(rendered(text, fine=fine).rstrip())
        if not lesson_file.same(step.expected, got):
            wrong.append(f"line {step.line}:\n{step.source}\nshould print\n{step.expected}but printed\n{got}")
        if not mark:
            wrong.append(f"nothing more was told after line {step.line}")
            break
    return wrong


def played(path):
    """The differences of one lesson, played in a shell of its own that has no node."""
    lesson = lesson_file.read(path)
    return differences(lesson, capture_shell(typed(str(path), lesson)))
