"""What runs before the first prompt, the configuration, and what helps to find out what is wrong."""

import re
import shutil
import subprocess
import sys

import pytest

from shell import config
from shell.banner import TIPS, banner, count_start
from shell.cli import parser
from shell.shell_completion import SHELLS, script
from shell.startup import Trust, chosen, read

PROJECT = "print('the project runs'); mine = 5\n"


@pytest.fixture
def command(env, tmp_path):
    def run(*options, input="", **more):
        return subprocess.run(
            [sys.executable, "-m", "pyex", *options],
            input=input, env=env | more, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    return run


def test_a_projects_file_runs_when_it_is_trusted_and_as_long_as_it_is_the_same(terminal, tmp_path):
    (tmp_path / "home" / ".pyex.py").write_text("print('the user\\'s runs')\n")
    (tmp_path / ".pyex.py").write_text(PROJECT)
    shell = terminal()
    shell.prompt(1)
    assert "the user's runs" in shell.lines()
    assert "the project runs" not in shell.lines()
    assert ".pyex.py of this folder was not run. Read it, then: trust()" in shell.lines()
    shell.enter("trust(); mine")
    shell.prompt(2)
    assert shell.lines()[-3:-1] == ["the project runs", "5"]
    shell.type("\x04")
    assert shell.leave() == 0
    shell = terminal()
    shell.prompt(1)
    assert "the project runs" in shell.lines()
    shell.type("\x04")
    assert shell.leave() == 0
    (tmp_path / ".pyex.py").write_text(PROJECT + "evil = 1\n")
    shell = terminal("--dot-pyex")
    shell.prompt(1)
    assert "the project runs" in shell.lines()
    assert "was not run" not in shell.text()


def test_a_startup_file_that_fails_says_where_and_the_prompt_comes(terminal, tmp_path):
    (tmp_path / "home" / ".pyex.py").write_text("x = 1\ny = 1 / 0\n")
    shell = terminal()
    shell.prompt(1)
    assert "ZeroDivisionError: division by zero" in shell.lines()
    assert '.pyex.py", line 2, in <module>' in shell.joined()  # a long path goes over several
    shell.enter("x")
    shell.prompt(2)
    assert shell.lines()[-2] == "1"


def test_trust_is_for_this_text_at_this_place(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for name in ("a", "b"):
        (tmp_path / name / ".pyex.py").write_text(PROJECT)
    trust = Trust(tmp_path / "config" / "trusted")
    trust.add(read(tmp_path / "a" / ".pyex.py"))
    assert [file.path.parent.name for file in chosen(tmp_path / "a", trust, told_to=False)[0]] == ["a"]
    files, warning = chosen(tmp_path / "b", trust, told_to=False)
    assert files == []
    assert "trust()" in warning
    assert chosen(tmp_path / "config", trust, told_to=False) == ([], "")
    (tmp_path / "a" / ".pyex.py").write_text(PROJECT + "evil = 1\n")
    assert chosen(tmp_path / "a", trust, told_to=False)[0] == []
    assert len(chosen(tmp_path / "a", trust, told_to=True)[0]) == 1
    (tmp_path / "a" / ".pyex.py").write_text(PROJECT)
    (tmp_path / "config" / "trusted").chmod(0o666)  # others could have written it
    assert chosen(tmp_path / "a", trust, told_to=False)[0] == []


def test_files_of_the_command_line_run_first_and_in_their_order(command, tmp_path):
    (tmp_path / "one.py").write_text("x = 1\ndef f(): return x\n")
    (tmp_path / "two.py").write_text("x = x + 1\nprint('two')\n")
    done = command("-r", "one.py", "-r", "two.py", "-e", "f() * 10")
    assert (done.returncode, done.stdout, done.stderr) == (0, "two\n20\n", "")
    assert command("-r", "one.py", input="f()\n").stdout == "1\n"
    done = command("-r", "none.py")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'none.py'" in done.stderr
    (tmp_path / "bad.py").write_text("1 / 0")
    done = command("-r", "bad.py", "-e", "5")
    assert (done.returncode, done.stdout) == (1, "5\n")
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("keys = 'wordstar'", "emacs or vi"),
        ("mouse = 1", "true or false"),
        ("colour = true", "'colour'"),
        ("prompt = '{color}'", "{number}"),
        ("prompt = '{'", "{number}"),
        ("theme = 'pink'", "monokai"),
        ("= 1", "TOML"),
    ],
)
def test_a_bad_configuration_is_refused_in_words(tmp_path, text, word):
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(config.BadConfig, match=re.escape(word)) as refused:
        config.load(path)
    assert str(path) in str(refused.value)


