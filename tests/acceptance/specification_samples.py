"""The specification's samples of consumers, each on the base class of either framework."""

import logging
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from chanx.core.decorators import channel, event_handler, ws_handler
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.acceptance.specification_messages import (
    ChatMessage,
    ChatNotificationMessage,
    ChatPayload,
    ComplexEvent,
    GetStatusMessage,
    JobResult,
    JobStatusMessage,
    LogMessage,
    NewPostEvent,
    Notification,
    PaymentCompleteEvent,
    RoomNotificationMessage,
    StatusMessage,
    StatusPayload,
    SystemAnnouncementEvent,
    SystemEchoMessage,
    SystemNotification,
    SystemNotifyEvent,
    UserJoinedEvent,
    UserJoinedMessage,
    UserMessage,
)

logger = logging.getLogger("samples")


def handler_samples(AsyncJsonWebsocketConsumer: Any) -> SimpleNamespace:
    """The samples of "The @channel Decorator", "The @ws_handler Decorator" and "The @event_handler Decorator"."""

    @channel(name="notifications", description="User notification system", tags=["notifications", "real-time"])
    class NotificationConsumer(AsyncJsonWebsocketConsumer):
        pass

    @channel(name="example")
    class ExampleConsumer(AsyncJsonWebsocketConsumer):
        groups = ["example"]

        @ws_handler(summary="Handle ping requests")
        async def handle_ping(self, message: PingMessage) -> PongMessage:
            return PongMessage()

        @ws_handler(
            summary="Handle chat messages",
            description="Process chat messages and broadcast to room members",
            output_type=ChatNotificationMessage,
            tags=["chat", "messaging"],
        )
        async def handle_chat(self, message: ChatMessage) -> None:
            # Broadcast to group instead of direct response
            await self.broadcast_message(
                ChatNotificationMessage(payload=ChatPayload(message=f"User: {message.payload.message}"))
            )

    class PatternsConsumer(AsyncJsonWebsocketConsumer):
        groups = ["room_general"]

        @ws_handler
        async def handle_user_message(self, message: UserMessage) -> SystemEchoMessage:
            # What you return goes back to the sender only
            return SystemEchoMessage(payload=message.payload)

        @ws_handler(output_type=RoomNotificationMessage)
        async def handle_chat(self, message: ChatMessage) -> None:
            # Explicitly broadcast to send to multiple users
            await self.broadcast_message(
                RoomNotificationMessage(payload=message.payload),
                groups=["room_general"],  # Can be omitted if groups defined as class attribute
            )

        @ws_handler
        async def handle_log_event(self, message: LogMessage) -> None:
            logger.info(f"Received: {message.payload}")
            # No response sent

    class EventsConsumer(AsyncJsonWebsocketConsumer):
        groups = ["jobs"]

        @event_handler
        async def handle_job_result(self, event: JobResult) -> JobStatusMessage:
            # What you return is sent to the WebSocket client
            return JobStatusMessage(payload={"status": "result", "message": event.payload})

        @event_handler(output_type=Notification)
        async def handle_complex_event(self, event: ComplexEvent) -> None:
            # Send multiple messages
            await self.send_message(Notification(payload="Processing..."))
            await self.send_message(Notification(payload="Complete!"))

    class MappedConsumer(AsyncJsonWebsocketConsumer):
        groups = ["mapped"]

        @event_handler
        async def handle_job_result(self, event: JobResult) -> JobResult:
            return event

        @event_handler(output_type=SystemNotification)
        async def handle_system_notify(self, event: SystemNotifyEvent) -> None:
            await self.send_message(SystemNotification(payload=event.payload))

    return SimpleNamespace(
        notification=NotificationConsumer,
        example=ExampleConsumer,
        patterns=PatternsConsumer,
        events=EventsConsumer,
        mapped=MappedConsumer,
    )


def output_samples(AsyncJsonWebsocketConsumer: Any) -> SimpleNamespace:
    """The samples of "Output Messages and Broadcasting"."""

    class OutputConsumer(AsyncJsonWebsocketConsumer):
        groups = ["own"]

        @ws_handler
        async def handle_get_status(self, message: GetStatusMessage) -> StatusMessage:
            return StatusMessage(payload=StatusPayload(status="online", timestamp=datetime.now(UTC)))

        @ws_handler(output_type=ChatNotificationMessage)
        async def handle_chat(self, message: ChatMessage) -> None:
            # Broadcast to all connections in the same groups
            await self.broadcast_message(ChatNotificationMessage(payload=message.payload))

            # Broadcast to specific groups
            await self.broadcast_message(
                ChatNotificationMessage(payload=message.payload), groups=["room_123", "moderators"]
            )

    class Room123Consumer(AsyncJsonWebsocketConsumer):
        groups = ["room_123"]

    class RoomChatConsumer(AsyncJsonWebsocketConsumer):
        async def post_authentication(self) -> None:
            """Called after successful authentication."""
            # Extract room from URL parameters
            room_id = self.scope["path_params"]["room_id"]
            group_name = f"room_{room_id}"

            # Join the room group
            await self.channel_layer.group_add(group_name, self.channel_name)
            self.groups.append(group_name)

            # Notify others about the join
            await self.broadcast_message(
                UserJoinedMessage(payload={"user_id": self.user.id}),
                groups=[group_name],
                exclude_current=True,  # Don't send to self
            )

        @ws_handler
        async def handle_ping(self, message: PingMessage) -> PongMessage:
            return PongMessage()

    return SimpleNamespace(output=OutputConsumer, room_123=Room123Consumer, room_chat=RoomChatConsumer)


def event_samples(AsyncJsonWebsocketConsumer: Any) -> SimpleNamespace:
    """The consumers that the samples of "Event Broadcasting from Anywhere" send to."""

    class NotificationConsumer(AsyncJsonWebsocketConsumer):
        groups = ["news_feed"]

        @event_handler
        async def new_post(self, event: NewPostEvent) -> NewPostEvent:
            return event

    class PaymentConsumer(AsyncJsonWebsocketConsumer):
        async def post_authentication(self) -> None:
            user = self.scope["query_string"].decode()
            await self.channel_layer.group_add(f"user_{user}", self.channel_name)

        @event_handler
        async def payment_complete(self, event: PaymentCompleteEvent) -> PaymentCompleteEvent:
            return event

    class AnnouncementConsumer(AsyncJsonWebsocketConsumer):
        groups = ["all_users"]

        @event_handler
        async def announcement(self, event: SystemAnnouncementEvent) -> Notification:
            return Notification(payload=event.payload)

    class JoinedConsumer(AsyncJsonWebsocketConsumer[UserJoinedEvent | SystemNotifyEvent]):
        """Messages and events of the same action, each with its handler."""

        groups = ["joined"]

        @ws_handler
        async def chat(self, message: ChatMessage) -> ChatNotificationMessage:
            assert type(message) is ChatMessage
            assert type(message.payload) is ChatPayload
            return ChatNotificationMessage(payload=message.payload)

        @event_handler
        async def joined(self, event: UserJoinedEvent) -> Notification:
            assert type(event) is UserJoinedEvent
            return Notification(payload=f"{event.payload.username} joined")

        @event_handler
        async def notify(self, event: SystemNotifyEvent) -> Notification:
            assert type(event) is SystemNotifyEvent
            return Notification(payload=event.payload.text)

    return SimpleNamespace(
        notification=NotificationConsumer,
        payment=PaymentConsumer,
        announcement=AnnouncementConsumer,
        joined=JoinedConsumer,
    )
