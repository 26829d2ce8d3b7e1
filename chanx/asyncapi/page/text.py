"""Docstrings as paragraphs, lists and code: what people write in them, and no more markup than that."""

import re
from dataclasses import dataclass
from inspect import cleandoc
from itertools import groupby
from typing import Final, Literal

_CODE: Final = re.compile(r"(?::[\w:]+:)?(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_ITEM: Final = re.compile(r"[-*•] +(?=\S)")
_FENCE: Final = "```"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line: plain text, or code."""

    text: str
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph or a piece of code (one entry in ``parts``), or a list (an entry for each item)."""

    kind: Literal["paragraph", "list", "code"]
    parts: tuple[tuple[Piece, ...], ...]


def blocks(text: str | None) -> list[Block]:
    """The blocks of a docstring, which empty lines part; code is indented, or between lines of three backticks."""
    found: list[Block] = []
    # Every other part stands between two fences; its first line is the language.
    for number, part in enumerate(re.split(rf"^[ \t]*{_FENCE}", cleandoc(text or ""), flags=re.MULTILINE)):
        if number % 2:
            found.append(_code(cleandoc("\n" + part.partition("\n")[2])))
        else:
            found += [_block(lines) for lines in _groups(part)]
    return [block for block in found if any(piece.text for pieces in block.parts for piece in pieces)]


def pieces(text: str) -> tuple[Piece, ...]:
    """The text with what stands between backticks as code; roles like ``:class:`` are dropped."""
    parts: list[Piece] = []
    end = 0
    for found in _CODE.finditer(text):
        parts += [Piece(text[end : found.start()]), Piece(found[2], is_code=True)]
        end = found.end()
    return tuple(part for part in [*parts, Piece(text[end:])] if part.text)


def _groups(text: str) -> list[list[str]]:
    """Lines that belong together: up to an empty line, but indented code with the empty lines in it."""
    groups: list[list[str]] = []
    for is_blank, lines in groupby(text.splitlines(), key=lambda line: not line.strip()):
        group = list(lines)
        if is_blank:
            continue
        if groups and _is_indented(groups[-1]) and _is_indented(group):
            groups[-1] += ["", *group]
        else:
            groups.append(group)
    return groups


def _block(lines: list[str]) -> Block:
    if _is_indented(lines):
        return _code(cleandoc("\n" + "\n".join(lines)))
    if not _ITEM.match(lines[0]):
        return Block("paragraph", (pieces(_joined(lines)),))
    items: list[list[str]] = []
    for line in lines:
        if _ITEM.match(line):
            items.append([])
        items[-1].append(_ITEM.sub("", line, count=1) if _ITEM.match(line) else line)
    return Block("list", tuple(pieces(_joined(item)) for item in items))


def _joined(lines: list[str]) -> str:
    text = " ".join(line.strip() for line in lines)
    return text[:-1] if text.endswith("::") else text


def _code(text: str) -> Block:
    return Block("code", ((Piece(text, is_code=True),),))


def _is_indented(lines: list[str]) -> bool:
    return all(line.startswith(("    ", "\t")) or not line for line in lines)
