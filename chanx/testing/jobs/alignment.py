"""What happened beside what was expected: the alignment with the fewest differences, and how it reads.

expected ─┐
          ├─> align ─> rows ─> all as expected, or a text to read
happened ─┘
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import inf
from typing import Final, TypeAlias

from chanx.messages.base import BaseMessage
from chanx.testing.jobs.matching import (
    Expected,
    ExpectedOrAny,
    abridged,
    actions_of,
    compared,
    described,
    differences,
    matches,
    model_of,
    shown,
)
from chanx.testing.jobs.recorded import Recorded

SHOWN_BETWEEN: Final = 3
"""Events of one ``...`` that are shown, at most."""

SHOWN_AT_ENDS: Final = 20
"""Lines that are shown, at most, at either end of many that are all right, or all wrong."""


@dataclass(frozen=True, slots=True)
class Row:
    """An expected event, one that happened, or both; ``passed_over`` where ``...`` stands for it.

    ``differences`` say why they are not the same.
    """

    expected: Expected | None = None
    happened: Recorded | None = None
    differences: tuple[str, ...] = ()
    passed_over: bool = False

    @property
    def is_right(self) -> bool:
        both = self.expected is not None and self.happened is not None
        return self.passed_over or (both and not self.differences)


def align(expected: Sequence[ExpectedOrAny], happened: Sequence[Recorded]) -> list[Row]:
    """The rows in order. They are all right if and only if the events are what was expected."""
    # The ends first, as far as they are the same: what is between them takes time by the product of its lengths.
    before = _same(expected, happened)
    expected, happened = expected[len(before) :], happened[len(before) :]
    after = _same(expected[::-1], happened[::-1])[::-1]
    middle = _aligned(expected[: len(expected) - len(after)], happened[: len(happened) - len(after)])
    return [*before, *middle, *after]


def _same(expected: Sequence[ExpectedOrAny], happened: Sequence[Recorded]) -> list[Row]:
    """The first rows, as long as each event is the expected one."""
    rows: list[Row] = []
    for item, event in zip(expected, happened, strict=False):
        if item is ... or not matches(item, event):
            break
        rows.append(Row(item, event))
    return rows


def _aligned(expected: Sequence[ExpectedOrAny], happened: Sequence[Recorded]) -> list[Row]:
    # Each event is read once for a class, however many are expected of it.
    read = {
        model: [event.as_a(model) for event in happened] for model in {model_of(i) for i in expected if i is not ...}
    }
    pairs = [[] if item is ... else _differences(item, happened, read[model_of(item)]) for item in expected]
    costs = _costs(expected, pairs, len(happened))
    rows: list[Row] = []
    i = j = 0
    while i < len(expected) or j < len(happened):
        item = expected[i] if i < len(expected) else None
        event = happened[j] if j < len(happened) else None
        here = costs[i][j]
        if item is ...:
            if here == costs[i + 1][j]:
                i += 1
            else:
                rows.append(Row(happened=event, passed_over=True))
                j += 1
        elif item is not None and event is not None and here == _pair(costs, pairs, i, j):
            rows.append(Row(item, event, tuple(differences(item, event))))
            i, j = i + 1, j + 1
        elif item is not None and here == 1 + costs[i + 1][j]:
            rows.append(Row(item))
            i += 1
        else:
            rows.append(Row(happened=event))
            j += 1
    return rows


def report(rows: Sequence[Row]) -> str:
    """The rows as a text like a diff."""
    lines = ["The events are not those that were expected (- expected, + happened):", ""]
    for (is_right, passed_over), group in groupby(rows, lambda row: (row.is_right, row.passed_over)):
        of_group = list(group)
        if passed_over and len(of_group) > SHOWN_BETWEEN:
            lines.append(f"  ...  ({len(of_group)} events)")
        else:
            shown_of_group = [line for row in of_group for line in _lines(row)]
            lines += abridged(shown_of_group, "lines that are right" if is_right else "lines", ends=SHOWN_AT_ENDS)
    return "\n".join(lines)


def _lines(row: Row) -> list[str]:
    happened = "" if row.happened is None else shown(row.happened.message())
    if row.is_right:
        return [f"  {happened}"]
    lines: list[str] = []
    if row.expected is not None:
        lines.append(f"- {described(row.expected)}")
    if row.happened is not None:
        lines.append(f"+ {happened}")
    if row.differences:
        lines.append(f"?   {', '.join(row.differences)}")
    return lines


_Pairs: TypeAlias = Sequence[Sequence[int | None]]
"""At ``[i][j]`` how many differences there are between an expected event and one that happened; None for no pair."""


def _differences(
    item: Expected, happened: Sequence[Recorded], messages: Sequence[BaseMessage | None]
) -> list[int | None]:
    actions = actions_of(item)
    return [
        len(compared(item, message)) if not actions or event.action in actions else None
        for event, message in zip(happened, messages, strict=True)
    ]


def _costs(expected: Sequence[ExpectedOrAny], pairs: _Pairs, length: int) -> list[list[float]]:
    """At ``[i][j]`` how many differences there are between ``expected[i:]`` and ``happened[j:]``, at least."""
    costs = [[0.0] * (length + 1) for _ in range(len(expected) + 1)]
    costs[-1] = [float(length - j) for j in range(length + 1)]
    for i in range(len(expected) - 1, -1, -1):
        is_any, row, below = expected[i] is ..., costs[i], costs[i + 1]
        row[length] = below[length] + (0 if is_any else 1)
        for j in range(length - 1, -1, -1):
            if is_any:
                row[j] = min(below[j], row[j + 1])
            else:
                row[j] = min(1 + below[j], 1 + row[j + 1], _pair(costs, pairs, i, j))
    return costs


def _pair(costs: list[list[float]], pairs: _Pairs, i: int, j: int) -> float:
    number = pairs[i][j]
    # Less than one that is missing, so that an event with other values is shown beside what was expected of it.
    return inf if number is None else costs[i + 1][j + 1] + number / (number + 1)
