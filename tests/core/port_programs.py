"""What the tests of ports share: programs, what they write, and their ends."""

import os
import sys
import textwrap

from pyex import (
    ANY,
    Port,
    receive,
)
from tests.core.support import SOON, until


def sh(text, **options):
    return Port.open(["sh", "-c", text], **options)


def python(code):
    """A port of a Python program, once that has said that it is ready."""
    code = "import os, signal, sys, time\n" + textwrap.dedent(code)
    port = Port.open([sys.executable, "-S", "-c", code], line=True)
    assert receive((port, ("data", ANY)), timeout=SOON) == (port, ("data", b"ready"))
    return port


def rest(port):
    """All that the program writes until it has ended, and its status."""
    output = []
    while True:
        match receive((port, (str, ANY)), timeout=SOON)[1]:
            case ("data", data):
                output.append(data)
            case ("exit_status", status):
                return output, status


def exactly(port, size):
    """So many bytes of output."""
    data = b""
    while len(data) < size:
        data += receive((port, ("data", bytes)), timeout=SOON)[1][1]
    assert len(data) == size
    return data


def gone(os_pid):
    """Wait until a program has ended, and is no zombie."""

    def condition():
        try:
            os.kill(os_pid, 0)
        except ProcessLookupError:
            return True
        return False

    until(condition, f"the end of program {os_pid}")
