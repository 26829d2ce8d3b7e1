"""Every message has an example, and it is one."""

import json
from typing import Annotated, Any

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field

from chanx.asyncapi.page.examples import example_of
from tests.unit.asyncapi.page_documents import REF
from tests.unit.asyncapi.random_models import Fork, Tree, any_model

OBJECT_OF_A = {"type": "object", "properties": {"a": {"const": 1}}}


def schemas_of(model: type[BaseModel], mode: Any = "validation") -> tuple[dict[str, Any], dict[str, Any]]:
    """The model's own schema, and the components it refers to."""
    schema = model.model_json_schema(ref_template=REF + "{model}", mode=mode)
    return schema, schema.pop("$defs", {})


def example(model: type[BaseModel], mode: Any = "validation") -> Any:
    """The model's example, which is valid."""
    schema, schemas = schemas_of(model, mode)
    made = example_of(schema, schemas)
    Draft202012Validator({**schema, "components": {"schemas": schemas}}).validate(made)
    return made


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(model=any_model)
def test_an_example_is_valid(model: type[BaseModel]) -> None:
    """Given any model, when its example is made, then the schema says that it is one, in both directions, and the
    model takes it."""
    example(model, "serialization")
    model.model_validate_json(json.dumps(example(model)))


def test_what_people_gave_comes_first() -> None:
    """Given examples and defaults, when the example is made, then they are in it; a default of nothing is not."""

    class Place(BaseModel):
        city: Annotated[str, Field(examples=["Graz", "Linz"])]
        country: str = "AT"
        note: str | None = None

    class Trip(BaseModel):
        to: Place
        stops: list[Place] = []

    place = {"city": "Graz", "country": "AT", "note": "text"}
    assert example(Trip) == {"to": place, "stops": [place]}


def test_recursion_ends_where_it_can() -> None:
    """Given models that hold themselves, when the example is made, then it holds one of each and no more."""
    assert example(Tree) == {"name": "text", "parent": None, "children": [], "by_name": {}}
    assert example(Fork) == {"kind": "fork", "either": {"kind": "leaf", "size": 4}}


def test_a_value_without_an_end() -> None:
    """Given a schema that nothing finite fits, when its example is asked for, then there is none."""
    schemas = {"Endless": {"type": "object", "properties": {"a": {"$ref": REF + "Endless"}}, "required": ["a"]}}
    assert example_of({"$ref": REF + "Endless"}, schemas) is None
    assert example_of({"$ref": REF + "Missing"}, schemas) is None


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "format": "email"}, "ada1@example.com"),
        ({"type": "string", "minLength": 3, "maxLength": 3}, "tex"),
        ({"type": "string", "pattern": "["}, "text"),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.5),
        ({"type": ["string", "null"]}, "text"),
        ({"allOf": [OBJECT_OF_A, {"properties": {"b": {"const": 2}}}]}, {"a": 1, "b": 2}),
        ({}, {}),
    ],
)  # fmt: skip
def test_single_schemas(schema: dict[str, Any], expected: Any) -> None:
    assert example_of(schema, {}) == expected
