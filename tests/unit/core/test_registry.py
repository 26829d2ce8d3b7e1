"""The registry of a document's messages."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model

from chanx.core.registry import MessageRegistry, Wire, parts
from chanx.errors import DescriptionError
from chanx.messages.base import BaseMessage


class Inner(BaseModel):
    some_name: int


class First(BaseMessage):
    action: Literal["first"] = "first"
    payload: Inner


class HTTPSecond(BaseMessage):
    action: Literal["second"] = "second"
    payload: None = None


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class PetMessage(BaseMessage):
    action: Literal["pet"] = "pet"
    payload: Annotated[Cat | Dog, Field(discriminator="kind")]


class Other:
    class First(BaseMessage):
        action: Literal["first"] = "first"
        payload: str


def test_a_type_has_a_message_and_a_schema() -> None:
    registry = MessageRegistry()
    registry.add(First, "Chat")
    assert registry.schemas == {First: "#/components/schemas/First"}
    assert registry.messages == {First: "#/components/messages/first"}
    assert registry.message_objects == {"first": {"payload": {"$ref": "#/components/schemas/First"}}}
    assert list(registry.schema_objects) == ["First", "Inner"]
    assert registry.schema_objects["First"]["properties"]["payload"] == {"$ref": "#/components/schemas/Inner"}
    assert registry.consumer_messages == {"Chat": {"first": "#/components/messages/first"}}


@pytest.mark.parametrize(
    "types",
    [First | HTTPSecond, [First, HTTPSecond], (HTTPSecond, First), First | HTTPSecond | None, [First | HTTPSecond]],
)
def test_several_at_once(types: Any) -> None:
    registry = MessageRegistry()
    registry.add(types, "Chat")
    assert registry.consumer_messages == {
        "Chat": {"first": "#/components/messages/first", "http_second": "#/components/messages/http_second"}
    }


@pytest.mark.parametrize("nothing", [None, type(None), [], ()])
def test_nothing(nothing: Any) -> None:
    registry = MessageRegistry()
    assert registry.add(nothing, "Chat") == []
    assert (registry.messages, registry.schema_objects) == ({}, {})
    assert parts(nothing) == []


def test_the_second_class_of_a_name_has_its_consumers_before_it() -> None:
    registry = MessageRegistry()
    registry.add(First, "Chat")
    registry.add(Other.First, "Lobby")
    assert registry.messages[Other.First] == "#/components/messages/lobby_first"
    assert registry.schemas[Other.First] == "#/components/schemas/LobbyFirst"
    assert registry.schema_objects["LobbyFirst"]["title"] == "LobbyFirst"
    assert registry.consumer_messages == {
        "Chat": {"first": "#/components/messages/first"},
        "Lobby": {"lobby_first": "#/components/messages/lobby_first"},
    }


def test_two_registries_share_nothing() -> None:
    one, other = MessageRegistry(), MessageRegistry()
    one.add(First, "Chat")
    other.add(Other.First, "Lobby")
    assert other.messages == {Other.First: "#/components/messages/first"}


def test_the_same_again_changes_nothing() -> None:
    registry = MessageRegistry()
    first = registry.add(First, "Chat")
    assert registry.add(First, "Chat") == first
    assert list(registry.messages) == [First]


def test_two_names_with_one_key() -> None:
    registry = MessageRegistry()
    registry.add([HTTPSecond, create_model("HttpSecond", __base__=HTTPSecond)], "Chat")
    assert list(registry.message_objects) == ["chat_http_second", "http_second"]


def test_a_type_in_two_forms_is_known_by_the_first() -> None:
    registry = MessageRegistry()
    registry.add(First, "Chat")
    registry.add(First, "Lobby", Wire("in", camelize=True))
    assert registry.schemas == {First: "#/components/schemas/First"}
    assert list(registry.schema_objects) == ["First", "Inner", "LobbyFirst", "LobbyInner"]
    assert list(registry.schema_objects["LobbyInner"]["properties"]) == ["someName"]


def test_keys_in_camel_case() -> None:
    registry = MessageRegistry(camelize=True)
    registry.add(HTTPSecond, "Chat")
    assert list(registry.message_objects) == ["httpSecond"]


def test_the_key_may_be_given() -> None:
    registry = MessageRegistry()
    (entry,) = registry.add(First, "Chat", key="the_first")
    assert registry.message_key(entry) == "the_first"


def test_the_union_in_a_schema_says_which_value_is_which() -> None:
    """As Pydantic has it: a document puts it into AsyncAPI's form."""
    registry = MessageRegistry()
    registry.add(PetMessage, "Chat")
    assert registry.schema_objects["PetMessage"]["properties"]["payload"]["discriminator"] == {
        "propertyName": "kind",
        "mapping": {"cat": "#/components/schemas/Cat", "dog": "#/components/schemas/Dog"},
    }


def test_what_has_no_schema() -> None:
    class Bad(BaseMessage):
        action: Literal["bad"] = "bad"
        payload: Callable[[], int]

    with pytest.raises(DescriptionError, match=r"Chat: Bad\.payload has no JSON schema \(.*\)\. Give the field a type"):
        MessageRegistry().add(Bad, "Chat")
