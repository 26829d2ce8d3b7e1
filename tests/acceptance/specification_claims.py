"""What the specification says of consumers on both frameworks: one test per claim, run by the module of each."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from chanx.core.decorators import channel, event_handler, ws_handler
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import ErrorMessage, PongMessage
from tests.acceptance.specification_messages import (
    ChatMessage,
    ChatNotificationMessage,
    ChatPayload,
    ComplexEvent,
    JobResult,
    JobStatusMessage,
    LogMessage,
    Notification,
    NotificationPayload,
    RoomNotificationMessage,
    SystemEchoMessage,
    SystemNotification,
    SystemNotifyEvent,
    UserJoinedEvent,
    UserMessage,
    UserPayload,
)
from tests.acceptance.specification_samples import event_samples, handler_samples

QUIET = 0.05


@dataclass
class Framework:
    """What the claims need of a framework: its consumer class and communicator, routing, and channel layers."""

    base: Any
    communicator: Any
    routed: Callable[[str, Any], Any]
    with_user: Callable[[Any, Any], Any]
    clients: list[Any] = field(default_factory=list)

    async def client(self, consumer: Any, path: str = "/ws/", application: Any = None, **kwargs: Any) -> Any:
        """A connected client, disconnected when the test ends."""
        client = self.communicator(application or consumer.as_asgi(), path, consumer=consumer, **kwargs)
        self.clients.append(client)
        assert (await client.connect())[0]
        return client


async def next_message(client: Any) -> Any:
    """The next message, typed."""
    return client.wire.read(await client.receive_json_from(5))


class ConsumerClaims:
    """ "The AsyncJsonWebsocketConsumer Base Class"."""

    async def test_a_decorated_consumer_without_handlers(self, framework: Framework) -> None:
        AsyncJsonWebsocketConsumer = framework.base

        @channel(name="chat", description="Real-time chat system")
        class ChatConsumer(AsyncJsonWebsocketConsumer):
            # Your handlers go here
            pass

        await framework.client(ChatConsumer)

    async def test_the_type_parameter_does_not_affect_behaviour(self, framework: Framework) -> None:
        AsyncJsonWebsocketConsumer = framework.base

        # Without generic type (perfectly fine)
        class ChatConsumer(AsyncJsonWebsocketConsumer):
            groups = ["chat"]
            passthrough_events = [SystemNotifyEvent, JobResult]

        # With generic type for enhanced type checking
        class TypedChatConsumer(AsyncJsonWebsocketConsumer[SystemNotifyEvent]):
            groups = ["chat"]
            passthrough_events = [SystemNotifyEvent, JobResult]

        for consumer in (ChatConsumer, TypedChatConsumer):
            client = await framework.client(consumer)
            for event in (SystemNotifyEvent(payload=NotificationPayload(text="hi")), JobResult(payload="not a notify")):
                await consumer.broadcast_event(event)
                assert await next_message(client) == event
            await client.disconnect()

    # "The @channel Decorator"

    async def test_channel_takes_name_description_and_tags(self, framework: Framework) -> None:
        await framework.client(handler_samples(framework.base).notification)

    def test_every_parameter_of_channel_is_optional(self, framework: Framework) -> None:
        consumer = type("PlainConsumer", (framework.base,), {})
        assert channel()(consumer) is consumer

    # "The @ws_handler Decorator"

    async def test_a_handler_for_each_message_type(self, framework: Framework) -> None:
        client = await framework.client(handler_samples(framework.base).example)
        await client.send_message(PingMessage())
        assert await next_message(client) == PongMessage()
        await client.send_message(ChatMessage(payload=ChatPayload(message="Hello")))
        assert await next_message(client) == ChatNotificationMessage(payload=ChatPayload(message="User: Hello"))

    async def test_pattern_1_what_is_returned_goes_to_the_sender_only(self, framework: Framework) -> None:
        patterns = handler_samples(framework.base).patterns
        sender, other = await framework.client(patterns), await framework.client(patterns)
        await sender.send_message(UserMessage(payload="hi"))
        assert await next_message(sender) == SystemEchoMessage(payload="hi")
        assert await other.receive_nothing(QUIET)

    async def test_pattern_2_a_broadcast_goes_to_everybody_in_the_groups(self, framework: Framework) -> None:
        patterns = handler_samples(framework.base).patterns
        clients = [await framework.client(patterns) for _ in range(3)]
        await clients[0].send_message(ChatMessage(payload=ChatPayload(message="hi")))
        for client in clients:
            assert await next_message(client) == RoomNotificationMessage(payload=ChatPayload(message="hi"))

    async def test_pattern_2_groups_can_be_omitted_if_the_class_has_them(self, framework: Framework) -> None:
        clients = [await framework.client(handler_samples(framework.base).example) for _ in range(2)]
        await clients[0].send_message(ChatMessage(payload=ChatPayload(message="hi")))
        for client in clients:
            assert await next_message(client) == ChatNotificationMessage(payload=ChatPayload(message="User: hi"))

    async def test_pattern_3_no_response(self, framework: Framework, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "samples")
        client = await framework.client(handler_samples(framework.base).patterns)
        await client.send_message(LogMessage(payload="it happened"))
        assert await client.receive_nothing(QUIET)
        assert "Received: it happened" in caplog.messages

    async def test_every_parameter_of_ws_handler(self, framework: Framework) -> None:
        class Consumer(framework.base):  # type: ignore[name-defined]
            @ws_handler(
                action="echo",
                input_type=UserMessage,
                output_type=SystemEchoMessage,
                summary="Echo",
                description="Sends it back",
                tags=["echo"],
            )
            async def handle(self, message):  # type: ignore[no-untyped-def]
                return SystemEchoMessage(payload=message.payload)

        client = await framework.client(Consumer)
        await client.send_message(UserMessage(payload="hi"))
        assert await next_message(client) == SystemEchoMessage(payload="hi")

    async def test_ws_handler_called_with_the_function(self, framework: Framework) -> None:
        async def handle(self: Any, message: UserMessage) -> SystemEchoMessage:
            return SystemEchoMessage(payload=message.payload)

        client = await framework.client(type("Consumer", (framework.base,), {"handle": ws_handler(handle)}))
        await client.send_message(UserMessage(payload="hi"))
        assert await next_message(client) == SystemEchoMessage(payload="hi")

    # "The @event_handler Decorator"

    async def test_what_an_event_handler_returns_is_sent_to_the_client(self, framework: Framework) -> None:
        events = handler_samples(framework.base).events
        client = await framework.client(events)
        await events.broadcast_event(JobResult(payload="42"), groups=["jobs"])
        assert await next_message(client) == JobStatusMessage(payload={"status": "result", "message": "42"})

    async def test_send_event_goes_to_one_specific_client(self, framework: Framework) -> None:
        names: list[str] = []

        class Consumer(handler_samples(framework.base).events):  # type: ignore[misc]
            async def post_authentication(self) -> None:
                names.append(self.channel_name)

        one, two = await framework.client(Consumer), await framework.client(Consumer)
        assert await one.receive_nothing(QUIET)
        await Consumer.send_event(JobResult(payload="42"), names[1])
        assert (await next_message(two)).payload["message"] == "42"
        assert await one.receive_nothing(QUIET)

    async def test_broadcast_event_goes_to_all_clients_in_the_groups(self, framework: Framework) -> None:
        events = handler_samples(framework.base).events
        clients = [await framework.client(events) for _ in range(3)]
        outsider = await framework.client(handler_samples(framework.base).mapped)
        await events.broadcast_event(JobResult(payload="42"), groups=["jobs"])
        for client in clients:
            assert (await next_message(client)).payload["message"] == "42"
        assert await outsider.receive_nothing(QUIET)

    async def test_an_event_handler_can_send_several_messages(self, framework: Framework) -> None:
        events = handler_samples(framework.base).events
        client = await framework.client(events)
        await events.broadcast_event(ComplexEvent())
        assert await next_message(client) == Notification(payload="Processing...")
        assert await next_message(client) == Notification(payload="Complete!")

    async def test_clients_cannot_send_events(self, framework: Framework) -> None:
        client = await framework.client(handler_samples(framework.base).events)
        await client.send_message(JobResult(payload="forged"))
        assert isinstance(await next_message(client), ErrorMessage)

    async def test_an_event_itself_and_a_message_made_of_it(self, framework: Framework) -> None:
        mapped = handler_samples(framework.base).mapped
        client = await framework.client(mapped)
        await mapped.broadcast_event(JobResult(payload="42"))
        assert await next_message(client) == JobResult(payload="42")
        await mapped.broadcast_event(SystemNotifyEvent(payload=NotificationPayload(text="hi")))
        assert await next_message(client) == SystemNotification(payload=NotificationPayload(text="hi"))

    async def test_consumers_send_events_to_each_other(self, framework: Framework) -> None:
        events = handler_samples(framework.base).events

        class Other(framework.base):  # type: ignore[name-defined]
            @ws_handler
            async def tell(self, message: UserMessage) -> None:
                await events.broadcast_event(JobResult(payload=message.payload), groups=["jobs"])

        client, other = await framework.client(events), await framework.client(Other)
        await other.send_message(UserMessage(payload="hi"))
        assert (await next_message(client)).payload["message"] == "hi"

    async def test_every_parameter_of_event_handler(self, framework: Framework) -> None:
        class Consumer(framework.base):  # type: ignore[name-defined]
            groups = ["jobs"]

            @event_handler(
                input_type=JobResult, output_type=Notification, summary="Job", description="A job ended", tags=["jobs"]
            )
            async def handle(self, event):  # type: ignore[no-untyped-def]
                return Notification(payload=event.payload)

        client = await framework.client(Consumer)
        await Consumer.broadcast_event(JobResult(payload="42"))
        assert await next_message(client) == Notification(payload="42")


class RoutingClaims:
    """ "Message Types and Automatic Routing"."""

    async def test_a_frame_of_a_client_reaches_the_handler_as_a_typed_object(self, framework: Framework) -> None:
        client = await framework.client(event_samples(framework.base).joined)
        await client.send_json_to({"action": "chat", "payload": {"message": "Hello"}})
        assert await next_message(client) == ChatNotificationMessage(payload=ChatPayload(message="Hello"))

    async def test_events_are_routed_by_their_type(self, framework: Framework) -> None:
        joined = event_samples(framework.base).joined
        client = await framework.client(joined)
        await joined.broadcast_event(UserJoinedEvent(payload=UserPayload(username="ada")))
        assert await next_message(client) == Notification(payload="ada joined")
        await joined.broadcast_event(SystemNotifyEvent(payload=NotificationPayload(text="hi")))
        assert await next_message(client) == Notification(payload="hi")

    @pytest.mark.parametrize(
        ("frame", "type_"),
        [
            ({"action": "chat", "payload": {"message": 1}}, "string_type"),
            ({"action": "chat", "payload": {}}, "missing"),
            ({"action": "user_joined", "payload": {"username": "ada"}}, "union_tag_invalid"),
            ({"payload": {}}, "union_tag_not_found"),
        ],
    )
    async def test_what_is_no_message_is_answered_with_an_error(
        self, framework: Framework, frame: dict[str, Any], type_: str
    ) -> None:
        client = await framework.client(event_samples(framework.base).joined)
        await client.send_json_to(frame)
        message = await next_message(client)
        assert isinstance(message, ErrorMessage)
        assert message.payload[0]["type"] == type_

    async def test_an_invalid_event_reaches_no_handler(self, framework: Framework) -> None:
        joined = event_samples(framework.base).joined
        client = await framework.client(joined)
        await joined.broadcast_event(UserJoinedEvent(payload=UserPayload.model_construct()))
        await joined.broadcast_event(JobResult(payload="no handler"))
        assert await client.receive_nothing(QUIET)

    async def test_messages_and_events_have_separate_unions(self, framework: Framework) -> None:
        class Consumer(framework.base):  # type: ignore[name-defined]
            groups = ["all"]

            @ws_handler
            async def from_client(self, message: UserMessage) -> Notification:
                return Notification(payload="message")

            @event_handler
            async def from_server(self, event: UserMessage) -> Notification:
                return Notification(payload="event")

        client = await framework.client(Consumer)
        await client.send_message(UserMessage(payload="x"))
        assert await next_message(client) == Notification(payload="message")
        await Consumer.broadcast_event(UserMessage(payload="x"))
        assert await next_message(client) == Notification(payload="event")
