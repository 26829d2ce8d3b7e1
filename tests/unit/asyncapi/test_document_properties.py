"""For random types and data: frames are as the document says, in both directions."""

import copy
import json
from typing import Any, Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError, create_model

from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.core.decorators import ws_handler
from chanx.core.incoming import decamelized_json
from chanx.core.schema_walk import mapped
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.messages.base import BaseMessage
from chanx.routing.discovery import RouteInfo
from tests.unit.asyncapi.random_models import any_model
from tests.unit.core.camelize_forms import models, types

SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

KEYS = st.sampled_from(["action", "message_kind"])


def consumer_of(payload: Any, key: str, *, camelize: bool) -> Any:
    """A consumer that takes and sends a message of that payload, and what it is told apart by."""
    fields: dict[str, Any] = {"action": (Literal["the_message"], "the_message"), "payload": (payload, ...)}
    message = create_model("Message", __base__=BaseMessage, **fields)

    class RandomConsumer(ChanxWebsocketConsumerMixin[Any]):
        discriminator_field = key

        @ws_handler(input_type=message, output_type=message)
        async def handle(self, message: Any) -> None: ...

    RandomConsumer.camelize = camelize
    return RandomConsumer


def validators(consumer: Any) -> tuple[Draft202012Validator, Draft202012Validator]:
    """For what the client sends, and for what it is sent: of the second with the keys that are told of only."""
    document = AsyncAPIGenerator([RouteInfo("/", None, "ws://localhost", consumer)]).generate()
    operation = document["operations"]["handle"]
    text = json.dumps(document)
    assert "#/$defs/" not in text

    def validator(reference: str, schemas: Any) -> Draft202012Validator:
        payload = document["components"]["messages"][reference.rsplit("/", 1)[-1]]["payload"]
        schema = {**payload, "components": {"schemas": schemas}}
        Draft202012Validator.check_schema(schema)
        return Draft202012Validator(schema)

    taken, sent = operation["messages"], operation["reply"]["messages"]
    schemas = document["components"]["schemas"]
    closed = {name: mapped(schema, _closed) for name, schema in schemas.items()}
    return validator(taken[0]["$ref"], schemas), validator(sent[0]["$ref"], closed)


def _closed(schema: Any) -> Any:
    return {"additionalProperties": False, **schema} if "properties" in schema else schema


def takes(consumer: Any, frame: Any) -> bool:
    """Whether the consumer takes a client's frame."""
    data = json.dumps(frame)
    data = decamelized_json(consumer.handler_table, data) if consumer.camelize else data  # type: ignore[assignment]
    try:
        consumer.incoming_message_adapter.validate_json(data)
    except ValidationError:
        return False
    return True


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """A piece of JSON with something in it left out, replaced or added."""
    result = copy.deepcopy(value)
    holders: list[Any] = [[result]]
    for holder in holders:
        holders += [
            inner
            for inner in (holder.values() if isinstance(holder, dict) else holder)
            if isinstance(inner, dict | list)
        ]
    holder = draw(st.sampled_from([each for each in holders[1:] if each] or [[0]]))
    places = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    place = draw(st.sampled_from(places))
    if draw(st.booleans()):
        holder[place] = draw(st.sampled_from([None, 1, -3, "x", "", [], {}, True, 1.5]))
    else:
        del holder[place]
    if isinstance(holder, dict) and draw(st.booleans()):
        holder[draw(st.sampled_from(["more", "user_name", "userName"]))] = draw(st.sampled_from([None, 1, "x"]))
    return result


@SLOW
@given(st.data())
def test_what_is_sent_is_what_the_document_says(data: st.DataObject) -> None:
    # Given
    form = data.draw(models(types(2)))
    plain, _ = data.draw(form.pairs)
    key, camelize = data.draw(KEYS), data.draw(st.booleans())
    consumer = consumer_of(form.type, key, camelize=camelize)
    message = consumer.handler_table.inputs["the_message"]

    # When
    frame = json.loads(consumer().encode(message.model_validate({"action": "the_message", "payload": plain})))

    # Then
    taken, sent = validators(consumer)
    sent.validate(frame)

    # And a client may send the same
    assert takes(consumer, frame)
    taken.validate(frame)


@SLOW
@given(st.data())
def test_what_the_document_allows_is_taken(data: st.DataObject) -> None:
    # Given
    form = data.draw(models(types(2)))
    plain, camel = data.draw(form.pairs)
    key, camelize = data.draw(KEYS), data.draw(st.booleans())
    consumer = consumer_of(form.type, key, camelize=camelize)
    taken, _ = validators(consumer)

    # When
    frame = {key: "the_message", "payload": data.draw(changed(camel if camelize else plain))}

    # Then
    if taken.is_valid(frame):
        assert takes(consumer, frame)


@SLOW
@given(any_model, KEYS, st.booleans())
def test_every_model_has_a_document(model: Any, key: str, camelize: bool) -> None:
    """And both its schemas are valid."""
    validators(consumer_of(model, key, camelize=camelize))
