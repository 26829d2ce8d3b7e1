"""Finding long keys in a frame's text finds what a JSON parser finds."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chanx.core.long_keys import MAX_REPEATED_CHARACTERS, repeats_long_keys

VALUES = MAX_REPEATED_CHARACTERS // 2000

NEAR_THE_LIMIT = st.integers(1_900, 2_100)
CHARACTERS = st.sampled_from(["k", '"', "\\", "\n", "é", ":", ",", " ", '":', "\\\\", "/"])


@given(character=CHARACTERS, length=NEAR_THE_LIMIT, ascii_only=st.booleans(), spaced=st.booleans())
def test_a_key_counts_as_it_is_written(character: str, length: int, ascii_only: bool, spaced: bool) -> None:
    key = (character * length)[:length]
    written = json.dumps(key, ensure_ascii=ascii_only)
    frame = f"{{{written}{' ' if spaced else ''}:[{','.join('0' * (VALUES + 1))}]}}"
    values = frame.count(",")

    assert repeats_long_keys(frame) is ((len(written) - 2) * values > MAX_REPEATED_CHARACTERS)


@pytest.mark.parametrize(
    "frame",
    [
        json.dumps({"text": "long, " * 30_000}),
        json.dumps(["x" * 5000, "y"] * 90),
        json.dumps({"a": list(range(100_000)), "b": 1}),
        json.dumps({"a": ["k" * 3000, *range(100_000)]}),
    ],
)
def test_long_values_are_no_long_keys(frame: str) -> None:
    assert not repeats_long_keys(frame)
