"""Another key than ``action`` tells messages apart: on the class, and for a whole project."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import ValidationError

from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import event_handler, ws_handler
from chanx.core.topic import Topic
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.messages.base import BaseChannelEvent, BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.unit.conftest import Connect


class Say(BaseMessage):
    """Has the field of the consumers below."""

    type: Literal["say"] = "say"
    payload: str


class Both(BaseMessage):
    action: Literal["both"] = "both"
    type: Literal["both_type"] = "both_type"
    payload: None = None


class Shout(BaseMessage):
    """Has an action only, and is strict: nothing but the key may change for it."""

    model_config = {"extra": "forbid", "strict": True}

    action: Literal["shout", "yell"]
    payload: tuple[int, ...]


class Joined(BaseChannelEvent):
    handler: Literal["joined"] = "joined"
    payload: str


class Room(Topic):
    pattern = "room:{id}"
    passthrough_events = [Shout]

    @ws_handler
    async def say(self, message: Say) -> Say:
        return message


class Typed:
    """The handlers, for consumers that differ in where the key comes from."""

    groups = ["hall"]
    topics = [Room]
    passthrough_events = [Shout]

    @ws_handler
    async def ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()

    @ws_handler
    async def say(self, message: Say) -> Say:
        return message

    @ws_handler
    async def both(self, message: Both) -> Both:
        return message

    @ws_handler
    async def shout(self: Any, message: Shout) -> Shout:
        await self.broadcast_message(message)
        return message

    @event_handler
    async def said(self, event: Say) -> Say:
        return event

    @event_handler(output_type=Say)
    async def joined(self, event: Joined) -> Say:
        return Say(payload=event.payload)


class TypedConsumer(Typed, AsyncJsonWebsocketConsumer):
    discriminator_field = "type"
    send_completion = True


class ProjectConsumer(Typed, AsyncJsonWebsocketConsumer):
    send_completion = True


@pytest.fixture(params=["class", "project"])
def consumer(request: pytest.FixtureRequest, settings: Any) -> Any:
    if request.param == "class":
        return TypedConsumer
    settings.CHANX = {"MESSAGE_ACTION_KEY": "type"}
    return ProjectConsumer


async def test_every_frame_has_that_key_and_no_other(connect: Connect, consumer: Any) -> None:
    # Given
    client = await connect(consumer)

    # When
    await client.send({"type": "ping"})
    await client.send({"type": "say", "payload": "a"})
    await client.send({"type": "both_type"})

    # Then
    assert await client.frames(6) == [
        {"type": "pong", "payload": None},
        {"type": "complete", "payload": None},
        {"type": "say", "payload": "a"},
        {"type": "complete", "payload": None},
        {"type": "both_type", "action": "both", "payload": None},
        {"type": "complete", "payload": None},
    ]


async def test_a_message_that_has_no_such_field_loses_nothing_but_its_key(connect: Connect, consumer: Any) -> None:
    client = await connect(consumer)

    await client.send({"type": "yell", "payload": [1]})

    broadcast_or_answer = {"type": "yell", "payload": [1]}
    frames = await client.frames(4)
    assert sorted(map(str, frames)) == sorted(
        map(
            str,
            [
                broadcast_or_answer,
                broadcast_or_answer,
                {"type": "complete", "payload": None},
                {"type": "group_complete", "payload": None},
            ],
        )
    )


@pytest.mark.parametrize(
    ("frame", "kind", "loc"),
    [
        ({"action": "ping"}, "union_tag_not_found", []),
        ({"type": "nothing"}, "union_tag_invalid", []),
        ({"type": "say", "payload": 1}, "string_type", ["say", "payload"]),
        ({"type": "yell", "payload": [1], "more": 1}, "extra_forbidden", ["yell", "more"]),
    ],
)
async def test_errors_have_it_too(connect: Connect, consumer: Any, frame: Any, kind: str, loc: list[str]) -> None:
    client = await connect(consumer)

    await client.send(frame)

    error = await client.frame()
    assert error["type"] == "error"
    assert [(part["type"], part["loc"]) for part in error["payload"]] == [(kind, loc)]


async def test_events_of_each_kind_arrive(connect: Connect, consumer: Any) -> None:
    client = await connect(consumer)

    await consumer.broadcast_event(Say(payload="a"))
    await consumer.broadcast_event(Joined(payload="b"))
    await consumer.broadcast_event(Shout(action="yell", payload=(1, 2)))

    done = {"type": "event_complete", "payload": None}
    assert await client.frames(6) == [
        {"type": "say", "payload": "a"},
        done,
        {"type": "say", "payload": "b"},
        done,
        {"type": "yell", "payload": [1, 2]},
        done,
    ]


async def test_topics_follow_their_consumer(connect: Connect, consumer: Any) -> None:
    # Given
    client = await connect(consumer)
    envelope = {"version": 1, "topic": "room:1"}
    await client.send({"topic": "room:1", "type": "subscribe"})
    assert await client.frame() == {**envelope, "type": "subscribed", "payload": None}

    # When
    await client.send({"topic": "room:1", "ref": 1, "type": "say", "payload": "a"})

    # Then
    assert await client.frame() == {**envelope, "ref": 1, "type": "say", "payload": "a"}

    await Room.broadcast("room:1", Shout(action="shout", payload=(1,)))
    assert await client.frame() == {**envelope, "type": "shout", "payload": [1]}

    await client.send({"topic": "room:1", "type": "say", "payload": 1})
    error = await client.frame()
    assert (error["type"], error["payload"][0]["loc"]) == ("error", ["say", "payload"])

    await client.send({"topic": "room:1", "type": "unsubscribe"})
    assert await client.frame() == {**envelope, "type": "unsubscribed", "payload": None}


async def test_hooks_and_checks_know_the_key(connect: Connect) -> None:
    seen: list[str] = []

    class Failing(AsyncJsonWebsocketConsumer):
        discriminator_field = "type"

        @ws_handler
        async def both(self, message: Both) -> Both:
            await self.send_message(message, validate=True)
            await self.send_json({"type": "plain"})
            raise ValueError

        async def handle_message_handler_error(self, error: Exception, action: str, message: BaseMessage) -> None:
            seen.append(action)
            await super().handle_message_handler_error(error, action, message)

        async def receive_json(self, content: Any, **kwargs: Any) -> None:
            seen.append(content["type"])
            await super().receive_json(content)

    client = await connect(Failing)
    await client.send({"type": "both_type"})

    assert await client.frames(3) == [
        {"type": "both_type", "action": "both", "payload": None},
        {"type": "plain"},
        {"type": "error", "payload": {"detail": "Failed to process message for both_type"}},
    ]
    assert seen == ["both_type", "both_type"]


def test_the_adapters_of_a_class_follow_the_setting_at_once(settings: Any) -> None:
    settings.CHANX = {"MESSAGE_ACTION_KEY": "type"}
    adapter: Any = ProjectConsumer.incoming_message_adapter
    assert adapter.validate_python({"type": "ping"}) == PingMessage()
    assert ProjectConsumer.outgoing_message_adapter.validate_python({"type": "pong"}) == PongMessage()

    settings.CHANX = {}
    adapter = ProjectConsumer.incoming_message_adapter
    assert adapter.validate_python({"action": "ping"}) == PingMessage()
    with pytest.raises(ValidationError, match="Unable to extract tag using discriminator 'action'"):
        adapter.validate_python({"type": "ping"})


def test_each_discriminator_is_built_once(settings: Any) -> None:
    settings.CHANX = {"MESSAGE_ACTION_KEY": "type"}
    assert ProjectConsumer.incoming_event_adapter is ProjectConsumer.incoming_event_adapter


def test_two_methods_for_one_value_are_refused_when_the_class_is_created() -> None:
    class Other(BaseMessage):
        action: Literal["other"] = "other"
        type: Literal["both_type"] = "both_type"
        payload: None = None

    with pytest.raises(TypeError, match=r"two message handlers for action 'both_type': both\(\) and other\(\)"):

        class Wrong(ChanxWebsocketConsumerMixin):
            discriminator_field = "type"

            @ws_handler
            async def other(self, message: Other) -> None: ...

            @ws_handler
            async def both(self, message: Both) -> None: ...


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("payload", "a field of .* that is no Literal"),
        ("size", "'size' is a field of Sized that is no Literal"),
        ("topic", "a key of topic frames"),
    ],
)
def test_a_key_that_means_something_else_is_refused(field: str, text: str) -> None:
    class Sized(BaseMessage):
        action: Literal["sized"] = "sized"
        payload: None = None
        size: int = 1

    class Consumer(ChanxWebsocketConsumerMixin):
        @ws_handler
        async def sized(self, message: Sized) -> None: ...

    with pytest.raises(TypeError, match=text):
        type("Wrong", (Consumer,), {"discriminator_field": field})


async def test_the_key_can_be_that_of_channel_events_too(connect: Connect) -> None:
    class Handled(AsyncJsonWebsocketConsumer):
        discriminator_field = "handler"
        groups = ["hall"]

        @ws_handler
        async def ping(self, message: PingMessage) -> PongMessage:
            return PongMessage()

        @event_handler
        async def said(self, event: Say) -> Say:
            return event

        @event_handler
        async def shouted(self, event: Shout) -> Shout:
            return event

        @event_handler(output_type=Say)
        async def joined(self, event: Joined) -> Say:
            return Say(payload=event.payload)

    client = await connect(Handled)
    await client.send({"handler": "ping"})
    assert await client.frame() == {"handler": "pong", "payload": None}

    await Handled.broadcast_event(Say(payload="a"))
    await Handled.broadcast_event(Joined(payload="b"))
    await Handled.broadcast_event(Shout(action="yell", payload=(1,)))

    assert await client.frames(3) == [
        {"handler": "say", "payload": "a"},
        {"handler": "say", "payload": "b"},
        {"handler": "yell", "payload": [1]},
    ]


async def test_a_message_with_that_key_is_no_channel_event(connect: Connect) -> None:
    class ByHandler(BaseMessage):
        handler: Literal["by_handler"] = "by_handler"
        payload: None = None

    class Handled(AsyncJsonWebsocketConsumer):
        discriminator_field = "handler"
        groups = ["hall"]

        @event_handler
        async def by_handler(self, event: ByHandler) -> ByHandler:
            return event

        @event_handler(output_type=Say)
        async def joined(self, event: Joined) -> Say:
            return Say(payload=event.payload)

    client = await connect(Handled)
    await Handled.broadcast_event(ByHandler())
    await Handled.broadcast_event(Joined(payload="b"))

    assert await client.frames(2) == [{"handler": "by_handler", "payload": None}, {"handler": "say", "payload": "b"}]
