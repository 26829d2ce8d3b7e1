"""Frames in which a very long key could be repeated very often.

Pydantic tells the whole place of each value that is wrong, the keys of ``dict`` fields above it included: a frame of
1 MB, half of it one key above 100,000 wrong values, would take 50 GB before any answer could be cut.
"""

import re
from typing import Final

MAX_REPEATED_CHARACTERS: Final = 100_000_000
"""The longest key of a frame, times its values, may come to this at most."""

# A string of 64 characters and more, or with escapes, that a colon follows; possessive, so that it never backtracks.
_LONG_KEY: Final = re.compile(r'"([^"\\]{64,}+(?>\\.[^"\\]*+)*|[^"\\]*+(?>\\.[^"\\]*+)+)"\s*+:', re.DOTALL)


def repeats_long_keys(text: str) -> bool:
    """Whether reporting every value of the frame as wrong would take too much memory. Nearly free for usual frames."""
    values = text.count(",") if len(text) >= 8192 else 0
    if len(text) * values <= MAX_REPEATED_CHARACTERS:
        return False
    longest = max((len(key[1]) for key in _LONG_KEY.finditer(text)), default=0)
    return longest * values > MAX_REPEATED_CHARACTERS
