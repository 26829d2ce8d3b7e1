"""Lines come out of a pipe whole, however its bytes are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from example_worker.line_splitter import CUT, LineSplitter


def split(pieces: list[bytes], limit: int = 1_000) -> list[str]:
    splitter = LineSplitter(limit)
    return [line for piece in pieces for line in splitter.feed(piece)] + splitter.close()


@given(text=st.text(st.sampled_from("aé€😀\n\r"), max_size=60), cuts=st.lists(st.integers(0, 240), max_size=6))
def test_where_the_bytes_are_cut_does_not_matter(text: str, cuts: list[int]) -> None:
    data = text.encode()
    edges = [0, *sorted(cut for cut in cuts if cut <= len(data)), len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges)]
    lines = text.split("\n")
    expected = [line.removesuffix("\r") for line in (lines if lines[-1] else lines[:-1])]
    assert split(pieces) == expected


@pytest.mark.parametrize("pieces", [[b"x" * 25 + b"\nok\n"], [b"x" * 8, b"x" * 8, b"x" * 9, b"\nok\n"]])
def test_a_long_line_is_cut_and_the_next_one_is_whole(pieces: list[bytes]) -> None:
    assert split(pieces, limit=10) == ["x" * 10 + CUT, "ok"]


def test_a_cut_through_a_character_leaves_no_half_of_it() -> None:
    assert split(["aaé".encode() * 3 + b"\n"], limit=3) == ["aa" + CUT]


def test_an_endless_line_needs_no_memory() -> None:
    splitter = LineSplitter(10)
    for _ in range(1_000):
        assert splitter.feed(b"x" * 1_000) == []
    assert splitter.close() == ["x" * 10 + CUT]


def test_undecodable_bytes_are_replaced() -> None:
    assert split([b"Z\xfcrich\n"]) == ["Z\ufffdrich"]
