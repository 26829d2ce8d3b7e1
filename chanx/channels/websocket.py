"""The consumer class for Django Channels."""

from collections.abc import Callable
from typing import Any, ClassVar

from channels.exceptions import AcceptConnection, DenyConnection, StopConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer as ChannelsConsumer
from channels.layers import get_channel_layer as channels_layer
from django.core.exceptions import SynchronousOnlyOperation
from django.db import transaction

from chanx.channels.database import old_connections
from chanx.channels.settings import SettingsConfig
from chanx.channels.signing_in import anonymous_user, user_by_now
from chanx.core.config import ConsumerConfig
from chanx.core.events import ReceiveEvent
from chanx.core.serving import ServedConsumer, Signals, Upkeep
from chanx.errors import ConfigurationError

__all__ = ["AsyncJsonWebsocketConsumer", "ReceiveEvent"]


class AsyncJsonWebsocketConsumer(ServedConsumer[ReceiveEvent], ChannelsConsumer):  # type: ignore[misc] # channels has no types
    """A typed consumer on Channels: subclass it, decorate methods, route to ``as_asgi()``."""

    config: ClassVar[ConsumerConfig] = SettingsConfig()
    signals: ClassVar[Signals] = Signals(AcceptConnection, DenyConnection, StopConsumer)
    upkeep: ClassVar[Upkeep | None] = old_connections

    @classmethod
    def run_on_commit(cls, action: Callable[[], None]) -> None:
        """Call ``action`` when the transaction of the default database is committed; at once if there is none.

        Raises ``ConfigurationError`` inside a running event loop, where Django has no transactions.
        """
        try:
            transaction.on_commit(action)
        except SynchronousOnlyOperation as error:
            raise ConfigurationError(
                f"{cls.__name__}: on_commit=True does not work inside a running event loop, as Django's transactions "
                "are synchronous. Call the method inside the sync_to_async function that has the transaction, or await "
                "send_event() or broadcast_event() after the commit."
            ) from error

    async def refreshed_user(self) -> Any:
        """Read again from the session, or the users' table: who has signed out or is inactive now is anonymous."""
        return await user_by_now(self.scope, self.user)

    def signed_out_user(self) -> Any:
        """Django's anonymous user."""
        return anonymous_user()

    @staticmethod
    def get_channel_layer(alias: str) -> Any:
        """Channels' layer of an alias, or None; a project may put another callable here."""
        return channels_layer(alias)
