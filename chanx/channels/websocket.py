"""The consumer class for Django Channels."""

import functools
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Final

from channels.consumer import get_handler_name
from channels.exceptions import AcceptConnection, DenyConnection, StopConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer as ChannelsConsumer
from channels.layers import get_channel_layer as channels_layer

from chanx.channels.database import old_connections
from chanx.channels.settings import SettingsConfig
from chanx.core.channel_layer import open_to_synchronous_code
from chanx.core.config import ConsumerConfig
from chanx.core.events import ReceiveEvent
from chanx.core.failures import log_failure
from chanx.core.receive_loop import receive_loop
from chanx.core.websocket import ChanxWebsocketConsumerMixin

NO_CLOSE_CODE: Final = 1005


class AsyncJsonWebsocketConsumer(ChanxWebsocketConsumerMixin[ReceiveEvent], ChannelsConsumer):  # type: ignore[misc] # channels has no types
    """A typed consumer on Channels: subclass it, decorate methods, route to ``as_asgi()``."""

    config: ClassVar[ConsumerConfig] = SettingsConfig()

    @staticmethod
    def get_channel_layer(alias: str) -> Any:
        """Channels' layer of an alias, or None; a project may put another callable here."""
        return channels_layer(alias)

    async def __call__(  # pyright: ignore[reportIncompatibleMethodOverride] -- scopes and messages are plain dicts here
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Serve one connection, from its first message to its last."""
        self.scope = scope
        self.base_send = send
        self.channel_layer = layer = self.find_channel_layer()
        receive_event = None
        if layer is not None:
            self.channel_name = name = await layer.new_channel()
            receive_event = functools.partial(layer.receive, name)
            open_to_synchronous_code(layer)
        try:
            await receive_loop(receive, receive_event, self.dispatch)
        except StopConsumer:
            pass
        finally:
            await self.end_connection()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Hand a message of the server or of the channel layer to the method its type names.

        What is no message, or what such a method raises, is logged and does not end the connection.
        """
        try:
            name = get_handler_name(message)
            if self.is_closed and not name.startswith("websocket_"):
                return
            handler = getattr(self, name)
            if old_connections.due:
                await old_connections.close()
            await handler(message)
        except StopConsumer:
            raise
        except Exception as error:
            log_failure("channel_message_failed", error, consumer=type(self).__name__, type=message.get("type"))

    async def connect(self) -> None:
        """Accept the connection. Overridable; Channels' exceptions for accepting and denying work here."""
        await self.accept()

    async def open_socket(self) -> None:
        """Run ``connect`` as Channels does."""
        try:
            await self.connect()
        except AcceptConnection:
            await self.accept()
        except DenyConnection:
            await self.close()

    async def websocket_disconnect(  # pyright: ignore[reportIncompatibleMethodOverride] -- messages are plain dicts here
        self, message: dict[str, Any]
    ) -> None:
        """End the connection: cancel what runs, leave topics and groups, call ``disconnect``."""
        await self.end_connection()
        try:
            await self.disconnect(message.get("code", NO_CLOSE_CODE))
        except Exception as error:
            log_failure("disconnect_failed", error, consumer=type(self).__name__)
        if old_connections.due:
            await old_connections.close()
        raise StopConsumer
