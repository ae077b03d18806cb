"""The helpers, each: text in, text out."""

import textwrap

import pytest

from shell import helpers
from shell.testing import capture_shell


def shell(text):
    return capture_shell(textwrap.dedent(text))


def lines(text):
    return shell(text).splitlines()


@pytest.mark.parametrize("name", sorted(helpers.NAMES))
def test_every_helper_has_help_and_an_example(name):
    printed = shell(f"h({name!r})")
    told, _, example = printed.partition(">>> ")
    assert len(told) > 40
    assert name in example


def test_h_lists_all_helpers_by_family():
    printed = shell("h()")
    assert all(f"\n  {name} " in printed for name in helpers.NAMES)
    assert all(f"\n{family}\n" in printed for family in helpers.FAMILIES)


def test_h_tells_of_functions_classes_modules_values_and_names():
    assert shell("h(spawn)").startswith("spawn(fn: ")
    assert "default: Any = ...) -> Any" in shell("h(receive)").partition("\n")[0]
    assert "link(pid: Pid | Port) -> bool" in shell("h(Process)")
    of_supervisors = shell("h(Supervisor)")
    assert ":class:" not in of_supervisors
    assert "dicts or ChildSpec" in of_supervisors
    for name in ("which_children(supervisor", "count_children(supervisor", "stop(supervisor", "start_link(*args"):
        assert f"\n{name}" in of_supervisors
    assert "format_status(self, status: dict[str, Any]) -> dict[str, Any]" in shell("h(GenServer)")  # whole
    for name in ("get_state", "replace_state", "get_status", "suspend", "resume", "trace"):
        assert f">>> GenServer.{name}(" in shell(f"h(GenServer.{name})")
    assert shell("h('Process.link')").startswith("Process.link(pid: Pid | Port) -> bool\n")
    assert shell("import json; h(json)").startswith("json, a module\n")
    assert "Deserialize" in shell("h('json.loads')")
    assert shell('def f(x):\n    """Mine, `it`."""\n\nh(f)') == "f(x)\n\nMine, `it`.\n"
    assert shell("h(3)").startswith("3\n\nint(")
    assert "there is nothing called 'nothing_like_it'" in shell("h('nothing_like_it')")


def test_v_history_and_save(tmp_path):
    file = tmp_path / "lesson.py"
    printed = shell(f"""\
        x = 1
        1 / 0
        def f():
            return x

        f()
        history(3)
        save({str(file)!r})
        save({str(file)!r})
        """)
    assert "3  def f():\n       return x\n4  f()\n5  history(3)\n" in printed
    assert "FileExistsError" in printed
    assert file.read_text() == "from pyex import *\n\nx = 1\ndef f():\n    return x\nf()\nhistory(3)\n"


def test_bindings_and_forget():
    printed = lines("x = 1\nname = 'a'\nbindings()\nbindings()[1][2]\nforget('x')\nforget('x')\nforget()\nbindings()")
    assert [line for line in printed if set(line) - set(" ~^")] == [
        "name  type  value", "name  str   a", "x     int   1", "1",
        "Traceback (most recent call last):", '  File "<pyex 6>", line 1, in <module>', "    forget('x')",
        "NameError: 'x' is not bound here; bindings() shows what is", "(nothing is bound; x = 1 binds x)",
    ]  # fmt: skip


def test_respawn_is_a_new_process_with_the_same_bindings():
    printed = lines("x = self()\nsend(x, 1) and None\nrespawn()\nself() != x\nreceive(timeout=0, default='empty')")
    assert printed[0].endswith("'respawn'")
    assert printed[1:] == ["True", "'empty'"]


