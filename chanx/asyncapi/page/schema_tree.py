"""A JSON Schema as a tree to read: a line for each key, with what belongs into it below."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from chanx.asyncapi.page.schema_facts import as_schema, facts, merged, referred, type_in_words, variants
from chanx.asyncapi.type_defs import SchemaObject

MAX_DEPTH: Final = 5
MAX_NODES: Final = 300
_MISSING: Final = object()


@dataclass(frozen=True, slots=True)
class Node:
    """One line. ``name``: the key, or what stands for it; ``is_key``: which of the two.

    ``type_name``: the component to link to, where the type is one or a list of one. ``values``: all that is allowed, as
    JSON. ``default`` is JSON, None where it is null or there is none. ``is_folded``: its schema is not shown again,
    because it is one of those above it, too deep, or one too many.
    """

    name: str
    is_key: bool
    type: str
    type_name: str | None
    is_required: bool
    values: tuple[str, ...]
    default: str | None
    facts: tuple[str, ...]
    description: str | None
    children: tuple[Node, ...]
    is_folded: bool


def tree_of(schema: SchemaObject, schemas: Mapping[str, SchemaObject], *, is_sent: bool = True) -> Node:
    """The tree of a schema; ``schemas`` are the document's. ``is_sent``: by the client, so that keys may be left out.

    In what the server sends every key is there, whatever the schema requires.
    """
    return _Tree(schemas, is_sent).node("", schema, above=())


class _Tree:
    def __init__(self, schemas: Mapping[str, SchemaObject], is_sent: bool) -> None:
        self._schemas = schemas
        self._is_sent = is_sent
        self._nodes = 0

    def node(
        self, name: str, schema: SchemaObject, *, above: tuple[str, ...], is_required: bool = True, is_key: bool = True
    ) -> Node:
        self._nodes += 1
        schema = merged(schema)
        inner = _without_null(schema)
        type_name = referred(_item_of(inner))
        target = self._schemas.get(type_name or "", {})
        is_deep = len(above) >= MAX_DEPTH or self._nodes > MAX_NODES
        is_folded = type_name is not None and (type_name in above or is_deep)
        below = above if type_name is None else (*above, type_name)
        children = () if is_folded else tuple(self._children(inner, below))
        scalar = target if referred(inner) is not None else inner
        default = schema.get("default", _MISSING)
        return Node(
            name=name,
            is_key=is_key,
            type=type_in_words(schema),
            type_name=type_name if type_name in self._schemas else None,
            is_required=is_required or "const" in scalar,  # what tells messages apart has to be there in any case
            values=_values(scalar),
            default=None if default in (_MISSING, None) or "const" in scalar else _json(default),
            facts=tuple(dict.fromkeys(facts(schema) + (facts(target) if referred(inner) else []))),
            description=schema.get("description") or (None if is_folded else target.get("description")),
            children=children,
            is_folded=is_folded and _has_parts(target),
        )

    def _children(self, schema: SchemaObject, above: tuple[str, ...]) -> Iterator[Node]:
        schema = merged(schema)
        if (name := referred(schema)) is not None:
            schema = merged(self._schemas.get(name, {}))
        if options := variants(_without_null(schema)):
            for option in options:
                node = self.node("either", option, above=above, is_key=False)
                if _says_more_than_its_type(node):
                    yield node
            return
        for part in schema.get("allOf") or ():
            yield from self._children(part, above)
        yield from self._properties(schema, above)
        yield from self._elements(schema, above)

    def _properties(self, schema: SchemaObject, above: tuple[str, ...]) -> Iterator[Node]:
        required: set[str] = set(schema.get("required") or [])
        properties: dict[str, SchemaObject] = schema.get("properties") or {}
        for key, value in properties.items():
            yield self.node(key, value, above=above, is_required=key in required or not self._is_sent)
        values = as_schema(schema.get("additionalProperties"))
        if values and (_has_parts(values) or "properties" in schema):
            yield self.node("any key", values, above=above, is_key=False, is_required=False)

    def _elements(self, schema: SchemaObject, above: tuple[str, ...]) -> Iterator[Node]:
        for number, place in enumerate(schema.get("prefixItems") or ()):
            yield self.node(f"{number + 1}.", place, above=above, is_key=False)
        items = as_schema(schema.get("items"))
        if not items:
            return
        if _is_transparent(items):
            yield from self._children(items, above)
        elif variants(items) or items.get("type") in {"array", "object"} or facts(items) or _values(items):
            yield self.node("each", items, above=above, is_key=False)


def _item_of(schema: SchemaObject) -> SchemaObject:
    """What a list is of; the schema itself if it is no list."""
    items = as_schema(schema.get("items"))
    return merged(items) if schema.get("type") == "array" and items else schema


def _is_transparent(items: SchemaObject) -> bool:
    """Whether a list's own line says all about its items, so that what is in them can stand right below it."""
    return referred(merged(items)) is not None or (items.get("type") == "object" and "properties" in items)


def _without_null(schema: SchemaObject) -> SchemaObject:
    """The other alternative of a union with null; the schema itself if there are more, or none."""
    rest = [option for option in variants(schema) if option.get("type") != "null"]
    return merged(rest[0]) if len(rest) == 1 else schema


def _values(schema: Mapping[str, Any]) -> tuple[str, ...]:
    if "const" in schema:
        return (_json(schema["const"]),)
    return tuple(_json(value) for value in schema.get("enum") or ())


def _says_more_than_its_type(node: Node) -> bool:
    return bool(node.type_name or node.children or node.facts or node.values or node.description)


def _has_parts(schema: Mapping[str, Any]) -> bool:
    keys = ("properties", "anyOf", "oneOf", "allOf", "items", "prefixItems", "$ref")
    return any(key in schema for key in keys) or as_schema(schema.get("additionalProperties")) is not None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
