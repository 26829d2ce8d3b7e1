"""The one table of ``make bench``, in plain text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.headlines import Headline

COLUMNS = ("benchmark", "what", "chanx", "compared with", "ratio", "target")
_TO_THE_RIGHT = {"chanx", "ratio"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one benchmark ended. ``failure`` says what went wrong; figures that came before it still count."""

    benchmark: str
    figures: Sequence[Headline] = ()
    failure: str = ""


def table(outcomes: Sequence[Outcome]) -> str:
    """Lines for people, a benchmark's name on its first alone."""
    rows: list[tuple[str, ...]] = []
    for outcome in outcomes:
        bodies = [*map(_cells, outcome.figures)]
        if outcome.failure:
            bodies.append((f"FAILED: {outcome.failure}", "", "", "", ""))
        rows += [("" if number else outcome.benchmark, *body) for number, body in enumerate(bodies)]
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    lines = [COLUMNS, tuple("-" * width for width in widths), *rows]
    return "\n".join(_line(line, widths) for line in lines)


def figure(value: float, unit: str = "") -> str:
    """Three digits that count, more for large numbers, as people write them."""
    size = abs(value)
    if size >= 100:
        digits = f"{value:,.0f}"
    elif float(value).is_integer():
        digits = f"{value:.0f}"
    else:
        digits = f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.1 else f"{value:.2g}"
    return f"{digits} {unit}" if unit else digits


def _cells(line: Headline) -> tuple[str, ...]:
    compared_with = line.compared_with
    if line.other_value is not None:
        compared_with = f"{figure(line.other_value, line.unit)}, {compared_with}"
    return (line.what, figure(line.value, line.unit), compared_with, _ratio(line.ratio), line.target)


def _ratio(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.2g}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    aligned = (
        cell.rjust(width) if name in _TO_THE_RIGHT else cell.ljust(width)
        for name, cell, width in zip(COLUMNS, cells, widths, strict=True)
    )
    return "  ".join(aligned).rstrip()
