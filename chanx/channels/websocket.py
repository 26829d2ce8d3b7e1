"""The consumer class for Django Channels."""

from typing import Any, ClassVar

from channels.exceptions import AcceptConnection, DenyConnection, StopConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer as ChannelsConsumer
from channels.layers import get_channel_layer as channels_layer

from chanx.channels.database import old_connections
from chanx.channels.settings import SettingsConfig
from chanx.core.config import ConsumerConfig
from chanx.core.events import ReceiveEvent
from chanx.core.serving import ServedConsumer, Signals, Upkeep


class AsyncJsonWebsocketConsumer(ServedConsumer[ReceiveEvent], ChannelsConsumer):  # type: ignore[misc] # channels has no types
    """A typed consumer on Channels: subclass it, decorate methods, route to ``as_asgi()``."""

    config: ClassVar[ConsumerConfig] = SettingsConfig()
    signals: ClassVar[Signals] = Signals(AcceptConnection, DenyConnection, StopConsumer)
    upkeep: ClassVar[Upkeep | None] = old_connections

    @staticmethod
    def get_channel_layer(alias: str) -> Any:
        """Channels' layer of an alias, or None; a project may put another callable here."""
        return channels_layer(alias)
