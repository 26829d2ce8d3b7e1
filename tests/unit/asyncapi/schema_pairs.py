"""Strategies: JSON Schemas as Pydantic writes them, later versions of them, and values of theirs."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from tests.unit.asyncapi.documents import REF

NAMES = ("a", "b", "c")
COMPONENTS = ("One", "Two")
_DEFAULTS = {"string": "x", "integer": 1, "number": 1.5, "boolean": True}


def _bounded(kind: str, lower: str, upper: str, *, most: int) -> st.SearchStrategy[dict[str, Any]]:
    bound = st.none() | st.integers(0, most)
    return st.tuples(bound, bound).map(
        lambda ends: {
            "type": kind,
            **({lower: min(ends[0], ends[1] or ends[0])} if ends[0] is not None else {}),
            **({upper: max(ends[1], ends[0] or ends[1])} if ends[1] is not None else {}),
        }
    )


SCALARS = st.one_of(
    st.just({"type": "null"}),
    st.just({"type": "boolean"}),
    st.just({"type": "string"}),
    st.just({"type": "integer"}),
    st.just({"type": "number"}),
    st.lists(st.sampled_from(["p", "q", 1, 2, True, None]), min_size=1, max_size=3).map(
        lambda values: {"enum": values}
    ),
    st.sampled_from(["p", "q", 1]).map(lambda value: {"const": value}),
    _bounded("string", "minLength", "maxLength", most=3),
    _bounded("integer", "minimum", "maximum", most=5),
    _bounded("number", "minimum", "maximum", most=5),
)
REFERENCES = st.sampled_from(COMPONENTS).map(lambda name: {"$ref": f"{REF}{name}"})


@st.composite
def _objects(draw: st.DrawFn, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    properties: dict[str, Any] = draw(st.dictionaries(st.sampled_from(NAMES), inner, max_size=3))
    required: list[str] = [name for name in properties if draw(st.booleans())]
    for name, schema in list(properties.items()):
        if name not in required and schema.get("type") in _DEFAULTS and draw(st.booleans()):
            properties[name] = {**schema, "default": _DEFAULTS[schema["type"]]}
    additional = draw(st.sampled_from([None, None, None, True, False]))
    closed = {} if additional is None else {"additionalProperties": additional}
    return {"type": "object", "properties": properties, "required": required, **closed}


def _composed(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        _objects(inner),
        _objects(inner),
        st.builds(lambda value: {"type": "object", "additionalProperties": value}, inner),
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(lambda items, most: {"type": "array", "items": items, "maxItems": most}, inner, st.integers(0, 2)),
        st.lists(inner, min_size=1, max_size=2).map(
            lambda items: {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
        ),
        st.lists(inner, min_size=2, max_size=3).map(lambda options: {"anyOf": options}),
        inner.map(lambda option: {"anyOf": [option, {"type": "null"}]}),
    )


SCHEMAS = st.recursive(SCALARS | REFERENCES, _composed, max_leaves=6)


@st.composite
def _changed(draw: st.DrawFn, schema: Any) -> Any:
    """A schema after some edits, most of them small."""
    schema = copy.deepcopy(schema)
    places = _places(schema)
    parent, key = draw(st.sampled_from(places))
    node = parent[key]
    edit = draw(
        st.sampled_from(["replace", "null", "bound", "value", "required", "property", "drop", "option", "number"])
    )
    if edit == "replace":
        parent[key] = draw(SCALARS | SCHEMAS)
    elif edit == "null":
        parent[key] = {"anyOf": [node, {"type": "null"}]}
    elif edit == "option":
        parent[key] = {"anyOf": [draw(SCALARS), node]}
    elif edit == "number" and node.get("type") == "integer":
        node["type"] = "number"
    elif edit == "bound" and node.get("type") == "string":
        node["maxLength"] = draw(st.integers(node.get("minLength", 0), 6))
    elif edit == "bound" and node.get("type") in ("integer", "number"):
        node["maximum"] = draw(st.integers(node.get("minimum", 0), 9))
    elif edit == "value" and "enum" in node:
        node["enum"] = draw(st.permutations([*node["enum"], "r"]))
    elif "properties" in node:
        name = draw(st.sampled_from(NAMES))
        if edit == "required" and name in node["properties"]:
            node["required"] = sorted({*node["required"]} ^ {name})
        elif edit == "property":
            node["properties"][name] = draw(SCALARS)
        elif edit == "drop":
            node["properties"].pop(name, None)
            node["required"] = [other for other in node["required"] if other != name]
    return schema["root"]


def _places(schema: dict[str, Any]) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []

    def visit(parent: Any, key: Any) -> None:
        node = parent[key]
        if not isinstance(node, dict):
            return
        found.append((parent, key))
        for name in node.get("properties", {}):
            visit(node["properties"], name)
        for name in ("items", "additionalProperties"):
            if name in node:
                visit(node, name)
        for name in ("anyOf", "prefixItems"):
            for place in range(len(node.get(name, ()))):
                visit(node[name], place)

    visit(schema, "root")
    return found


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Any, dict[str, Any], Any, dict[str, Any]]:
    """A schema and the components it may refer to, and both in a later version."""
    root: Any = draw(SCHEMAS)
    components: dict[str, Any] = {name: draw(_objects(SCHEMAS)) for name in COMPONENTS}
    later, later_components = root, dict(components)
    for _ in range(draw(st.integers(1, 4))):
        if draw(st.booleans()):
            later = draw(_changed({"root": later}))
        else:
            name = draw(st.sampled_from(COMPONENTS))
            later_components[name] = draw(_changed({"root": later_components[name]}))
    return root, components, later, later_components


@st.composite
def values(draw: st.DrawFn, schema: Any, components: dict[str, Any], *, sent: bool, depth: int = 0) -> Any:
    """A value of the schema, as it is written by who has only the schema: without keys that it does not declare.

    ``sent``: by the server, which always writes what has a default. A schema without any small value gives whatever.
    """

    def inner(other: Any) -> Any:
        return draw(values(other, components, sent=sent, depth=depth + 1))

    if schema is True:
        return draw(st.sampled_from(["p", "long text", 1, 7.5, None, True, [], {"a": 1}]))
    if "$ref" in schema:
        return inner(components[schema["$ref"].removeprefix(REF)]) if depth < 8 else None
    if "anyOf" in schema:
        return inner(draw(st.sampled_from(schema["anyOf"] if depth < 6 else schema["anyOf"][-1:])))
    if "enum" in schema or "const" in schema:
        return draw(st.sampled_from(schema.get("enum") or [schema["const"]]))
    match schema["type"]:
        case "null":
            return None
        case "boolean":
            return draw(st.booleans())
        case "string":
            least = schema.get("minLength", 0)
            return draw(st.text("pq", min_size=least, max_size=schema.get("maxLength", least + 8)))
        case "integer":
            return draw(st.integers(schema.get("minimum", -10), schema.get("maximum", 10)))
        case "number":
            lower, upper = schema.get("minimum", -10), schema.get("maximum", 10)
            return draw(st.integers(lower, upper) | st.floats(lower, upper))
        case "array":
            if "prefixItems" in schema:
                return [inner(item) for item in schema["prefixItems"]]
            most = 0 if depth > 5 else min(2, schema.get("maxItems", 2))
            return [inner(schema["items"]) for _ in range(draw(st.integers(0, most)))]
        case _:
            return _object_value(draw, schema, inner, sent=sent, is_deep=depth > 5)


def _object_value(draw: st.DrawFn, schema: Any, inner: Any, *, sent: bool, is_deep: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, property_schema in schema.get("properties", {}).items():
        is_always = name in schema["required"] or (sent and "default" in property_schema)
        if is_always or (not is_deep and draw(st.booleans())):
            found[name] = inner(property_schema)
    additional = schema.get("additionalProperties", False)
    if additional is not False and not is_deep:
        for name in draw(st.sets(st.sampled_from([*NAMES, "z"]), max_size=2)):
            if name not in schema.get("properties", {}):
                found[name] = inner(additional)
    return found
