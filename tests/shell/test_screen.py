"""What is written while a prompt is shown, and while none is."""

import io
import threading

import pytest

from shell.screen import ERR, OUT, Screen


class SlowPrompt:
    """A prompt that writes above itself when it is told to."""

    def __init__(self):
        self.asked = threading.Event()
        self.write = None

    def above(self, write):
        self.write = write
        self.asked.set()


@pytest.fixture
def out():
    return io.StringIO()


@pytest.fixture
def screen(out):
    return Screen(out, out, terminal=True, colour=False)


def write_on_a_thread(screen, pieces):
    thread = threading.Thread(target=screen.write, args=(pieces,))
    thread.start()
    return thread


def test_without_a_prompt_text_is_written_at_once(screen, out):
    screen.write([(OUT, "a"), (ERR, "b"), (OUT, "c\n")])
    assert out.getvalue() == "abc\n"


def test_with_a_prompt_the_prompt_decides_when(screen, out):
    prompt = SlowPrompt()
    screen.prompt_begins(prompt)
    thread = write_on_a_thread(screen, [(OUT, "no end of line")])
    assert prompt.asked.wait(10)
    assert out.getvalue() == ""
    prompt.write()
    thread.join(10)
    assert out.getvalue() == "no end of line\n"


def test_a_prompt_that_ends_first_loses_nothing(screen, out):
    prompt = SlowPrompt()
    screen.prompt_begins(prompt)
    thread = write_on_a_thread(screen, [(OUT, "text\n")])
    assert prompt.asked.wait(10)
    screen.prompt_ended()
    thread.join(10)
    assert not thread.is_alive()
    prompt.write()  # comes late, and has nothing to do
    assert out.getvalue() == "text\n"


def test_a_prompt_begins_a_line(screen, out):
    screen.write([(OUT, "half")])
    screen.prompt_begins(SlowPrompt())
    assert out.getvalue() == "half\n"


def test_what_cannot_be_encoded_is_escaped():
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    Screen(out, out, terminal=False, colour=False).write([(OUT, "größe \ud800\n")])
    assert raw.getvalue() == b"gr\\xf6\\xdfe \\ud800\n"


def test_a_reader_that_is_gone_harms_nothing(out):
    screen = Screen(out, out, terminal=False, colour=False)
    out.close()
    screen.write([(OUT, "text\n")])
