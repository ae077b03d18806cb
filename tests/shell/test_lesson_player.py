"""The player of lessons, without a terminal: text in, text out."""

import json
import textwrap

import pytest

from shell.lesson_file import find, shipped
from shell.lesson_progress import Place, Progress
from shell.testing import capture_shell

TALK = """\
# A talk

First.

```pyex
pyex> x = 5
pyex> def double(n):
...       return 2 * n
...
```

Second.

```pyex
pyex> double(x)
10
```

Third.

```pyex
pyex> clerk = spawn(receive, name="clerk")
pyex> exit("boom")
** (EXIT from Pid('0.1.0')) 'boom'
pyex> x
5
```

The end.
"""


@pytest.fixture
def talk(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "talk.md").write_text(TALK)
    return tmp_path / "talk.md"


def shell(text):
    return capture_shell(textwrap.dedent(text))


def told(printed):
    """Of what was printed the words of the lesson, its steps and those of the shell, each in a line."""
    return [line.removeprefix("| ") for line in printed.splitlines() if line not in ("|", "")]


def test_a_lesson_is_played_step_by_step(talk):
    lines = told(shell('lesson("talk.md")\n' + "lesson.next()\n" * 6))
    begin = lines.index("A talk")
    assert "6 steps" in lines[0]
    assert lines[begin:] == [
        "A talk", "------", "First.", "    x = 5", "    def double(n):", "        return 2 * n",
        "Second.", "    double(x)", "10",
        "Third.", '    clerk = spawn(receive, name="clerk")', '    exit("boom")', lines[begin + 12], "    x", "5",
        "The end.", "This lesson is over.",
    ]  # fmt: skip
    assert lines[begin + 12].startswith("** (EXIT from Pid(")


def test_what_is_typed_by_hand_counts_and_whatever_else_is_evaluated_as_ever(talk):
    lines = told(
        shell("""\
        lesson("talk.md")
        1 + 1
        x=5
        def double(n): return n + n

        double(x + 1)
        double(x) * 1
        double( x )
        """)
    )
    assert lines[lines.index("    x = 5") :] == [
        "    x = 5", "2", "    def double(n):", "        return 2 * n",
        "Second.", "    double(x)", "12", "10", "10", "Third.", '    clerk = spawn(receive, name="clerk")',
    ]  # fmt: skip


def test_another_value_is_told_gently_and_an_error_stops_the_lesson(talk):
    lines = told(shell('lesson("talk.md")\nx = 7\nlesson.next()\nlesson.next()\n'))
    assert lines[lines.index("    double(x)") + 1 :][:3] == ["14", "In the lesson this gives `10`.", "Third."]
    printed = shell('lesson("talk.md", 1)\nlesson.skip()\nlesson.next()\nlesson.next()\nx = 5\nlesson.next()\n')
    lines = told(printed)
    wrong = lines.index("NameError: name 'x' is not defined")
    assert lines[wrong + 1].startswith("This was not to fail here")
    assert "10" in lines[wrong:]
    assert lines[-1] == '    clerk = spawn(receive, name="clerk")'


def test_one_goes_back_and_on_and_sees_the_text_again(talk):
    lines = told(
        shell("""\
        lesson("talk.md")
        lesson.skip(2)
        lesson.again()
        lesson.back()
        lesson.back(100)
        lesson.skip(100)
        """)
    )
    assert lines[lines.index("    x = 5") :] == [
        "    x = 5", "Second.", "    double(x)", "Second.", "    double(x)",
        "A talk", "------", "First.", "    def double(n):", "        return 2 * n",
        "A talk", "------", "First.", "    x = 5", "The end.", "This lesson is over.",
    ]  # fmt: skip


def test_one_goes_back_into_a_lesson_that_is_over(talk):
    lines = told(shell('lesson("talk.md")\nlesson.skip(6)\nlesson.back()\nlesson.leave()\nlesson.back()\n'))
    over = lines.index("This lesson is over.")
    assert lines[over + 1 : over + 3] == ["Third.", "    x"]
    assert "lesson.back() is for within a lesson" in lines[-1]


def test_one_leaves_and_goes_on_where_one_was(talk):
    lines = told(shell('lesson("talk.md")\nlesson.next()\nlesson.leave()\n1 + 1\nlesson("talk.md")\nlesson.next()\n'))
    left = next(number for number, line in enumerate(lines) if line.startswith("You have left"))
    assert "at step 2 of 6" in lines[left]
    assert "lesson('talk.md')" in " ".join(lines[left : left + 2])
    assert lines.count("    x = 5") == 1
    assert lines[-5:] == ["First.", "    def double(n):", "        return 2 * n", "Second.", "    double(x)"]


