"""Says what a value written in a table is: a number, a date, plain text, and what a column of several kinds is."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Literal

Kind = Literal["empty", "integer", "number", "date", "datetime", "boolean", "text"]

# No leading zeros: 01234 is a postcode. No more than 18 digits: what is longer is an identifier.
_INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,17})").fullmatch
_NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?").fullmatch
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
).fullmatch
_BOOLEANS = frozenset({"true", "false", "yes", "no"})
_LONGEST = 40

_WIDER: dict[frozenset[Kind], Kind] = {
    frozenset({"integer", "number"}): "number",
    frozenset({"date", "datetime"}): "datetime",
}


def kind_of(value: str) -> tuple[Kind, int | float | datetime | None]:
    """The kind of a value without blanks around it, and its number or time if it has one. Dates are ISO 8601 only.

    A time is told in UTC, and taken as such where it has no offset; a date is its midnight.

    Other notations (1.234,50 or 3/4/2025) mean different things in different countries, so they are text.
    """
    if len(value) > _LONGEST:
        return "text", None
    if _INTEGER(value):
        return "integer", int(value)
    if _NUMBER(value):
        number = float(value)
        # 123456789012345678901 is an identifier, 1e999 no number to compute with.
        if math.isfinite(number) and not value.lstrip("+-").isdigit():
            return "number", number
        return "text", None
    if _DATE(value) and (time := _time(value)):
        return "date", time
    if _DATETIME(value) and (time := _time(value)):
        return "datetime", time
    return ("boolean" if value.lower() in _BOOLEANS else "text"), None


def join(one: Kind, other: Kind) -> Kind:
    """The kind of a column with values of both: the wider one of the two, or text."""
    if one == other or other == "empty":
        return one
    if one == "empty":
        return other
    return _WIDER.get(frozenset({one, other}), "text")


def _time(value: str) -> datetime | None:
    """Without an offset, since such times are compared many times faster."""
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    if time.tzinfo is None:
        return time
    try:
        return time.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:  # on the calendar's first or last day
        return time.replace(tzinfo=None)
