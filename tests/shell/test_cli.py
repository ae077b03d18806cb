"""The command line, in programs of their own."""

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import pyex

ROOT = Path(__file__).parents[2]


@pytest.fixture
def command(env, tmp_path):
    """Runs ``pyex`` without a terminal, in an empty folder."""
    folder = tmp_path / "work"
    folder.mkdir()

    def run(*options, input="", **more):
        return subprocess.run(
            [sys.executable, "-m", "pyex", *options],
            input=input, env=env | more, cwd=folder, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip

    run.folder = folder
    return run


def refused(done):
    """The one line of a refusal."""
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert done.stderr.startswith("pyex: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_without_a_terminal_it_is_a_plain_loop(command):
    done = command(input="x = 20\nx + 1\nself()\nNode.self()\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "21\nPid('0.110.0')\n'pyex1@127.0.0.1'\n"


def test_errors_and_warnings_go_to_standard_error(command):
    done = command(input="1 / 0\n1 is 1\n2\n")
    assert done.returncode == 0
    assert done.stdout == "True\n2\n"
    assert "ZeroDivisionError" in done.stderr
    assert '<pyex1@127.0.0.1 2>:1: SyntaxWarning: "is" with' in done.stderr


def test_an_expression(command):
    done = command("-e", "6 * 7")
    assert (done.returncode, done.stdout, done.stderr) == (0, "42\n", "")
    assert command("-e", "None").stdout == ""


def test_an_expression_that_fails(command):
    done = command("-e", "1 / 0")
    assert done.returncode == 1
    assert done.stderr.startswith('Traceback (most recent call last):\n  File "<pyex 1>", line 1, in <module>\n')
    assert command("-e", "import sys; sys.exit(3)").returncode == 3
    assert command("-e", "exit('boom')").returncode == 1
    assert command("-e", "exit()").returncode == 0
    assert command("-e", "x = (").returncode == 1


def test_a_script(command):
    (command.folder / "helper.py").write_text("value = 5")
    (command.folder / "script.py").write_text(
        "import sys, helper\nfrom pyex import *\n"
        "parent = self()\nspawn(lambda: send(parent, helper.value))\n"
        "print(__name__, sys.argv[1:], receive(timeout=5), __file__)\n"
    )
    done = command("script.py", "-x", "--name", "y")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "__main__ ['-x', '--name', 'y'] 5 script.py\n"


def test_a_script_that_fails(command):
    script = command.folder / "script.py"
    script.write_text("def f():\n    1 / 0\nf()\n")
    done = command("script.py")
    assert done.returncode == 1
    assert done.stderr.startswith('Traceback (most recent call last):\n  File "script.py", line 3, in <module>\n')
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")
    script.write_text("raise SystemExit(7)")
    assert command("script.py").returncode == 7
    script.write_text("raise SystemExit('no way')")
    done = command("script.py")
    assert (done.returncode, done.stderr) == (1, "no way\n")
    script.write_text("import pyex\npyex.exit('boom')")
    done = command("script.py")
    assert (done.returncode, done.stderr) == (1, "pyex: the script was ended: 'boom'\n")
    script.write_text("x = = 1")
    done = command("script.py")
    assert done.returncode == 1
    assert done.stderr.startswith('  File "script.py", line 1')


def test_a_script_on_a_node(command):
    (command.folder / "script.py").write_text("import pyex\nprint(pyex.Node.self())")
    assert command("--name", "carol", "script.py").stdout == "carol@127.0.0.1\n"


def test_the_version(command):
    assert command("--version").stdout == f"pyex {pyex.__version__}\n"


def test_an_unknown_option(command):
    assert "--nmae" in refused(command("--nmae", "bob"))
    assert "--help" in refused(command("--nam", "bob"))


def test_a_bad_port(command):
    assert "65535" in refused(command("--port", "70000"))
    assert "'x'" in refused(command("--port", "x"))


def test_a_malformed_name(command):
    assert "b o b" in refused(command("--name", "b o b"))


def test_a_cookie_that_is_too_short_warns(command, env):
    env["PYEX_COOKIE"] = "short"
    done = command(input="1\n")
    assert (done.returncode, done.stdout) == (0, "1\n")
    assert "cookie" in done.stderr


def test_limits_of_the_node(command):
    done = command("--schedulers", "1", "--max-heap-size", "200M", "-e", "Process.info(spawn(receive)).max_heap_size")
    assert done.stdout.strip() == "200000000", done.stderr
    assert "no number of schedulers" in refused(command("--schedulers", "0"))
    assert "200X" in refused(command("--max-heap-size", "200X"))


def test_a_port_in_use(command):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert port in refused(command("--port", port))


def test_a_cookie_file_that_others_can_read(command, env):
    env.pop("PYEX_COOKIE")
    assert command("-e", "Node.cookie()", "--name", "bob").returncode == 0
    [cookie] = [path for path in (command.folder.parent / "home").rglob("*cookie*") if path.is_file()]
    cookie.chmod(0o644)
    assert str(cookie) in refused(command("--name", "bob"))


def test_a_node_that_is_not_there(command):
    assert "nobody" in refused(command("--connect", "nobody@127.0.0.1"))


def test_a_script_that_is_not_there(command):
    assert "'no.py'" in refused(command("no.py"))
    assert "script.py" in refused(command("-e", "1", "script.py"))


@pytest.mark.parametrize("stray", ["shell.py", "code.py", "codeop.py", "prompt_toolkit.py"])
def test_stray_files_in_the_working_folder_are_not_taken_for_ours(command, stray):
    (command.folder / stray).write_text("raise SystemExit('the stray file was imported')")
    (command.folder / "mine.py").write_text("value = 5")
    done = command(input="import mine; mine.value\n1 / 0\n")
    assert done.returncode == 0
    assert done.stdout == "5\n"
    assert "ZeroDivisionError" in done.stderr


def test_a_stray_shell_can_still_be_imported_by_the_script_beside_it(command):
    (command.folder / "helpers.py").write_text("value = 6")
    (command.folder / "script.py").write_text("import helpers; print(helpers.value)")
    assert command("script.py").stdout == "6\n"


def test_a_safe_path_stays_safe(command):
    (command.folder / "mine.py").write_text("value = 5")
    done = command(input="import mine\nimport json\n1\n", PYTHONSAFEPATH="1")
    assert done.stdout == "1\n"
    assert "No module named 'mine'" in done.stderr


def test_a_name_in_use(env, tmp_path, terminal, command):
    terminal("--name", "bob").prompt(1, "bob@127.0.0.1")
    assert "bob" in refused(command("--name", "bob"))


def test_a_closed_pipe_is_no_error(env, tmp_path):
    done = subprocess.run(
        f"{sys.executable} -m pyex -e 'print(1)' | true", shell=True, env=env, cwd=tmp_path,
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.stderr == ""


@pytest.mark.parametrize("option", ["--name", "--cookie"])
def test_an_empty_name_or_cookie_is_refused_also_without_a_prompt(command, option):
    (command.folder / "script.py").write_text("print('run')")
    for what in (("-e", "1"), ("script.py",)):
        assert option.strip("-") in refused(command(option, "", *what))


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_make_gives_the_shell_the_name_as_it_was_written():
    done = subprocess.run(
        ["make", "-n", "shell", "NAME=b o b;$$HOME"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    assert "--name 'b o b;$HOME'" in done.stdout


def test_what_is_put_into_pythons_builtins_is_there_at_the_prompt(command):
    done = command(input="import builtins; builtins.zz = 5; builtins.spawn = 6\nzz\nspawn is builtins.spawn\n")
    assert done.stdout == "5\nFalse\n"


def test_a_line_that_comes_when_a_process_has_asked_is_its_answer(env, tmp_path):
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "pyex"],
        env=env, cwd=tmp_path, text=True, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as child:  # fmt: skip
        child.stdin.write(
            "import os\n"
            "def ask(p):\n    while not os.path.exists('now'): sleep(0.01)\n    send(p, input('who? '))\n\n"
            "clerk = spawn(ask, self(), name='clerk')\n"
            "1\n"
        )
        assert child.stdout.readline() == "1\n"  # it waits for a line
        (tmp_path / "now").touch()
        text = ""
        while not text.endswith("who? "):
            text += child.stdout.read(1)
        assert text == "clerk asks: who? "
        printed, _ = child.communicate("joe\nreceive(timeout=5)\n", timeout=20)
        assert printed == "'joe'\n"
        assert child.returncode == 0


def test_processes_of_an_expression_or_a_script_read_standard_input(command):
    done = command("-e", "p = self(); spawn(lambda: send(p, input('who? '))) and receive()", input="joe\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(" asks: who? 'joe'\n")
    (command.folder / "asks.py").write_text(
        "from pyex import *\n"
        "p = self()\n"
        "spawn(lambda: send(p, input('who? ')))\n"
        "print(receive(timeout=10))\n"
        "print(input('me? '))\n"
    )
    done = command("asks.py", input="joe\njim\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "who? joe\nme? jim\n", "")


def test_options_of_the_node(command):
    done = command("--name", "dave", "--hidden", "--net-ticktime", "8", "-e", "Node.self(), Node.alive()")
    assert done.stdout == "('dave@127.0.0.1', True)\n"
    assert "net tick time of 0.0 s cannot be kept" in refused(command("--net-ticktime", "0", "-e", "1"))
    assert "'soon' is no number of seconds" in refused(command("--net-ticktime", "soon"))
    assert "is no certificate of an authority" in refused(command("--tls", "a", "b", "c", "-e", "1"))
