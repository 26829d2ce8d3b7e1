"""Messages of a generated client: told apart by their discriminator, read, and sent."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError

from chanx.client_generator.base import RESERVED_NAMES, ProtocolMessage, ProtocolModel, UnknownMessage
from chanx.client_generator.base.messages import MessageTypes, decoded, frame_of


class Dog(ProtocolModel):
    kind: Literal["dog"] = "dog"
    name: str | None = None
    toys: list[str] = Field(default_factory=list[str])


Kind = Field(validation_alias="messageType", serialization_alias="messageType")


class Adopt(ProtocolMessage):
    message_type: Annotated[Literal["adopt"], Kind] = "adopt"
    payload: Dog


class Feed(ProtocolMessage):
    message_type: Literal["feed", "feed_twice"] = Field(alias="messageType")


class Other(ProtocolMessage):
    message_type: Literal["feed"] = Field("feed", alias="messageType")
    payload: int


class Event(ProtocolMessage):
    action: Literal["event"] = "event"


def test_types_are_told_apart_by_any_key() -> None:
    types: MessageTypes[Any] = MessageTypes((Adopt, Other, Feed, Event), "messageType")

    assert types.read({"messageType": "adopt", "payload": {"kind": "dog"}}) == Adopt(payload=Dog())
    assert isinstance(types.read({"messageType": "feed"}), Feed)
    assert isinstance(types.read({"messageType": "feed", "payload": 1}), Other)
    assert isinstance(types.read({"messageType": "feed_twice", "payload": 1}), Feed)
    assert types.read({"messageType": "event"}) == Event()  # of a job: written with `action`, whatever the consumer has
    unknown = types.read({"messageType": "new", "x": 1})
    assert unknown == UnknownMessage(action="new", content={"messageType": "new", "x": 1})
    assert isinstance(types.read({"messageType": ["feed"]}), UnknownMessage)
    with pytest.raises(ValidationError):
        types.read({"messageType": "adopt", "payload": 1})


def test_a_type_that_cannot_be_told_apart() -> None:
    class Vague(BaseModel):
        action: str

    with pytest.raises(TypeError, match="Vague needs a field 'action' that is a Literal"):
        MessageTypes((Vague,))


def test_what_was_not_set_is_left_out_and_literals_are_not() -> None:
    assert frame_of(Adopt(payload=Dog())) == {"messageType": "adopt", "payload": {"kind": "dog", "toys": []}}
    named = frame_of(Adopt(payload=Dog(name=None)))
    assert named == {"messageType": "adopt", "payload": {"kind": "dog", "name": None, "toys": []}}


def test_frames_that_are_none() -> None:
    assert [decoded(text) for text in ("", "x", "[]", "1", "null", '"a"', '{"a": 1', b"\xff")] == [None] * 8
    assert decoded('{"a": 1}') == decoded(b'{"a": 1}') == {"a": 1}


def test_names_that_generated_methods_cannot_have() -> None:
    assert {"send_message", "subscribe", "close", "on", "result", "model_dump", "headers"} - RESERVED_NAMES == {
        "headers"
    }
