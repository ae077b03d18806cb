"""What could be typed next. Nothing of the user's is run for it, and nothing is imported."""

from __future__ import annotations

import builtins
import keyword
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from shell import completing_strings
from shell.candidates import LIMIT, Candidate, Context, Found, at_depth, call_at, note, pick
from shell.signatures import parameters
from shell.static import UNKNOWN, attribute_names, lookup, own_attributes
from shell.surroundings import Surroundings
from shell.tokens import Token, Tokens
from shell.values import Value, evaluate

_STATEMENTS: Final = {"match", "case", "type"}
_AFTER_A_VALUE: Final = ("and", "as", "else", "for", "if", "in", "is", "not", "or")


def complete(before: str, names: Mapping[str, Any], around: Surroundings) -> Found:
    """What could come after the text ``before``, with these names bound. Never raises what objects raise."""
    tokens = Tokens(before)
    context = Context(before, tokens, names, around)
    last = tokens[-1] if tokens else None
    if last is not None and last.kind == "open comment":
        return Found()
    if last is not None and last.kind == "open":
        inner = _inside_braces(last)
        return complete(inner, names, around) if inner is not None else completing_strings.in_string(context, last)
    touches = last is not None and last.end == len(before)
    if last is not None and touches and last.kind == "number":
        return Found()
    partial = last.text if last is not None and touches and last.kind == "name" else ""
    end = len(tokens) - (1 if partial else 0)
    previous = tokens[end - 1] if end else None
    if (modules := _import(context, partial)) is not None:
        return modules
    if previous is not None and previous.text == "." and end >= 2:
        return _attributes(context, partial, end - 2)
    if previous is not None and previous.is_operand() and previous.kind != "newline":
        words = [Candidate(word) for word in _AFTER_A_VALUE] if partial else []
        return pick(partial, words)
    if previous is not None and previous.text in ("def", "class", "as"):
        return Found()
    found = [*completing_strings.bare(context, end), *_keywords_of_call(context, end)]
    found += _names(context, partial, at_start=previous is None or previous.kind == "newline" or previous.text == ":")
    return pick(partial, found, offered=len(partial) > 1)


def _inside_braces(token: Token) -> str | None:
    """The expression that is begun in an f-string."""
    if "f" not in token.prefix:
        return None
    begun = token.content.replace("{{", "  ").rpartition("{")[2] if "{" in token.content.replace("{{", "  ") else "}"
    return None if "}" in begun or re.search(r"[:!](?!=)", begun) else begun


def _attributes(context: Context, partial: str, last: int) -> Found:
    tokens = context.tokens
    start = tokens.operand_start(last)
    if start is None:
        return Found()
    text = context.before[tokens[start].start : tokens[last].end]
    if text == "self" and (own := _of_self(context)):
        return pick(partial, own, offered=True)
    value = evaluate(text, context.names)
    if value is None:
        return Found()
    names = sorted({*attribute_names(value.obj)}, key=lambda name: (name.startswith("_"), name))
    shown = [name for name in names if name.lower().startswith(partial.lower())][: 2 * LIMIT]
    return pick(
        partial, [Candidate(name, _note_of(value, name)) for name in shown if name.isidentifier()], offered=True
    )


def _note_of(value: Value, name: str) -> str:
    found = lookup(value.obj, name)
    return "" if found is UNKNOWN else note(found)


def _of_self(context: Context) -> list[Candidate]:
    """What a class that is being typed says of its instances."""
    found = re.findall(r"\bself\.([^\W\d]\w*)(?=\W)|\bdef ([^\W\d]\w*)(?=\W)", context.before)
    return [Candidate(name) for name in sorted({one or other for one, other in found})]


def _keywords_of_call(context: Context, end: int) -> list[Candidate]:
    call = call_at(context, end)
    if call is None or not call[2]:
        return []
    function = evaluate(call[0], context.names)
    if function is None or function.is_instance:
        return []
    opener = [place for place in context.tokens.brackets if place < end][-1]
    tokens = context.tokens
    given = {tokens[place - 1].text for place in at_depth(tokens, opener, end) if tokens[place].text == "="}
    found = parameters(function.obj) or []
    by_place = next((place for place, one in enumerate(found) if one.text.startswith("*")), len(found))
    left = found[min(by_place, call[1] - len(given)) :]
    return [Candidate(f"{one.name}=", one.text) for one in left if one.by_name and one.name not in given]


def _names(context: Context, partial: str, *, at_start: bool) -> Iterator[Candidate]:
    builtin = vars(builtins)
    begin = partial.lower()
    fitting = [name for name in context.names if name.lower().startswith(begin) and name.isidentifier()]
    for name in sorted(fitting, key=lambda name: (name in builtin, name)):
        if not keyword.iskeyword(name):
            yield Candidate(name, note(context.names[name]))
    for word in sorted({*keyword.kwlist, *(_STATEMENTS if at_start else ())}):
        yield Candidate(word, "keyword")


def _import(context: Context, partial: str) -> Found | None:
    """Completions of an import statement: modules by their files, and names of those that are imported already."""
    line = re.split(r"[\n;]", context.before)[-1]
    if found := re.match(r"\s*(?:import\s+(?:[\w.]+(?:\s+as\s+\w+)?\s*,\s*)*|from\s+)([\w.]*)$", line):
        parent, _, begun = found[1].rpartition(".")
        return pick(begun, [Candidate(name) for name in context.around.modules(parent)], offered=bool(found[1]))
    if found := re.match(r"\s*from\s+([\w.]+)\s+import\s*\(?[\w\s,]*$", line):
        module = sys.modules.get(found[1])
        names = {*attribute_names(module)} if module is not None else set()
        candidates = [Candidate(name, note(own_attributes(module).get(name))) for name in sorted(names)]
        return pick(partial, [*candidates, *map(Candidate, context.around.modules(found[1]))], offered=bool(partial))
    return None