def test_a_configuration(tmp_path):
    path = tmp_path / "config.toml"
    assert config.load(path) == config.Config()
    path.write_text("prompt = '{name}:{number} '\nkeys = 'vi'\ntheme = 'monokai'\nmouse = true\ncompletion = 'tab'\n")
    found = config.load(path)
    assert (found.keys, found.theme, found.mouse, found.completion) == ("vi", "monokai", True, "tab")
    assert found.prompt_for("bob@127.0.0.1", 3) == "bob:3 "
    assert config.Config().prompt_for("bob@127.0.0.1", 3, 30) == "3> "


def test_the_banner_teaches_another_thing_every_time(tmp_path):
    path = tmp_path / "new" / "starts"
    assert [count_start(path) for _ in range(3)] == [0, 1, 2]
    path.write_text("nonsense")
    assert count_start(path) == 0
    texts = {banner(number, None) for number in range(len(TIPS))}
    assert len(texts) == len(TIPS)
    assert all(text.count("\n") == 2 and max(map(len, text.split("\n"))) <= 100 for text in texts)


@pytest.mark.parametrize("width", [80, 40])
def test_the_banner_is_cut_between_words_to_the_width_there_is(width):
    for number in range(len(TIPS)):
        text = banner(number, width)
        assert max(map(len, text.splitlines())) < width
        assert text.split() == banner(number, None).split()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_completion_of_other_shells_knows_every_option(command, shell):
    text = script(shell, parser())
    for action in parser()._actions:
        for name in action.option_strings:
            assert name in text or f"-l {name[2:]}" in text or f"-s {name[1:]}" in text
    if shutil.which(shell):
        check = {"bash": ["bash", "-n"], "zsh": ["zsh", "-n"], "fish": ["fish", "--no-execute"]}[shell]
        subprocess.run(check, input=text, text=True, check=True, timeout=30)


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes(command):
    done = command("--completion", "bash")
    assert done.returncode == 0
    typed = "COMP_WORDS=(pyex --con); COMP_CWORD=1; _pyex; echo ${COMPREPLY[@]}"
    found = subprocess.run(
        ["bash", "-c", f"{done.stdout}\n{typed}"], capture_output=True, text=True, check=True, timeout=30
    )
    assert found.stdout == "--connect\n"
    done = command("--completion", "tcsh")
    assert done.returncode == 2
    assert "bash, zsh, fish" in done.stderr


def test_the_doctor_finds_what_is_wrong(command, tmp_path):
    done = command("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("All is well.\n")
    assert "ok  node: pyex1@127.0.0.1 could be started" in done.stdout
    folder = tmp_path / "home" / "config" / "pyex"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("keys = 'wordstar'")
    done = command("doctor", PYEX_COOKIE="short", ERL_EPMD_PORT="70000")
    assert done.returncode == 1
    wrong = [line.partition(":")[0] for line in done.stdout.split("\n") if line.startswith("!!")]
    assert {"!!  configuration", "!!  name service"} <= {*wrong}
    assert "emacs or vi" in done.stdout
    assert "70000" in done.stdout


def test_what_a_prompt_needs_is_there_soon(command):
    """What is slow to import, and not needed for a prompt, is left for when it is."""
    done = command(input="import sys; print(*sys.modules)\n")
    loaded = {*done.stdout.split()}
    assert "greenlet" in loaded
    assert not loaded & {"prompt_toolkit", "pygments", "shell.completion", "shell.doctor", "tomllib", "unittest", "pdb"}
