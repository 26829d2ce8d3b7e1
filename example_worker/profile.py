"""Statistics of the columns of a table, kept up row by row in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b

from pydantic import BaseModel

from example_worker.kinds import Kind, join, kind_of
from example_worker.text import shorten

DISTINCT_LIMIT = 1_000
EXAMPLES = 3
EXAMPLE_LENGTH = 40
_KEY_LENGTH = 64


class ColumnProfile(BaseModel):
    """What is known of a column so far.

    ``count`` values are filled, ``empty`` ones blank. ``distinct`` is exact or, past the limit, None with
    ``distinct_more`` true. ``min`` and ``max`` are those of a column of numbers, or of dates, then as they are
    written; ``mean`` is that of numbers; else they are None.
    """

    name: str
    type: Kind
    count: int
    empty: int
    distinct: int | None
    distinct_more: bool
    min: int | float | str | None
    max: int | float | str | None
    mean: float | None
    examples: list[str]


class TableProfile(BaseModel):
    """The columns of a table after ``rows`` rows."""

    rows: int
    columns: list[ColumnProfile]


class Profile:
    """Takes rows, gives a :class:`TableProfile` at any time."""

    def __init__(self, names: Sequence[str]) -> None:
        self.rows = 0
        self._columns = [Column(name) for name in names]

    def add(self, fields: Sequence[str]) -> None:
        """Take a row with one field per column."""
        self.rows += 1
        for column, value in zip(self._columns, fields, strict=True):
            column.add(value)

    def snapshot(self) -> TableProfile:
        return TableProfile(rows=self.rows, columns=[column.snapshot() for column in self._columns])


class Column:
    """One column. Its memory is bounded: at most ``DISTINCT_LIMIT`` values of 64 characters, longer ones as hashes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kind: Kind = "empty"
        self._count = 0
        self._empty = 0
        self._distinct: set[str | bytes] | None = set()
        self._examples: list[str] = []
        self._min: int | float = math.inf
        self._max: int | float = -math.inf
        self._sum: int | float = 0
        self._earliest: tuple[datetime, str] | None = None
        self._latest: tuple[datetime, str] | None = None

    def add(self, field: str) -> None:
        value = field.strip()
        if not value:
            self._empty += 1
            return
        self._count += 1
        if self._distinct is not None:
            self._remember(self._distinct, value)
        if self.kind == "text":
            return
        kind, number = kind_of(value)
        if kind != self.kind:
            self.kind = join(self.kind, kind)
        if isinstance(number, datetime):
            self._add_time(number, value)
        elif number is not None:
            self._sum += number
            if number < self._min:
                self._min = number
            if number > self._max:
                self._max = number

    def _add_time(self, time: datetime, written: str) -> None:
        if self._earliest is None or time < self._earliest[0]:
            self._earliest = time, written
        if self._latest is None or time > self._latest[0]:
            self._latest = time, written

    def _remember(self, seen: set[str | bytes], value: str) -> None:
        key = value if len(value) <= _KEY_LENGTH else blake2b(value.encode("utf-8", "replace"), digest_size=16).digest()
        if key in seen:
            return
        if len(seen) == DISTINCT_LIMIT:
            self._distinct = None
            return
        seen.add(key)
        if len(self._examples) < EXAMPLES:
            self._examples.append(shorten(value, EXAMPLE_LENGTH))

    def snapshot(self) -> ColumnProfile:
        numeric = self.kind in ("integer", "number")
        minimum, maximum = self._range()
        mean = self._sum / self._count if numeric else math.nan
        return ColumnProfile(
            name=self.name,
            type=self.kind,
            count=self._count,
            empty=self._empty,
            distinct=None if self._distinct is None else len(self._distinct),
            distinct_more=self._distinct is None,
            min=minimum,
            max=maximum,
            # A sum of huge numbers overflows, and JSON has no infinity.
            mean=mean if math.isfinite(mean) else None,
            examples=list(self._examples),
        )

    def _range(self) -> tuple[int | float | str | None, int | float | str | None]:
        if self.kind in ("integer", "number"):
            return self._min, self._max
        if self.kind in ("date", "datetime") and self._earliest and self._latest:
            return self._earliest[1], self._latest[1]
        return None, None
