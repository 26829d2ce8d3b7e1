"""JSON Schemas as types: everything that a type can say, and more values rather than wrong ones."""

from __future__ import annotations

from typing import Any

import pytest

from chanx.client_generator.declarations import (
    AliasDeclaration,
    ArrayOf,
    EnumDeclaration,
    Literals,
    MapOf,
    ObjectDeclaration,
    Property,
    ReferenceTo,
    Scalar,
    TupleOf,
    Type,
    UnionOf,
)
from chanx.client_generator.schema_types import declarations_of
from chanx.errors import DocumentError
from tests.unit.client_generator.documents import ref

STRING, INTEGER, NUMBER, NULL = Scalar("string"), Scalar("integer"), Scalar("number"), Scalar("null")
ANY, NEVER = Scalar("any"), Scalar("never")
SCHEMAS: dict[str, Any] = {
    "A": {"type": "object", "properties": {"kind": {"const": "a"}, "x": {"type": "integer"}}, "required": ["kind"]},
    "B": {"type": "object", "properties": {"kind": {"const": "b"}}, "required": ["kind"]},
}


def schema(*parts: str) -> dict[str, str]:
    return ref("components", "schemas", *parts)


def type_of(content: Any) -> Type:
    """The type of a property with that schema."""
    declarations = declarations_of({**SCHEMAS, "It": {"properties": {"it": content}}})
    (found,) = [one for one in declarations if one.name == "It"]
    assert isinstance(found, ObjectDeclaration)
    return found.properties[0].type


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (True, ANY),
        ({}, ANY),
        ({"title": "It", "description": "Anything."}, ANY),
        ({"not": {"type": "string"}}, ANY),
        ({"minLength": 3}, ANY),
        ({"type": "string", "not": {"const": ""}}, STRING),
        ({"type": "string", "if": {"const": ""}, "then": False}, STRING),
        ({"type": "string", "format": "date-time"}, Scalar("string", "date-time")),
        (
            {"type": "string", "minLength": 1, "pattern": "a", "minimum": 3},
            Scalar("string", None, {"minLength": 1, "pattern": "a"}),
        ),
        ({"type": "integer", "minimum": 1.5, "exclusiveMaximum": True}, Scalar("integer", None, {"minimum": 1.5})),
        ({"const": None}, Literals((None,))),
        ({"const": {"a": 1}}, ANY),
        ({"enum": ["a", 1, None], "type": "string"}, Literals(("a", 1, None))),
        ({"enum": []}, NEVER),
        ({"type": ["string", "null"]}, UnionOf((STRING, NULL))),
        ({"type": "string", "nullable": True}, UnionOf((STRING, NULL))),
        ({"anyOf": [{"type": "string"}, {"type": "string"}, {"type": "null"}]}, UnionOf((STRING, NULL))),
        (
            {"anyOf": [{"const": "a"}, {"const": 1}, {"const": True}, {"type": "null"}]},
            UnionOf((Literals(("a", 1, True)), NULL)),
        ),
        ({"oneOf": [{"type": "string"}, {}]}, ANY),
        ({"oneOf": [{"type": "string"}, False]}, STRING),
        ({"type": "object", "anyOf": [schema("A"), schema("B")]}, UnionOf((ReferenceTo("A"), ReferenceTo("B")))),
        (
            {"oneOf": [schema("A"), schema("B")], "discriminator": {"propertyName": "kind"}},
            UnionOf((ReferenceTo("A"), ReferenceTo("B")), "kind"),
        ),
        (
            {"oneOf": [schema("A"), schema("B")], "discriminator": "kind"},
            UnionOf((ReferenceTo("A"), ReferenceTo("B")), "kind"),
        ),
        (
            {"anyOf": [{"oneOf": [schema("A"), schema("B")], "discriminator": "kind"}, {"type": "null"}]},
            UnionOf((UnionOf((ReferenceTo("A"), ReferenceTo("B")), "kind"), NULL)),
        ),
        ({"type": "array"}, ArrayOf(ANY)),
        ({"items": {"type": "string"}, "maxItems": 3}, ArrayOf(STRING, {"maxItems": 3})),
        ({"type": "array", "items": False}, ArrayOf(NEVER)),
        (
            {"prefixItems": [{"type": "string"}, {"type": "integer"}], "minItems": 2, "maxItems": 2},
            TupleOf((STRING, INTEGER)),
        ),
        ({"prefixItems": [{"type": "string"}], "minItems": 1, "items": False}, TupleOf((STRING,))),
        ({"items": [{"type": "string"}], "minItems": 1, "additionalItems": {"type": "null"}}, TupleOf((STRING,), NULL)),
        ({"prefixItems": [{"type": "string"}], "minItems": 1}, TupleOf((STRING,), ANY)),
        (
            {"prefixItems": [{"type": "string"}, {"type": "integer"}], "minItems": 1, "maxItems": 2},
            UnionOf((TupleOf((STRING,)), TupleOf((STRING, INTEGER)))),
        ),
        (
            {"prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
            ArrayOf(UnionOf((STRING, INTEGER))),
        ),
        ({"type": "object"}, MapOf(ANY)),
        (
            {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 2},
            MapOf(STRING, {"maxProperties": 2}),
        ),
        ({"patternProperties": {"^a": {"type": "string"}}, "additionalProperties": False}, MapOf(STRING)),
        ({"patternProperties": {"^a": {"type": "string"}}}, MapOf(ANY)),
        (
            {"additionalProperties": {"type": "null"}, "patternProperties": {"^a": {"type": "string"}}},
            MapOf(UnionOf((STRING, NULL))),
        ),
        (schema("A"), ReferenceTo("A")),
        ({**schema("A"), "description": "An A.", "default": None}, ReferenceTo("A")),
        ({"allOf": [schema("A")], "title": "It"}, ReferenceTo("A")),
        ({"allOf": [{"type": "string"}, {"maxLength": 3}, {"maxLength": 2}]}, Scalar("string", None, {"maxLength": 2})),
        (
            {"allOf": [{"type": ["integer", "null"]}, {"type": "number", "minimum": 1}]},
            Scalar("integer", None, {"minimum": 1}),
        ),
        ({"allOf": [{"enum": [1, 2, 3]}, {"enum": [2, True]}]}, Literals((2,))),
        ({"allOf": [{"type": "string"}, {"type": "integer"}]}, NEVER),
        ({"allOf": [schema("A"), False]}, NEVER),
        ({"schemaFormat": "application/schema+json;version=draft-07", "schema": {"type": "string"}}, STRING),
    ],
)
def test_the_type_of_a_schema(content: Any, expected: Type) -> None:
    assert type_of(content) == expected


