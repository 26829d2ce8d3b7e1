"""Unions, types that contain themselves, and the rarer places of names of fields."""

from enum import Enum
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, RootModel, computed_field
from pydantic.alias_generators import to_camel
from typing_extensions import TypeAliasType

from chanx.core.camelize import camelized, camelized_by, camelized_loc, decamelized, packed_names
from chanx.messages.base import BaseMessage

Item = TypeVar("Item")


class Leaf(BaseModel):
    leaf_value: int = 0


class Left(BaseModel):
    to_right: "Right | None" = None
    many_of_them: list["Left | Right"] = []


class Right(BaseModel):
    to_left: Left | None = None


ListsOrLeaf: Any = TypeAliasType("ListsOrLeaf", "Leaf | list[DictsOrLists]")
DictsOrLists: Any = TypeAliasType("DictsOrLists", "ListsOrLeaf | dict[str, ListsOrLeaf]")
Each: Any = TypeAliasType("Each", "Other | Leaf")
Other: Any = TypeAliasType("Other", "Each | list[Each]")
Json: Any = TypeAliasType("Json", "dict[str, Json] | list[Json] | Leaf")
Sides: Any = TypeAliasType("Sides", "Left | Right | list[Sides]")


def message_of(payload_type: Any) -> type[BaseMessage]:
    class Message(BaseMessage):
        action: Literal["message"] = "message"
        payload: payload_type

    return Message


def both_ways(payload_type: Any, plain: Any) -> Any:
    """The payload in camelCase, the same to those that do not know its type; the way back leads to what it was."""
    model = message_of(payload_type)
    content = {"action": "message", "payload": plain}
    sent = camelized(model, content, "action")
    names = packed_names(model)
    assert sent == (content if names is None else camelized_by(names, content, "action"))
    assert decamelized(model, sent, "action") == content
    return sent["payload"]


