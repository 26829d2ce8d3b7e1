"""The keywords of strings, numbers and lists that bound a value: whether one schema's bounds are within another's."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, Final, TypeAlias, cast

from chanx.asyncapi.schema_atoms import INTEGER, Atom

Bound: TypeAlias = tuple[str, Any, Any]
"""A keyword, its value in the schema that should be within the other (None: it has none), and in that other."""

_LOWER: Final = ("minLength", "minItems", "minProperties")
_UPPER: Final = ("maxLength", "maxItems", "maxProperties")


def broken_bounds(inner: Mapping[str, Any], outer: Mapping[str, Any]) -> Iterator[Bound]:
    """The keywords of ``outer`` that do not let through everything that those of ``inner`` do, one type's each.

    Where that cannot be told (one regular expression against another), the keyword is among them.
    """
    for keyword in _LOWER:
        if keyword in outer and inner.get(keyword, 0) < outer[keyword]:
            yield keyword, inner.get(keyword), outer[keyword]
    for keyword in _UPPER:
        if keyword in outer and inner.get(keyword, math.inf) > outer[keyword]:
            yield keyword, inner.get(keyword), outer[keyword]
    for keyword in ("pattern", "format"):
        if keyword in outer and inner.get(keyword) != outer[keyword]:
            yield keyword, inner.get(keyword), outer[keyword]
    if outer.get("uniqueItems") and not inner.get("uniqueItems") and inner.get("maxItems", 2) > 1:
        yield "uniqueItems", inner.get("uniqueItems", False), True
    yield from _broken_ends(inner, outer)
    yield from _broken_steps(inner, outer)


def of_value(atom: Atom, outer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The keywords that let through hardly more than the atom's one value, a string or a number.

    ``outer`` are those it will be compared with: a pattern of theirs that the value matches is taken for its own.
    """
    if isinstance(atom.value, str):
        keywords: dict[str, Any] = {"minLength": len(atom.value), "maxLength": len(atom.value)}
        if "pattern" in outer and _matches(outer["pattern"], atom.value):
            keywords["pattern"] = outer["pattern"]
        return keywords
    whole = float(atom.value).is_integer()
    step = abs(atom.value) or outer.get("multipleOf", 1)
    return {"minimum": atom.value, "maximum": atom.value, "multipleOf": step, **({INTEGER: True} if whole else {})}


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:  # of another dialect
        return False


def _broken_ends(inner: Mapping[str, Any], outer: Mapping[str, Any]) -> Iterator[Bound]:
    whole = bool(inner.get(INTEGER))
    for sign, inclusive, exclusive in ((1, "minimum", "exclusiveMinimum"), (-1, "maximum", "exclusiveMaximum")):
        own = _end(inner, sign, inclusive, exclusive, whole=whole)
        for keyword in (inclusive, exclusive):
            if keyword in outer:
                needed = _end({keyword: outer[keyword]}, sign, inclusive, exclusive, whole=whole)
                if own < needed:
                    yield keyword, inner.get(keyword), outer[keyword]


def _end(
    keywords: Mapping[str, Any], sign: int, inclusive: str, exclusive: str, *, whole: bool
) -> tuple[float | Fraction, bool]:
    """Where the values begin, counted in the direction of ``sign``, and whether that itself is none of them."""
    ends: list[tuple[float | Fraction, bool]] = [(-math.inf, False)]
    for keyword, is_open in ((inclusive, False), (exclusive, True)):
        if keyword in keywords:
            end = sign * Fraction(str(keywords[keyword]))
            if whole:
                first = math.floor(end) + 1 if is_open else math.ceil(end)
                ends.append((Fraction(first), False))
            else:
                ends.append((end, is_open))
    return max(ends)


def _broken_steps(inner: Mapping[str, Any], outer: Mapping[str, Any]) -> Iterator[Bound]:
    step = _step(inner)
    if outer.get(INTEGER) and not inner.get(INTEGER) and (step is None or step.denominator != 1):
        yield "type", "number", "integer"
    if "multipleOf" in outer:
        needed = Fraction(str(outer["multipleOf"]))
        if step is None or (step / needed).denominator != 1:
            yield "multipleOf", inner.get("multipleOf"), outer["multipleOf"]


def _step(keywords: Mapping[str, Any]) -> Fraction | None:
    if "multipleOf" in keywords:
        return Fraction(str(cast("float", keywords["multipleOf"])))
    return Fraction(1) if keywords.get(INTEGER) else None
