"""What can be done with messages, as their declarations have them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from chanx.client_generator.declarations import (
    MISSING,
    AliasDeclaration,
    Declaration,
    Literals,
    ObjectDeclaration,
    ReferenceTo,
    Scalar,
    Type,
    UnionOf,
)

_PAYLOAD: Final = "payload"
_ACTION: Final = "action"


class MessageShapes:
    """Of the declarations of a document, by name."""

    def __init__(self, declarations: Mapping[str, Declaration]) -> None:
        self._declarations = declarations

    def objects(self, names: Iterable[str]) -> tuple[str, ...]:
        """The objects that these declarations stand for: a union is its options. What is no object is left out."""
        return tuple(dict.fromkeys(found for name in names for found in self._objects(ReferenceTo(name), frozenset())))

    def tagged(self, names: Iterable[str], discriminator: str) -> tuple[str, ...]:
        """Those of ``objects`` that a client can tell apart: by that key, or by ``action``."""
        keys = (discriminator, _ACTION)
        return tuple(name for name in self.objects(names) if any(self._has_tag(name, key) for key in keys))

    def is_empty(self, name: str) -> bool:
        """Whether the object can be made without saying anything: nothing in it is the sender's own."""
        declaration = self._declarations[name]
        return isinstance(declaration, ObjectDeclaration) and all(
            not property_.is_required or property_.default is not MISSING or _is_constant(property_.type)
            for property_ in declaration.properties
        )

    def payload(self, name: str) -> Type | None:
        """The type of the payload of a message, without the None that says that there is none."""
        declaration = self._declarations[name]
        if not isinstance(declaration, ObjectDeclaration):
            return None
        found = next((property_.type for property_ in declaration.properties if property_.wire_name == _PAYLOAD), None)
        if not isinstance(found, UnionOf):
            return found
        options = tuple(option for option in found.options if option != Scalar("null"))
        return options[0] if len(options) == 1 else UnionOf(options, found.discriminator)

    def _objects(self, type_: Type, seen: frozenset[str]) -> Iterator[str]:
        if isinstance(type_, UnionOf):
            for option in type_.options:
                yield from self._objects(option, seen)
        elif isinstance(type_, ReferenceTo) and type_.name not in seen:
            declaration = self._declarations[type_.name]
            if isinstance(declaration, ObjectDeclaration):
                yield type_.name
            elif isinstance(declaration, AliasDeclaration):
                yield from self._objects(declaration.type, seen | {type_.name})

    def _has_tag(self, name: str, key: str) -> bool:
        declaration = self._declarations[name]
        return isinstance(declaration, ObjectDeclaration) and any(
            property_.wire_name == key and isinstance(property_.type, Literals) and _are_strings(property_.type.values)
            for property_ in declaration.properties
        )


def _are_strings(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _is_constant(type_: Type) -> bool:
    return type_ == Scalar("null") or (isinstance(type_, Literals) and len(type_.values) == 1)