def test_an_object() -> None:
    # Given
    content = {
        "description": "A chat.",
        "properties": {
            "text": {"type": "string", "description": "What is said.", "default": ""},
            "author": {"type": "object", "properties": {"name": {"type": "string"}}},
            "tags": {"items": {"properties": {"tag": {"type": "string"}}}},
            "never": False,
        },
        "required": ["author", "unnamed"],
        "additionalProperties": {"type": "integer"},
    }

    # When
    chat, author, tags = declarations_of({"Chat": content})

    # Then
    assert chat == ObjectDeclaration(
        "Chat",
        (
            Property("text", STRING, is_required=False, default="", description="What is said."),
            Property("author", ReferenceTo("ChatAuthor"), is_required=True),
            Property("tags", ArrayOf(ReferenceTo("ChatTagsItem")), is_required=False),
            Property("unnamed", ANY, is_required=True),
        ),
        description="A chat.",
        extra=INTEGER,
    )
    assert (author.name, tags.name) == ("ChatAuthor", "ChatTagsItem")


def test_objects_that_hold_at_once_are_one() -> None:
    # Given
    extended = {
        "allOf": [
            schema("A"),
            {
                "properties": {"x": {"minimum": 3}, "y": {"type": "string"}},
                "required": ["y"],
                "additionalProperties": False,
            },
        ],
        "description": "More than A.",
    }

    # When
    declarations = declarations_of({**SCHEMAS, "More": extended})

    # Then
    assert declarations[-1] == ObjectDeclaration(
        "More",
        (
            Property("kind", Literals(("a",)), is_required=True),
            Property("x", Scalar("integer", None, {"minimum": 3}), is_required=False),
            Property("y", STRING, is_required=True),
        ),
        description="More than A.",
    )


