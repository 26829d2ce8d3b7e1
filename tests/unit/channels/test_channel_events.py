"""Events with a ``handler``, beside events that are messages; events that wait for a commit or are checked first."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction
from pydantic import BaseModel, ValidationError

from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import event_handler, ws_handler
from chanx.core.topic import Topic
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.errors import ConfigurationError
from chanx.layers import MemoryPublisher
from chanx.messages.base import BaseChannelEvent, BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.unit.conftest import Connect


class UserPayload(BaseModel):
    username: str


class UserJoinedEvent(BaseChannelEvent):
    handler: Literal["user_joined"] = "user_joined"
    payload: UserPayload


class UserLeftEvent(BaseChannelEvent):
    handler: Literal["user_left"] = "user_left"
    payload: None = None


class Notice(BaseMessage):
    """A message and an event, of the same value as an event with a handler."""

    action: Literal["user_joined"] = "user_joined"
    payload: str


class RoomConsumer(AsyncJsonWebsocketConsumer[UserJoinedEvent]):
    groups = ["room"]
    send_completion = True

    @ws_handler
    async def ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()

    @event_handler(output_type=Notice)
    async def user_joined(self, event: UserJoinedEvent) -> Notice:
        return Notice(payload=f"{event.payload.username} joined the room")


class BothKinds(RoomConsumer):
    @event_handler
    async def another_name(self, event: UserLeftEvent) -> Notice:
        raise ValueError("private")

    @event_handler
    async def notice(self, event: Notice) -> Notice:
        return event


JOINED = UserJoinedEvent(payload=UserPayload(username="Ada"))
JOINED_FRAMES = [
    {"action": "user_joined", "payload": "Ada joined the room"},
    {"action": "event_complete", "payload": None},
]


@pytest.mark.parametrize("consumer", [RoomConsumer, BothKinds])
async def test_an_event_runs_the_method_of_its_type(connect: Connect, consumer: Any, layer: Any) -> None:
    client = await connect(consumer)

    await consumer.broadcast_event(JOINED)
    consumer.send_event_sync(JOINED, client.consumer.channel_name)

    assert await client.frames(4) == JOINED_FRAMES * 2


async def test_both_kinds_in_one_consumer_do_not_meet(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    # Given
    errors: list[str] = []

    class Consumer(BothKinds):
        async def handle_event_handler_error(self, error: Exception, action: str, event: Any) -> None:
            errors.append(f"{action} {type(event).__name__}")

    client = await connect(Consumer)

    # When
    await Consumer.broadcast_event(Notice(payload="a message"))  # type: ignore[arg-type]
    await Consumer.broadcast_event(UserLeftEvent())  # type: ignore[arg-type]
    for wrong in ({"handler": "nobody"}, {"handler": "user_joined", "payload": 1}, {"payload": 1}, [1], None):
        await client.consumer.handle_channel_event({"event_data": wrong})

    # Then
    assert await client.frames(3) == [
        {"action": "user_joined", "payload": "a message"},
        {"action": "event_complete", "payload": None},
        {"action": "event_complete", "payload": None},
    ]
    assert errors == ["user_left UserLeftEvent"]
    assert sum("event_not_handled" in record.message for record in caplog.records) == 5


async def test_a_topic_takes_them_too(connect: Connect) -> None:
    class Room(Topic):
        pattern = "room:{id}"

        @event_handler
        async def user_joined(self, event: UserJoinedEvent) -> Notice:
            return Notice(payload=event.payload.username)

    class Host(AsyncJsonWebsocketConsumer):
        topics = [Room]

    client = await connect(Host)
    await client.send({"topic": "room:1", "action": "subscribe"})
    await client.frame()

    await Room.broadcast("room:1", JOINED)  # type: ignore[arg-type]

    assert (await client.frame())["payload"] == "Ada"


def test_mistakes_are_named_when_the_class_is_created() -> None:
    class Again(BaseChannelEvent):
        handler: Literal["user_joined"] = "user_joined"
        payload: None = None

    with pytest.raises(TypeError, match=r"two event handlers for handler 'user_joined': first\(\) and second\(\)"):

        class Twice(ChanxWebsocketConsumerMixin):
            @event_handler
            async def second(self, event: Again) -> None: ...

            @event_handler
            async def first(self, event: UserJoinedEvent) -> None: ...

    with pytest.raises(TypeError, match="must be a BaseMessage subclass, not"):

        class FromClients(ChanxWebsocketConsumerMixin):
            @ws_handler
            async def joined(self, event: UserJoinedEvent) -> None: ...

    with pytest.raises(TypeError, match="must be a BaseMessage subclass"):

        class Passing(ChanxWebsocketConsumerMixin):
            passthrough_events = [UserJoinedEvent]


class TestOnCommit:
    """``on_commit=True`` of the synchronous methods."""

    @pytest.fixture
    def sent(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        publisher = MemoryPublisher()
        monkeypatch.setattr("chanx.core.events.publisher_for", lambda layer: publisher)
        monkeypatch.setattr("chanx.core.channel_layer.publisher_for", lambda layer: publisher)
        return publisher.sent

    @pytest.mark.django_db(transaction=True)
    def test_it_is_sent_when_the_transaction_is_committed(self, sent: list[Any]) -> None:
        event = UserJoinedEvent(payload=UserPayload(username="Ada"))
        with transaction.atomic():
            RoomConsumer.broadcast_event_sync(event, on_commit=True)
            RoomConsumer.send_event_sync(event, "user_1", on_commit=True)
            event.payload.username = "changed later"
            assert sent == []

        data = {"handler": "user_joined", "payload": {"username": "Ada"}}
        message = {"type": "handle_channel_event", "event_data": data}
        assert sent == [("group", "room", message), ("group", "user_1", message)]

    @pytest.mark.django_db(transaction=True)
    def test_it_is_not_sent_when_the_transaction_is_rolled_back(self, sent: list[Any]) -> None:
        with transaction.atomic():
            RoomConsumer.broadcast_event_sync(JOINED, on_commit=True)
            transaction.set_rollback(True)

        assert sent == []

    @pytest.mark.django_db(transaction=True)
    def test_without_a_transaction_it_is_sent_at_once(self, sent: list[Any]) -> None:
        RoomConsumer.broadcast_event_sync(JOINED, on_commit=True)
        assert len(sent) == 1

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("channel_name", [None, "user_1"])
    async def test_inside_a_running_loop_the_error_names_the_method(
        self, sent: list[Any], channel_name: str | None
    ) -> None:
        with pytest.raises(ConfigurationError, match=r"running event loop.*await send_event\(\) or broadcast_event"):
            RoomConsumer.send_event_sync(JOINED, channel_name, on_commit=True)
        assert sent == []

    def test_without_a_framework_the_error_names_the_way_out(self, sent: list[Any]) -> None:
        class Plain(ChanxWebsocketConsumerMixin):
            get_channel_layer = staticmethod(lambda alias: object())

        with pytest.raises(ConfigurationError, match=r"on_commit=True needs.*chanx\.channels\.websocket"):
            Plain.broadcast_event_sync(JOINED, "room", on_commit=True)
        assert sent == []


async def test_an_event_can_be_checked_against_what_is_handled(connect: Connect) -> None:
    client = await connect(RoomConsumer)
    wrong: Any = UserLeftEvent()

    for send in (RoomConsumer.broadcast_event, RoomConsumer.send_event):
        with pytest.raises(ValidationError):
            await send(wrong, "room", validate=True)
    for send_sync in (RoomConsumer.broadcast_event_sync, RoomConsumer.send_event_sync):
        with pytest.raises(ValidationError):
            await sync_to_async(send_sync)(wrong, "room", validate=True)

    await RoomConsumer.broadcast_event(JOINED, validate=True)
    assert await client.frames(2) == JOINED_FRAMES

    class HandlesNone(AsyncJsonWebsocketConsumer):
        pass

    with pytest.raises(ConfigurationError, match="handles no events"):
        HandlesNone.broadcast_event_sync(JOINED, "room", validate=True)
