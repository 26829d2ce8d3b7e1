"""The tree of types as TypeScript source."""

from __future__ import annotations

from collections.abc import Callable

from chanx.client_generator.declarations import (
    MISSING,
    ArrayOf,
    Declaration,
    EnumDeclaration,
    Literals,
    MapOf,
    ObjectDeclaration,
    Property,
    ReferenceTo,
    Scalar,
    TupleOf,
    Type,
    UnionOf,
)
from chanx.client_generator.typescript.text import comment, key, literal

_SCALARS = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
    "any": "unknown",
    "never": "never",
}


def type_text(found: Type, name_of: Callable[[str], str]) -> str:
    """A type; ``name_of`` gives the name that a declaration has here."""
    match found:
        case Scalar():
            return _SCALARS[found.kind]
        case Literals():
            return " | ".join(literal(value) for value in found.values)
        case ArrayOf():
            return f"{_operand(found.items, name_of)}[]"
        case TupleOf():
            items = [type_text(item, name_of) for item in found.items]
            rest = [] if found.rest is None else [f"...{_operand(found.rest, name_of)}[]"]
            return f"[{', '.join([*items, *rest])}]"
        case MapOf():
            # Not Record<…>: that may not lead back to the type it is in.
            return f"{{ [key: string]: {type_text(found.values, name_of)} }}"
        case UnionOf():
            return " | ".join(dict.fromkeys(type_text(option, name_of) for option in found.options))
        case ReferenceTo():
            return name_of(found.name)


def declaration_text(found: Declaration, name: str, name_of: Callable[[str], str], *, is_read: bool) -> str:
    """The declaration under that name. ``is_read``: what has a default is there."""
    start = comment(found.description)
    match found:
        case ObjectDeclaration():
            return f"{start}export interface {name} {{\n{_members(found, name_of, is_read=is_read)}}}\n"
        case EnumDeclaration():
            return f"{start}export type {name} = {type_text(Literals(found.values), name_of)};\n"
        case _:
            return f"{start}export type {name} = {type_text(found.type, name_of)};\n"


def is_optional(found: Property, *, is_read: bool) -> bool:
    """Whether the key may be missing. In what the server sends, a property that has a default is there."""
    return not found.is_required and not (is_read and found.default is not MISSING)


def _members(found: ObjectDeclaration, name_of: Callable[[str], str], *, is_read: bool) -> str:
    lines: list[str] = []
    for one in found.properties:
        mark = "?" if is_optional(one, is_read=is_read) else ""
        lines.append(comment(one.description, indent="  "))
        lines.append(f"  {key(one.wire_name)}{mark}: {type_text(one.type, name_of)};\n")
    if found.extra is not None or not found.properties:
        # Every named property has to fit into it.
        extra = "unknown" if found.properties or found.extra is None else type_text(found.extra, name_of)
        lines.append(f"  [key: string]: {extra};\n")
    return "".join(lines)


def _operand(found: Type, name_of: Callable[[str], str]) -> str:
    text = type_text(found, name_of)
    return f"({text})" if isinstance(found, UnionOf | Literals) and " | " in text else text
