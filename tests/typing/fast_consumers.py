"""How consumers on FastAPI look to a type checker: checked by mypy and basedpyright in strict mode, never run.

Each ignore below is a mistake that has to be found: both checkers report an ignore that nothing needs.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from typing import Literal, assert_type

from chanx.core.authenticator import BaseAuthenticator
from chanx.core.decorators import channel, event_handler, ws_handler
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer, ReceiveEvent
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage


class SystemNotifyEvent(BaseMessage):
    action: Literal["system_notify"] = "system_notify"
    payload: str


class Account:
    name: str


class TokenAuthenticator(BaseAuthenticator):
    user: Account | None

    async def authenticate(self) -> bool:
        token = self.get_query_param("token")
        assert_type(token, str | None)
        assert_type(self.get_header("authorization"), str | None)
        self.user = None
        return bool(token)


class Base(AsyncJsonWebsocketConsumer[ReceiveEvent]):
    """A project's own base class, which leaves the type parameter open."""

    send_completion = True


@channel(name="system", tags=["system"])
class SystemConsumer(Base[SystemNotifyEvent]):
    groups = ["system"]
    channel_layer_alias = "default"
    camelize = True
    discriminator_field = "action"
    authenticator_class = TokenAuthenticator
    authenticator: TokenAuthenticator

    async def post_authentication(self) -> None:
        assert_type(self.authenticator.user, Account | None)
        _ = self.authenticator.obj  # type: ignore[attr-defined] # has to be found

    @ws_handler
    async def handle_ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()

    @event_handler
    async def handle_notify(self, event: SystemNotifyEvent) -> SystemNotifyEvent:
        assert_type(event.payload, str)
        return event


class PlainConsumer(Base):
    pass


async def handlers_keep_their_signatures(consumer: SystemConsumer, event: SystemNotifyEvent) -> None:
    assert_type(await consumer.handle_ping(PingMessage()), PongMessage)
    assert_type(await consumer.handle_notify(event), SystemNotifyEvent)
    await consumer.handle_ping(event)  # type: ignore[arg-type] # has to be found


async def the_type_parameter_is_what_may_be_sent(event: SystemNotifyEvent) -> None:
    await SystemConsumer.send_event(event, "channel")
    await SystemConsumer.broadcast_event(event, groups=("a", "b"))
    SystemConsumer.send_event_sync(event, "channel")
    SystemConsumer.broadcast_event_sync(event, groups="a")
    await SystemConsumer.send_event(PongMessage(), "channel")  # type: ignore[arg-type] # has to be found
    await SystemConsumer.broadcast_event(PongMessage())  # type: ignore[arg-type] # has to be found
    SystemConsumer.broadcast_event_sync(PongMessage())  # type: ignore[arg-type] # has to be found
    await PlainConsumer.broadcast_event(PongMessage())
