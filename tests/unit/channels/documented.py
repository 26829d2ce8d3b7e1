"""A small project with a document: its ASGI application and its URLs."""

from typing import Literal

from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import include, path

from chanx.channels.routing import path as websocket_path
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import channel, ws_handler
from chanx.messages.base import BaseMessage
from chanx.routing.discovery import RouteDiscovery, RouteInfo


class Say(BaseMessage):
    """Something said, perhaps with ümlauts."""

    action: Literal["say"] = "say"
    payload: str


class SayTwice(BaseMessage):
    action: Literal["say_twice"] = "say_twice"
    first_words: str


@channel(name="chat", description="One room.", tags=["chat"])
class ChatConsumer(AsyncJsonWebsocketConsumer):
    @ws_handler(summary="Say something")
    async def say(self, message: Say) -> Say:
        return message

    @ws_handler
    async def say_twice(self, message: SayTwice) -> None: ...


class NoRoutes(RouteDiscovery):
    """Finds nothing, for ``--discovery-class``."""

    def get_websocket_application(self) -> None: ...

    def extract_routes_from_router(
        self, router: object, prefix: str, routes: list[RouteInfo], base_url: str
    ) -> None: ...


application = ProtocolTypeRouter({"websocket": URLRouter([websocket_path("ws/<int:pk>/", ChatConsumer.as_asgi())])})

urlpatterns = [path("asyncapi/", include("chanx.channels.urls"))]
