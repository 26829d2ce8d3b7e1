"""A JSON Schema taken apart into what can be compared: the kinds of values that it takes.

schema ─> parts, all of which hold ─> each a choice of atoms, or of other schemas
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias, cast

from chanx.asyncapi.pointers import at_pointer
from chanx.errors import DocumentError

Schema: TypeAlias = Mapping[str, Any] | bool

ANNOTATIONS: Final = frozenset(
    (
        *("title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly"),
        *("discriminator", "externalDocs", "$schema", "$id", "$comment", "$anchor", "$defs", "definitions"),
    )
)
"""Keywords that refuse no value."""

KEYWORDS: Final[Mapping[str, frozenset[str]]] = {
    "null": frozenset(),
    "boolean": frozenset(),
    "string": frozenset(("minLength", "maxLength", "pattern", "format")),
    "number": frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "format")),
    "array": frozenset(("items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems")),
    "object": frozenset(
        (
            *("properties", "required", "additionalProperties", "patternProperties", "propertyNames"),
            *("minProperties", "maxProperties"),
        )
    ),
}
"""What is understood of each type; every keyword beside these makes a schema undecidable."""

INTEGER: Final = "x-chanx-integer"
"""Of an atom of numbers: that they are whole."""

_STRUCTURE: Final = frozenset(("$ref", "allOf", "anyOf", "oneOf", "const", "enum", "type"))
_OF_SOME_TYPE: Final = frozenset[str]().union(*KEYWORDS.values())


@dataclass(frozen=True, slots=True)
class Atom:
    """All values of a type that ``keywords`` let through, or the one ``value`` where it ``is_value``.

    ``name`` is that of the component it comes from.
    """

    type: str
    keywords: Mapping[str, Any] = field(default_factory=dict[str, Any])
    is_value: bool = False
    value: Any = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """A part of a schema: one of ``options``; where it ``is_exclusive``, of one only, and nothing says of which."""

    options: Sequence[Schema]
    is_exclusive: bool


Part: TypeAlias = tuple[Atom, ...] | Choice


class SchemaReader:
    """The schemas of one document, taken apart. What it returns for one schema object is the same each time."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._atoms: dict[int, tuple[Schema, tuple[Atom, ...]]] = {}
        self._open: set[int] = set()

    def followed(self, schema: Any) -> tuple[Schema, str | None]:
        """The schema, or the one that it is only a reference to, and the name of that."""
        name: str | None = None
        seen: set[str] = set()
        found = checked(schema)
        while not isinstance(found, bool) and "$ref" in found:
            reference: str = found["$ref"]
            if reference in seen or any(key != "$ref" and _says_something(key) for key in found):
                break
            seen.add(reference)
            name = reference.rpartition("/")[2]
            found = checked(at_pointer(self._document, reference))
        return found, name

    def parts(self, schema: Schema) -> Iterator[Part]:
        """What holds of a value all at once, for it to be one of the schema's. Empty for a schema that takes all."""
        schema, name = self.followed(schema)
        if isinstance(schema, bool):
            if not schema:
                yield ()
            return
        if "$ref" in schema:
            yield Choice((checked(at_pointer(self._document, schema["$ref"])),), is_exclusive=False)
        if "const" in schema or "enum" in schema:
            values = [schema["const"]] if "const" in schema else schema["enum"]
            yield tuple(Atom(json_type(value), is_value=True, value=value, name=name) for value in values)
        rest = {key: value for key, value in schema.items() if _says_something(key) and key not in _STRUCTURE}
        if rest or "type" in schema:
            yield tuple(_typed(schema.get("type"), rest, name))
        for part in schema.get("allOf", ()):
            yield Choice((part,), is_exclusive=False)
        if "anyOf" in schema:
            yield Choice(tuple(schema["anyOf"]), is_exclusive=False)
        if "oneOf" in schema:
            yield Choice(tuple(schema["oneOf"]), is_exclusive="discriminator" not in schema)

    def atoms(self, schema: Schema) -> tuple[Atom, ...]:
        """Kinds of values that together have all which the schema takes, and maybe more."""
        schema, name = self.followed(schema)
        key = id(schema)
        if key in self._atoms:
            return self._atoms[key][1]
        if key in self._open:  # a schema that is a choice of itself has no value by that
            return ()
        self._open.add(key)
        try:
            found: tuple[Atom, ...] | None = None
            for part in self.parts(schema):
                atoms = self._of_choice(part) if isinstance(part, Choice) else part
                found = atoms if found is None else tuple(_intersection(found, atoms))
        finally:
            self._open.discard(key)
        atoms = tuple(_typed(None, {}, None)) if found is None else found
        named = tuple(replace(atom, name=atom.name or name) for atom in atoms)
        if not self._open:  # else it may be a part of a choice of itself, of which more is to come
            self._atoms[key] = (schema, named)  # the schema too: an id is only its own while it lives
        return named

    def _of_choice(self, choice: Choice) -> tuple[Atom, ...]:
        return tuple(atom for option in choice.options for atom in self.atoms(checked(option)))


