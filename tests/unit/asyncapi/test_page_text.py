"""Docstrings on the page: paragraphs, lists and code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanx.asyncapi.page.text import Block, Piece, blocks, pieces


def shown(text: str | None) -> list[tuple[str, list[str]]]:
    """The blocks, code between bars."""
    return [(block.kind, ["".join(_marked(piece) for piece in part) for part in block.parts]) for block in blocks(text)]


def _marked(piece: Piece) -> str:
    return f"|{piece.text}|" if piece.is_code else piece.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, []),
        (" \n ", []),
        ("One\n    line, ``code`` and `more`.", [("paragraph", ["One line, |code| and |more|."])]),
        ("One.\n\n    Two.", [("paragraph", ["One."]), ("paragraph", ["Two."])]),
        ("See :class:`Room` or :meth:`~a.b`.", [("paragraph", ["See |Room| or |~a.b|."])]),
        ("- a\n  goes on\n* `b`", [("list", ["a goes on", "|b|"])]),
        (
            "Like this::\n\n        x = 1\n\n        y = 2\n\n    End",
            [("paragraph", ["Like this:"]), ("code", ["|x = 1\n\ny = 2|"]), ("paragraph", ["End"])],
        ),
        ("A\n\n```python\nx\n\n  y\n```\n\nB", [("paragraph", ["A"]), ("code", ["|x\n\n  y|"]), ("paragraph", ["B"])]),
        ("a ` b", [("paragraph", ["a ` b"])]),
        ("`` a`b ``", [("paragraph", ["| a`b |"])]),
    ],
)  # fmt: skip
def test_blocks(text: str | None, expected: list[tuple[str, list[str]]]) -> None:
    assert shown(text) == expected


@given(st.text(alphabet="ab`*- \n:\t"))
def test_no_letter_is_lost(text: str) -> None:
    """Given any text, when it is split into blocks, then all its letters are there in their order."""
    found = "".join(piece.text for block in blocks(text) for part in block.parts for piece in part)
    letters = [letter for letter in text if letter in "ab"]
    assert [letter for letter in found if letter in "ab"] == letters or "```" in text or ":`" in text


def test_pieces_keep_what_is_no_code() -> None:
    assert pieces("plain") == (Piece("plain"),)
    assert pieces("") == ()
    assert blocks("x") == [Block("paragraph", ((Piece("x"),),))]
