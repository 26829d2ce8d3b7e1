"""How far another clock is from this one, for certain."""

from __future__ import annotations

from typing import Final

TOLERANCE: Final = 1.0
"""Seconds. Hosts that keep their time by NTP are within milliseconds."""


def ahead(theirs: float, *, before: float, after: float) -> float:
    """By how many seconds their clock is ahead (negative: behind) at least; 0 where it may be right.

    It was read between ``before`` and ``after`` by this clock.
    """
    return min(theirs - before, 0.0) or max(theirs - after, 0.0)


def is_off(seconds: float) -> bool:
    """Whether that is more than clocks are to differ."""
    return abs(seconds) > TOLERANCE


def in_words(seconds: float) -> str:
    """``3.2 s ahead of this host's`` or ``3.2 s behind this host's``."""
    return f"{abs(seconds):.1f} s {'ahead of' if seconds > 0 else 'behind'} this host's"
