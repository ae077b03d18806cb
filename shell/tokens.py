"""The tokens of an input that is being typed: it need not be complete, nor right."""

from __future__ import annotations

import keyword
import re
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    r"""
      (?P<space>[ \t\f]+|\\\n)
    | (?P<comment>\#[^\n]*)
    | (?P<newline>\n)
    | (?P<string>[rRbBuUfF]{0,2}(?:\"\"\"|'''|\"|'))
    | (?P<number>\.?\d[\w.]*)
    | (?P<name>[^\W\d]\w*)
    | (?P<op>\.\.\.|->|:=|\*\*=?|//=?|<<=?|>>=?|[-+*/%@&|^<>=!]=|.)
    """,
    re.VERBOSE,
)

OPEN: Final = "([{"
_CLOSE: Final = ")]}"
#: Keywords that are values.
_VALUES: Final = {"None", "True", "False"}


class Token(NamedTuple):
    """A piece of the input; the kind ``open`` is a string that has no end yet."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where the next one may begin."""
        return self.start + len(self.text)

    @property
    def quote(self) -> str:
        """The quotes that a string begins with."""
        text = self.text.lstrip("rRbBuUfF")
        return text[:3] if text[:3] in ('"""', "'''") else text[:1]

    @property
    def prefix(self) -> str:
        """The letters before the quotes of a string."""
        return self.text[: len(self.text) - len(self.text.lstrip("rRbBuUfF"))].lower()

    @property
    def content(self) -> str:
        """What stands in a string that has no end yet."""
        return self.text[len(self.prefix) + len(self.quote) :]

    def is_operand(self) -> bool:
        """Whether a value ends with this token, so that ``.``, ``(`` or ``[`` after it belong to that."""
        if self.kind == "name":
            return not keyword.iskeyword(self.text) or self.text in _VALUES
        return self.kind in ("string", "number") or (self.kind == "op" and self.text in _CLOSE)


class Tokens(list[Token]):
    """The tokens of a text, without its blanks, and which brackets belong together."""

    def __init__(self, text: str) -> None:
        super().__init__(_scan(text))
        #: the brackets that are open at the end
        self.brackets: list[int] = []
        #: the opening bracket of each closing one
        self.opener: dict[int, int] = {}
        for index, token in enumerate(self):
            if token.kind != "op":
                continue
            if token.text in OPEN:
                self.brackets.append(index)
            elif token.text in _CLOSE and self.brackets:
                self.opener[index] = self.brackets.pop()

    def operand_start(self, last: int) -> int | None:
        """Where the value begins that ends with this token: ``a`` of ``a.b[0](1)``."""
        index = last
        while index >= 0 and self[index].is_operand():
            if index in self.opener:
                index = self.opener[index]
                if index > 0 and self[index].text != "{" and self[index - 1].is_operand():
                    index -= 1
                    continue
            elif self[index].text in _CLOSE:
                return None  # it closes nothing
            if index >= 2 and self[index - 1].text == ".":
                index -= 2
                continue
            return index
        return None


def _scan(text: str) -> list[Token]:
    tokens = []
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        assert found is not None
        kind, end = str(found.lastgroup), found.end()
        if kind == "string":
            closed = _end_of_string(text, end, found[0].lstrip("rRbBuUfF"))
            kind, end = ("string", closed) if closed is not None else ("open", len(text))
        if kind == "comment" and end == len(text):
            kind = "open comment"
        if kind not in ("space", "comment"):
            tokens.append(Token(kind, text[place:end], place))
        place = end
    return tokens


def _end_of_string(text: str, place: int, quote: str) -> int | None:
    """Where a string ends; None if it does not yet. One that lacks its quote ends with its line."""
    while place < len(text):
        if text[place] == "\\":
            place += 2
        elif text.startswith(quote, place):
            return place + len(quote)
        elif text[place] == "\n" and len(quote) == 1:
            return place
        else:
            place += 1
    return None
