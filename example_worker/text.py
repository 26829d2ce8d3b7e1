"""Makes text of any origin short and printable enough to show."""

from __future__ import annotations

ELLIPSIS = "…"


def shorten(text: str, limit: int) -> str:
    """At most ``limit`` characters on one line; control characters, line ends included, show as blanks or U+FFFD."""
    text = text[: limit + 2].rstrip("\r\n")
    if not text.isprintable():
        text = "".join(_printable(char) for char in text)
    return text if len(text) <= limit else text[: limit - 1] + ELLIPSIS


def _printable(char: str) -> str:
    if char.isprintable():
        return char
    return " " if char.isspace() else "\ufffd"
