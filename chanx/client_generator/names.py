"""Names for the types of a document: identifiers of Python and of TypeScript, each once."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final
from unicodedata import normalize

_NO_WORD: Final = re.compile(r"[\W_]+")
_RESERVED: Final = {"None", "True", "False"}


def type_name(text: str) -> str:
    """A type's name made from any text: one that begins with a capital, as no keyword and no built-in type does.

    What is such a name already stays as it is. ``chat_message`` becomes ``ChatMessage``, ``Page[Item]`` ``PageItem``.
    """
    name = text.lstrip("_") if is_identifier(text) else pascal_case(text)
    name = name[:1].upper() + name[1:]
    if not is_identifier(name) or name in _RESERVED:
        name = f"Type{name}"
    return name


def pascal_case(text: str) -> str:
    """The words of a text, joined, each with a capital; it may begin with a digit, or be empty."""
    return "".join(word[:1].upper() + word[1:] for word in _NO_WORD.split(normalize("NFKC", text)))


def is_identifier(text: str) -> bool:
    """Whether Python and TypeScript take the text as a name, and as the same one."""
    return text.isidentifier() and normalize("NFKC", text) == text


def unique_name(name: str, taken: Collection[str]) -> str:
    """The name, or the name with the first number that makes it one which is not taken."""
    number, found = 2, name
    while found in taken:
        found, number = f"{name}{number}", number + 1
    return found
