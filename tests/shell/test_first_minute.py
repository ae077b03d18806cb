"""The first minute of somebody who has never seen a process: what is on the screen, to the letter."""

import re

import pyex

MINUTE = """\
pyex VERSION on Python PYTHON. Ctrl-C interrupts, exit() leaves, h() helps, lesson() teaches.
Try: p = spawn(lambda: print("hello from", self()))
pyex(pyex1@127.0.0.1)1> p = spawn(lambda: print("hello from", self()))
hello from Pid('0.113.0')
pyex(pyex1@127.0.0.1)2> self()
Pid('0.110.0')
pyex(pyex1@127.0.0.1)3> send(self(), "hi")
'hi'
pyex(pyex1@127.0.0.1)4> flush()
'hi'
pyex(pyex1@127.0.0.1)5> def double():
...     while True:
...         match receive():
...             case (n, sender): send(sender, 2 * n)
pyex(pyex1@127.0.0.1)6> d = spawn(double)
pyex(pyex1@127.0.0.1)7> send(d, (21, self()))
(21, Pid('0.110.0'))
pyex(pyex1@127.0.0.1)8> receive(timeout=5)
42
pyex(pyex1@127.0.0.1)9> ref = Process.monitor(d)
pyex(pyex1@127.0.0.1)10> send(d, ("a", "b")) and receive(Down(ref)).reason
Process Pid('0.114.0') ended: 'noproc'
Traceback (most recent call last):
  File "<pyex1@127.0.0.1 5>", line 4, in double
    case (n, sender): send(sender, 2 * n)
"""

#: After the traceback, whose last lines look differently from Python to Python.
END = """Initial call: __main__.double
'noproc'
pyex(pyex1@127.0.0.1)11>"""


def test_the_first_minute(terminal):
    shell = terminal()
    shell.prompt(1)
    typed = [
        ['p = spawn(lambda: print("hello from", self()))'],
        ["self()"],
        ['send(self(), "hi")'],
        ["flush()"],
        ["def double():", "while True:", "match receive():", "case (n, sender): send(sender, 2 * n)", ""],
        ["d = spawn(double)"],
        ["send(d, (21, self()))"],
        ["receive(timeout=5)"],
        ["ref = Process.monitor(d)"],
        ['send(d, ("a", "b")) and receive(Down(ref)).reason'],
    ]
    for number, lines in enumerate(typed, 2):
        shell.enter(*lines)
        shell.prompt(number)
        if number == 2:
            shell.wait("hello from Pid")
            shell.prompt(number)
    seen = shell.text().replace(f"pyex {pyex.__version__}", "pyex VERSION", 1)
    seen = re.sub(r"on Python 3\.\d+\.\w+", "on Python PYTHON", seen, count=1)
    assert seen.startswith(MINUTE), seen
    assert seen.endswith(END), seen
    assert "pyex.NoProcess: no process is registered as 'b'." in seen
