"""How far a job of several tasks is: the mean of its tasks' fractions, filled into the text of its events.

Counted in whole millionths, so that a sum that goes up and down for days is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WHOLE: Final = 1_000_000


def parts_of(fraction: float) -> int:
    """0..1 in millionths; what lies outside is brought inside."""
    return round(min(max(0.0, fraction), 1.0) * WHOLE)


@dataclass(frozen=True, slots=True)
class Fractions:
    """``parts`` is the sum of the millionths of ``tasks`` tasks."""

    parts: int
    tasks: int

    def filled_in(self, text: str) -> str:
        """``text`` with the numbers in the place of their marks (see :class:`~chanx.bridge.entry.NewEntry`)."""
        done = self.parts / WHOLE
        filled = text.replace('"@fraction@"', f"{done / self.tasks:.10g}").replace('"@done@"', f"{done:.10g}")
        return filled.replace('"@tasks@"', str(self.tasks))
