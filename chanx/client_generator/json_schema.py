"""Reading single keywords of JSON Schemas, whatever stands there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from chanx.errors import DocumentError

Schema: TypeAlias = Mapping[str, Any]
"""A JSON Schema that is an object."""

ANNOTATIONS: Final = frozenset(
    ("title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly", "$comment", "$id")
)

_JSON_SCHEMA_FORMATS: Final = ("vnd.aai.asyncapi", "schema+json", "schema+yaml", "vnd.oai.openapi")
_NUMBERS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_CONSTRAINTS: Final[Mapping[str, Sequence[str]]] = {
    "string": ("minLength", "maxLength", "pattern"),
    "integer": _NUMBERS,
    "number": _NUMBERS,
    "array": ("minItems", "maxItems"),
    "object": ("minProperties", "maxProperties"),
}
_KIND_OF_KEYWORD: Final = {
    "properties": "object",
    "additionalProperties": "object",
    "patternProperties": "object",
    "required": "object",
    "items": "array",
    "prefixItems": "array",
}
_VALUES: Final = ("const", "enum", "anyOf", "oneOf", "$ref")


def says_something(schema: Schema) -> bool:
    """Whether it has more than annotations."""
    return any(key not in ANNOTATIONS and not key.startswith("x-") for key in schema)


def plain_schema(value: Any) -> Any:
    """The schema in AsyncAPI's ``{"schemaFormat": …, "schema": …}``; what is none of those as it is.

    Raises ``DocumentError`` for a format that is no JSON Schema.
    """
    content = mapping(value)
    if "schemaFormat" not in content or "schema" not in content:
        return value
    format_ = str(content["schemaFormat"])
    if not any(known in format_ for known in _JSON_SCHEMA_FORMATS):
        raise DocumentError(f"Clients are generated from JSON Schemas, and the document has one in {format_}.")
    return content["schema"]


def is_record(schema: Schema) -> bool:
    """Whether it is an object with names of properties, and nothing else."""
    if any(key in schema for key in _VALUES):
        return False
    return schema.get("type", "object") == "object" and ("properties" in schema or bool(schema.get("required")))


def kinds(schema: Schema) -> list[str]:
    """The values of ``type``; where it has none, what its other keywords are about."""
    kind = schema.get("type")
    if kind is None:
        return [kind for keyword, kind in _KIND_OF_KEYWORD.items() if keyword in schema][:1]
    return [kind] if isinstance(kind, str) else strings(kind)


def constraints(schema: Schema, kind: str) -> dict[str, Any]:
    """The keywords that bound values of that kind."""
    found = {key: schema[key] for key in _CONSTRAINTS.get(kind, ()) if key in schema}
    return {
        key: value
        for key, value in found.items()
        if isinstance(value, str if key == "pattern" else int | float) and not isinstance(value, bool)
    }


def discriminator(schema: Schema) -> str | None:
    """The property that tells options apart: OpenAPI has an object for it, AsyncAPI its name."""
    named = schema.get("discriminator")
    if isinstance(named, Mapping):
        named = cast("Schema", named).get("propertyName")
    return named if isinstance(named, str) else None


def text(value: Any) -> str | None:
    """A string with something in it, else None."""
    return value if isinstance(value, str) and value.strip() else None


def mapping(value: Any) -> Mapping[str, Any]:
    """An object, else an empty one."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def strings(value: Any) -> list[str]:
    """The strings of an array; none of what is no array."""
    return [item for item in sequence(value) or () if isinstance(item, str)]


def sequence(value: Any) -> Sequence[Any] | None:
    """An array, else None."""
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else None
