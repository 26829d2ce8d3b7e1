"""Types as annotations of Pydantic models.

Types ─> Annotations ─> expressions, and the imports that they need
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any, Final

from pydantic import Field, PydanticUserError, TypeAdapter
from pydantic_core import SchemaError

from chanx.client_generator.declarations import (
    AliasDeclaration,
    ArrayOf,
    Declaration,
    Literals,
    MapOf,
    ObjectDeclaration,
    ReferenceTo,
    Scalar,
    TupleOf,
    Type,
    UnionOf,
)
from chanx.client_generator.layout import Alternatives, Group, Node
from chanx.client_generator.python.imports import Imports
from chanx.client_generator.python.text import literal

FORMATS: Final[Mapping[str, tuple[str, str]]] = {
    "date-time": ("datetime", "datetime"),
    "date": ("datetime", "date"),
    "time": ("datetime", "time"),
    "duration": ("datetime", "timedelta"),
    "uuid": ("uuid", "UUID"),
    **{f"uuid{version}": ("uuid", "UUID") for version in range(1, 9)},
}
"""The classes that strings of a format are in Python."""

BUILTINS: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}

_ARGUMENTS: Final = {
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_length",
    "maxItems": "max_length",
    "minProperties": "min_length",
    "maxProperties": "max_length",
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
    "multipleOf": "multiple_of",
    "pattern": "pattern",
}


class Annotations:
    """Writes types for one module. ``refer`` gives what a declaration is called there, ``declarations`` all there are.

    ``field_name`` gives the name of a property in Python.
    """

    def __init__(
        self,
        imports: Imports,
        refer: Callable[[str], str],
        declarations: Mapping[str, Declaration],
        field_name: Callable[[str, str], str],
    ) -> None:
        self._imports = imports
        self._refer = refer
        self._declarations = declarations
        self._field_name = field_name
        self._any: str | None = None

    def of(self, type_: Type) -> Node:
        """The annotation of a type."""
        match type_:
            case Scalar():
                return self._scalar(type_)
            case Literals(values):
                return self._literals(values)
            case ReferenceTo(name):
                return self._refer(name)
            case ArrayOf(items, constraints):
                return self.bounded(Group("list[", (self.of(items),), "]"), _arguments(constraints))
            case MapOf(values, constraints):
                return self.bounded(Group("dict[", ("str", self.of(values)), "]"), _arguments(constraints))
            case TupleOf(items, rest):
                return self._tuple([self.of(item) for item in items], rest)
            case UnionOf():
                return self._union(type_)

    def bounded(self, annotation: Node, arguments: Mapping[str, str]) -> Node:
        """The annotation with these arguments of ``Field``, if there are any."""
        if not arguments:
            return annotation
        field = Group(
            self._imports.add("pydantic", "Field") + "(",
            tuple(f"{key}={value}" for key, value in arguments.items()),
            ")",
        )
        return Group(self._imports.add("typing", "Annotated") + "[", (annotation, field), "]")

    def is_any(self, annotation: Node) -> bool:
        """Whether it is ``Any``, as this has written it."""
        return annotation == self._any

    def of_class(self, format_: str) -> str:
        """The class of a format's strings."""
        return self._imports.add(*FORMATS[format_])

    def _any_type(self) -> str:
        self._any = self._imports.add("typing", "Any")
        return self._any

    def _scalar(self, scalar: Scalar) -> Node:
        if scalar.kind == "string" and scalar.format is not None and scalar.format in FORMATS:
            return self.of_class(scalar.format)
        if scalar.kind not in BUILTINS:
            return self._any_type()
        return self.bounded(BUILTINS[scalar.kind], _arguments(scalar.constraints, scalar.kind))

    def _literals(self, values: tuple[Any, ...]) -> Node:
        if any(isinstance(value, float) for value in values):  # Literal has no place for them
            return self._any_type()
        items = tuple(
            literal(value) if isinstance(value, str) else repr(value) for value in values if value is not None
        )
        options: list[Node] = [Group(self._imports.add("typing", "Literal") + "[", items, "]")] if items else []
        return alternatives([*options, *(["None"] if None in values else [])])

    def _tuple(self, items: list[Node], rest: Type | None) -> Node:
        if rest is None:
            return Group("tuple[", tuple(items or ["()"]), "]")
        # Pydantic has no tuples of which only the end repeats.
        return Group("tuple[", (alternatives([*items, self.of(rest)]), "..."), "]")

    def _union(self, union: UnionOf) -> Node:
        annotation = alternatives([self.of(option) for option in union.options])
        key = union.discriminator
        names = self._discriminating_fields(union, key) if key is not None else set[str]()
        if len(names) != 1 or not isinstance(annotation, Alternatives):
            return annotation
        return self.bounded(annotation, {"discriminator": literal(*names)})

    def _discriminating_fields(self, union: UnionOf, key: str) -> set[str]:
        """What ``key`` is called in the options: one name if Pydantic can tell all options apart by it."""
        names: set[str] = set()
        values: list[Any] = []
        for option in union.options:
            found = self._object(option)
            type_ = next((one.type for one in found.properties if one.wire_name == key), None) if found else None
            if (
                found is None
                or not isinstance(type_, Literals)
                or not all(isinstance(one, str) for one in type_.values)
            ):
                return set()
            names.add(self._field_name(found.name, key))
            values += type_.values
        return names if len(set(values)) == len(values) else set()

    def _object(self, type_: Type) -> ObjectDeclaration | None:
        while isinstance(type_, ReferenceTo):
            declaration = self._declarations[type_.name]
            if isinstance(declaration, ObjectDeclaration):
                return declaration
            if not isinstance(declaration, AliasDeclaration):
                return None
            type_ = declaration.type
        return None


def alternatives(options: list[Node]) -> Node:
    """A union of annotations: each once, ``None`` at the end."""
    whole = [
        inner for option in options for inner in (option.options if isinstance(option, Alternatives) else (option,))
    ]
    distinct = list(dict.fromkeys(sorted(whole, key=lambda option: option == "None")))
    return distinct[0] if len(distinct) == 1 else Alternatives(tuple(distinct))


def bounds(constraints: Mapping[str, Any], kind: str | None = None) -> dict[str, Any]:
    """The arguments of ``Field`` that Pydantic can check as JSON Schema means them."""
    found: dict[str, Any] = {}
    for key, value in constraints.items():
        if key == "pattern":
            if _is_known(value):
                found["pattern"] = value
        elif kind == "number":
            if key != "multipleOf":  # a remainder of what has no exact value says nothing
                found[_ARGUMENTS[key]] = value
        elif float(value).is_integer():
            found[_ARGUMENTS[key]] = int(value)
        elif key != "multipleOf":
            found["ge" if key.lower().endswith("minimum") else "le"] = _next_integer(key, value)
    return found


def _arguments(constraints: Mapping[str, Any], kind: str | None = None) -> dict[str, str]:
    found = bounds(constraints, kind)
    return {key: literal(value) if isinstance(value, str) else repr(value) for key, value in found.items()}


def _next_integer(key: str, value: float) -> int:
    return math.ceil(value) if key.lower().endswith("minimum") else math.floor(value)


@lru_cache(maxsize=1024)
def _is_known(pattern: str) -> bool:
    """Whether Pydantic's engine, which has no look-around, takes the regular expression."""
    try:
        TypeAdapter(Annotated[str, Field(pattern=pattern)])
    except (SchemaError, PydanticUserError):
        return False
    return True
