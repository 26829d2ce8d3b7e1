"""A routing module, for ``include()`` by its dotted name."""

from channels.routing import URLRouter

from chanx.channels.routing import path
from chanx.channels.websocket import AsyncJsonWebsocketConsumer


class Inner(AsyncJsonWebsocketConsumer):
    """Says the parameters of its URL."""

    async def post_authentication(self) -> None:
        await self.send_json({"consumer": self.name, **self.url_params})


class Default(Inner): ...


router = URLRouter([path("room/<int:pk>/", Inner.as_asgi(), {"kind": "room"}, "room"), path("", Default.as_asgi())])