def checked(schema: Any) -> Schema:
    """``schema``, if it can be one; else ``DocumentError``."""
    if isinstance(schema, bool | Mapping):
        return cast("Schema", schema)
    raise DocumentError(f"The document has {schema!r} where a JSON Schema belongs: an object, true or false.")


def json_type(value: Any) -> str:
    """The JSON type of a value; ``number`` for whole ones too."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list | tuple) else "object"


def canonical(value: Any) -> str:
    """A text that equal JSON values share, and no others: 1 and 1.0 are equal, 1 and true are not."""
    return json.dumps(_with_whole_numbers(value), sort_keys=True)


def _with_whole_numbers(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        content = cast("Mapping[str, Any]", value)
        return {key: _with_whole_numbers(part) for key, part in content.items()}
    if isinstance(value, list | tuple):
        return [_with_whole_numbers(part) for part in cast("Sequence[Any]", value)]
    return value


def _says_something(key: str) -> bool:
    return key not in ANNOTATIONS and not key.startswith("x-")


def _typed(types: str | Sequence[str] | None, keywords: Mapping[str, Any], name: str | None) -> Iterator[Atom]:
    if types is None:
        types = tuple(KEYWORDS)
    elif isinstance(types, str):
        types = (types,)
    for kind in types:
        own = "number" if kind == "integer" else kind
        if own not in KEYWORDS:
            raise DocumentError(f"The document has a schema of the type {kind!r}, which JSON Schema does not know.")
        kept = {key: value for key, value in keywords.items() if key in KEYWORDS[own] or key not in _OF_SOME_TYPE}
        if own in ("null", "boolean") and not kept:
            values = (None,) if own == "null" else (True, False)
            yield from (Atom(own, is_value=True, value=value, name=name) for value in values)
            continue
        yield Atom(own, {**kept, INTEGER: True} if kind == "integer" else kept, name=name)


def _intersection(first: Iterable[Atom], second: Sequence[Atom]) -> Iterator[Atom]:
    """What is in both, and maybe more: where two keywords meet, that of the first counts."""
    for one in first:
        for other in second:
            if one.type == other.type and (both := _both(one, other)) is not None:
                yield both


def _both(one: Atom, other: Atom) -> Atom | None:
    if one.is_value and other.is_value:
        return one if canonical(one.value) == canonical(other.value) else None
    if one.is_value or other.is_value:
        return one if one.is_value else other
    keywords = {**other.keywords, **one.keywords}
    if "properties" in one.keywords and "properties" in other.keywords:
        keywords["properties"] = {**other.keywords["properties"], **one.keywords["properties"]}
    if "required" in one.keywords and "required" in other.keywords:
        keywords["required"] = list(dict.fromkeys((*one.keywords["required"], *other.keywords["required"])))
    return replace(one, keywords=keywords)
