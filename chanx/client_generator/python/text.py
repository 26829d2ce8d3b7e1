"""Words of a document inside generated code: none of them can end what it stands in."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Final
from unicodedata import category

LINE_LENGTH: Final = 88

_INDENT: Final = " " * 4


def docstring(*paragraphs: str | None, indent: int = 0) -> str:
    """A docstring, its quotes included, without what is None or blank. ``indent`` in levels; its first line lacks it.

    Whatever the paragraphs hold, the result is one string literal, and says what they say.
    """
    spaces = _INDENT * indent
    width = LINE_LENGTH - len(spaces)
    whole = "\n\n".join(_wrapped(plain(text), width) for text in paragraphs if text and plain(text))
    content = whole.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if content.startswith('"'):
        content = f" {content}"
    if "\n" not in content and len(content) + 6 <= width:
        return f'"""{content} """' if content.endswith('"') else f'"""{content}"""'
    first, *rest = content.split("\n")
    return f'"""{first}\n' + "".join(f"{spaces}{line}".rstrip() + "\n" for line in rest) + f'{spaces}"""'


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


def _wrapped(text: str, width: int) -> str:
    """Lines that are too long are wrapped; the others stay, since they may be a list or code."""
    return "\n".join(_wrapped_line(line, width) for line in text.split("\n"))


def _wrapped_line(line: str, width: int) -> str:
    if len(line) <= width:
        return line.rstrip()
    indent = re.match(r"\s*(?:[-*] +)?", line)
    deeper = " " * (len(indent[0]) if indent else 0)
    wrapped = textwrap.wrap(line, width, subsequent_indent=deeper, break_long_words=False, break_on_hyphens=False)
    return "\n".join(wrapped)


def literal(text: str) -> str:
    """A string literal, in double quotes unless the text has some."""
    written = repr(text)
    return f'"{written[1:-1]}"' if written.startswith("'") and '"' not in written else written
