"""What the specification says of sending and of options: one test per claim, run by the module of each framework."""

import asyncio
import logging
import threading
from datetime import datetime
from typing import Any, ClassVar, Literal

import pytest
from asgiref.sync import sync_to_async
from pydantic import BaseModel

from chanx.core.authenticator import BaseAuthenticator
from chanx.core.decorators import ws_handler
from chanx.core.testing import capture_broadcast_events
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import CompleteMessage, PongMessage
from tests.acceptance.specification_claims import QUIET, Framework, next_message
from tests.acceptance.specification_messages import (
    ChatMessage,
    ChatPayload,
    ComplexEvent,
    GetStatusMessage,
    NewPostEvent,
    Notification,
    PaymentCompleteEvent,
    SystemAnnouncementEvent,
    SystemEchoMessage,
    UserJoinedMessage,
    UserMessage,
)
from tests.acceptance.specification_samples import event_samples, handler_samples, output_samples


class User:
    """Somebody who is signed in."""

    def __init__(self, id: int) -> None:
        self.id = id


class OutputClaims:
    """ "Output Messages and Broadcasting"."""

    async def test_a_direct_response_with_a_time(self, framework: Framework) -> None:
        client = await framework.client(output_samples(framework.base).output)
        await client.send_message(GetStatusMessage())
        payload = (await client.receive_json_from(5))["payload"]
        assert payload["status"] == "online"
        assert datetime.fromisoformat(payload["timestamp"]).year >= 2024

    async def test_broadcasting_to_the_same_groups_and_to_specific_ones(self, framework: Framework) -> None:
        samples = output_samples(framework.base)
        sender, member = await framework.client(samples.output), await framework.client(samples.output)
        other = await framework.client(samples.room_123)
        await sender.send_message(ChatMessage(payload=ChatPayload(message="hi")))
        expected = {"action": "chat_notification", "payload": {"message": "hi"}}
        for client in (sender, member, other):
            assert await client.receive_json_from(5) == expected
            assert await client.receive_nothing(QUIET)

    async def test_group_management(self, framework: Framework) -> None:
        # Given two users in room 7 and one in room 8
        room_chat = output_samples(framework.base).room_chat

        async def join(user_id: int, path: str) -> Any:
            application = framework.with_user(framework.routed("ws/room/{room_id}", room_chat), User(user_id))
            return await framework.client(room_chat, path, application)

        first, elsewhere = await join(1, "/ws/room/7"), await join(2, "/ws/room/8")
        await first.send_message(PingMessage())
        assert await first.receive_json_from(5) == {"action": "pong", "payload": None}
        second = await join(3, "/ws/room/7")
        # Then the others of the room are told, and nobody else
        expected = UserJoinedMessage(payload={"user_id": 3}).model_dump()
        assert await first.receive_json_from(5) == expected
        assert await second.receive_nothing(QUIET)
        assert await elsewhere.receive_nothing(QUIET)


