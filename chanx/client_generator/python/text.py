"""Words of a document inside generated code: none of them can end what it stands in."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Final
from unicodedata import category

LINE_LENGTH: Final = 88

_INDENT: Final = " " * 4
_QUOTES: Final = '"""'
_STRUCTURED: Final = re.compile(r"\s|[-*+>|#]|```|\d+[.)] ")
_LIST_ITEM: Final = re.compile(r"\s*(?:[-*+] +|\d+[.)] +)?")


def docstring(*paragraphs: str | None, indent: int = 0) -> str:
    """A docstring, its quotes included, without what is None or blank; empty if all is.

    ``indent`` in levels; its first line lacks it.
    Whatever the paragraphs hold, the result is one string literal, and says what they say.
    """
    spaces = _INDENT * indent
    width = LINE_LENGTH - len(spaces)
    whole = "\n\n".join(found for text in paragraphs if text and (found := plain(text)))
    if not whole:
        return ""
    content = whole.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if content.startswith('"'):
        content = f" {content}"
    end = " " if content.endswith('"') else ""
    if "\n" not in content and len(content + end) + 2 * len(_QUOTES) <= width:
        return f"{_QUOTES}{content}{end}{_QUOTES}"
    # One line that has room for one pair of quotes, and not for both, is made two.
    room = width - 2 * len(_QUOTES) if "\n" not in content else width
    first, *rest = _wrapped(_QUOTES + content, room).split("\n")
    return f"{first}\n" + "".join(f"{spaces}{line}".rstrip() + "\n" for line in rest) + spaces + _QUOTES


def plain(text: str) -> str:
    """The text without control characters and without marks that change the direction of writing; dedented."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").expandtabs(4)
    visible = "".join(
        sign if sign == "\n" or category(sign) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} else " " for sign in lines
    )
    return textwrap.dedent(visible).strip()


def one_line(text: str) -> str:
    """The text on one line, for a comment or a heading."""
    return " ".join(plain(text).split())


def laid_out(start: str, items: Sequence[str], end: str, *, indent: int = 0, as_import: bool = False) -> str:
    """``start``, the items with commas, ``end``: on one line if it has room, else on lines of their own.

    As ruff and Black lay it out. The first line is not indented, because it stands where the template has it.
    """
    spaces = _INDENT * indent
    joined = ", ".join(items)
    if len(spaces) + len(f"{start}{joined}{end}".split("\n")[0]) <= LINE_LENGTH:
        return f"{start}{joined}{end}"
    inner = spaces + _INDENT
    if not as_import and len(inner) + len(joined) <= LINE_LENGTH:
        return f"{start}\n{inner}{joined}\n{spaces}{end}"
    lines = "".join(f"{inner}{item},\n" for item in items)
    return f"{start}\n{lines}{spaces}{end}"


def literal(text: str) -> str:
    """A string literal, in double quotes unless the text has some."""
    written = repr(text)
    return f'"{written[1:-1]}"' if written.startswith("'") and '"' not in written else written


def _wrapped(text: str, width: int) -> str:
    """Paragraphs with a line that is too long are filled anew; what is a list, or indented, is wrapped line by line."""
    paragraphs = (paragraph.split("\n") for paragraph in text.split("\n\n"))
    return "\n\n".join(_filled(lines, width) for lines in paragraphs)


def _filled(lines: list[str], width: int) -> str:
    if all(len(line) <= width for line in lines):
        return "\n".join(line.rstrip() for line in lines)
    if any(_STRUCTURED.match(line) for line in lines):
        return "\n".join(_wrapped_line(line, width) for line in lines)
    return _wrapped_line(" ".join(line.strip() for line in lines), width)


def _wrapped_line(line: str, width: int) -> str:
    found = _LIST_ITEM.match(line)
    deeper = " " * (len(found[0]) if found else 0)
    wrapped = textwrap.wrap(line, width, subsequent_indent=deeper, break_long_words=False, break_on_hyphens=False)
    return "\n".join(wrapped)
