"""The consumer class for FastAPI, Starlette and every other ASGI framework."""

from typing import Any, ClassVar

from fast_channels.consumer import AsyncJsonWebsocketConsumer as FastChannelsConsumer
from fast_channels.exceptions import AcceptConnection, DenyConnection, StopConsumer
from fast_channels.layers import get_channel_layer as registered_layer

from chanx.core.events import ReceiveEvent
from chanx.core.serving import ServedConsumer, Signals

__all__ = ["AsyncJsonWebsocketConsumer", "ReceiveEvent"]


class AsyncJsonWebsocketConsumer(ServedConsumer[ReceiveEvent], FastChannelsConsumer):  # type: ignore[misc] # scopes and messages are plain dicts here  # pyright: ignore[reportIncompatibleMethodOverride, reportIncompatibleVariableOverride]
    """A typed consumer on FastAPI or Starlette: subclass it, decorate methods, and route to ``as_asgi()``.

    ``app.router.routes.append(WebSocketRoute("/ws/{room}", ChatConsumer.as_asgi()))``, or ``app.mount``. Its channel
    layer is the one that ``fast_channels.layers.register_channel_layer`` has under ``channel_layer_alias``.
    """

    signals: ClassVar[Signals] = Signals(AcceptConnection, DenyConnection, StopConsumer)

    @staticmethod
    def get_channel_layer(alias: str) -> Any:
        """fast-channels' layer of an alias, or None; a project may put another callable here."""
        return registered_layer(alias)
