"""The input of a lesson that stands at the prompt until something is typed in its place."""

from __future__ import annotations

from prompt_toolkit.application import get_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition, emacs_insert_mode, vi_insert_mode
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.key_binding.key_processor import KeyPress
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput


class Offer(Processor):
    """What is offered, its look, and the keys that have to do with it.

    It is untouched as long as the cursor stands at its beginning, as before a suggestion: Enter takes it as it is, a key
    that moves the cursor begins to edit it, and whatever is typed or pasted takes its place.
    """

    def __init__(self) -> None:
        #: None outside of lessons, empty where the input is to be typed
        self._text: str | None = None
        self._untouched = False
        self._buffer: Buffer | None = None
        self.keys = self._bindings()

    @property
    def document(self) -> Document:
        """What the prompt begins with."""
        text = self._text or ""
        return Document(text, 0)

    def watch(self, buffer: Buffer) -> None:
        """It is offered in this buffer."""
        self._buffer = buffer
        buffer.on_text_changed += self._touched
        buffer.on_cursor_position_changed += self._touched

    def make(self, text: str | None) -> None:
        """Offer this the next time the prompt begins."""
        self._text = text
        self._untouched = False

    def begins(self) -> None:
        """The prompt is on the screen now."""
        self._untouched = bool(self._text) and self._buffer is not None and self._buffer.document == self.document

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """Slanted, while it is untouched: it is not you who has typed it."""
        fragments = transformation_input.fragments
        if not self._untouched:
            return Transformation(fragments)
        return Transformation([(f"{style} italic", *rest) for style, *rest in fragments])

    def _touched(self, _buffer: Buffer) -> None:
        self._untouched = False

    def _bindings(self) -> KeyBindings:
        keys = KeyBindings()
        untouched = Condition(lambda: self._untouched)
        typing = emacs_insert_mode | vi_insert_mode
        between = Condition(lambda: self._text is not None and not get_app().current_buffer.text.strip()) | untouched

        @keys.add("enter", filter=untouched)
        @keys.add("pagedown", filter=between)
        def _play(event: KeyPressEvent) -> None:
            """Take it; on an empty line the player decides."""
            _accept(event.current_buffer, event.current_buffer.text)

        @keys.add("pageup", filter=between)
        def _back(event: KeyPressEvent) -> None:
            _accept(event.current_buffer, "lesson.back()")

        @keys.add("tab", filter=untouched)
        def _edit(event: KeyPressEvent) -> None:
            """As a suggestion is taken: to be edited."""
            event.current_buffer.cursor_position = len(event.current_buffer.text)

        @keys.add("c-d", filter=untouched)
        def _leave(event: KeyPressEvent) -> None:
            """As on an empty line."""
            event.current_buffer.reset()
            event.app.exit(exception=EOFError, style="class:exiting")

        @keys.add(Keys.Any, filter=untouched & typing)
        @keys.add(Keys.BracketedPaste, filter=untouched)
        def _type(event: KeyPressEvent) -> None:
            """In its place; the key itself means what it always does."""
            key = event.key_sequence[0]
            if key.key is Keys.BracketedPaste or len(key.key) == 1:
                event.current_buffer.reset()
            self._untouched = False
            event.key_processor.feed(KeyPress(key.key, key.data), first=True)

        return keys


def _accept(buffer: Buffer, text: str) -> None:
    buffer.text = text
    buffer.cursor_position = len(text)
    buffer.cancel_completion()
    buffer.validate_and_handle()
