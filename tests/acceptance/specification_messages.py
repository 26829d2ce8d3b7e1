"""The messages and events that the specification's samples name, in its own words where it defines them."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from chanx.messages.base import BaseChannelEvent, BaseMessage


class ChatPayload(BaseModel):
    message: str


class ChatMessage(BaseMessage):
    action: Literal["chat"] = "chat"  # Discriminator field
    payload: ChatPayload


class ChatNotificationMessage(BaseMessage):
    action: Literal["chat_notification"] = "chat_notification"
    payload: ChatPayload


class UserMessage(BaseMessage):
    action: Literal["user_message"] = "user_message"
    payload: str


class SystemEchoMessage(BaseMessage):
    action: Literal["system_echo"] = "system_echo"
    payload: str


class RoomNotificationMessage(BaseMessage):
    action: Literal["room_notification"] = "room_notification"
    payload: ChatPayload


class LogMessage(BaseMessage):
    action: Literal["log"] = "log"
    payload: str


class JobResult(BaseMessage):
    action: Literal["job_result"] = "job_result"
    payload: str


class JobStatusMessage(BaseMessage):
    action: Literal["job_status"] = "job_status"
    payload: dict[str, Any]


class ComplexEvent(BaseMessage):
    action: Literal["complex"] = "complex"
    payload: None = None


class Notification(BaseMessage):
    action: Literal["notification"] = "notification"
    payload: str


class UserPayload(BaseModel):
    username: str


class UserJoinedEvent(BaseMessage):
    action: Literal["user_joined"] = "user_joined"  # Discriminator field
    payload: UserPayload


class NotificationPayload(BaseModel):
    text: str


class SystemNotifyEvent(BaseMessage):
    action: Literal["system_notify"] = "system_notify"
    payload: NotificationPayload


class SystemNotification(BaseMessage):
    action: Literal["system_notification"] = "system_notification"
    payload: NotificationPayload


class GetStatusMessage(BaseMessage):
    action: Literal["get_status"] = "get_status"
    payload: None = None


class StatusPayload(BaseModel):
    status: str
    timestamp: datetime


class StatusMessage(BaseMessage):
    action: Literal["status"] = "status"
    payload: StatusPayload


class UserJoinedMessage(BaseMessage):
    action: Literal["user_joined"] = "user_joined"
    payload: dict[str, Any]


class NewPostEvent(BaseMessage):
    action: Literal["new_post"] = "new_post"
    payload: dict[str, Any]


class PaymentCompleteEvent(BaseMessage):
    action: Literal["payment_complete"] = "payment_complete"
    payload: dict[str, Any]


class SystemAnnouncementEvent(BaseMessage):
    action: Literal["system_announcement"] = "system_announcement"
    payload: str


# The complete example


class JoinRoomPayload(BaseModel):
    room_id: int


class JoinRoomMessage(BaseMessage):
    action: Literal["join_room"] = "join_room"
    payload: JoinRoomPayload


class UserJoinedChannelEvent(BaseChannelEvent):
    handler: Literal["user_joined"] = "user_joined"
    payload: UserPayload


class ChatNotificationPayload(BaseModel):
    message: str
    username: str
    room_id: int


class RoomChatNotificationMessage(BaseMessage):
    action: Literal["chat_notification"] = "chat_notification"
    payload: ChatNotificationPayload


class UserJoinedPayload(BaseModel):
    username: str
    message: str


class UserJoinedRoomMessage(BaseMessage):
    action: Literal["user_joined"] = "user_joined"
    payload: UserJoinedPayload
