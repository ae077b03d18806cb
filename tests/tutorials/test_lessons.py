"""The lessons are true: the player plays each, and the shell answers what the lesson says."""

import logging
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from shell import lesson_file, lesson_player
from tests.tutorials.lessons import LESSONS, differences, played, typed

ROOT = Path(__file__).parents[2]

#: Seconds for the steps of all lessons, each of which may wait until all is quiet.
ALL = 200


def test_there_are_lessons_numbered_without_a_gap():
    assert [*lesson_file.shipped().values()] == LESSONS
    assert [*lesson_file.shipped()] == [*range(1, len(LESSONS) + 1)]
    assert len(LESSONS) >= 10


@pytest.fixture(scope="module")
def transcripts(tmp_path_factory):
    """What a shell prints when all lessons are played in it, one after the other, as a learner plays them."""
    folder = tmp_path_factory.mktemp("lessons")
    (folder / "patient.py").write_text("import shell.lesson_player as player\nplayer.REST = 30\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    env = kept | {
        "HOME": str(folder), "ERL_EPMD_PORT": str(port), "PYEX_COOKIE": "a secret of these tests only", "PYTHONPATH": str(ROOT),
        "PYTHONIOENCODING": "utf-8", "PYEX_HISTORY": str(folder / "history"),
    }  # fmt: skip
    session = ""
    for number, path in enumerate(LESSONS, 1):
        session += f"print('~~~ {number} ~~~')\n" + typed(number, lesson_file.read(path))
    done = subprocess.run(
        [sys.executable, "-m", "pyex", "-r", "patient.py"], input=session, env=env, cwd=folder, encoding="utf-8",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=ALL, check=True,
    )  # fmt: skip
    texts = done.stdout
    found = []
    for number in range(1, len(LESSONS) + 1):
        texts = texts.partition(f"~~~ {number} ~~~\n")[2]
        found.append(texts.partition(f"~~~ {number + 1} ~~~\n")[0])
    return found


@pytest.mark.timeout(ALL + 30)
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_is_true(transcripts, path):
    number = LESSONS.index(path)
    assert "\n".join(differences(lesson_file.read(path), transcripts[number], fine=True)) == ""
    assert "lesson is over" in transcripts[number]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_can_be_projected(path):
    text = path.read_text()
    lines = text.splitlines()
    assert lines[0].startswith(f"# {int(path.name[:2])}. ")
    assert len(lines) <= 140
    assert max(map(len, lines)) <= 100
    lesson = lesson_file.read(path)
    lesson_file.check(lesson, path.name)
    assert max(step.source.count("\n") for step in lesson.steps) < 20
    assert max(step.text.count("\n") for step in lesson.steps) < 15


@pytest.mark.parametrize("path", [*LESSONS, ROOT / "tutorials" / "README.md"], ids=lambda path: path.stem)
def test_links_lead_somewhere(path):
    for link in path.read_text().split("](")[1:]:
        assert (path.parent / link.partition(")")[0]).is_file()


LESSON = """\
# Wrong

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


def test_what_is_not_true_would_be_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(lesson_player, "REST", 30)
    logging.getLogger("pyex").setLevel(logging.NOTSET)
    (tmp_path / "wrong.md").write_text(LESSON)
    wrong = played(tmp_path / "wrong.md")
    assert len(wrong) == 2
    assert wrong[0].startswith("line 9:\ndouble(4)\nshould print\n9\nbut printed\n\n8\n| In the lesson")
    assert wrong[1].startswith("line 13:\nself()\nshould print\nbut printed\n\nPid(")
