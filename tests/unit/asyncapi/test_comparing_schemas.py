"""What a change of a field means to clients: in what they send, and in what they get."""

from __future__ import annotations

from typing import Any

import pytest

from chanx.asyncapi.comparing import changes_between
from tests.unit.asyncapi.documents import REF, with_payload

TEXT = {"type": "string"}
NUMBER = {"type": "number"}
WHOLE = {"type": "integer"}
NULL = {"type": "null"}
OPTIONAL = {"anyOf": [TEXT, NULL]}


def fields(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}


CIRCLE = fields(["kind", "r"], kind={"const": "circle"}, r=NUMBER)
SQUARE = fields(["kind", "a"], kind={"const": "square"}, a=NUMBER)
DOT = fields(["kind"], kind={"const": "dot"})

# The old payload, the new one, and the severities of what that means for (received, sent) messages; None: no change.
CASES: dict[str, tuple[Any, Any, str, str]] = {
    "null is allowed": (TEXT, OPTIONAL, "compatible", "breaking"),
    "null is refused": (OPTIONAL, TEXT, "breaking", "compatible"),
    "another type": (TEXT, WHOLE, "breaking", "breaking"),
    "a wider number": (WHOLE, NUMBER, "compatible", "breaking"),
    "a narrower number": (NUMBER, WHOLE, "breaking", "compatible"),
    "a value of an enumeration more": ({"enum": ["a"]}, {"enum": ["a", "b"]}, "compatible", "breaking"),
    "one less": ({"enum": ["a", "b"]}, {"enum": ["b"]}, "breaking", "compatible"),
    "an enumeration that is text now": ({"enum": ["a", "b"]}, TEXT, "compatible", "breaking"),
    "a shorter text": (TEXT, {**TEXT, "maxLength": 5}, "breaking", "compatible"),
    "a longer text": ({**TEXT, "maxLength": 5}, {**TEXT, "maxLength": 6}, "compatible", "breaking"),
    "a minimum": (WHOLE, {**WHOLE, "minimum": 0}, "breaking", "compatible"),
    "a pattern": (TEXT, {**TEXT, "pattern": "^a"}, "breaking", "compatible"),
    "another pattern": ({**TEXT, "pattern": "^a"}, {**TEXT, "pattern": "^b"}, "breaking", "breaking"),
    "a format": (TEXT, {**TEXT, "format": "date-time"}, "breaking", "compatible"),
    "a new required field": (fields(["a"], a=TEXT), fields(["a", "b"], a=TEXT, b=TEXT), "breaking", "compatible"),
    "a new optional field": (fields(["a"], a=TEXT), fields(["a"], a=TEXT, b=TEXT), "compatible", "compatible"),
    "a field less": (fields(["a", "b"], a=TEXT, b=TEXT), fields(["a"], a=TEXT), "compatible", "breaking"),
    "a field with a default less": (
        fields([], a=TEXT, b={**TEXT, "default": ""}),
        fields([], a=TEXT),
        "compatible",
        "breaking",
    ),
    "a field is optional": (fields(["a"], a=TEXT), fields([], a=TEXT), "compatible", "breaking"),
    "a field has a default": (fields(["a"], a=TEXT), fields([], a={**TEXT, "default": ""}), "compatible", "None"),
    "a field is required": (fields([], a=TEXT), fields(["a"], a=TEXT), "breaking", "compatible"),
    "a field is optional that had a default": (
        fields([], a={**TEXT, "default": ""}),
        fields([], a=TEXT),
        "None",
        "breaking",
    ),
    "a field that others refuse": (
        {**fields(["a"], a=TEXT, b=TEXT), "additionalProperties": False},
        {**fields(["a"], a=TEXT), "additionalProperties": False},
        "breaking",
        "compatible",
    ),
    "items": ({"type": "array", "items": TEXT}, {"type": "array", "items": OPTIONAL}, "compatible", "breaking"),
    "fewer items": (
        {"type": "array", "items": TEXT},
        {"type": "array", "items": TEXT, "maxItems": 3},
        "breaking",
        "compatible",
    ),
    "a tuple": (
        {"type": "array", "prefixItems": [TEXT, WHOLE], "minItems": 2, "maxItems": 2},
        {"type": "array", "prefixItems": [TEXT, NUMBER], "minItems": 2, "maxItems": 2},
        "compatible",
        "breaking",
    ),
    "a tuple as it was written before": (
        {"type": "array", "items": [TEXT, WHOLE], "additionalItems": False},
        {"type": "array", "items": [TEXT, NUMBER], "additionalItems": False},
        "compatible",
        "breaking",
    ),
    "values of a map": (
        {"type": "object", "additionalProperties": WHOLE},
        {"type": "object", "additionalProperties": NUMBER},
        "compatible",
        "breaking",
    ),
    "a map of anything": (
        {"type": "object", "additionalProperties": True},
        {"type": "object", "additionalProperties": NUMBER},
        "breaking",
        "compatible",
    ),
    "names of a map's keys": (
        {"type": "object", "additionalProperties": TEXT, "propertyNames": {"enum": ["a", "b"]}},
        {"type": "object", "additionalProperties": TEXT, "propertyNames": {"enum": ["a"]}},
        "breaking",
        "compatible",
    ),
    "a pattern of a map's keys": (
        {"type": "object", "patternProperties": {"^a": TEXT}},
        {"type": "object", "patternProperties": {"^b": TEXT}},
        "breaking",
        "breaking",
    ),
    "values under a pattern": (
        {"type": "object", "patternProperties": {"^a": WHOLE}},
        {"type": "object", "patternProperties": {"^a": NUMBER}},
        "compatible",
        "breaking",
    ),
    "items may repeat": (
        {"type": "array", "items": TEXT, "uniqueItems": True},
        {"type": "array", "items": TEXT},
        "compatible",
        "breaking",
    ),
    "a multiple": ({**WHOLE, "multipleOf": 4}, {**WHOLE, "multipleOf": 2}, "compatible", "breaking"),
    "a variant more": (
        {"oneOf": [CIRCLE, DOT], "discriminator": {"propertyName": "kind"}},
        {"oneOf": [CIRCLE, SQUARE, DOT], "discriminator": {"propertyName": "kind"}},
        "compatible",
        "breaking",
    ),
    "one of two that are the same": (True, {"oneOf": [True, True]}, "breaking", "compatible"),
    "a keyword that cannot be compared": (TEXT, {**TEXT, "not": {"const": "x"}}, "breaking", "compatible"),
}


