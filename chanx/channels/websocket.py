"""The consumer class for Django Channels."""

from collections.abc import Callable
from typing import Any, ClassVar

from channels.exceptions import AcceptConnection, DenyConnection, StopConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer as ChannelsConsumer
from channels.layers import get_channel_layer as channels_layer
from django.db import transaction

from chanx.channels.database import old_connections
from chanx.channels.settings import SettingsConfig
from chanx.core.config import ConsumerConfig
from chanx.core.events import ReceiveEvent
from chanx.core.serving import ServedConsumer, Signals, Upkeep

__all__ = ["AsyncJsonWebsocketConsumer", "ReceiveEvent"]


class AsyncJsonWebsocketConsumer(ServedConsumer[ReceiveEvent], ChannelsConsumer):  # type: ignore[misc] # channels has no types
    """A typed consumer on Channels: subclass it, decorate methods, route to ``as_asgi()``."""

    config: ClassVar[ConsumerConfig] = SettingsConfig()
    signals: ClassVar[Signals] = Signals(AcceptConnection, DenyConnection, StopConsumer)
    upkeep: ClassVar[Upkeep | None] = old_connections

    @classmethod
    def run_on_commit(cls, action: Callable[[], None]) -> None:
        """Call ``action`` when the transaction of the default database is committed; at once if there is none."""
        transaction.on_commit(action)

    @staticmethod
    def get_channel_layer(alias: str) -> Any:
        """Channels' layer of an alias, or None; a project may put another callable here."""
        return channels_layer(alias)
