"""Defaults, which a document has as JSON, as expressions of Python: only those that the type takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final, cast
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from chanx.client_generator.annotations import FORMATS, Annotations, bounds
from chanx.client_generator.declarations import (
    AliasDeclaration,
    ArrayOf,
    Declaration,
    EnumDeclaration,
    Literals,
    MapOf,
    ObjectDeclaration,
    ReferenceTo,
    Scalar,
    TupleOf,
    Type,
    UnionOf,
)
from chanx.client_generator.layout import Group, Node, flat
from chanx.client_generator.python.text import literal

_CLASSES: Final[Mapping[str, Any]] = {
    "datetime": datetime,
    "date": date,
    "time": time,
    "timedelta": timedelta,
    "UUID": UUID,
}
_MODEL: Final = ".model_validate("
_IS_KIND: Final[Mapping[str, Callable[[Any], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "any": lambda value: True,
}
_IS_WITHIN: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "ge": lambda value, bound: value >= bound,
    "le": lambda value, bound: value <= bound,
    "gt": lambda value, bound: value > bound,
    "lt": lambda value, bound: value < bound,
    "multiple_of": lambda value, bound: value % bound == 0,
    "min_length": lambda value, bound: len(value) >= bound,
    "max_length": lambda value, bound: len(value) <= bound,
    "pattern": lambda value, bound: _matches(value, bound),
}


class Defaults:
    """Writes JSON values as expressions for one module."""

    def __init__(self, annotations: Annotations, declarations: Mapping[str, Declaration]) -> None:
        self._annotations = annotations
        self._declarations = declarations

    def of(self, value: Any, type_: Type) -> Node | None:
        """An expression that is of the type, and the value in JSON; None if the type does not take the value."""
        match type_:
            case Scalar():
                return self._scalar(value, type_)
            case Literals(values):
                return written(value) if any(_is_same(value, one) for one in values) else None
            case ArrayOf(items, constraints) if isinstance(value, list) and _fits(value, bounds(constraints)):
                return self._all("[", [(item, items) for item in cast("Sequence[Any]", value)], "]")
            case TupleOf(items, None) if items and isinstance(value, list):
                return self._tuple(cast("Sequence[Any]", value), items)
            case MapOf(values, constraints) if isinstance(value, dict) and _fits(value, bounds(constraints)):
                return self._mapping(cast("Mapping[str, Any]", value), values)
            case UnionOf(options):
                found = (self.of(value, option) for option in options)
                return next((node for node in found if node is not None), None)
            case ReferenceTo(name):
                return self._declared(value, self._declarations[name])
            case _:
                return None

    def _scalar(self, value: Any, scalar: Scalar) -> Node | None:
        if scalar.kind == "never" or not _IS_KIND[scalar.kind](value):
            return None
        if scalar.kind == "string" and scalar.format is not None and scalar.format in FORMATS:
            return self._of_format(value, scalar.format)
        return written(value) if _fits(value, bounds(scalar.constraints, scalar.kind)) else None

    def _of_format(self, value: str, format_: str) -> Node | None:
        class_ = FORMATS[format_][1]
        try:
            found = TypeAdapter[Any](_CLASSES[class_]).validate_python(value)
        except ValidationError:
            return None
        name = self._annotations.of_class(format_)
        if isinstance(found, timedelta):
            parts = {"days": found.days, "seconds": found.seconds, "microseconds": found.microseconds}
            return Group(f"{name}(", tuple(f"{key}={part}" for key, part in parts.items() if part), ")")
        if isinstance(found, UUID):
            return f"{name}({literal(str(found))})"
        return f"{name}.fromisoformat({literal(found.isoformat())})"

    def _declared(self, value: Any, declaration: Declaration) -> Node | None:
        match declaration:
            case EnumDeclaration(values=values):
                return self.of(value, Literals(values))
            case AliasDeclaration(type=type_):
                return self.of(value, type_)
            case ObjectDeclaration() if isinstance(value, dict) and self._has(
                cast("Mapping[str, Any]", value), declaration
            ):
                name = flat(self._annotations.of(ReferenceTo(declaration.name)))
                return Group(f"{name}{_MODEL}", (written(value),), ")")
            case _:
                return None

    def _has(self, value: Mapping[str, Any], declaration: ObjectDeclaration) -> bool:
        return all(
            not one.is_required if one.wire_name not in value else self.of(value[one.wire_name], one.type) is not None
            for one in declaration.properties
        )

    def _all(self, start: str, items: Sequence[tuple[Any, Type]], end: str) -> Group | None:
        found = [node for value, type_ in items if (node := self._inside(value, type_)) is not None]
        return Group(start, tuple(found), end) if len(found) == len(items) else None

    def _inside(self, value: Any, type_: Type) -> Node | None:
        """Inside of a list or dict, which is made when its class is, there are no models: they may not exist yet."""
        node = self.of(value, type_)
        return None if node is not None and is_model(node) else node

    def _tuple(self, values: Sequence[Any], items: Sequence[Type]) -> Node | None:
        if len(values) != len(items):
            return None
        group = self._all("(", list(zip(values, items, strict=True)), ")")
        return f"({flat(group.items[0])},)" if group is not None and len(items) == 1 else group

    def _mapping(self, value: Mapping[str, Any], values: Type) -> Node | None:
        nodes = {key: self._inside(inner, values) for key, inner in value.items()}
        if any(node is None for node in nodes.values()):
            return None
        return Group(
            "{", tuple(f"{literal(key)}: {flat(node)}" for key, node in nodes.items() if node is not None), "}"
        )


def is_model(node: Node) -> bool:
    """Whether the expression makes a model."""
    return isinstance(node, Group) and node.start.endswith(_MODEL)


def written(value: Any) -> Node:
    """Any JSON value as Python."""
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, dict):
        items = cast("Mapping[str, Any]", value).items()
        return Group("{", tuple(f"{literal(key)}: {flat(written(inner))}" for key, inner in items), "}")
    if isinstance(value, list):
        return Group("[", tuple(written(inner) for inner in cast("Sequence[Any]", value)), "]")
    return repr(value)


def _fits(value: Any, arguments: Mapping[str, Any]) -> bool:
    return all(_IS_WITHIN[name](value, bound) for name, bound in arguments.items())


def _matches(value: str, pattern: str) -> bool:
    try:
        return re.search(pattern, value) is not None
    except re.error:
        return False


def _is_same(one: Any, other: Any) -> bool:
    return bool(one == other) and type(one) is type(other)
