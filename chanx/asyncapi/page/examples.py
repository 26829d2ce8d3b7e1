"""An example for a JSON Schema: what people gave as examples and defaults first, and always as the schema asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil, floor
from typing import Any, Final

from chanx.asyncapi.page.schema_facts import as_schema, merged, referred, variants
from chanx.asyncapi.page.string_examples import string_example
from chanx.asyncapi.type_defs import SchemaObject

MAX_DEPTH: Final = 5


class _EndlessError(Exception):
    """The value would have to hold a value of its own schema, and so on."""


def example_of(schema: SchemaObject, schemas: Mapping[str, SchemaObject]) -> Any:
    """A value of the schema, JSON like; ``schemas`` are the document's components. None where there is no such value.

    Keys that may be left out are there too, unless they would repeat a schema inside of itself.
    """
    try:
        return _Maker(schemas).make(schema, ())
    except _EndlessError:
        return None


class _Maker:
    """``above``: the components that a value is made inside of; ``number``: which of several different values."""

    def __init__(self, schemas: Mapping[str, SchemaObject]) -> None:
        self._schemas = schemas
        self._kinds: dict[str, Callable[[SchemaObject, tuple[str, ...], int], Any]] = {
            "object": self._object,
            "array": self._array,
            "string": lambda schema, _above, number: string_example(schema, number),
            "integer": lambda schema, _above, number: _number(schema, number, is_whole=True),
            "number": lambda schema, _above, number: _number(schema, number, is_whole=False),
            "boolean": lambda _schema, _above, number: number % 2 == 0,
            "null": lambda _schema, _above, _number: None,
        }

    def make(self, schema: SchemaObject, above: tuple[str, ...], number: int = 0) -> Any:
        schema = self._whole(schema)
        given = [*(schema.get("examples") or ()), *([schema["example"]] if "example" in schema else [])]
        if number < len(given):
            return given[number]
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][number % len(schema["enum"])]
        if schema.get("default") not in (None, [], {}, "") and number == 0:
            return schema["default"]
        if (name := referred(schema)) is not None:
            if name in above or name not in self._schemas:
                raise _EndlessError
            return self.make(self._schemas[name], (*above, name), number)
        if options := variants(schema):
            return self._first(options, above, number)
        kind = schema.get("type") or ("object" if "properties" in schema else "array" if "items" in schema else None)
        make = self._kinds.get(str(kind))
        return {} if make is None else make(schema, above, number)

    def _whole(self, schema: SchemaObject) -> SchemaObject:
        """The schema with everything of its ``allOf``, references resolved, as one."""
        parts: list[SchemaObject] = schema.get("allOf") or []
        if not parts:
            return schema
        if len(parts) == 1:
            return merged(schema)
        whole: SchemaObject = {key: value for key, value in schema.items() if key != "allOf"}
        for part in parts:
            resolved = self._whole(self._schemas.get(referred(part) or "", part))
            properties = {**resolved.get("properties", {}), **whole.get("properties", {})}
            required = [*whole.get("required", ()), *resolved.get("required", ())]
            whole = {**resolved, **whole}
            if properties:
                whole |= {"properties": properties, "required": required}
        return whole

    def _first(self, options: list[SchemaObject], above: tuple[str, ...], number: int) -> Any:
        """Of the first alternative that comes to an end; null is the last to try."""
        ordered = sorted(options, key=lambda option: option.get("type") == "null")
        turn = number % len(ordered) if number else 0
        for option in [*ordered[turn:], *ordered[:turn]]:
            try:
                return self.make(option, above, number // len(ordered))
            except _EndlessError:
                continue
        raise _EndlessError

    def _object(self, schema: SchemaObject, above: tuple[str, ...], number: int) -> dict[str, Any]:
        required: set[str] = set(schema.get("required") or [])
        made: dict[str, Any] = {}
        properties: dict[str, SchemaObject] = schema.get("properties") or {}
        for key, value in properties.items():
            if key not in required and len(above) > MAX_DEPTH:
                continue
            try:
                made[key] = self.make(value, above, number)
            except _EndlessError:
                if key in required:
                    raise
        return self._with_more_keys(schema, above, made)

    def _with_more_keys(self, schema: SchemaObject, above: tuple[str, ...], made: dict[str, Any]) -> dict[str, Any]:
        values = as_schema(schema.get("additionalProperties"))
        least = int(schema.get("minProperties", 0))
        wanted = max(least, 1 if values and not made else 0)
        names = {"type": "string", **(schema.get("propertyNames") or {"examples": ["key"]})}
        number = 0
        while len(made) < wanted and number < 100:
            try:
                key = str(self.make(names, above, number))
                made.setdefault(key, self.make(values or {}, above, number))
            except _EndlessError:
                if len(made) < least:
                    raise
                break
            number += 1
        return made

    def _array(self, schema: SchemaObject, above: tuple[str, ...], _number: int) -> list[Any]:
        places: list[SchemaObject] = schema.get("prefixItems") or []
        made = [self.make(place, above) for place in places]
        least = int(schema.get("minItems", 0))
        wanted = max(least, len(places) or min(1, int(schema.get("maxItems", 1))))
        items, is_set = as_schema(schema.get("items")) or {}, bool(schema.get("uniqueItems"))
        number = 0
        while len(made) < wanted and number < 100 + least:
            try:
                item = self.make(items, above, number if is_set else 0)
            except _EndlessError:
                if len(made) < least:
                    raise
                break
            if not (is_set and item in made):
                made.append(item)
            number += 1
        return made


def _number(schema: SchemaObject, number: int, *, is_whole: bool) -> float:
    """A multiple of the step (1 if none is asked for) near 0 and inside the bounds; else what lies between these."""
    step = schema.get("multipleOf", 1)
    lows = [schema[key] for key in ("minimum", "exclusiveMinimum") if key in schema]
    highs = [schema[key] for key in ("maximum", "exclusiveMaximum") if key in schema]
    if lows or not highs:
        start, direction = ceil(max([*lows, *([] if lows else [step])]) / step), 1
    else:
        start, direction = floor(min([*highs, step]) / step), -1
    for count in range(number, number + 3):
        value = (start + direction * count) * step
        if _is_within(schema, value):
            return int(value) if is_whole or float(value).is_integer() else float(value)
    if is_whole or not (lows and highs):
        return int(max(lows, default=0))
    value = max(lows) + (min(highs) - max(lows)) / (number + 2)
    return float(value if _is_within(schema, value) else max(lows))


def _is_within(schema: SchemaObject, value: float) -> bool:
    is_high_enough: bool = value >= schema.get("minimum", value) and value > schema.get("exclusiveMinimum", value - 1)
    return (
        is_high_enough and value <= schema.get("maximum", value) and value < schema.get("exclusiveMaximum", value + 1)
    )
