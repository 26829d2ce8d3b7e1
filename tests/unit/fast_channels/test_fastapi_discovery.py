"""The WebSocket routes of a FastAPI application."""

from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute

from chanx.core.decorators import ws_handler
from chanx.core.topic import Topic
from chanx.fast_channels.discovery import FastAPIRouteDiscovery
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from chanx.routing.discovery import RouteInfo, expand_topic_routes
from tests.unit.channels.client import Client

BASE = "ws://testserver"


class Room(AsyncJsonWebsocketConsumer):
    @ws_handler
    async def ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()


class Other(Room): ...


def routes_of(app: Any) -> list[RouteInfo]:
    return FastAPIRouteDiscovery(app).discover_routes(BASE)


def found(app: Any) -> list[tuple[str, type[Any], Any]]:
    return [(info.path, info.consumer, info.path_params) for info in routes_of(app)]


def test_routes_of_an_application() -> None:
    app = FastAPI(
        routes=[WebSocketRoute("/ws/{room}/{pk:int}", Room.as_asgi()), WebSocketRoute("/other", Other.as_asgi())]
    )

    @app.get("/ws/page")
    def page() -> str:
        return ""

    @app.websocket("/plain")
    async def plain(socket: WebSocket) -> None: ...

    discovery = FastAPIRouteDiscovery(app)
    assert discovery.app is discovery.get_websocket_application() is app
    [room, other] = discovery.discover_routes(BASE)
    assert room == RouteInfo("/ws/{room}/{pk:int}", room.handler, BASE, Room, {"room": "str", "pk": "int"})
    assert room.channel_path == "/ws/{room}/{pk}"
    assert room.handler.consumer_class is Room
    assert (other.path, other.consumer, other.path_params) == ("/other", Other, None)


def test_mounts_and_included_routers_with_their_prefixes() -> None:
    inner, outer = APIRouter(), APIRouter()
    inner.routes.append(WebSocketRoute("/room/{pk}", Room.as_asgi()))
    outer.include_router(inner, prefix="/inner")
    deep = Starlette(routes=[Mount("/deep/{version}", routes=[WebSocketRoute("/x", Other.as_asgi())])])
    app = FastAPI()
    app.include_router(outer, prefix="/api")
    app.mount("/sub", TrustedHostMiddleware(deep, ["*"]))
    app.mount("/whole", Room.as_asgi())
    app.router.routes.append(Host("chat.example.org", Router([WebSocketRoute("/host", Other.as_asgi())])))
    assert found(app) == [
        ("/api/inner/room/{pk}", Room, {"pk": "str"}),
        ("/sub/deep/{version}/x", Other, {"version": "str"}),
        ("/whole", Room, None),
        ("/host", Other, None),
    ]


async def test_what_is_found_is_where_it_answers() -> None:
    inner = APIRouter()
    inner.routes.append(WebSocketRoute("/room/{pk:int}", Room.as_asgi()))
    app = FastAPI()
    app.include_router(inner, prefix="/api")
    app.mount("/sub", Starlette(routes=[WebSocketRoute("/room/{pk:int}", Other.as_asgi())]))
    paths = [info.channel_path.format(pk=5) for info in routes_of(app)]
    assert paths == ["/api/room/5", "/sub/room/5"]
    for path in paths:
        client = Client(lambda: app, path)
        await client.connect()
        await client.quiet()
        await client.disconnect()


@pytest.mark.parametrize(
    "app", [FastAPI(), Starlette(), Starlette(routes=[Route("/", lambda request: None)]), object()]
)
def test_an_application_without_consumers(app: Any) -> None:
    assert found(app) == []


def test_a_router_by_itself() -> None:
    routes: list[RouteInfo] = []
    router = Router([WebSocketRoute("/x", Room.as_asgi())])
    FastAPIRouteDiscovery(FastAPI()).extract_routes_from_router(router, "/pre", routes, BASE)
    assert [info.path for info in routes] == ["/pre/x"]


def test_a_dedicated_topic_is_found() -> None:
    class Discussion(Topic):
        pattern = "discussion:{pk}"

    app = FastAPI(routes=[WebSocketRoute("/d/{pk}", Discussion.as_consumer(AsyncJsonWebsocketConsumer).as_asgi())])
    [info] = expand_topic_routes(routes_of(app))
    assert (info.path, info.consumer, info.topic, info.host) == ("/d/{pk}", Discussion, Discussion, None)
