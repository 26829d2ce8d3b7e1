"""Routes as users write them: what mypy and pyright must accept."""

from channels.routing import ProtocolTypeRouter, URLRouter

from chanx.channels.routing import include, path, re_path
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.topic import Topic


class Chat(AsyncJsonWebsocketConsumer): ...


class Room(Topic):
    pattern = "room:{pk}"


router = URLRouter(
    [
        path("chat/<int:pk>/", Chat.as_asgi(), name="chat"),
        re_path(r"^old/(?P<pk>\d+)/$", Chat.as_asgi(), {"old": True}),
        path("room/<pk>/", Room.as_consumer(max_topics=1).as_asgi()),
        path("api/", include("shop.routing")),
    ]
)
application = ProtocolTypeRouter({"websocket": include(router)})
