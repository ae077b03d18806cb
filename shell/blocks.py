"""When an input is complete, and how far its next line is indented."""

from __future__ import annotations

import ast
import codeop
import re
import warnings
from typing import Final

INDENT: Final = "    "

_ENDS_A_BLOCK: Final = re.compile(r"\s*(return|raise|pass|break|continue)\b")


def is_complete(text: str) -> bool:
    """Whether an input can be evaluated, be it with an error; a block is complete after an empty line."""
    lines = text.split("\n")
    if not lines[-1].strip():
        lines[-1] = ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if codeop.compile_command("\n".join(lines), "<input>", "exec") is None:
                return False
            statements = ast.parse(text).body
    except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError):
        return True  # the evaluation says what is wrong
    is_block = statements and (hasattr(statements[-1], "body") or isinstance(statements[-1], ast.Match))
    return not is_block or (len(lines) > 1 and not lines[-1])


def next_indent(text: str) -> str:
    """The indentation of the line after ``text``, which is incomplete."""
    try:
        compile(text, "<input>", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    except SyntaxError as error:
        if "triple-quoted" in str(error.msg):
            return ""  # inside a string blanks count
    except (ValueError, OverflowError, MemoryError, RecursionError):
        pass
    line = text.rpartition("\n")[2]
    indent = line[: len(line) - len(line.lstrip())]
    code = line.partition("#")[0].rstrip()
    if code.endswith((":", "(", "[", "{")):
        return indent + INDENT
    if _ENDS_A_BLOCK.match(code):
        return indent[: -len(INDENT)]
    return indent