@pytest.mark.parametrize("role", ["received", "sent"])
@pytest.mark.parametrize("case", CASES)
def test_a_change_of_a_field(case: str, role: str) -> None:
    """Given two documents, When a payload differs, Then the change is breaking where a client may fail."""
    old, new, *severities = CASES[case]
    expected = severities[0 if role == "received" else 1]

    changes = changes_between(with_payload(role, old), with_payload(role, new))

    assert {change.severity for change in changes} == ({expected} - {"None"}), changes


SAME: dict[str, tuple[Any, Any]] = {
    "words": ({**TEXT, "title": "A", "description": "x"}, {**TEXT, "examples": ["b"]}),
    "order of an enumeration": ({"enum": ["a", "b"]}, {"enum": ["b", "a"]}),
    "a constant": ({"const": "a"}, {"enum": ["a"]}),
    "order of a union": (OPTIONAL, {"anyOf": [NULL, TEXT]}),
    "a list of types": (OPTIONAL, {"type": ["string", "null"]}),
    "true or false": ({"type": "boolean"}, {"enum": [False, True]}),
    "bounds of whole numbers": ({**WHOLE, "exclusiveMinimum": 0}, {**WHOLE, "minimum": 1}),
    "one of different types": (OPTIONAL, {"oneOf": [TEXT, NULL]}),
    "anything": ({}, True),
    "an equal keyword of others": ({**TEXT, "not": {"const": "x"}}, {**TEXT, "not": {"const": "x"}, "title": "x"}),
    "a tuple": (
        {"type": "array", "items": [TEXT, WHOLE], "additionalItems": False},
        {"type": "array", "prefixItems": [TEXT, WHOLE], "items": False},
    ),
    "all of one": ({"allOf": [CIRCLE]}, CIRCLE),
}


@pytest.mark.parametrize("role", ["received", "sent"])
@pytest.mark.parametrize("case", SAME)
def test_the_same_in_other_words_is_no_change(case: str, role: str) -> None:
    """Given two schemas of the same values, When compared, Then nothing is told, whichever is the old one."""
    one, other = SAME[case]

    assert changes_between(with_payload(role, one), with_payload(role, other)) == []
    assert changes_between(with_payload(role, other), with_payload(role, one)) == []


def tree(name: str, value: Any) -> dict[str, Any]:
    children = {"type": "array", "items": {"$ref": REF + name}}
    return {name: fields(["value", "children"], value=value, children=children)}


def test_names_of_schemas_are_no_change_where_they_refer_to_themselves() -> None:
    old = with_payload("sent", {"$ref": f"{REF}Tree"}, **tree("Tree", TEXT))
    new = with_payload("sent", {"$ref": f"{REF}Node"}, **tree("Node", TEXT))

    assert changes_between(old, new) == []


def test_a_change_deep_in_a_schema_that_refers_to_itself_is_found() -> None:
    old = with_payload("sent", {"$ref": f"{REF}Tree"}, **tree("Tree", TEXT))
    new = with_payload("sent", {"$ref": f"{REF}Tree"}, **tree("Tree", OPTIONAL))

    first = changes_between(old, new)[0]

    assert (first.severity, first.where, first.text) == (
        "breaking",
        "note (server to client), payload.value",
        "may be null now",
    )


def test_what_was_assumed_of_an_option_that_failed_is_taken_back() -> None:
    """Given a union whose first option only seems to hold, When compared, Then nothing built on it counts."""
    names = {"$ref": f"{REF}A"}, {"$ref": f"{REF}B"}
    old_schemas = {
        "A": fields(["b", "x"], b=names[1], x=TEXT),
        "B": fields([], a=names[0]),
    }
    new_schemas = {
        "A": fields(["b", "x"], b=names[1], x=WHOLE),
        "B": fields([], a=names[0]),
    }
    payload = {"type": "array", "prefixItems": [{"anyOf": [names[0], TEXT]}, names[1]]}

    changes = changes_between(
        with_payload("received", payload, **old_schemas), with_payload("received", payload, **new_schemas)
    )

    assert any(change.where.endswith("payload[1].a.x") for change in changes), changes


@pytest.mark.parametrize(
    ("role", "old", "new", "text"),
    [
        (
            "received",
            TEXT,
            {**TEXT, "maxLength": 5},
            "has to be at most 5 characters long now",
        ),
        ("sent", {"enum": ["a"]}, {"enum": ["a", "b", "c"]}, 'may be "b" or "c" now, which clients do not know'),
        ("received", OPTIONAL, TEXT, "can no longer be null"),
        ("sent", fields(["a"], a=TEXT), fields([]), "is gone"),
        ("received", fields([], a=TEXT), fields(["a", "b"], a=TEXT, b=TEXT), "is required now"),
    ],
)
def test_what_is_told(role: str, old: Any, new: Any, text: str) -> None:
    assert text in [change.text for change in changes_between(with_payload(role, old), with_payload(role, new))]