class EventSendingClaims:
    """ "Event Broadcasting from Anywhere"; the framework's own places are in its module."""

    POST: ClassVar = NewPostEvent(payload={"post_id": 1, "title": "Hello"})

    async def test_broadcast_event_sync_in_another_thread(self, framework: Framework) -> None:
        NotificationConsumer = event_samples(framework.base).notification
        client = await framework.client(NotificationConsumer)
        assert await client.receive_nothing(QUIET)
        thread = threading.Thread(
            target=lambda: NotificationConsumer.broadcast_event_sync(self.POST, groups=["news_feed"])
        )
        thread.start()
        assert await next_message(client) == self.POST
        await sync_to_async(thread.join)()

    async def test_broadcast_event_sync_inside_a_running_loop(self, framework: Framework) -> None:
        NotificationConsumer = event_samples(framework.base).notification
        client = await framework.client(NotificationConsumer)
        assert await client.receive_nothing(QUIET)
        NotificationConsumer.broadcast_event_sync(self.POST, groups=["news_feed"])
        assert await next_message(client) == self.POST

    async def test_send_event_sync_to_a_user(self, framework: Framework) -> None:
        PaymentConsumer = event_samples(framework.base).payment
        payer, other = await framework.client(PaymentConsumer, "/?1"), await framework.client(PaymentConsumer, "/?2")
        assert await payer.receive_nothing(QUIET)
        event = PaymentCompleteEvent(payload={"status": "paid"})
        await asyncio.to_thread(PaymentConsumer.send_event_sync, event, channel_name="user_1")
        assert await next_message(payer) == event
        assert await other.receive_nothing(QUIET)

    async def test_send_event_is_the_async_version(self, framework: Framework) -> None:
        PaymentConsumer = event_samples(framework.base).payment
        payer = await framework.client(PaymentConsumer, "/?1")
        assert await payer.receive_nothing(QUIET)
        await PaymentConsumer.send_event(PaymentCompleteEvent(payload={}), channel_name="user_1")
        assert await next_message(payer) == PaymentCompleteEvent(payload={})

    async def test_broadcast_event_is_the_async_version(self, framework: Framework) -> None:
        AnnouncementConsumer = event_samples(framework.base).announcement
        clients = [await framework.client(AnnouncementConsumer) for _ in range(2)]
        await AnnouncementConsumer.broadcast_event(SystemAnnouncementEvent(payload="hi"), groups=["all_users"])
        for client in clients:
            assert await next_message(client) == Notification(payload="hi")

    async def test_what_a_handler_broadcasts_can_be_captured(self, framework: Framework) -> None:
        target = event_samples(framework.base).announcement

        class Sender(framework.base):  # type: ignore[name-defined]
            send_completion = True

            @ws_handler
            async def announce(self, message: UserMessage) -> None:
                await target.broadcast_event(SystemAnnouncementEvent(payload=message.payload), ["all_users"])

        client = await framework.client(Sender)
        with capture_broadcast_events(target) as captured:
            await client.send_message(UserMessage(payload="hi"))
            assert await client.receive_all_messages() == []
        assert captured[0].event == SystemAnnouncementEvent(payload="hi")
        assert captured[0].groups == ["all_users"]


class NamePayload(BaseModel):
    first_name: str
    own_data: dict[str, Any]


class NameMessage(BaseMessage):
    action: Literal["set_name"] = "set_name"
    payload: NamePayload


class TypedMessage(BaseMessage):
    type: Literal["typed"] = "typed"
    payload: str


class MyAuthenticator(BaseAuthenticator):
    async def authenticate(self) -> bool:
        return self.get_query_param("password") == "right"


