"""How consumers look to a type checker: checked by mypy and basedpyright in strict mode, never run.

Each ignore below is a mistake that has to be found: both checkers report an ignore that nothing needs.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from typing import Any, Literal, assert_type

from pydantic import BaseModel

from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.authenticator import BaseAuthenticator
from chanx.core.decorators import channel, event_handler, ws_handler
from chanx.core.topic import Topic
from chanx.messages.base import BaseChannelEvent, BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage


class ChatPayload(BaseModel):
    text: str


class ChatMessage(BaseMessage):
    action: Literal["chat"] = "chat"
    payload: ChatPayload


class JobDone(BaseMessage):
    action: Literal["job_done"] = "job_done"
    payload: int


class UserJoined(BaseChannelEvent):
    handler: Literal["user_joined"] = "user_joined"
    payload: str


class Typed(BaseMessage):
    type: Literal["typed"] = "typed"
    payload: int


class Token(BaseAuthenticator):
    user: str

    async def authenticate(self) -> bool:
        assert_type(self.get_query_param("token"), str | None)
        return True


class OfScope(BaseAuthenticator):
    async def authenticate(self, scope: dict[str, Any]) -> bool:
        return True


class Room(Topic):
    pattern = "room:{id}"
    passthrough_events = [JobDone]

    async def authorize(self, id: str) -> bool:
        return id == "1"

    @ws_handler
    async def chat(self, message: ChatMessage) -> ChatMessage:
        return message


@channel(name="chat", tags=["a"])
class ChatConsumer(AsyncJsonWebsocketConsumer[JobDone]):
    send_completion = True
    log_ignored_actions = ["ping", "pong"]
    groups = ["hall"]
    topics = [Room]
    passthrough_events = [JobDone]
    authenticator_class = Token
    authenticator: Token

    async def post_authentication(self) -> None:
        self.groups.append(f"user_{self.authenticator.user}")

    @ws_handler
    async def ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()

    @ws_handler(output_type=ChatMessage | PongMessage, tags=["x"])
    async def chat(self, message: ChatMessage) -> None:
        assert_type(message.payload.text, str)
        await self.broadcast_message(message, ["hall"], exclude_current=True)

    @event_handler(summary="Done")
    async def done(self, event: JobDone) -> JobDone | None:
        return event


class TypedConsumer(AsyncJsonWebsocketConsumer[JobDone | UserJoined]):
    discriminator_field = "type"
    camelize = True

    @ws_handler
    async def typed(self, message: Typed) -> Typed:
        return message

    @event_handler
    async def user_joined(self, event: UserJoined) -> None: ...

    async def handle_event_handler_error(self, error: Exception, action: str, event: UserJoined) -> None: ...


def own_layer(alias: str) -> Any:
    return None


class PlainConsumer(AsyncJsonWebsocketConsumer):
    get_channel_layer = staticmethod(own_layer)
    authenticator_class = OfScope


async def handlers_keep_their_types(consumer: ChatConsumer) -> None:
    assert_type(await consumer.ping(PingMessage()), PongMessage)
    assert_type(await consumer.done(JobDone(payload=1)), JobDone | None)
    await consumer.ping(JobDone(payload=1))  # type: ignore[arg-type] # has to be found


async def the_type_parameter_is_what_may_be_sent() -> None:
    await ChatConsumer.send_event(JobDone(payload=1), "channel")
    await ChatConsumer.broadcast_event(JobDone(payload=1))
    ChatConsumer.send_event_sync(JobDone(payload=1), channel_name="user_1")
    ChatConsumer.broadcast_event_sync(JobDone(payload=1), groups="hall")
    await ChatConsumer.send_event(PongMessage(), "channel")  # type: ignore[arg-type] # has to be found
    ChatConsumer.broadcast_event_sync(PongMessage())  # type: ignore[arg-type] # has to be found
    await PlainConsumer.send_event(PongMessage(), "channel")
    await Room.broadcast("room:1", JobDone(payload=1), seq=1)
    await TypedConsumer.send_event(UserJoined(payload="Ada"), "channel", validate=True)
    TypedConsumer.broadcast_event_sync(JobDone(payload=1), "hall", on_commit=True, validate=True)
    TypedConsumer.send_event_sync(Typed(payload=1), "hall")  # type: ignore[arg-type] # has to be found
    assert_type(Typed(payload=1).payload, int)
