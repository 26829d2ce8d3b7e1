"""The messages of a document, and the declarations that their payloads are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from chanx.asyncapi.pointers import at_pointer, escaped, key_of, unescaped
from chanx.client_generator.declarations import (
    AliasDeclaration,
    Literals,
    ObjectDeclaration,
    ReferenceTo,
    Type,
    UnionOf,
)
from chanx.client_generator.json_schema import mapping, text
from chanx.client_generator.names import pascal_case
from chanx.client_generator.schema_types import SchemaTypes
from chanx.errors import DocumentError

_USUAL_DISCRIMINATOR: Final = "action"


def final_pointer(document: Mapping[str, Any], pointer: str, seen: tuple[str, ...] = ()) -> str:
    """Where ``pointer`` leads to over all ``$ref``: what is the same has the same one. Raises ``DocumentError``."""
    if pointer in seen:
        raise DocumentError(f"The $ref {pointer!r} of the document leads back to itself.")
    start, *parts = pointer.split("/")
    if start != "#" or not parts:
        at_pointer(document, pointer)
    current = start
    for part in parts:
        current = f"{current}/{escaped(unescaped(part))}"
        try:
            target = mapping(at_pointer(document, current))
        except DocumentError:
            raise DocumentError(f"The $ref {pointer!r} leads nowhere: the document has nothing there.") from None
        if "$ref" in target:
            current = final_pointer(document, str(target["$ref"]), (*seen, pointer))
    return current


class MessageTypes:
    """The types of messages, by the pointers at which the messages stand."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self.types = SchemaTypes(document, mapping(mapping(document.get("components")).get("schemas")))

    def of(self, pointer: str) -> tuple[str, ...]:
        """The declarations that the payload of a message is one of: objects all of them. Raises ``DocumentError``."""
        message = mapping(at_pointer(self._document, pointer))
        key = key_of(pointer)
        if "payload" not in message:
            raise DocumentError(f"The message {key!r} has no payload: say with a JSON Schema what it looks like.")
        name = pascal_case(text(message.get("name")) or key)
        declared = self.types.declared(message["payload"], f"{pointer}/payload", name)
        if (found := self._objects(ReferenceTo(declared))) is None:
            raise DocumentError(
                f"The payload of the message {key!r} is not always an object: clients tell messages apart by a key."
            )
        return found

    def discriminator(self, names: Sequence[str]) -> str:
        """The key that tells these messages apart: ``action`` if they have it, else the first that can."""
        if not names:
            return _USUAL_DISCRIMINATOR
        first, *others = [self._literal_keys(name) for name in names]
        common = [key for key in first if all(key in keys for keys in others)]
        able = [key for key in common if len({value for keys in (first, *others) for value in keys[key]}) >= len(names)]
        return _USUAL_DISCRIMINATOR if not able or _USUAL_DISCRIMINATOR in able else able[0]

    def _literal_keys(self, name: str) -> dict[str, tuple[Any, ...]]:
        declaration = self.types.declaration(name)
        properties = declaration.properties if isinstance(declaration, ObjectDeclaration) else ()
        return {one.wire_name: one.type.values for one in properties if isinstance(one.type, Literals)}

    def _objects(self, found: Type, seen: tuple[str, ...] = ()) -> tuple[str, ...] | None:
        if isinstance(found, UnionOf):
            options = [self._objects(option, seen) for option in found.options]
            if any(option is None for option in options):
                return None
            return tuple(dict.fromkeys(name for option in options for name in option or ()))
        if not isinstance(found, ReferenceTo) or found.name in seen:
            return None
        declaration = self.types.declaration(found.name)
        if isinstance(declaration, AliasDeclaration):
            return self._objects(declaration.type, (*seen, found.name))
        return (found.name,) if isinstance(declaration, ObjectDeclaration) else None