class ConfigurationClaims:
    """ "Consumer Configuration"."""

    async def test_the_sample(self, framework: Framework) -> None:
        AsyncJsonWebsocketConsumer = framework.base

        class MyConsumer(AsyncJsonWebsocketConsumer):
            # Message behavior
            send_completion = False  # Whether to send completion signals
            send_message_immediately = True  # Yield control after sending
            log_websocket_message = True  # Log messages
            log_ignored_actions = ["ping", "pong"]  # Skip logging these

            # Message formatting
            camelize = False  # Convert snake_case <-> camelCase
            discriminator_field = "action"  # Field for message routing

            # Channel layer (required for non-Django frameworks)
            channel_layer_alias = "default"

            # Authentication
            authenticator_class = MyAuthenticator

            @ws_handler
            async def ping(self, message: PingMessage) -> PongMessage:
                return PongMessage()

        client = await framework.client(MyConsumer, "/?password=right")
        await client.send_message(PingMessage())
        assert await next_message(client) == PongMessage()
        assert await client.receive_nothing(QUIET)

    @pytest.mark.parametrize(("immediately", "order"), [(True, ["others", "handler"]), (False, ["handler", "others"])])
    async def test_control_is_yielded_after_sending(
        self, framework: Framework, immediately: bool, order: list[str]
    ) -> None:
        happened: list[str] = []

        class Consumer(framework.base):  # type: ignore[name-defined]
            send_message_immediately = immediately

            @ws_handler(output_type=PongMessage)
            async def ping(self, message: PingMessage) -> None:
                asyncio.get_running_loop().call_soon(happened.append, "others")
                await self.send_message(PongMessage())
                happened.append("handler")
                await self.send_message(PongMessage())

        client = await framework.client(Consumer)
        await client.send_message(PingMessage())
        assert [await next_message(client) for _ in range(2)] == [PongMessage(), PongMessage()]
        assert happened == order

    @pytest.mark.parametrize("path", ["/?password=wrong", "/"])
    async def test_the_authenticator_class_decides(self, framework: Framework, path: str) -> None:
        called: list[str] = []

        class Consumer(framework.base):  # type: ignore[name-defined]
            authenticator_class = MyAuthenticator

            async def post_authentication(self) -> None:
                called.append("post_authentication")

        client = await framework.client(Consumer, path)
        await client.assert_closed()
        assert called == []

    async def test_completion_signals(self, framework: Framework) -> None:
        class Consumer(handler_samples(framework.base).example):  # type: ignore[misc]
            send_completion = True

        client = await framework.client(Consumer)
        await client.send_message(PingMessage())
        assert await next_message(client) == PongMessage()
        assert await next_message(client) == CompleteMessage()

    async def test_completions_for_groups_and_events(self, framework: Framework) -> None:
        class Consumer(handler_samples(framework.base).events):  # type: ignore[misc]
            send_completion = True

        client = await framework.client(Consumer)
        await Consumer.broadcast_event(ComplexEvent())
        messages = await client.receive_all_messages("event_complete")
        assert messages == [Notification(payload="Processing..."), Notification(payload="Complete!")]

    async def test_camelize(self, framework: Framework) -> None:
        class Consumer(framework.base):  # type: ignore[name-defined]
            camelize = True
            groups = ["names"]

            @ws_handler
            async def set_name(self, message: NameMessage) -> NameMessage:
                assert message.payload.first_name == "Ada"
                await self.broadcast_message(message)
                return message

        client = await framework.client(Consumer)
        frame = {"action": "set_name", "payload": {"firstName": "Ada", "ownData": {"some_key": {"other_key": 1}}}}
        await client.send_json_to(frame)
        # In and out, in answers and in broadcasts; the values of actions and keys of user data stay
        assert await client.receive_json_from(5) == frame
        assert await client.receive_json_from(5) == frame

    async def test_another_discriminator_field(self, framework: Framework) -> None:
        class Consumer(framework.base):  # type: ignore[name-defined]
            discriminator_field = "type"
            send_completion = True

            @ws_handler
            async def typed(self, message: TypedMessage) -> TypedMessage:
                return message

        client = await framework.client(Consumer)
        await client.send_json_to({"type": "typed", "payload": "hi"})
        assert await client.receive_json_from(5) == {"type": "typed", "payload": "hi"}
        assert await client.receive_json_from(5) == {"type": "complete", "payload": None}

    async def test_messages_are_logged_but_for_the_ignored_actions(
        self, framework: Framework, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Consumer(framework.base):  # type: ignore[name-defined]
            log_websocket_message = True
            log_ignored_actions = ["ping", "pong"]
            send_completion = True

            @ws_handler
            async def ping(self, message: PingMessage) -> PongMessage:
                return PongMessage()

            @ws_handler
            async def echo(self, message: UserMessage) -> SystemEchoMessage:
                return SystemEchoMessage(payload=message.payload)

        caplog.set_level(logging.INFO, "chanx")
        client = await framework.client(Consumer)
        await client.send_message(PingMessage())
        await client.receive_all_messages()
        await client.send_message(UserMessage(payload="hi"))
        await client.receive_all_messages()
        entries = [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]
        assert len(entries) == 2
        assert "Websocket received" in entries[0]
        assert "user_message" in entries[0]
        assert "Websocket sent" in entries[1]
        assert "system_echo" in entries[1]
