"""Walking through JSON Schemas: every schema in a schema, but no user data (defaults, examples, constants)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias, cast

JsonSchema: TypeAlias = dict[str, Any]

REFERENCE: Final = "$ref"

_ONE: Final = frozenset(
    (
        "additionalItems",
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    )
)
_LIST: Final = frozenset(("allOf", "anyOf", "items", "oneOf", "prefixItems"))
_MAP: Final = frozenset(("$defs", "definitions", "dependentSchemas", "patternProperties", "properties"))


def mapped(schema: JsonSchema, change: Callable[[JsonSchema], JsonSchema]) -> JsonSchema:
    """A copy with every schema in it, from the innermost to ``schema`` itself, put through ``change``."""

    def one(value: Any) -> Any:
        return mapped(cast(JsonSchema, value), change) if isinstance(value, dict) else value

    copy: JsonSchema = {}
    for key, value in schema.items():
        if key in _MAP and isinstance(value, dict):
            copy[key] = {name: one(inner) for name, inner in cast("dict[str, Any]", value).items()}
        elif key in _LIST and isinstance(value, list):
            copy[key] = [one(inner) for inner in cast("list[object]", value)]
        else:
            copy[key] = one(value) if key in _ONE else value
    return change(copy)


def references(schema: JsonSchema) -> Iterator[str]:
    """The targets of all ``$ref`` and of the mappings of discriminators, in order, repeated as often as they occur."""
    found: list[str] = []

    def note(inner: JsonSchema) -> JsonSchema:
        if isinstance(target := inner.get(REFERENCE), str):
            found.append(target)
        found.extend(_mapping(inner).values())
        return inner

    mapped(schema, note)
    return iter(found)


def rereferenced(schema: JsonSchema, target: Callable[[str], str]) -> JsonSchema:
    """A copy whose references lead to ``target`` of what they led to."""

    def change(inner: JsonSchema) -> JsonSchema:
        if isinstance(inner.get(REFERENCE), str):
            inner = {**inner, REFERENCE: target(inner[REFERENCE])}
        if mapping := _mapping(inner):
            changed = {tag: target(reference) for tag, reference in mapping.items()}
            inner = {**inner, "discriminator": {**inner["discriminator"], "mapping": changed}}
        return inner

    return mapped(schema, change)


def _mapping(schema: JsonSchema) -> Mapping[str, str]:
    discriminator = schema.get("discriminator")
    if not isinstance(discriminator, dict):
        return {}
    mapping: dict[str, Any] = cast("dict[str, Any]", discriminator).get("mapping", {})
    return {tag: reference for tag, reference in mapping.items() if isinstance(reference, str)}
