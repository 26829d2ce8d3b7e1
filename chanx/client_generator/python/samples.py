"""Expressions for the README: messages as one would write them, with values that their types take."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from chanx.asyncapi.page.examples import example_of
from chanx.client_generator.annotations import Annotations
from chanx.client_generator.declarations import (
    MISSING,
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
from chanx.client_generator.defaults import Defaults
from chanx.client_generator.field_names import field_names
from chanx.client_generator.layout import Group, Node, flat
from chanx.client_generator.python.imports import Imports

_DEEPEST: Final = 8


class NoSampleError(Exception):
    """There is no value of a type, or none that is short enough to show."""


class Samples:
    """Writes for one piece of code. ``types`` are those that can be imported from ``module``."""

    def __init__(
        self, imports: Imports, module: str, types: Collection[str], declarations: Mapping[str, Declaration]
    ) -> None:
        self._imports = imports
        self._module = module
        self._types = types
        self._declarations = declarations
        annotations = Annotations(imports, self.type, declarations, lambda _, key: key)
        self._defaults = Defaults(annotations, declarations)

    def type(self, name: str) -> str:
        """What a type is called in the code."""
        return self._imports.add(self._module, name)

    def of(self, type_: Type, depth: int = 0) -> Node:
        """A value of the type, with nothing that may be left out. Raises ``NoSampleError``."""
        if depth > _DEEPEST:
            raise NoSampleError
        match type_:
            case Scalar():
                return self._given(_example(type_), type_)
            case Literals(values):
                return self._given(values[0], type_)
            case ArrayOf(items, constraints):
                return Group("[", (self.of(items, depth + 1),) * int(constraints.get("minItems", 0)), "]")
            case TupleOf(items):
                inner = [flat(self.of(item, depth + 1)) for item in items]
                return f"({', '.join(inner)}{',' if len(inner) == 1 else ''})"
            case MapOf(values, constraints):
                keys = [f'"key{number}"' for number in range(int(constraints.get("minProperties", 0)))]
                return Group("{", tuple(f"{key}: {flat(self.of(values, depth + 1))}" for key in keys), "}")
            case UnionOf(options):
                return self._first(options, depth)
            case ReferenceTo(name):
                return self._declared(self._declarations[name], depth + 1)

    def _declared(self, declaration: Declaration, depth: int) -> Node:
        match declaration:
            case ObjectDeclaration():
                return self._object(declaration, depth)
            case EnumDeclaration(values=values):
                return self._given(values[0], Literals(values))
            case AliasDeclaration(type=type_):
                return self.of(type_, depth)

    def _object(self, declaration: ObjectDeclaration, depth: int) -> Node:
        names = field_names(declaration, self._types)
        fields = [
            _keyword(names[one.wire_name], self.of(one.type, depth + 1))
            for one in declaration.properties
            if one.is_required and one.default is MISSING and not _has_one_value(one.type)
        ]
        return Group(f"{self.type(declaration.name)}(", tuple(fields), ")")

    def _given(self, value: object, type_: Type) -> Node:
        found = self._defaults.of(value, type_)
        if found is None:
            raise NoSampleError
        return found

    def _first(self, options: tuple[Type, ...], depth: int) -> Node:
        for option in options:
            try:
                return self.of(option, depth + 1)
            except NoSampleError:
                continue
        raise NoSampleError


def _keyword(name: str, value: Node) -> Node:
    if isinstance(value, Group):
        return Group(f"{name}={value.start}", value.items, value.end)
    return f"{name}={flat(value)}"


def _example(scalar: Scalar) -> object:
    if scalar.kind in {"any", "never"}:
        return "any JSON"
    format_ = {} if scalar.format is None else {"format": scalar.format}
    return example_of({"type": scalar.kind, **format_, **scalar.constraints}, {})


def _has_one_value(type_: Type) -> bool:
    return type_ == Scalar("null") or (isinstance(type_, Literals) and len(type_.values) == 1)