def test_steps_before_are_played_again_for_what_they_define(talk):
    lines = told(shell('lesson("talk.md", 3)\nlesson.next()\n'))
    begin = lines.index("    x = 5")
    assert "Those before step 3 are played again" in " ".join(lines[:begin])
    assert lines[begin:] == [
        "    x = 5", "    def double(n):", "        return 2 * n", "Second.", "    double(x)", "10",
        "Third.", '    clerk = spawn(receive, name="clerk")',
    ]  # fmt: skip
    assert "First." not in lines


def test_an_interrupt_stops_what_is_played_by_itself(talk):
    talk.write_text("# T\n\nOne.\n\n```pyex\npyex> 1\n1\npyex> raise KeyboardInterrupt\npyex> 3\n3\npyex> 4\n4\n```\n")
    lines = told(shell('lesson("talk.md", 4)\nlesson.skip()\nlesson.next()\n'))
    assert lines[lines.index("    1") :] == [
        "    1", "1", "    raise KeyboardInterrupt", "KeyboardInterrupt", "T", "-", "One.", "    raise KeyboardInterrupt",
        "T", "-", "One.", "    3", "3", "    4",
    ]  # fmt: skip


def test_what_a_lesson_has_started_is_ended_before_another_begins(talk):
    printed = shell("""\
        mine = spawn(receive, name="mine")
        lesson("talk.md", 5)
        first = Process.whereis("clerk")
        Process.flag("trap_exit", True)
        send(self(), "left over") and None
        lesson.restart()
        Process.alive(first), Process.alive(mine), receive(timeout=0, default="empty"), Process.info(self()).trap_exit
        lesson.skip(3)
        lesson.next()
        Process.whereis("clerk") != first
        """)
    assert "(False, True, 'empty', False)" in printed
    assert printed.rstrip().endswith("True")
    assert "not to fail" not in printed


def test_a_lesson_that_is_wrong_is_not_begun(talk):
    talk.write_text("# Wrong\n\n```pyex\npyex> 1 +\n```\n")
    printed = shell('lesson("talk.md")\nlesson.next()\n')
    assert "LessonError: talk.md, line 4: this input is no Python" in printed
    assert "lesson.next() is for within a lesson" in printed


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("lesson(99)", "there are 1 to"),
        ('lesson("talk.md", 7)', "there are 1 to 6"),
        ('lesson("talk.md", 0)', "there are 1 to 6"),
        ("lesson.back()", "is for within a lesson"),
        ("spawn_monitor(lambda: lesson(1)) and receive(timeout=5)", "works at the prompt"),
        ("remote(Node.self())\nlesson(1)", "works at the first prompt of your own shell"),
    ],
)
def test_what_cannot_be_is_told(talk, call, words):
    assert words in " ".join(shell(call).split())


def test_lessons_are_listed_with_how_far_one_is():
    printed = shell("lesson(1, 3)\nlesson.leave()\nlesson(2)\nlesson.skip(1000)\nlesson()\n")
    assert f"  lesson(1)   Processes                   at step 3 of {len(find(1).steps)}\n" in printed
    assert "  lesson(2)   Messages                    done\n" in printed
    assert printed.count("  lesson(") == len(shipped())
    assert "`lesson(3)` is the next one" in " ".join(told(printed))


def test_another_job_has_its_own_prompt(talk):
    lines = told(shell('lesson("talk.md")\nremote(Node.self())\nx = 5\nlen("four")\nexit()\nx\n'))
    begin = lines.index("    x = 5")
    assert lines[begin : begin + 2] == ["    x = 5", "4"]
    assert "5" in lines[begin + 2 :]


def test_progress_is_kept_and_shared(tmp_path):
    path = tmp_path / "new" / "lessons"
    here, there = Progress(path), Progress(path)
    assert here.get("01") == Place(0, False)
    here.put("01", Place(4))
    there.put("02", Place(0, True))
    assert Progress(path).get("01") == there.get("01") == Place(4, False)
    assert here.get("02") == Place(0, True)
    assert [*path.parent.iterdir()] == [path]


@pytest.mark.parametrize(
    "text", ["", "no json", "[]", '{"01": 3}', '{"01": ["a", true]}', '{"01": [-1, true]}', "\xff"]
)
def test_a_file_of_progress_that_is_wrong_costs_the_progress_alone(tmp_path, text):
    path = tmp_path / "lessons"
    path.write_text(text, "latin-1")
    progress = Progress(path)
    assert progress.get("01") == Place()
    progress.put("01", Place(2))
    assert progress.get("01") == Place(2)
    assert json.loads(path.read_text())["01"] == [2, False]


def test_without_a_file_progress_is_kept_in_memory(tmp_path):
    for progress in (Progress(None), Progress(tmp_path / "file" / "lessons")):
        (tmp_path / "file").touch()
        progress.put("01", Place(2))
        assert progress.get("01") == Place(2)
