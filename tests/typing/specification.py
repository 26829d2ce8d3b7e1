"""The specification's samples to a type checker, on Django: checked by mypy and basedpyright in strict mode, never run.

Each ignore below is a mistake that has to be found: both checkers report an ignore that nothing needs.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from typing import Literal, assert_type

from pydantic import BaseModel

from chanx.channels.authenticator import DjangoAuthenticator
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import channel, event_handler, ws_handler
from chanx.messages.base import BaseChannelEvent, BaseMessage
from chanx.messages.outgoing import PongMessage


class ChatPayload(BaseModel):
    message: str


class ChatMessage(BaseMessage):
    action: Literal["chat"] = "chat"
    payload: ChatPayload


class ChatNotificationMessage(BaseMessage):
    action: Literal["chat_notification"] = "chat_notification"
    payload: ChatPayload


class UserPayload(BaseModel):
    username: str


class UserJoinedEvent(BaseChannelEvent):
    handler: Literal["user_joined"] = "user_joined"
    payload: UserPayload


class SystemNotifyEvent(BaseMessage):
    action: Literal["system_notify"] = "system_notify"
    payload: str


class ChatRoom:
    id: int


class RoomAuthenticator(DjangoAuthenticator):
    permission_classes = [object]
    queryset = object()
    obj: ChatRoom


@channel(name="room_chat", description="Real-time chat for specific rooms", tags=["chat", "rooms"])
class RoomChatConsumer(AsyncJsonWebsocketConsumer[UserJoinedEvent]):
    authenticator_class = RoomAuthenticator
    authenticator: RoomAuthenticator

    log_ignored_actions = ["ping", "pong"]

    async def post_authentication(self) -> None:
        assert_type(self.authenticator.obj, ChatRoom)
        assert_type(self.authenticator.obj.id, int)
        room_group = f"room_{self.authenticator.obj.id}"
        await self.channel_layer.group_add(room_group, self.channel_name)
        self.groups.append(room_group)
        _ = self.authenticator.obj.name  # type: ignore[attr-defined] # has to be found

    @ws_handler(summary="Handle chat messages", output_type=ChatNotificationMessage)
    async def handle_chat(self, message: ChatMessage) -> None:
        assert_type(message.payload.message, str)
        await self.broadcast_message(ChatNotificationMessage(payload=message.payload))

    @event_handler(output_type=ChatNotificationMessage)
    async def user_joined(self, event: UserJoinedEvent) -> ChatNotificationMessage:
        assert_type(event.payload.username, str)
        return ChatNotificationMessage(payload=ChatPayload(message=event.payload.username))


class BothKinds(AsyncJsonWebsocketConsumer[UserJoinedEvent | SystemNotifyEvent]):
    pass


class Untyped(AsyncJsonWebsocketConsumer):
    pass


async def handlers_keep_their_signatures(consumer: RoomChatConsumer, joined: UserJoinedEvent) -> None:
    assert_type(await consumer.user_joined(joined), ChatNotificationMessage)
    await consumer.handle_chat(joined)  # type: ignore[arg-type] # has to be found
    await consumer.user_joined()  # type: ignore[call-arg] # has to be found
    assert_type(consumer.authenticator, RoomAuthenticator)


async def only_the_events_of_the_type_parameter_are_taken(joined: UserJoinedEvent, notify: SystemNotifyEvent) -> None:
    await RoomChatConsumer.send_event(joined, "channel")
    await RoomChatConsumer.broadcast_event(joined, groups=["room_1"])
    RoomChatConsumer.send_event_sync(joined, channel_name="user_1")
    RoomChatConsumer.broadcast_event_sync(joined)
    await RoomChatConsumer.send_event(notify, "channel")  # type: ignore[arg-type] # has to be found
    await RoomChatConsumer.broadcast_event(notify)  # type: ignore[arg-type] # has to be found
    RoomChatConsumer.send_event_sync(notify, "channel")  # type: ignore[arg-type] # has to be found
    RoomChatConsumer.broadcast_event_sync(notify)  # type: ignore[arg-type] # has to be found


async def a_union_takes_each_of_its_events(joined: UserJoinedEvent, notify: SystemNotifyEvent) -> None:
    await BothKinds.broadcast_event(joined)
    await BothKinds.broadcast_event(notify)
    await BothKinds.broadcast_event(PongMessage())  # type: ignore[arg-type] # has to be found


async def without_a_type_parameter_every_event_is_taken(joined: UserJoinedEvent, notify: SystemNotifyEvent) -> None:
    await Untyped.broadcast_event(joined)
    await Untyped.broadcast_event(notify)
    await Untyped.broadcast_event({"action": "no event"})  # type: ignore[arg-type] # has to be found
