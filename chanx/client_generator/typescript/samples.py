"""Usage of this very client, for its README: values that fit the types, and code that compiles."""

from __future__ import annotations

from typing import Final

from chanx.client_generator.declarations import (
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
from chanx.client_generator.typescript.names import OBJECT_MEMBERS
from chanx.client_generator.typescript.text import key, literal

_DEEPEST: Final = 6
_STRINGS: Final = {
    "date-time": "2026-01-31T12:00:00Z",
    "date": "2026-01-31",
    "time": "12:00:00",
    "duration": "PT1H",
    "uuid": "6f1c2a52-9a0e-4c6e-8f53-0d7a5d0c5b11",
    "email": "somebody@example.com",
    "uri": "https://example.com/",
}


class NoSample(Exception):
    """There is no value of a type that is short enough to show, or none at all."""


class Samples:
    """Values of types, as source."""

    def __init__(self, declarations: dict[str, Declaration]) -> None:
        self._declarations = declarations

    def message(self, name: str, *, without: str | None = None) -> str:
        """An object of that declaration: what it has to have, perhaps except one key. Raises ``NoSample``."""
        declaration = self._declarations[name]
        assert isinstance(declaration, ObjectDeclaration)
        return self._object(declaration, 0, without=without)

    def value(self, found: Type, depth: int = 0) -> str:
        """A value of the type, the shortest there is. Raises ``NoSample``."""
        if depth > _DEEPEST:
            raise NoSample
        match found:
            case Scalar():
                return _scalar(found)
            case Literals():
                return literal(found.values[0])
            case ArrayOf():
                return "[]" if not found.constraints.get("minItems") else f"[{self.value(found.items, depth + 1)}]"
            case TupleOf():
                return f"[{', '.join(self.value(item, depth + 1) for item in found.items)}]"
            case MapOf():
                return "{}"
            case UnionOf():
                return self._first(found.options, depth)
            case ReferenceTo():
                return self._declared(self._declarations[found.name], depth + 1)

    def _first(self, options: tuple[Type, ...], depth: int) -> str:
        for option in options:
            try:
                return self.value(option, depth + 1)
            except NoSample:
                continue
        raise NoSample

    def _declared(self, found: Declaration, depth: int) -> str:
        match found:
            case ObjectDeclaration():
                return self._object(found, depth)
            case EnumDeclaration():
                return literal(found.values[0])
            case _:
                return self.value(found.type, depth)

    def _object(self, found: ObjectDeclaration, depth: int, *, without: str | None = None) -> str:
        members = [
            f"{key(one.wire_name)}: {self.value(one.type, depth + 1)}"
            for one in found.properties
            if (one.is_required or one.wire_name in OBJECT_MEMBERS) and one.wire_name != without
        ]
        return f"{{ {', '.join(members)} }}" if members else "{}"


def _scalar(found: Scalar) -> str:
    match found.kind:
        case "string":
            least = int(found.constraints.get("minLength", 0))
            return literal(_STRINGS.get(found.format or "", "text").ljust(least, "x"))
        case "integer" | "number":
            return _number(found)
        case "boolean":
            return "true"
        case "never":
            raise NoSample
        case _:
            return "null"


def _number(found: Scalar) -> str:
    least, most = found.constraints.get("minimum"), found.constraints.get("maximum")
    if least is None and "exclusiveMinimum" in found.constraints:
        least = found.constraints["exclusiveMinimum"] + 1
    if least is not None and least > 1:
        return literal(least)
    return literal(most) if most is not None and most < 1 else "1"
