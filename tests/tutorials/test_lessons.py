"""The lessons are true: each is typed into a shell, which answers what the lesson says."""

import pytest

from tests.tutorials.lessons import LESSONS, differences, same, steps


def test_there_are_lessons_and_all_have_something_to_type():
    assert len(LESSONS) >= 6
    for number, path in enumerate(LESSONS, 1):
        assert path.name.startswith(f"{number:02}-")
        assert steps(path.read_text()), path


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_is_true(path):
    assert "\n".join(differences(path.read_text())) == ""


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_can_be_projected(path):
    lines = path.read_text().splitlines()
    assert lines[0].startswith(f"# {int(path.name[:2])}. ")
    assert len(lines) <= 120
    assert max(map(len, lines)) <= 100


LESSON = """
```pyex
pyex> 1 + 1
2
pyex> def double(x):
...       return 2 * x
...
pyex> double(4)
9
pyex> pid = spawn(lambda: print("from", self()))
from Pid('0.1.0')
pyex> self()
```
"""


def test_what_is_not_true_would_be_seen():
    assert [step.source for step in steps(LESSON)][1] == "def double(x):\n    return 2 * x\n"
    wrong = differences(LESSON)
    assert len(wrong) == 2
    assert wrong[0].startswith("line 8:\ndouble(4)\nshould print\n9\nbut printed\n8\n")
    assert wrong[1].startswith("line 12:\nself()\nshould print\nbut printed\nPid(")


def test_identifiers_may_differ_and_dots_stand_for_anything():
    assert same("Pid('0.1.0') is\n...\nthe end\n", "Pid('0.22.0') is\nnot\nthe end\n")
    assert not same("Pid('0.1.0')", "Ref('0.1.0')")