def test_pwd_cd_ls(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.py").write_text("12345")
    (tmp_path / ".hidden").write_text("")
    assert lines("ls()") == ["name     bytes", "a.py     5", "folder/  -"]
    assert "a.py" in shell("ls('.', '*.py')")
    assert "folder" not in shell("ls('.', '*.py')")
    assert str(tmp_path / "folder") in shell("cd('folder')\npwd()")
    assert "is not there. ls() takes a folder" in shell("ls('nowhere')")


def test_clear_prints_nothing_where_there_is_no_terminal():
    assert shell("clear()\n1") == "1\n"


def test_whereami():
    printed = shell("Process.register(self(), 'me') and None\nwhereami()\ndef f(): whereami()\n\nf()")
    assert "this shell's process, registered as 'me'" in printed
    assert "on nonode@nohost, Python 3." in printed
    assert "in f, line 1 of <pyex 3>" in printed


@pytest.mark.parametrize("call", ["v()", "history()", "bindings()", "respawn()", "save('x')", "clear()", "i()"])
def test_what_is_about_the_shell_says_so_in_other_processes(call):
    assert "works at the prompt" in shell(f"spawn_monitor(lambda: {call}) and receive(timeout=5)")


def test_pid():
    assert shell("""\
        p = spawn(receive, name="counter")
        pid("counter") == p == pid(repr(p)[5:-2]) == pid(p), pid(0, 7, 0), pid("<0.7.0>")
        pid(3.5)
        """).startswith("(True, Pid('0.7.0'), Pid('0.7.0'))\nTraceback")  # fmt: skip


def test_process_info():
    printed = shell("p = spawn(receive, 'x', name='counter'); process_info('counter')\nprocess_info(Pid('0.99999.0'))")
    assert "registered_name     counter" in printed
    assert "messages " in printed
    assert printed.count("pid ") == 1


def test_processes_are_sorted_and_cut():
    printed = lines("""\
        few, many = spawn(receive, "x", name="few"), spawn(receive, "x", name="many")
        for n in range(5): send(many, n)

        send(few, 1) and None
        processes("messages", top=2)
        [row.name for row in processes(sort="messages")[:2]]
        processes("size")
        """)
    table = [line.split() for line in printed if line.startswith("Pid")]
    assert [row[1] for row in table[:2]] == ["many", "few"]
    assert "['many', 'few']" in printed
    assert printed[-1].startswith("ValueError: processes are sorted by 'pid'")


def test_registered_and_regs():
    assert shell("p = spawn(receive, name='counter')\nregistered()[0][:2] == ('counter', p)\nregs()").startswith(
        "True\nname "
    )


def test_timers():
    printed = shell("ref = Process.send_after(self(), 'tick', 100)\ntimers()\nProcess.cancel_timer(ref) > 0\ntimers()")
    assert "tick" in printed
    assert printed.endswith("True\n(none; Process.send_after(pid, message, seconds) starts one)\n")


def test_ports():
    printed = shell("port = Port.open(['cat', '-u'])\nports()\nPort.close(port)\nports()")
    assert "cat -u" in printed
    assert printed.endswith("(none; Port.open([program, argument]) starts one)\n")


def test_bt_shows_where_a_process_is():
    printed = shell("""\
        def wait():
            receive("never")

        p = spawn(wait)
        while process_info(p).status != "waiting": sleep(0.01)

        bt(p)
        bt(Pid('0.99999.0'))
        """)
    assert "waiting, the innermost call last" in printed
    assert '  File "<pyex 1>", line 2, in __main__.wait\n    receive("never")' in printed
    assert printed.endswith("is not alive\n")


def test_runtime_info_and_nodes():
    printed = shell("runtime_info()\nnodes()")
    assert "\nprocesses        " in printed
    assert "  scheduler 1 " in printed
    assert "nonode@nohost  this one" in printed


def test_connect_says_what_is_missing():
    assert "Node.start(name)" in shell("connect('bob@127.0.0.1')")


def test_exports_callbacks_and_sig():
    printed = shell("""\
        class Base:
            @staticmethod
            def call(server): ...
            def init(self, start=0):
                '''Begin.'''
            def _private(self): ...

        class Mine(Base):
            def handle(self): ...

        callbacks(Mine)
        exports(Base)
        sig(Mine.handle)
        sig(3)
        """)
    assert "callback             what\ninit(self, start=0)  Begin.\nhandle(self)" in printed
    assert "call(server)" in printed
    assert "\nMine.handle(self)\n" in printed
    assert "sig() takes what can be called, not 3" in printed


def test_source():
    assert shell("def f():\n    return 1\n\nsource(f)") == "def f():\n    return 1\n"
    assert "class Process:" in shell("source(Process)")
    assert "has no source here" in shell("source(len)")


def test_load_runs_a_file_as_if_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "counter.py").write_text("import math\nx = 3\nclass Counter: pass\n")
    assert shell("x = 1\nload('counter.py')\nx, Counter.__module__\nload('counter')\nload('nothing.py')").startswith(
        "['Counter', 'math', 'x']\n(3, '__main__')\n['Counter']\nTraceback"
    )
    (tmp_path / "wrong.py").write_text("x = = 1\n")
    assert "wrong.py" in shell("load('wrong.py')")
    assert "SyntaxError" in shell("load('wrong.py')")


