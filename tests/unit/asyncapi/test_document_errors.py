"""Schemas: what has none, and messages that are told apart by another key."""

import json
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, WithJsonSchema, create_model

from chanx.errors import DescriptionError
from chanx.messages.base import BaseMessage
from tests.unit.asyncapi.document_consumers import Inner, consumer, message, payload_of, schemas

LONE = "\ud800"
"""Half a character, which UTF-8 has no form for."""


def with_unit(unit: object) -> Any:
    """Options of a field whose schema says that, whatever it is."""

    def extra(schema: Any) -> None:
        schema["unit"] = unit

    return {"json_schema_extra": extra}


class TestNoSchema:
    @pytest.mark.parametrize(
        "kind", [Callable[[], int], list[Callable[[], int]], Callable[[], int] | None, dict[str, type]]
    )
    def test_says_where_and_what_to_do(self, kind: Any) -> None:
        holder = create_model("Holder", inner=(kind, ...))
        with pytest.raises(DescriptionError, match=r"Some: Message\.payload\.inner has no JSON schema.*WithJsonSchema"):
            schemas(consumer(message(holder)))

    def test_in_a_class_that_refers_to_itself(self) -> None:
        class Loop(BaseModel):
            again: "Loop | None"
            call: Callable[[], int]

        with pytest.raises(DescriptionError, match=r"Some: Message\.(payload\.)?(again\.)?call has no JSON schema"):
            schemas(consumer(message(Loop)))

    def test_the_fix_helps(self) -> None:
        kind = Annotated[Callable[[], int], WithJsonSchema({"type": "integer"})]
        assert payload_of(kind) == {"title": "Payload", "type": "integer"}

    def test_a_type_that_is_not_complete(self) -> None:
        class Later(BaseMessage):
            action: Literal["later"] = "later"
            payload: "NowhereDefined"  # type: ignore[name-defined] # noqa: F821

        with pytest.raises(DescriptionError, match=r"Some: Later is not complete .*NowhereDefined"):
            schemas(consumer(sent=Later))

    @pytest.mark.parametrize(
        "options", [{"default": LONE}, {"examples": [LONE]}, with_unit(object()), with_unit(float)]
    )
    def test_one_that_is_not_json(self, options: Any) -> None:
        """Given a default or an extra that JSON cannot say, When described, Then the message is named."""
        holder = create_model("Holder", text=(str, Field(**options)))
        with pytest.raises(DescriptionError, match=r"Some: Message has a schema that is not JSON .*json_schema_extra"):
            schemas(consumer(message(holder)))

    def test_one_with_values_that_json_has_other_forms_of(self) -> None:
        holder = create_model("Holder", day=(int, Field(**with_unit((date.min,)))))
        assert schemas(consumer(message(holder)))["Holder"]["properties"]["day"]["unit"] == ["0001-01-01"]


class TestDiscriminatorField:
    def test_the_value_stands_under_the_consumers_key(self) -> None:
        both = message(Inner)
        found = schemas(consumer(both, both, discriminator_field="kind"))
        assert list(found["Message"]["properties"]) == ["kind", "payload"]
        assert found["Message"]["properties"]["kind"]["const"] == "message"

    def test_two_consumers_with_different_keys_have_different_schemas(self) -> None:
        both = message(Inner)
        found = schemas(consumer(both), consumer(both, name="KindConsumer", discriminator_field="kind"))
        assert list(found) == ["Color", "Inner", "KindMessage", "Message"]

    @pytest.mark.parametrize("camelize", [False, True])
    @pytest.mark.parametrize("key", ["action", "message_kind", "other_key"])
    def test_a_message_with_another_field_in_its_place(self, key: str, camelize: bool) -> None:
        """On the wire it has the consumer's key, which is never camelCase."""

        class KindMessage(BaseMessage):
            message_kind: Literal["kind"]
            payload: int

        some = consumer(KindMessage, KindMessage, discriminator_field=key)
        found = schemas(some, camelize=camelize)["KindMessage"]
        assert set(found["properties"]) == set(found["required"]) == {key, "payload"}
        some.camelize = camelize
        frame = json.loads(some().encode(KindMessage(message_kind="kind", payload=1)))
        assert frame == {key: "kind", "payload": 1}

    def test_a_message_inside_of_another_has_its_own_key(self) -> None:
        inner = message(int, "InnerMessage")
        found = schemas(consumer(message(inner), discriminator_field="kind"))
        assert list(found["InnerMessage"]["properties"]) == ["action", "payload"]
