"""How the test helpers look to a type checker: checked by mypy and basedpyright in strict mode, never run."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from typing import Any, assert_type

import chanx.fast_channels.testing
from chanx.channels.testing import DjangoWebsocketCommunicator, WebsocketCommunicator, WebsocketTestCase
from chanx.channels.utils import override_chanx_settings
from chanx.core.testing import (
    CapturedBroadcastEvent,
    CapturedTopicBroadcast,
    capture_broadcast_events,
    capture_topic_broadcasts,
)
from chanx.core.topic import Topic
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import AuthenticationMessage
from tests.typing import consumers, fast_consumers


class Room(Topic):
    pattern = "room:{id}"


class ChatCase(WebsocketTestCase):
    ws_path = "/ws/chat/"
    consumer = consumers.ChatConsumer

    def get_ws_headers(self) -> list[tuple[bytes, bytes]]:
        return [(b"cookie", b"a=1")]

    @override_chanx_settings(SEND_COMPLETION=True)
    async def check(self) -> None:
        assert_type(self.auth_communicator, DjangoWebsocketCommunicator)
        assert_type(self.create_communicator(ws_path="/other/"), DjangoWebsocketCommunicator)
        assert_type(await self.auth_communicator.wait_for_auth(), AuthenticationMessage | None)


async def of_django() -> None:
    consumer = consumers.ChatConsumer
    async with WebsocketCommunicator(consumer.as_asgi(), "/ws/", consumer=consumer) as client:
        assert_type(client, WebsocketCommunicator)
        await client.send_message(PingMessage(), topic="room:1", ref="1")
        assert_type(await client.receive_all_messages(stop_action="pong", timeout=1), list[BaseMessage])
        assert_type(await client.receive_topic_message(Room), BaseMessage)
        assert_type(await client.subscribe("room:1"), dict[str, Any])


async def of_fastapi() -> None:
    consumer = fast_consumers.SystemConsumer
    communicator = chanx.fast_channels.testing.WebsocketCommunicator
    async with communicator(consumer.as_asgi(), "/ws/", consumer=consumer) as client:
        assert_type(client, chanx.fast_channels.testing.WebsocketCommunicator)
        assert_type(await client.receive_all_messages(), list[BaseMessage])
        assert_type(await client.receive_json_from(timeout=1), Any)


def captures() -> None:
    with capture_broadcast_events(consumers.ChatConsumer, suppress=False) as events:
        assert_type(events, list[CapturedBroadcastEvent])
    with capture_broadcast_events(fast_consumers.SystemConsumer) as events:
        assert_type(events[0].event.payload, Any)
    with capture_topic_broadcasts(Room) as broadcasts:
        assert_type(broadcasts, list[CapturedTopicBroadcast])
