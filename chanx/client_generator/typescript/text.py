"""Pieces of TypeScript source: literals, names of properties, and comments that no text can end early."""

from __future__ import annotations

import json
import re
from typing import Any, Final

_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_UNSAFE: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def literal(value: Any) -> str:
    """A JSON value as TypeScript has it, in ASCII."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False)


def key(name: str) -> str:
    """A property's name, in quotes where it is no identifier."""
    return name if _NAME.fullmatch(name) else literal(name)


def comment(*paragraphs: str | None, indent: str = "") -> str:
    """A doc comment with the paragraphs that there are, lines and all; empty without any."""
    texts = [text for text in (_plain(paragraph) for paragraph in paragraphs if paragraph) if text]
    lines = "\n\n".join(texts).split("\n") if texts else []
    if not lines:
        return ""
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    body = "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines)
    return f"{indent}/**\n{body}{indent} */\n"


def in_line(text: str | None) -> str:
    """A text for a line of Markdown: in one line, and with nothing that Markdown or HTML would take for its own."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", " ".join(_plain(text or "", ends_comment=False).split()))


def _plain(text: str, *, ends_comment: bool = True) -> str:
    """The lines of a text without what would end the comment, or could not be seen."""
    lines = [_UNSAFE.sub("", line.replace("\t", " ")).rstrip() for line in text.splitlines()]
    found = "\n".join(lines).strip("\n")
    return found.replace("*/", "*\\/") if ends_comment else found
