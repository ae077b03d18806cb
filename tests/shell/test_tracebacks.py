"""Tracebacks: the user's frames are shown, those of libraries in a row are one line."""

from shell import display
from shell.testing import capture_shell
from shell.tracebacks import fold

LIBRARY = '  File "/usr/lib/python3.12/json/decoder.py", line 3, in decode\n    return 1\n           ^\n'
OTHERS = '  File "/home/me/.venv/lib/python3.12/site-packages/requests/api.py", line 9, in get\n    return 2\n'
MINE = '  File "<pyex 1>", line 1, in f\n    json.loads("{")\n'
HEAD = "Traceback (most recent call last):\n"


def test_frames_of_libraries_in_a_row_are_one_line():
    assert fold(HEAD + MINE + LIBRARY + OTHERS + LIBRARY + "ValueError: x\n") == (
        HEAD + MINE + "  ... 3 frames of json, requests; bt() shows them\nValueError: x\n"
    )


def test_one_alone_stays_and_so_do_the_users():
    text = HEAD + MINE + LIBRARY + MINE + OTHERS + MINE + "ValueError: x\n"
    assert fold(text) == text


def test_causes_are_folded_each():
    between = "\nDuring handling of the above exception, another exception occurred:\n\n"
    text = HEAD + LIBRARY * 2 + "KeyError: 1\n" + between + HEAD + MINE + LIBRARY * 2 + "ValueError: x\n"
    line = "  ... 2 frames of json; bt() shows them\n"
    assert fold(text) == HEAD + line + "KeyError: 1\n" + between + HEAD + MINE + line + "ValueError: x\n"


def test_bt_shows_all_of_the_last_traceback():
    printed = capture_shell('import json\njson.loads("{")\n1\nbt()')
    before, _, after = printed.partition("\n1\n")
    assert "frames of json; bt() shows them" in before
    assert after.count("in raw_decode") == 1
    assert "nothing has been raised" in capture_shell("bt()")


def test_an_alert_with_a_traceback_is_coloured_as_one():
    text = display.alert("Process ended: x\n" + HEAD + MINE + "ValueError: x", colour=True)
    assert text.startswith("\x1b[31mProcess ended: x\x1b[0m\n")
    assert "\x1b[" in text.partition("Traceback")[2]
    assert display.alert("plain", colour=False) == "plain\n"