def test_edit_runs_what_the_editor_leaves(tmp_path, monkeypatch):
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i -e 's/one/two/' \"$1\"\n")
    editor.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(editor))
    assert shell("def f(): return 'one'\n\nedit(f)\nf()\nx = 'one'\nedit()\nx\nedit(4)\nedit(99)").startswith(
        "['f']\n'two'\n['x']\n'two'\n"
    )
    file = tmp_path / "file.py"
    file.write_text("y = 'one'\n")
    assert shell(f"edit({str(file)!r})\ny\nedit({str(file)!r})") == "['y']\n'two'\n[]\n"
    monkeypatch.setenv("VISUAL", "no-such-editor")
    assert "there is no editor 'no-such-editor'" in shell("edit()")
    monkeypatch.setenv("VISUAL", "false")
    assert "ended with status 1: nothing is run" in shell("edit()")


def test_reload_brings_what_was_imported_from_the_module(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    file = tmp_path / "reloaded_here.py"
    file.write_text("def f(): return 1\n")
    assert shell(f"""\
        import reloaded_here
        from reloaded_here import f as mine
        reload_changed()
        mine()
        with open({str(file)!r}, "w") as out: out.write("def f(): return 2\\n") and None

        reload(reloaded_here).__name__
        mine(), reloaded_here.f()
        import os
        with open({str(file)!r}, "w") as out: out.write("def f(): return 3\\n") and None

        os.utime({str(file)!r}, (1, 1))
        reload_changed()
        mine()
        reload_changed()
        """) == "[]\n1\n'reloaded_here'\n(2, 2)\n['reloaded_here']\n3\n[]\n"  # fmt: skip


def test_tree_draws_who_started_whom_and_who_is_linked():
    printed = shell("""\
        def boss():
            for name in ("one", "two"): spawn_link(worker, self(), name=name)
            for n in range(2): receive("up")
            send("top", "ready"); receive("never")

        def worker(up):
            send(up, "up"); receive("never")

        Process.register(self(), "top") and None
        other = spawn(receive, "never", name="other")
        def linked():
            Process.link(other); send("top", "ready"); receive("never")

        b, l = spawn(boss, name="boss"), spawn(linked)
        for n in range(2): receive("ready", timeout=10) and None

        tree("boss")
        tree(l)
        tree()
        tree("bos")
        """)
    drawn = [line for line in printed.splitlines() if "'" in line and not line.startswith("'ready'")]
    texts = [line.replace(line[line.index("Pid(") : line.index(")") + 1], "PID") for line in drawn if "Pid(" in line]
    assert texts[:5] == ["PID  'boss' boss", "├─ PID  'one' worker", "└─ PID  'two' worker", "PID  linked",
                         "└┄ PID  'other' pyex.core.messaging.receive"]  # fmt: skip
    assert "│  ├─ PID  'one' worker" in texts
    assert "Did you mean 'boss'?" in printed


def test_top_without_a_terminal_is_the_table_of_now():
    printed = shell("p = spawn(receive, 'x', name='mine')\ntop('pid')\ntop('size')")
    assert "mine" in printed
    assert "processes are sorted by" in printed


@pytest.mark.parametrize("helper", ["processes", "top", "tree"])
def test_who_gives_a_node_in_the_wrong_place_is_told_the_right_one(helper):
    assert shell(f"{helper}('bob')").endswith(f"{helper}(node='bob')\n")
