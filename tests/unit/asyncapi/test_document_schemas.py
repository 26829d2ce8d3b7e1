"""The schemas of a document: each class once, under names of their own, as Pydantic describes it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, computed_field, create_model
from typing_extensions import TypedDict

from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.routing.discovery import RouteInfo
from tests.unit.asyncapi.document_consumers import Color, Inner, consumer, message, schemas

Item = TypeVar("Item")

OTHER_ENUM: Any = Enum  # mypy wants names of functional enumerations to be those of their variables
REF = "#/components/schemas/"


class Entry(TypedDict):
    name: str


@dataclass
class Point:
    x: int


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Node(BaseModel):
    children: "list[Node]" = []


class Page(BaseModel, Generic[Item]):
    items: list[Item]


class TestReferences:
    def test_of_each_kind_of_class(self) -> None:
        found = schemas(consumer(message(tuple[Inner, Entry, Point, Node])))
        assert list(found) == ["Color", "Entry", "Inner", "Message", "Node", "Point"]
        assert found["Inner"] == {
            "description": "What is inside.",
            "properties": {
                "color": {"$ref": REF + "Color"},
                "amount": {"default": 1, "minimum": 1, "title": "Amount", "type": "integer"},
            },
            "required": ["color"],
            "title": "Inner",
            "type": "object",
        }
        assert found["Node"]["properties"]["children"]["items"] == {"$ref": REF + "Node"}
        assert found["Message"]["properties"]["payload"]["prefixItems"][1] == {"$ref": REF + "Entry"}

    @pytest.mark.parametrize("field", [Field(), Field(description="x"), Field(title="y"), Field(examples=[1])])
    def test_a_field_that_is_a_model_is_a_bare_reference(self, field: Any) -> None:
        holder = create_model("Holder", inner=(Annotated[Inner, field], Inner(color=Color.RED)))
        assert schemas(consumer(message(holder)))["Holder"]["properties"]["inner"] == {"$ref": REF + "Inner"}

    def test_what_is_said_beside_another_reference_keeps_its_meaning(self) -> None:
        class Holder(BaseModel):
            color: Annotated[Color, Field(description="Of the wall")] = Color.RED

        assert schemas(consumer(message(Holder)))["Holder"]["properties"]["color"] == {
            "allOf": [{"$ref": REF + "Color"}],
            "default": "red",
            "description": "Of the wall",
        }

    def test_defaults_and_examples_are_no_schemas(self) -> None:
        like_a_schema = {"$ref": "x", "title": "y"}
        holder = create_model("Holder", data=(dict[str, str], Field(like_a_schema, examples=[like_a_schema])))
        found = schemas(consumer(message(holder)))["Holder"]["properties"]["data"]
        assert (found["default"], found["examples"]) == (like_a_schema, [like_a_schema])

    @pytest.mark.parametrize(
        ("key", "sent"),
        [(Color.RED, "red"), (UUID(int=5), str(UUID(int=5))), (date(2024, 2, 29), "2024-02-29"), (7, "7")],
    )
    def test_a_default_has_the_keys_that_are_sent(self, key: Any, sent: str) -> None:
        holder = create_model("Holder", data=(dict[Any, list[Any]], {key: [{key: 1}]}))
        found = schemas(consumer(message(holder)))["Holder"]["properties"]["data"]
        assert found["default"] == {sent: [{sent: 1}]}

    def test_the_members_of_a_union_that_is_told_apart(self) -> None:
        found = schemas(consumer(message(Annotated[Cat | Dog, Field(discriminator="kind")])))
        union = found["Message"]["properties"]["payload"]
        assert union["oneOf"] == [{"$ref": REF + "Cat"}, {"$ref": REF + "Dog"}]
        assert union["discriminator"] == "kind"  # AsyncAPI's form: the official parser refuses OpenAPI's object

    def test_the_names_of_generic_models(self) -> None:
        found = schemas(consumer(message(Page[Inner] | Page[list[int]] | Page[Page[Inner]])))
        assert {name for name in found if name.startswith("Page")} == {"PageInner", "PageListInt", "PagePageInner"}
        assert found["PageInner"]["title"] == "Page[Inner]"

    def test_names_without_letters_that_keys_may_have(self) -> None:
        found = schemas(consumer(message(int, "日本"), message(str, "東京")))
        assert list(found) == ["Model", "SomeModel"]
        assert found["Model"]["title"] == "日本"


class TestEqualNames:
    def test_the_second_class_has_its_consumers_name_before_it(self) -> None:
        first, second = message(int, "Chat"), message(str, "Chat")
        routes = [
            RouteInfo("/a", None, "ws://localhost", consumer(first, name="RoomConsumer")),
            RouteInfo("/b", None, "ws://localhost", consumer(second, name="LobbyConsumer")),
        ]
        document = AsyncAPIGenerator(routes).generate()
        found = document["components"]["schemas"]
        assert [(name, found[name]["title"]) for name in found] == [("Chat", "Chat"), ("LobbyChat", "LobbyChat")]
        assert document["components"]["messages"] == {
            "chat": {"payload": {"$ref": REF + "Chat"}},
            "lobby_chat": {"payload": {"$ref": REF + "LobbyChat"}},
        }
        assert list(document["channels"]["lobby"]["messages"]) == ["lobby_chat"]

    def test_classes_stay_apart_even_if_they_look_the_same(self) -> None:
        first, second = (consumer(message(int, "Chat"), name=f"{name}Consumer") for name in ("A", "B"))
        assert list(schemas(first, second)) == ["BChat", "Chat"]

    def test_a_class_that_two_consumers_have_is_one(self) -> None:
        shared = message(Inner)
        assert list(schemas(consumer(shared, name="A"), consumer(shared, name="B"))) == ["Color", "Inner", "Message"]

    def test_nested_classes_too(self) -> None:
        other_inner: Any = create_model("Inner", x=(int, ...))
        other_color: Any = OTHER_ENUM("Color", {"X": "x"})
        other = create_model("Holder", inner=(other_inner, ...), color=(other_color, ...))
        found = schemas(consumer(message(Inner)), consumer(message(other, "Other"), name="OtherConsumer"))
        assert list(found) == ["Color", "Holder", "Inner", "Message", "Other", "OtherColor", "OtherInner"]
        assert found["Holder"]["properties"] == {
            "inner": {"$ref": REF + "OtherInner"},
            "color": {"$ref": REF + "OtherColor"},
        }
        assert found["OtherColor"]["title"] == "OtherColor"

    def test_three_in_one_consumer(self) -> None:
        inner = [create_model("Inner", **{name: (int, ...)}) for name in "abc"]  # type: ignore[call-overload]
        found = schemas(consumer(message(tuple[inner[0], inner[1], inner[2]])))  # type: ignore[valid-type]
        assert [name for name in found if "Inner" in name] == ["Inner", "SomeInner", "SomeInner2"]


class TestDirections:
    def test_a_simple_model_is_the_same_both_ways(self) -> None:
        both = message(Inner)
        assert list(schemas(consumer(both, both))) == ["Color", "Inner", "Message"]

    @pytest.mark.parametrize("server_first", [False, True])
    def test_what_the_server_sends_differently_is_output(self, server_first: bool) -> None:
        class Money(BaseModel):
            amount: Decimal

        both = message(Money)
        consumers = [consumer(taken=both, name="AConsumer"), consumer(sent=both, name="BConsumer")]
        found = schemas(*(reversed(consumers) if server_first else consumers))
        assert list(found) == ["Message", "MessageOutput", "Money", "MoneyOutput"]
        assert found["MoneyOutput"]["properties"]["amount"]["type"] == "string"
        assert found["MessageOutput"]["properties"]["payload"] == {"$ref": REF + "MoneyOutput"}
        assert found["MoneyOutput"]["title"] == "MoneyOutput"

    def test_such_a_message_is_two_messages(self) -> None:
        class Money(BaseModel):
            amount: Decimal

        both = message(Money)
        document = AsyncAPIGenerator([RouteInfo("/", None, "ws://localhost", consumer(both, both))]).generate()
        assert list(document["channels"]["some"]["messages"]) == ["message", "message_output"]
        assert document["operations"]["event"]["messages"] == [{"$ref": "#/channels/some/messages/message_output"}]

    def test_only_sent_it_has_the_class_name(self) -> None:
        class Money(BaseModel):
            amount: Decimal

        assert list(schemas(consumer(sent=message(Money)))) == ["Message", "Money"]

    def test_required_is_as_for_the_client(self) -> None:
        class Strict(BaseModel):
            model_config = ConfigDict(json_schema_serialization_defaults_required=True)
            given: int
            default: int = 1

            @computed_field
            def double(self) -> int:
                return 2

        found = schemas(consumer(sent=message(Strict)))["Strict"]
        assert (list(found["properties"]), found["required"]) == (["given", "default", "double"], ["given", "double"])

    def test_what_is_excluded_is_not_sent(self) -> None:
        class Secretive(BaseModel):
            secret: Annotated[str, Field(exclude=True)]
            told: str

        both = message(Secretive)
        found = schemas(consumer(both, both))
        assert list(found["Secretive"]["properties"]) == ["secret", "told"]
        assert list(found["SecretiveOutput"]["properties"]) == ["told"]

    def test_what_may_be_excluded_has_no_default(self) -> None:
        """For what has one is always there, to who reads what the server sends."""

        class Sparing(BaseModel):
            told: Annotated[int, Field(exclude_if=lambda value: value == 1)] = 1

        both = message(Sparing)
        found = schemas(consumer(both, both))
        assert found["Sparing"]["properties"]["told"] == {"default": 1, "title": "Told", "type": "integer"}
        assert found["SparingOutput"]["properties"]["told"] == {"title": "Told", "type": "integer"}
        assert "required" not in found["SparingOutput"]

    def test_the_names_are_those_on_the_wire(self) -> None:
        """An alias is taken; it is written only where the model's configuration says so."""

        class Taken(BaseModel):
            name: Annotated[str, Field(alias="theName")]

        class Written(Taken):
            model_config = ConfigDict(serialize_by_alias=True)

        class Both(Taken):
            model_config = ConfigDict(populate_by_name=True)

        for model, taken, sent in [(Taken, "theName", "name"), (Written, "theName", "theName"), (Both, "name", "name")]:
            assert list(schemas(consumer(message(model)))[model.__name__]["properties"]) == [taken]
            assert list(schemas(consumer(sent=message(model)))[model.__name__]["properties"]) == [sent]
