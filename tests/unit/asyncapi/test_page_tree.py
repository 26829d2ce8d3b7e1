"""Schemas on the page: what a front-end developer reads of a Pydantic model."""

from typing import Annotated, Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import BaseModel, ConfigDict, Field

from chanx.asyncapi.page.outline import outline_of
from chanx.asyncapi.page.schema_facts import facts, type_in_words
from chanx.asyncapi.page.schema_tree import MAX_NODES, Node, tree_of
from tests.unit.asyncapi.page_documents import REF, Circle, Person, Square, rooms
from tests.unit.asyncapi.random_models import any_model


def tree(model: type[BaseModel], *, is_sent: bool = True) -> dict[str, Node]:
    """The lines of a model's own keys."""
    schema = model.model_json_schema(ref_template=REF + "{model}")
    schemas = schema.pop("$defs", {})
    return {node.name: node for node in tree_of(schema, schemas, is_sent=is_sent).children}


def nodes(node: Node) -> list[Node]:
    return [node, *(below for child in node.children for below in nodes(child))]


class Everything(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["all"] = "all"
    word: Annotated[str, Field(max_length=5, description="A `word`.")]
    maybe: Annotated[int, Field(ge=1)] | None = None
    level: Literal["low", "high"] = "low"
    person: Person
    people: list[Person]
    groups: list[list[Person]] = []
    shape: Annotated[Circle | Square, Field(discriminator="kind")]
    counts: dict[str, int]
    by_name: dict[str, Person]
    pair: tuple[int, str]
    words: Annotated[set[Annotated[str, Field(min_length=1)]], Field(min_length=2)]
    extra: Any


def test_types_are_said_in_words() -> None:
    """Given a field of each kind, when it is shown, then its type is."""
    assert {name: node.type for name, node in tree(Everything).items()} == {
        "kind": "string",
        "word": "string",
        "maybe": "integer or null",
        "level": "string",
        "person": "Person",
        "people": "list of Person",
        "groups": "list of list of Person",
        "shape": "Circle or Square",
        "counts": "map of integer",
        "by_name": "map of Person",
        "pair": "[integer, string]",
        "words": "list of string",
        "extra": "anything",
    }


def test_what_else_a_value_has_to_be() -> None:
    """Given constraints, defaults and fixed values, when they are shown, then all of them are."""
    shown = tree(Everything)
    assert shown["kind"].values == ('"all"',)
    assert shown["kind"].is_required  # it has a default, but no message is told apart without it
    assert shown["word"].facts == ("at most 5 characters",)
    assert shown["word"].description == "A `word`."
    assert shown["maybe"].facts == ("≥ 1",)
    assert (shown["maybe"].is_required, shown["maybe"].default) == (False, None)
    assert (shown["level"].values, shown["level"].default) == (('"low"', '"high"'), '"low"')
    assert shown["words"].facts == ("at least 2 items", "no item twice")
    assert shown["pair"].facts == ("2 items",)


def test_what_is_inside_stands_below() -> None:
    """Given objects, lists, maps and unions, when they are shown, then their parts are below them, once."""
    shown = tree(Everything)

    def below(name: str) -> list[str]:
        return [node.name for node in shown[name].children]

    assert below("person") == below("people") == ["name", "age", "friends"]
    assert [(node.name, node.type) for node in shown["shape"].children] == [("either", "Circle"), ("either", "Square")]
    assert [node.name for node in shown["shape"].children[0].children] == ["kind", "radius"]
    assert [(node.name, node.type) for node in shown["by_name"].children] == [("any key", "Person")]
    assert [node.name for node in shown["by_name"].children[0].children] == ["name", "age", "friends"]
    assert [(node.name, node.type) for node in shown["groups"].children] == [("each", "list of Person")]
    assert [node.name for node in shown["groups"].children[0].children] == ["name", "age", "friends"]
    assert [(node.name, node.type) for node in shown["pair"].children] == [("1.", "integer"), ("2.", "string")]
    assert [node.facts for node in shown["words"].children] == [("at least 1 character",)]
    friends = shown["person"].children[2]
    assert friends.is_folded
    assert (friends.children, friends.type_name) == ((), "Person")


def test_every_key_is_there_in_what_the_server_sends() -> None:
    """Given a field with a default, when the server sends it, then it is not optional to who reads it."""
    assert tree(Everything, is_sent=True)["maybe"].is_required is False
    assert tree(Everything, is_sent=False)["maybe"].is_required is True


def test_a_schema_of_the_servers_alone_has_no_optional_keys() -> None:
    """Given the section of all schemas, when one is in no message of the client, then its keys are all there."""
    shown = {schema.name: schema.tree for schema in outline_of(rooms()).schemas}
    assert all(node.is_required for node in nodes(shown["JobSnapshot"]) if node.is_key)
    assert not all(node.is_required for node in nodes(shown["ChatPayload"]))  # sent both ways


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(model=any_model)
def test_every_key_of_a_model_has_a_line(model: type[BaseModel]) -> None:
    """Given any model, when it is shown, then each of its keys has a line with a type."""
    shown = tree(model)
    assert set(shown) == set(model.model_fields)
    assert all(node.type for node in shown.values())


def test_a_tree_has_an_end() -> None:
    """Given schemas that hold each other many times, when one is shown, then its tree has a bound."""
    names = [f"Part{number}" for number in range(12)]
    schemas: dict[str, Any] = {
        name: {"type": "object", "properties": {other: {"$ref": REF + other} for other in names}} for name in names
    }
    found = nodes(tree_of({"$ref": REF + "Part0"}, schemas))
    assert len(found) < MAX_NODES + 12 * 12
    assert any(node.is_folded for node in found)


@pytest.mark.parametrize(
    ("schema", "words", "more"),
    [
        ({"type": "string", "minLength": 2, "maxLength": 2}, "string", ["2 characters"]),
        ({"type": "string", "minLength": 0}, "string", []),
        ({"type": "array", "minItems": 1, "maxItems": 3}, "list", ["1 to 3 items"]),
        ({"type": "object", "minProperties": 1}, "object", ["at least 1 key"]),
        ({"type": ["integer", "null"]}, "integer or null", []),
        ({"enum": ["a", 1]}, "string or integer", []),
        ({"const": None}, "null", []),
        ({"allOf": [{"$ref": REF + "Person"}], "description": "x"}, "Person", []),
        ({"type": "object", "properties": {}, "additionalProperties": False}, "object", ["no other keys"]),
        ({"$ref": "https://example.com/x"}, "anything", []),
    ],
)
def test_single_schemas(schema: dict[str, Any], words: str, more: list[str]) -> None:
    assert type_in_words(schema) == words
    assert facts(schema) == more


class Choices(BaseModel):
    bounded: Annotated[int, Field(ge=1)] | Annotated[str, Field(max_length=5)]
    plain: int | list[int]
    fixed: Literal["auto"] | int


def test_an_alternative_has_a_line_where_there_is_more_to_say_than_its_type() -> None:
    """Given unions without names, when they are shown, then with what is asked of each alternative, and no more."""
    shown = tree(Choices)
    assert [(node.type, node.facts) for node in shown["bounded"].children] == [
        ("integer", ("≥ 1",)),
        ("string", ("at most 5 characters",)),
    ]
    assert shown["plain"].children == ()
    assert [(node.type, node.values) for node in shown["fixed"].children] == [("string", ('"auto"',))]
