"""The figures of a benchmark that belong into the table of ``make bench``.

One line each, next to where the benchmark prints the same at length::

    headline("one event, one watcher", 18.2, "µs", against=("bare publish", 12.3), target="<= 2")

Without ``python -m tests.benchmarks`` around it this does nothing. Give costs (time, memory, what was lost), not
rates: less is better in the whole table.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FILE_VARIABLE = "CHANX_BENCH_HEADLINES"
"""Names the file that the runner reads afterwards, a line of JSON for each figure."""


@dataclass(frozen=True, slots=True)
class Headline:
    """One figure: chanx's, and what it is compared with."""

    what: str
    value: float
    unit: str
    compared_with: str = ""
    other_value: float | None = None
    ratio: float | None = None
    target: str = ""


def headline(
    what: str,
    value: float,
    unit: str,
    *,
    against: tuple[str, float] | str | None = None,
    ratio: float | None = None,
    target: str | float | None = None,
) -> None:
    """A line of the table.

    ``against`` is what it is compared with, and its figure in the same unit if there is one. ``ratio`` is chanx's
    figure divided by the other, which is also what you get without it; give it where it is, for example, the median
    of the rounds' ratios. ``target`` is text as people read it ("<= 10 ms"); a number means a ratio of at most that.
    """
    path = os.environ.get(FILE_VARIABLE)
    if not path:
        return
    compared_with, other = against if isinstance(against, tuple) else (against or "", None)
    if ratio is None and other:
        ratio = value / other
    bound = f"ratio <= {target:.3g}" if isinstance(target, int | float) else target or ""
    line = Headline(what, float(value), unit, compared_with, other, ratio, bound)
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(line)) + "\n")


def headlines(path: Path) -> Iterator[Headline]:
    """What a benchmark has written there, in its order."""
    for line in path.read_text(encoding="utf-8").splitlines():
        fields: dict[str, Any] = json.loads(line)
        yield Headline(**fields)
