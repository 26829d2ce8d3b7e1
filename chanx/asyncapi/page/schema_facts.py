"""What a JSON Schema says of one value, in words: its type, and what else it has to be."""

import json
from typing import Any, Final, cast

from chanx.asyncapi.type_defs import SchemaObject

REFERENCE: Final = "#/components/schemas/"

_BOUNDS: Final = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "multipleOf": "a multiple of {}",
}
_SIZES: Final = (("minLength", "maxLength", "character"), ("minItems", "maxItems", "item"))
_MORE_SIZES: Final = (("minProperties", "maxProperties", "key"),)


def referred(schema: SchemaObject) -> str | None:
    """The name of the component that a schema stands for, or None."""
    reference = str(schema.get("$ref", ""))
    return reference.removeprefix(REFERENCE) if reference.startswith(REFERENCE) else None


def as_schema(value: Any) -> SchemaObject | None:
    """The value of a keyword that is a schema, if it says anything: not True, nor an empty one."""
    return cast("SchemaObject", value) or None if isinstance(value, dict) else None


def variants(schema: SchemaObject) -> list[SchemaObject]:
    """The alternatives of a union; empty for another schema."""
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            return list(schema[keyword])
    types: Any = schema.get("type")
    return [{**schema, "type": one} for one in cast("list[str]", types)] if isinstance(types, list) else []


def merged(schema: SchemaObject) -> SchemaObject:
    """A schema whose only ``allOf`` entry is taken in: that is how a reference gets a description beside it."""
    parts: list[SchemaObject] = schema.get("allOf") or []
    if len(parts) != 1:
        return schema
    own = {key: value for key, value in schema.items() if key != "allOf"}
    return {**parts[0], **own}


def type_in_words(schema: SchemaObject) -> str:
    """``string``, ``list of User``, ``integer or null``, …: what a reader has to pass."""
    schema = merged(schema)
    if (name := referred(schema)) is not None:
        return name
    if options := variants(schema):
        words = [type_in_words(option) for option in options]
        return " or ".join(dict.fromkeys(sorted(words, key=lambda word: word == "null")))
    kind = schema.get("type")
    if kind == "array":
        return _list_in_words(schema)
    if kind == "object" and "properties" not in schema:
        values = as_schema(schema.get("additionalProperties"))
        return f"map of {type_in_words(values)}" if values else "object"
    if kind is not None:
        return str(kind)
    known: list[Any] = [schema["const"]] if "const" in schema else schema.get("enum") or []
    return " or ".join(dict.fromkeys(_type_of(value) for value in known)) or "anything"


def facts(schema: SchemaObject) -> list[str]:
    """What else a value has to be: its format, bounds, sizes, a pattern. Values are JSON."""
    schema = merged(schema)
    found = [str(schema["format"])] if "format" in schema else []
    found += [words.format(json.dumps(schema[key])) for key, words in _BOUNDS.items() if key in schema]
    for least_key, most_key, unit in (*_SIZES, *_MORE_SIZES):
        if size := _size(schema.get(least_key), schema.get(most_key), unit):
            found.append(size)
    if schema.get("uniqueItems"):
        found.append("no item twice")
    if "pattern" in schema:
        found.append(f"pattern {schema['pattern']}")
    if schema.get("additionalProperties") is False and "properties" in schema:
        found.append("no other keys")
    inner = [option for option in variants(schema) if option.get("type") != "null"]
    if len(inner) == 1 and referred(inner[0]) is None and "type" not in schema:
        found += facts(inner[0])
    return found


def _list_in_words(schema: SchemaObject) -> str:
    if places := schema.get("prefixItems"):
        return "[" + ", ".join(type_in_words(place) for place in places) + "]"
    items = as_schema(schema.get("items"))
    return f"list of {type_in_words(items)}" if items else "list"


def _size(least: int | None, most: int | None, unit: str) -> str | None:
    if least is None and most is None:
        return None
    if least == most:
        return f"{least} {unit}{'' if least == 1 else 's'}"
    if most is None:
        return None if not least else f"at least {least} {unit}{'' if least == 1 else 's'}"
    return f"{least} to {most} {unit}s" if least else f"at most {most} {unit}{'' if most == 1 else 's'}"


def _type_of(value: Any) -> str:
    names = {"bool": "boolean", "int": "integer", "float": "number", "str": "string", "list": "array", "dict": "object"}
    return names.get(value.__class__.__name__, "null")
