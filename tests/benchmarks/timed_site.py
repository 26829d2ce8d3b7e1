"""Three sites for the events of ``timed_task``: the same layer, group and message, another receiving side each."""

from typing import Any, Literal

from channels.generic.websocket import AsyncJsonWebsocketConsumer as ChannelsConsumer
from channels.layers import channel_layers

from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import event_handler
from chanx.messages.base import BaseMessage
from tests.benchmarks.timed_task import GROUP, LAYER, Timed, TimedPayload

channel_layers.set("default", LAYER)  # pyright: ignore[reportArgumentType]  # a layer without the base class


class PlainConsumer(ChannelsConsumer):  # type: ignore[misc]  # channels has no types
    """As the documentation of Channels has it."""

    groups = [GROUP]

    async def handle_channel_event(self, message: dict[str, Any]) -> None:
        await self.send_json(message["event_data"])


class PassthroughConsumer(AsyncJsonWebsocketConsumer):
    groups = [GROUP]
    passthrough_events = [Timed]
    log_websocket_message = False


class Told(BaseMessage):
    action: Literal["told"] = "told"
    payload: TimedPayload


class HandlerConsumer(AsyncJsonWebsocketConsumer):
    groups = [GROUP]
    log_websocket_message = False

    @event_handler
    async def tell(self, event: Timed) -> Told:
        return Told(payload=event.payload)


plain = PlainConsumer.as_asgi()
passthrough = PassthroughConsumer.as_asgi()
handler = HandlerConsumer.as_asgi()