@pytest.mark.parametrize(
    ("payload_type", "plain", "camel"),
    [
        (
            ListsOrLeaf,
            [[{"leaf_value": 1}], {"user_key": {"leaf_value": 2}}],
            [[{"leafValue": 1}], {"user_key": {"leafValue": 2}}],
        ),
        (
            DictsOrLists,
            {"user_key": [{"leaf_value": 1}, {"a_b": {"leaf_value": 2}}]},
            {"user_key": [{"leafValue": 1}, {"a_b": {"leafValue": 2}}]},
        ),
        (Each, [{"leaf_value": 1}], [{"leafValue": 1}]),
        (Other, {"leaf_value": 1}, {"leafValue": 1}),
        (Json, {"a_b": [{"leaf_value": 1}, {"c_d": []}]}, {"a_b": [{"leafValue": 1}, {"c_d": []}]}),
        (
            Sides,
            [{"to_left": {"to_right": None, "many_of_them": [{"to_left": None}]}}, []],
            [{"toLeft": {"toRight": None, "manyOfThem": [{"toLeft": None}]}}, []],
        ),
        (Left, {"to_right": {"to_left": {"to_right": None}}}, {"toRight": {"toLeft": {"toRight": None}}}),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_types_that_contain_themselves_and_each_other(payload_type: Any, plain: Any, camel: Any) -> None:
    assert both_ways(payload_type, plain) == camel


def test_the_place_of_a_problem_in_such_a_type() -> None:
    path = ["payload", 0, "leaf_value"]
    for payload_type in (Each, Other):
        assert camelized_loc(message_of(payload_type), path) == ["payload", 0, "leafValue"]
    path = ["payload", "dict[str,...]", "user_key", "Leaf", "leaf_value"]
    assert camelized_loc(message_of(Json), path) == [*path[:-1], "leafValue"]


class Stored(BaseModel):
    kind: Literal["stored"] = "stored"
    the_data: Leaf = Leaf()


class Free(BaseModel):
    kind: Literal["free"] = "free"
    the_data: dict[str, Any] = {}


class Named(BaseModel):
    user_name: str


class NamedInCamel(BaseModel):
    model_config = ConfigDict(extra="allow")
    userName: str
    more: int


@pytest.mark.parametrize("union", [Stored | Free, Free | Stored])
def test_a_literal_tells_the_types_of_a_union_apart(union: Any) -> None:
    data = {"leaf_value": 1, "leafValue": 2}
    assert both_ways(union, {"kind": "free", "the_data": data}) == {"kind": "free", "theData": data}
    assert both_ways(union, {"kind": "stored", "the_data": {"leaf_value": 1}})["theData"] == {"leafValue": 1}


@pytest.mark.parametrize("union", [Named | NamedInCamel, NamedInCamel | Named])
def test_a_type_without_anything_to_rename_counts_in_a_union_too(union: Any) -> None:
    assert both_ways(union, {"userName": "a", "more": 1}) == {"userName": "a", "more": 1}
    assert both_ways(union, {"user_name": "a"}) == {"userName": "a"}


@pytest.mark.parametrize("union", [Leaf | dict[str, Any], dict[str, int] | Leaf, Leaf | Any])
def test_a_dict_in_a_union_is_user_data(union: Any) -> None:
    assert both_ways(union, {"snake_key": 1, "leaf_values": 2}) == {"snake_key": 1, "leaf_values": 2}
    assert both_ways(union, {"leaf_value": 1}) == {"leafValue": 1}


class Pair(NamedTuple):
    the_number: int
    a_leaf: Leaf


class Box(BaseModel, Generic[Item]):
    the_item: Item
    own_keys: dict[str, Item] = {}


class Leaves(RootModel[list[Leaf]]):
    pass


@pytest.mark.parametrize(
    ("payload_type", "plain", "camel"),
    [
        (Pair, [1, {"leaf_value": 1}], [1, {"leafValue": 1}]),
        (
            Box[Leaf],
            {"the_item": {"leaf_value": 1}, "own_keys": {"a_b": {"leaf_value": 1}}},
            {"theItem": {"leafValue": 1}, "ownKeys": {"a_b": {"leafValue": 1}}},
        ),
        (Box[dict[str, int]], {"the_item": {"leaf_value": 1}}, {"theItem": {"leaf_value": 1}}),
        (Leaves, [{"leaf_value": 1}], [{"leafValue": 1}]),
        (tuple[Leaf, ...], [{"leaf_value": 1}], [{"leafValue": 1}]),
        (tuple[int, Leaf] | None, [1, {"leaf_value": 1}], [1, {"leafValue": 1}]),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_places_of_names(payload_type: Any, plain: Any, camel: Any) -> None:
    assert both_ways(payload_type, plain) == camel


def test_a_named_tuple_is_read_as_an_object_too() -> None:
    received = decamelized(
        message_of(Pair), {"action": "message", "payload": {"theNumber": 1, "aLeaf": {"leafValue": 1}}}, "action"
    )
    assert received["payload"] == {"the_number": 1, "a_leaf": {"leaf_value": 1}}


def test_keys_of_several_aliases_are_taken_each() -> None:
    class Several(BaseModel):
        the_leaf: Leaf = Field(validation_alias=AliasChoices("a_leaf", "one_leaf", AliasPath("all_leaves", 0)))

    model = message_of(Several)
    for key in ("a_leaf", "one_leaf"):
        received = decamelized(model, {"action": "message", "payload": {key: {"leafValue": 1}}}, "action")
        assert received["payload"] == {key: {"leaf_value": 1}}
    received = decamelized(model, {"action": "message", "payload": {"theLeaf": {"leafValue": 1}}}, "action")
    assert received["payload"] == {"a_leaf": {"leaf_value": 1}}


def test_a_field_that_is_not_written_is_not_missed_in_a_union() -> None:
    class Secretive(BaseModel):
        user_name: str
        pass_word: str = Field(exclude=True)

    model = message_of(Secretive | Leaf)
    message: Any = model.model_validate({"payload": {"user_name": "a", "pass_word": "b"}, "action": "message"})

    assert camelized(model, message.model_dump(mode="json"), "action")["payload"] == {"userName": "a"}


def test_a_computed_field_with_an_alias_that_is_written() -> None:
    class Computing(BaseModel):
        model_config = ConfigDict(serialize_by_alias=True)

        @computed_field(alias="the_leaf")
        def some_leaf(self) -> Leaf:
            return Leaf()

    model = message_of(Computing)
    content = model.model_validate({"action": "message", "payload": {}}).model_dump(mode="json")

    assert camelized(model, content, "action")["payload"] == {"the_leaf": {"leafValue": 0}}


@pytest.mark.parametrize("by_name", [True, False])
def test_a_model_with_camel_case_aliases_of_its_own(by_name: bool) -> None:
    class Own(BaseModel):
        model_config = ConfigDict(alias_generator=to_camel, populate_by_name=by_name)
        user_name: str
        a_leaf: Leaf

    model = message_of(Own)
    received = {"action": "message", "payload": {"userName": "a", "aLeaf": {"leafValue": 1}}}
    message: Any = model.model_validate(decamelized(model, received, "action"))

    assert (message.payload.user_name, message.payload.a_leaf) == ("a", Leaf(leaf_value=1))
    assert camelized(model, message.model_dump(mode="json"), "action") == received


def test_of_two_spellings_of_one_name_pythons_counts() -> None:
    received = decamelized(
        message_of(Leaf), {"action": "message", "payload": {"leafValue": 1, "leaf_value": 2}}, "action"
    )
    assert Leaf.model_validate(received["payload"]) == Leaf(leaf_value=2)


def test_names_are_packed_once_per_type_and_only_where_there_are_any() -> None:
    class Nested(BaseModel):
        others: list["Nested"] = []
        data: dict[str, Any] = {"snake_key": 1}

    assert packed_names(message_of(Nested)) is None
    assert (
        packed_names(message_of(Leaf | bytes))
        == '[["fields",{},{"payload":1}],["fields",{"leaf_value":"leafValue"},{}]]'
    )


def test_literals_of_every_kind_are_packed() -> None:
    class Kind(Enum):
        ONE = "one"

    class One(BaseModel):
        kind: Literal[Kind.ONE, b"bytes", 1, True, None] = Kind.ONE
        one_name: int = 1

    assert both_ways(One | Leaf, {"kind": "bytes", "one_name": 1}) == {"kind": "bytes", "oneName": 1}
    assert both_ways(One | dict[str, int], {"kind": 7, "one_name": 1}) == {"kind": 7, "one_name": 1}
