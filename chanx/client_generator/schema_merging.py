"""``allOf``: several JSON Schemas that hold at once, as one.

Where two cannot both be said in one schema, one of them is left out: the result takes everything that all of them take.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, Final, cast

from chanx.asyncapi.pointers import at_pointer
from chanx.client_generator.json_schema import ANNOTATIONS, Schema, says_something

_HIGHER: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_LOWER: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")


def without_all_of(schema: Schema, document: Mapping[str, Any], seen: Sequence[str] = ()) -> Schema | bool:
    """The schema with its ``allOf``, and a ``$ref`` that has keywords beside it, merged into it.

    A ``$ref`` alone stays one. ``seen``: the references that lead here, which are not followed again.
    """
    if "allOf" not in schema and not ("$ref" in schema and says_something(_without(schema, "$ref"))):
        return schema
    own = _without(schema, "allOf", "$ref")
    parts: list[Any] = [{"$ref": schema["$ref"]}] if "$ref" in schema else []
    parts += schema.get("allOf", ())
    parts = [part for part in parts if part is not True and part != {}]
    if len(parts) == 1 and not says_something(own) and isinstance(parts[0], Mapping):
        part = without_all_of(cast("Schema", parts[0]), document, seen)
        return part if isinstance(part, bool) else {**part, **own}
    whole = reduce(merged, [*(_followed(part, document, seen) for part in parts), own])
    return whole if isinstance(whole, bool) else {**whole, **{key: own[key] for key in own if key in ANNOTATIONS}}


def merged(one: Schema | bool, other: Schema | bool) -> Schema | bool:
    """What both take, or more; ``one``'s annotations come first."""
    if isinstance(one, bool) or isinstance(other, bool):
        return False if one is False or other is False else other if one is True else one
    result = {**other, **one}
    for key in one.keys() & other.keys():
        if key in _HIGHER:
            result[key] = max(one[key], other[key])
        elif key in _LOWER:
            result[key] = min(one[key], other[key])
        elif key == "properties":
            result[key] = _merged_properties(one[key], other[key])
        elif key == "required":
            result[key] = list(dict.fromkeys((*one[key], *other[key])))
        elif key == "additionalProperties":
            result[key] = _both(one[key], other[key])
    if not _merge_values(result, one, other):
        return False
    if result.get("additionalProperties") is False:
        del result["additionalProperties"]  # it would forbid the properties of the other
    return result


def _followed(part: Any, document: Mapping[str, Any], seen: Sequence[str]) -> Schema | bool:
    """A part of an ``allOf`` without references and ``allOf`` of its own."""
    if isinstance(part, bool):
        return part
    reference = part.get("$ref")
    if reference in seen:
        return True
    if reference is not None:
        target = at_pointer(document, reference)
        if not isinstance(target, Mapping):
            return bool(target)
        # What a type says of itself is no description of another that contains it.
        plain = {key: value for key, value in cast("Schema", target).items() if key not in ("title", "description")}
        inner = merged(_without(part, "$ref"), plain)
        return _followed(inner, document, (*seen, reference))
    inner = without_all_of(part, document, seen)
    if not isinstance(inner, bool) and "$ref" in inner:
        return _followed(inner, document, seen)
    return inner


def _merge_values(result: dict[str, Any], one: Schema, other: Schema) -> bool:
    """Merge ``type``, ``const`` and ``enum``; False where nothing is left that both take."""
    types = [_types(schema) for schema in (one, other) if "type" in schema]
    if len(types) == 2:
        common = [name for name in types[0] if name in types[1] or (name == "integer" and "number" in types[1])]
        common += ["integer"] if "integer" in types[1] and "number" in types[0] and "integer" not in common else []
        if not common:
            return False
        result["type"] = common[0] if len(common) == 1 else common
    values = [found for schema in (one, other) if (found := _values(schema)) is not None]
    if len(values) == 2:
        both = [value for value in values[0] if any(_is_same(value, taken) for taken in values[1])]
        if not both:
            return False
        result.pop("const", None)
        result["enum"] = both
    return True


def _types(schema: Schema) -> list[str]:
    kind = schema["type"]
    return [kind] if isinstance(kind, str) else list(kind)


def _values(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    return list(schema["enum"]) if "enum" in schema else None


def _is_same(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _merged_properties(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    result = {**other, **one}
    for name in one.keys() & other.keys():
        result[name] = _both(one[name], other[name])
    return {name: result[name] for name in (*one, *(key for key in other if key not in one))}


def _both(one: Any, other: Any) -> Any:
    return one if one == other else {"allOf": [one, other]}


def _without(schema: Schema, *keys: str) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in keys}
