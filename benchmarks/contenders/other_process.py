"""The second OS process of a contender that has to start it by itself."""

import os
import subprocess
import sys
import threading


def start(module, *args):
    """Start ``module`` as a program; what it does first is to print something, and that is returned."""
    command = [sys.executable, "-m", module, *map(str, args)]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    started_processes.append(started)
    return started.stdout.readline().strip()


started_processes = []


def end_with_the_first():
    """In the second: end when the first does, which closes this one's standard input."""
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
