"""The code blocks of a Markdown page, as docs/contributing.md tells to write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_DIRECTIVE = re.compile(r"\{([\w-]+)\}\s*(.*)")
_OPTION = re.compile(r":([\w-]+):\s*(.*)")
_HIDDEN = re.compile(r"<!--\s*sample( js)?\n(.*?)-->", re.DOTALL)
_RUN_BY = re.compile(r"^<!--\s*samples:\s*(\S+)\s*-->", re.MULTILINE)
_BLOCK_DIRECTIVES = frozenset({"code-block", "code", "sourcecode"})
# They hold no text of the page, and so no blocks.
_OPAQUE_DIRECTIVES = frozenset({"toctree", "image", "figure", "eval-rst", "literalinclude", "include", "command-help"})


@dataclass(frozen=True, slots=True)
class Block:
    """``line`` is that of its first line of code, from 1; ``file`` its name if it is one."""

    language: str
    code: str
    line: int
    file: str | None = None


def pages() -> list[str]:
    """The names of all pages of the site, relative to docs/."""
    return sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md") if "_build" not in path.parts)


def blocks_of(text: str) -> list[Block]:
    """All blocks of a page in order, the hidden ones included."""
    return list(_blocks(text, 0))


def run_by(text: str) -> str | None:
    """The test that runs the Python of the page instead of this one, if the page names one."""
    found = _RUN_BY.search(text)
    return found[1] if found else None


def _blocks(text: str, offset: int) -> Iterator[Block]:
    for token in MarkdownIt().parse(text):
        line = offset + (token.map[0] if token.map else 0)
        if token.type == "html_block":
            for hidden in _HIDDEN.finditer(token.content):
                begin = line + token.content[: hidden.start(2)].count("\n") + 1
                yield Block("js" if hidden[1] else "python", hidden[2], begin)
        elif token.type == "fence":
            yield from _fenced(token.info.strip(), token.content, line + 1)


def _fenced(info: str, content: str, offset: int) -> Iterator[Block]:
    directive = _DIRECTIVE.fullmatch(info)
    if directive is None:
        yield Block(info.partition(" ")[0] or "text", content, offset + 1)
        return
    name, argument = directive.groups()
    if name in _OPAQUE_DIRECTIVES:
        return
    lines = content.splitlines(keepends=True)
    options: dict[str, str] = {}
    taken = 0
    while taken < len(lines) and (option := _OPTION.fullmatch(lines[taken].strip())):
        options[option[1]] = option[2]
        taken += 1
    body = "".join(lines[taken:])
    if name not in _BLOCK_DIRECTIVES:
        yield from _blocks(body, offset + taken)
        return
    blank = len(body) - len(body.lstrip("\n"))
    yield Block(argument or "text", body[blank:], offset + taken + blank + 1, options.get("caption"))
