"""Unions of types: without what says nothing more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from chanx.client_generator.declarations import Literals, Scalar, Type, UnionOf

ANY: Final = Scalar("any")
NEVER: Final = Scalar("never")


def union_of(options: Sequence[Type], discriminator: str | None = None) -> Type:
    """One of the options: each once and in their order, values of literals together, unions inside it dissolved."""
    found: list[Type] = []
    for option in options:
        inner = option.options if isinstance(option, UnionOf) and option.discriminator is None else (option,)
        found += [one for one in inner if isinstance(one, Literals) or (one not in found and one != NEVER)]
    if ANY in found:
        return ANY
    found = _with_literals_together(found)
    if not found:
        return NEVER
    return found[0] if len(found) == 1 else UnionOf(tuple(found), discriminator)


def _with_literals_together(options: Sequence[Type]) -> list[Type]:
    values = [value for option in options if isinstance(option, Literals) for value in option.values]
    distinct: tuple[Any, ...] = tuple({(type(value).__name__, value): value for value in values}.values())
    result: list[Type] = []
    for option in options:
        if not isinstance(option, Literals):
            result.append(option)
        elif distinct:
            result.append(Literals(distinct))
            distinct = ()
    return result


def literals(values: Iterable[Any]) -> Type:
    """The values where they are all scalars; anything where one is not."""
    found = tuple(values)
    if not all(value is None or isinstance(value, str | int | float) for value in found):
        return ANY
    return Literals(found) if found else NEVER
