"""Files of lessons: what is in them, and what is said about those that are wrong."""

import textwrap

import pytest

from shell import lesson_file
from shell.lesson_file import LessonError, find, parse, read, same
from shell.paste import code_of, inputs

TALK = """\
# 12. A talk

Some text.

```pyex
pyex> 1 + 1
2
pyex> def f():
...       return '''
...   two
...   '''
...
pyex> f()
...
```

```python
pyex> this is no step
```

More.

```pyex
pyex(bob@127.0.0.1)3> for x in "ab":
...     print(x)
... else:
...     print("end")
... 
a

b
...
pyex(bob@127.0.0.1)4> 1 / 0
Traceback (most recent call last):
...
```

The end.
"""  # noqa: W291 - as a shell prints it


def lesson(text):
    return parse(textwrap.dedent(text), "key", "talk.md", "talk.md")


def test_a_lesson_is_made_of_steps():
    found = lesson(TALK)
    assert found.title == "A talk"
    assert [step.source for step in found.steps] == [
        "1 + 1",
        "def f():\n    return '''\ntwo\n'''",
        "f()",
        'for x in "ab":\n    print(x)\nelse:\n    print("end")',
        "1 / 0",
    ]
    assert [step.expected for step in found.steps[:3]] == ["2\n", "", "...\n"]
    assert found.steps[3].expected.split() == ["a", "b", "..."]
    assert [step.line for step in found.steps] == [6, 8, 13, 24, 33]
    assert found.steps[0].text == "# 12. A talk\n\nSome text."
    assert found.steps[3].text == "```python\npyex> this is no step\n```\n\nMore."
    assert found.ending == "The end."
    assert [step.fails for step in found.steps] == [False] * 4 + [True]
    lesson_file.check(found, "talk.md")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("# Only\n\ntext", None, "has nothing to play"),
        ("```pyex\npyex> 1\n", 1, "has no end"),
        ("```pyex\n5\npyex> 1\n```", 2, "begins with an input"),
        ("```pyex\npyex> 1\n```\n\n```pyex\n1\n```", 6, "begins with an input"),
        ("text\n\n```pyex\n```", 3, "has no input"),
        ("```pyex\npyex> \n```", 2, "no input after this prompt"),
        ("```pyex\npyex> def f():\n...       return 1\npyex> f()\n```", 2, "has no end"),
        ("```pyex\npyex> f(1,\n2)\n```", 2, "has no end"),
        ("```pyex\npyex> if 1:\n```", 2, "has no end"),
        ("```pyex\npyex> if 1:\n...pass\n...\n```", 3, "followed by a blank"),
        ("```pyex\npyex> 1\npyex> if 1:\n...       x = = 1\n...\n```", 4, "no Python"),
        ("```pyex\npyex> if 1:\n...   pass\n...\n```", 3, "no Python"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text, line, words):
    with pytest.raises(LessonError) as refused:
        lesson_file.check(lesson(text), "talk.md")
    assert words in str(refused.value)
    assert str(refused.value).startswith("talk.md" if line is None else f"talk.md, line {line}: ")


def test_a_lesson_may_be_about_what_is_no_python():
    found = lesson("```pyex\npyex> x = = 1\n...\nSyntaxError: invalid syntax\n```")
    lesson_file.check(found, "talk.md")
    assert found.steps[0].fails


def test_lessons_are_found_by_number_word_and_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "talk.md").write_text(TALK)
    assert find(1).title == "Processes"
    assert find("supervisors") == find(5) == find("5")
    assert find("Links and") == find(3)
    assert find("talk.md").key == str(tmp_path / "talk.md")
    assert find(tmp_path / "talk.md").name == str(tmp_path / "talk.md")
    for nothing in (0, 99, "e", "", "nothing.md", str(tmp_path)):
        with pytest.raises(LookupError, match="there is no lesson"):
            find(nothing)
    for wrong in (True, 1.5, None, ["talk.md"]):
        with pytest.raises(TypeError, match="a number, a word or the path"):
            find(wrong)


def test_files_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "talk.md"
    path.write_bytes(b"one\ntwo \xff\n")
    with pytest.raises(LessonError, match=r"talk\.md, line 2: .*UTF-8"):
        read(path)
    path.write_bytes(b"x" * (lesson_file.LARGEST + 1))
    with pytest.raises(LessonError, match="too many"):
        read(path)
    path.write_bytes(b"\xef\xbb\xbf# Begun on Windows\r\n\r\n```pyex\r\npyex> 1\r\n1\r\n```\r\n")
    assert read(path).title == "Begun on Windows"
    assert read(path).steps[0].expected == "1\n"


def test_identifiers_may_differ_and_dots_stand_for_anything():
    assert same("Pid('0.1.0') is\n...\nthe end\n", "Pid('0.22.0') is\nnot\nthe end\n")
    assert same("Pid('0.1.0', 'pyex1-peer1@h')", "Pid('0.22.0', 'pyex2-peer3@h')")
    assert same("'pyex1@127.0.0.1'", "'pyex7@127.0.0.1'")
    assert same("...\n'killed'", "'killed'")
    assert not same("Pid('0.1.0')", "Ref('0.1.0')")
    assert not same("2", "22")
    assert not same("a+", "aa")


def test_a_lesson_can_be_pasted():
    text = TALK[TALK.index("pyex> def") : TALK.index("pyex> f()")]
    assert inputs(code_of(text)) == [lesson(TALK).steps[1].source]
    assert code_of(">>> if x:\n...     y\n... else:\n...   z\n...\nout") == "if x:\n    y\nelse:\n  z"


def test_the_package_has_the_lessons():
    """Every folder of the program is in the package, and that of the lessons with all its files."""
    import tomllib

    root = lesson_file.folder().parent
    tools = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {path.parent.relative_to(root) for part in ("pyex", "shell") for path in (root / part).rglob("*.py")}
    assert {".".join(folder.parts) for folder in folders} | {"shell.tutorials"} == {*tools["packages"]}
    assert tools["package-dir"]["shell.tutorials"] == "tutorials"
    assert tools["package-data"]["shell.tutorials"] == ["*.md"]
    assert {path.suffix for path in lesson_file.folder().iterdir()} == {".md"}
