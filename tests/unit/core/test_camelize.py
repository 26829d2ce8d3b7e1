"""Rename plans: exactly the names of fields, in both directions, and never a key of the user's."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from pydantic import AliasPath, BaseModel, ConfigDict, Field, computed_field, field_serializer
from typing_extensions import TypedDict

from chanx.core.camelize import camelized, camelized_loc, decamelized
from chanx.messages.base import BaseMessage
from chanx.utils.naming import camel_case


class Inner(BaseModel):
    inner_key: int = 0
    sub_nodes: list["Inner"] = []


class Options(TypedDict, total=False):
    dry_run: bool


@dataclass
class Point:
    x_axis: int


class Circle(BaseModel):
    shape_kind: Literal["circle"] = "circle"
    the_radius: int


class Square(BaseModel):
    shape_kind: Literal["square"] = "square"
    side_length: int


class Payload(BaseModel):
    user_name: str = "Ada"
    user_data: dict[str, Any] = {"snake_key": {"in_it": 1}}
    anything: Any = {"any_key": 1}
    by_name: dict[str, Inner] = {"the_key": Inner(inner_key=1)}
    tree_node: Inner | None = Inner(sub_nodes=[Inner(inner_key=2)])
    two_parts: tuple[Inner, int] = (Inner(), 1)
    some_options: Options = {"dry_run": True}
    the_point: Point = Point(3)
    the_shape: Annotated[Circle | Square, Field(discriminator="shape_kind")] = Square(side_length=4)
    either_way: Circle | dict[str, int] = {"the_user": 1}


class DoIt(BaseMessage):
    action: Literal["do_it"] = "do_it"
    payload: Payload = Payload()


def test_names_of_fields_are_renamed_and_keys_of_the_users_are_not() -> None:
    # When
    sent = camelized(DoIt, DoIt().model_dump(mode="json"), "action")

    # Then
    leaf = {"innerKey": 0, "subNodes": []}
    assert sent == {
        "action": "do_it",
        "payload": {
            "userName": "Ada",
            "userData": {"snake_key": {"in_it": 1}},
            "anything": {"any_key": 1},
            "byName": {"the_key": {**leaf, "innerKey": 1}},
            "treeNode": {"innerKey": 0, "subNodes": [{**leaf, "innerKey": 2}]},
            "twoParts": [leaf, 1],
            "someOptions": {"dryRun": True},
            "thePoint": {"xAxis": 3},
            "theShape": {"shapeKind": "square", "sideLength": 4},
            "eitherWay": {"the_user": 1},
        },
    }
    assert DoIt.model_validate(decamelized(DoIt, sent, "action")) == DoIt()


def test_names_that_are_pythons_are_taken_too() -> None:
    content = DoIt().model_dump(mode="json")
    assert decamelized(DoIt, content, "action") == content


def test_aliases_stay_and_what_a_serializer_makes_is_user_data() -> None:
    class Special(BaseMessage):
        action: Literal["special"] = "special"
        payload: int = 1
        by_alias: int = Field(alias="the_alias")
        by_path: int = Field(validation_alias=AliasPath("some_where", 0))
        made_up: Inner = Inner()

        @field_serializer("made_up")
        def _make(self, value: Inner) -> dict[str, int]:
            return {"made_key": 1}

        @computed_field
        def all_together(self) -> Inner:
            return Inner()

    # When
    message = Special.model_validate({"the_alias": 1, "some_where": [2]})
    sent = camelized(Special, message.model_dump(mode="json"), "action")
    received = decamelized(Special, {"action": "special", "byAlias": 1, "some_where": [2]}, "action")

    # Then
    assert sent["byAlias"] == 1
    assert sent["madeUp"] == {"made_key": 1}
    assert sent["allTogether"] == {"innerKey": 0, "subNodes": []}
    assert received == {"action": "special", "the_alias": 1, "some_where": [2]}


def test_aliases_that_are_written_stay() -> None:
    class Written(BaseMessage):
        model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)
        action: Literal["written"] = "written"
        payload: int = 1
        by_alias: int = Field(default=1, alias="the_alias")

    assert camelized(Written, Written().model_dump(mode="json"), "action")["the_alias"] == 1
    assert decamelized(Written, {"action": "written", "byAlias": 1}, "action")["by_alias"] == 1


def test_names_that_would_clash_stay() -> None:
    class Clash(BaseMessage):
        model_config = ConfigDict(extra="allow")
        action: Literal["clash"] = "clash"
        payload: int = 1
        one_two: int = 1
        oneTwo: int = 2
        a__b: int = 3
        a_b: int = 4
        user_id: int = 5

    content = Clash.model_validate({"userId": "the user's own"}).model_dump(mode="json")
    sent = camelized(Clash, content, "action")
    assert sent == content
    assert decamelized(Clash, sent, "action") == content


def test_the_place_of_a_problem_is_named_as_the_client_names_it() -> None:
    assert camelized_loc(DoIt, ["payload", "tree_node", "sub_nodes", 0, "inner_key"]) == [
        "payload",
        "treeNode",
        "subNodes",
        0,
        "innerKey",
    ]
    assert camelized_loc(DoIt, ["payload", "by_name", "the_key", "inner_key"])[2:] == ["the_key", "innerKey"]
    assert camelized_loc(DoIt, ["payload", "the_shape", "square", "side_length"])[1:] == [
        "theShape",
        "square",
        "sideLength",
    ]
    assert camelized_loc(DoIt, ["payload", "either_way", "Circle", "the_radius"])[-1] == "theRadius"
    assert camelized_loc(DoIt, ["payload", "user_data", "snake_key"]) == ["payload", "userData", "snake_key"]


@pytest.mark.parametrize(
    ("name", "camel"),
    [
        ("user_name", "userName"),
        ("line_1", "line1"),
        ("_private_key", "_privateKey"),
        ("UserName", "userName"),
        ("HTTPPort", "HTTPPort"),
        ("URL", "URL"),
        ("already", "already"),
        ("a__b", "aB"),
        ("trailing_", "trailing_"),
    ],
)
def test_camel_case(name: str, camel: str) -> None:
    assert camel_case(name) == camel
