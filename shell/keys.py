"""The keys of the prompt: blocks of several lines, their indentation, what is pasted, the menu of completions."""

from __future__ import annotations

from collections.abc import Callable

from prompt_toolkit.application import get_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, get_common_complete_suffix
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import (
    Condition,
    completion_is_selected,
    emacs_insert_mode,
    has_completions,
    has_focus,
    has_selection,
    vi_insert_mode,
)
from prompt_toolkit.key_binding import ConditionalKeyBindings, KeyBindings, KeyBindingsBase, KeyPressEvent
from prompt_toolkit.keys import Keys

from shell.blocks import INDENT, is_complete, next_indent
from shell.paste import code_of, is_session


@Condition
def _in_indent() -> bool:
    """Only blanks stand before the cursor, on its line."""
    return not get_app().current_buffer.document.current_line_before_cursor.strip()


@Condition
def _after_indent() -> bool:
    before = get_app().current_buffer.document.current_line_before_cursor
    return bool(before) and not before.strip() and len(before) % len(INDENT) == 0


@Condition
def _may_have_completions() -> bool:
    """The menu of completions is there, or on its way."""
    return get_app().current_buffer.complete_state is not None


class _Indentation:
    """The indentation of new lines: ours, until a line of the input is indented by hand, or by a paste."""

    def __init__(self) -> None:
        self.by_hand = False
        self._row, self._given = -1, ""

    def new_line(self, buffer: Buffer) -> None:
        """Begin a line, indented as the line before suggests."""
        self._given = "" if self.by_hand else next_indent(buffer.document.text_before_cursor)
        buffer.insert_text("\n" + self._given)
        self._row = buffer.document.cursor_position_row

    def is_untouched(self) -> bool:
        """Whether the line holds just the indentation it was given."""
        document = get_app().current_buffer.document
        return bool(self._given) and document.cursor_position_row == self._row and document.current_line == self._given


_typing = emacs_insert_mode | vi_insert_mode


def key_bindings(pasted_session: Callable[[bool], None]) -> KeyBindingsBase:
    """The bindings; ``pasted_session`` is told whether the text begins with a session that was pasted."""
    keys = KeyBindings()
    indentation = _Indentation()

    @keys.add("enter")
    def _enter(event: KeyPressEvent) -> None:
        """Evaluate what is complete, else go on in a new line."""
        buffer = event.current_buffer
        document = buffer.document
        if document.on_last_line and is_complete(document.text):
            # The empty line that ended the block need not stay on the screen.
            buffer.text = document.text.rstrip() if document.text.strip() else ""
            buffer.cursor_position = len(buffer.text)
            indentation.by_hand = False
            buffer.cancel_completion()
            buffer.validate_and_handle()
        else:
            indentation.new_line(buffer)

    @keys.add("space", filter=Condition(indentation.is_untouched) & _typing)
    def _by_hand(event: KeyPressEvent) -> None:
        """Who types the indentation means that one, not that one more."""
        indentation.by_hand = True
        event.current_buffer.delete_before_cursor(len(event.current_buffer.document.current_line_before_cursor))
        event.current_buffer.insert_text(" ")

    @keys.add("c-c")
    def _clear(event: KeyPressEvent) -> None:
        """Forget what is typed."""
        indentation.by_hand = False
        pasted_session(False)
        event.current_buffer.reset()

    @keys.add("tab", filter=_in_indent & _typing)
    def _indent(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text(INDENT)

    @keys.add("backspace", filter=_after_indent & _typing)
    def _dedent(event: KeyPressEvent) -> None:
        event.current_buffer.delete_before_cursor(len(INDENT))

    @keys.add(Keys.BracketedPaste)
    def _paste(event: KeyPressEvent) -> None:
        """Take the code of what is pasted."""
        buffer = event.current_buffer
        if not buffer.text.strip() and is_session(event.data):
            pasted_session(True)
        indentation.by_hand = True
        buffer.insert_text(code_of(event.data))

    @keys.add("up", filter=_may_have_completions & ~completion_is_selected)
    def _up(event: KeyPressEvent) -> None:
        """The history, and not the menu, which nobody has asked for."""
        event.current_buffer.cancel_completion()
        event.current_buffer.auto_up(count=event.arg)

    @keys.add("down", filter=_may_have_completions & ~completion_is_selected)
    def _down(event: KeyPressEvent) -> None:
        event.current_buffer.cancel_completion()
        event.current_buffer.auto_down(count=event.arg)

    @keys.add("escape", filter=has_completions & ~has_selection & emacs_insert_mode)
    def _close(event: KeyPressEvent) -> None:
        event.current_buffer.cancel_completion()

    @keys.add("tab", filter=~_in_indent & ~has_completions & _typing)
    def _complete(event: KeyPressEvent) -> None:
        """Insert what is sure, and show what there is to choose from."""
        event.app.create_background_task(_insert_common_part(event.current_buffer))

    return ConditionalKeyBindings(keys, has_focus(DEFAULT_BUFFER))


async def _insert_common_part(buffer: Buffer) -> None:
    document = buffer.document
    asked = CompleteEvent(completion_requested=True)
    found = [one async for one in buffer.completer.get_completions_async(document, asked)]
    if buffer.document != document or not found:
        return
    buffer.cancel_completion()
    if len(found) == 1:
        buffer.apply_completion(found[0])
    elif common := get_common_complete_suffix(document, found):
        buffer.insert_text(common)
    else:
        buffer.start_completion(select_first=False, complete_event=asked)