def test_what_stands_beside_options_belongs_to_each() -> None:
    # Given
    shared = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}
    options = [schema("B"), {"title": "Other", "properties": {"x": {"type": "string"}}}]

    # When
    declarations = {one.name: one for one in declarations_of({**SCHEMAS, "It": {**shared, "oneOf": options}})}

    # Then
    assert declarations["It"] == AliasDeclaration("It", UnionOf((ReferenceTo("ItOption1"), ReferenceTo("ItOther"))))
    one, other = declarations["ItOption1"], declarations["ItOther"]
    assert isinstance(one, ObjectDeclaration)
    assert isinstance(other, ObjectDeclaration)
    assert [(field.wire_name, field.is_required) for field in one.properties] == [("kind", True), ("id", True)]
    assert [(field.wire_name, field.is_required) for field in other.properties] == [("x", False), ("id", True)]


def test_options_that_only_require_properties_are_left_out() -> None:
    (one,) = declarations_of({"It": {"properties": {"a": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}})
    assert one == ObjectDeclaration("It", (Property("a", ANY, is_required=False),))


def test_enumerations_and_aliases() -> None:
    assert declarations_of(
        {
            "Color": {"enum": ["red", "blue"], "description": "A color."},
            "Id": {"type": "string"},
            "Only": {"const": 1},
            "No": False,
        }
    ) == (
        EnumDeclaration("Color", ("red", "blue"), "A color."),
        AliasDeclaration("Id", STRING),
        AliasDeclaration("Only", Literals((1,))),
        AliasDeclaration("No", NEVER),
    )


def test_definitions_inside_of_a_schema() -> None:
    # Given
    tree = {"properties": {"children": {"items": {"$ref": "#/$defs/Tree"}}}}
    content = {"properties": {"tree": {"$ref": "#/$defs/Tree"}}, "$defs": {"Tree": tree}}

    # When
    declarations = declarations_of({"One": content, "Two": content})

    # Then each schema has its own
    assert [one.name for one in declarations] == ["One", "Tree", "Two", "Tree2"]
    assert declarations[3] == ObjectDeclaration(
        "Tree2", (Property("children", ArrayOf(ReferenceTo("Tree2")), is_required=False),)
    )


def test_names() -> None:
    # Given names that clash once they are names of types, one that can stay, and a lifted one of a schema's name
    nested = {"properties": {"x": {"properties": {"y": {}}}}}
    schemas = {
        "page[int]": {},
        "PageInt": {},
        "chat-message": {},
        "None": {},
        "2nd": {},
        "": {},
        "_a": {},
        "Äö": {},
        "A": nested,
        "AX": {},
    }

    # Then
    assert [one.name for one in declarations_of(schemas)] == [
        "PageInt2", "PageInt", "ChatMessage", "TypeNone", "Type2nd", "Type", "A2", "Äö", "A", "AX2", "AX",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("schemas", "error"),
    [
        ({"A": schema("B")}, "'#/components/schemas/B' leads nowhere"),
        ({"A": {"properties": {"x": {"$ref": "#/$defs/X"}}}}, "'#/components/schemas/A/\\$defs/X' leads nowhere"),
        ({"A": {"$ref": "other.json"}}, "'other.json' leads out of the document: bundle"),
        ({"A": {"$ref": 3}}, "leads out of the document"),
        ({"A": {"type": "text"}}, "The JSON Schema of A has the type 'text', which JSON Schema has not"),
        ({"A": {"properties": {"x": {"type": "file"}}}}, "The JSON Schema of AX has the type 'file'"),
        ({"A": "string"}, "has 'string' where a JSON Schema should be"),
        ({"A": {"properties": {"x": [1]}}}, r"has \[1\] where a JSON Schema should be"),
        ({"A": schema("B"), "B": {"anyOf": [schema("A"), {}]}}, None),
        ({"A": schema("B"), "B": {"anyOf": [schema("A"), {"type": "null"}]}}, "A -> B -> A|B -> A -> B"),
        ({"A": {"schemaFormat": "application/vnd.apache.avro", "schema": {}}}, "one in application/vnd.apache.avro"),
    ],
)
def test_a_schema_that_is_none(schemas: Any, error: str | None) -> None:
    if error is None:
        declarations_of(schemas)
        return
    with pytest.raises(DocumentError, match=error):
        declarations_of(schemas)


def test_a_schema_that_contains_itself_ends() -> None:
    content = {"allOf": [schema("It"), {"properties": {"x": schema("It")}}]}
    assert declarations_of({"It": content}) == (
        ObjectDeclaration("It", (Property("x", ReferenceTo("It"), is_required=False),)),
    )
