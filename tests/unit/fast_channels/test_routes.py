"""A consumer mounted on FastAPI and on Starlette, in each way there is, over ASGI."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import httpx
import pytest
from fast_channels.layers import InMemoryChannelLayer, register_channel_layer, unregister_channel_layer
from fast_channels.testing import WebsocketCommunicator
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection
from starlette.routing import Mount, Router, WebSocketRoute

from chanx.core.authenticator import BaseAuthenticator
from chanx.core.decorators import channel, event_handler, ws_handler
from chanx.errors import ConfigurationError
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.messages.base import BaseMessage

LAYER = "test-routes"


class Say(BaseMessage):
    action: Literal["say"] = "say"
    payload: str


class Said(BaseMessage):
    action: Literal["said"] = "said"
    payload: Any


class Announced(BaseMessage):
    action: Literal["announced"] = "announced"
    payload: str


@channel(name="room")
class RoomConsumer(AsyncJsonWebsocketConsumer[Announced]):
    channel_layer_alias = LAYER

    async def post_authentication(self) -> None:
        assert self.channel_layer is not None
        group = f"room_{self.scope['path_params']['room']}"
        await self.channel_layer.group_add(group, self.channel_name)
        self.groups.append(group)

    @ws_handler
    async def say(self, message: Say) -> Said:
        return Said(payload=[message.payload, self.url_params["room"], self.user])

    @ws_handler(output_type=Said)
    async def tell(self, message: Announced) -> None:
        await self.broadcast_message(Said(payload=message.payload))

    @event_handler
    async def announced(self, event: Announced) -> Said:
        return Said(payload=event.payload)


class TokenAuthenticator(BaseAuthenticator):
    async def authenticate(self) -> bool:
        self.user = self.get_query_param("token")
        return self.user is not None


class GuardedConsumer(RoomConsumer):
    authenticator_class = TokenAuthenticator


@pytest.fixture(autouse=True)
def layer() -> Iterator[InMemoryChannelLayer]:
    layer = InMemoryChannelLayer()
    register_channel_layer(LAYER, layer)
    yield layer
    unregister_channel_layer(LAYER)


def appended() -> Any:
    app = FastAPI()
    app.router.routes.append(WebSocketRoute("/ws/{room}", RoomConsumer.as_asgi()))
    return app


def mounted() -> Any:
    app = FastAPI()
    app.mount("/ws/{room}", RoomConsumer.as_asgi())
    return app


def mounted_router() -> Any:
    app = FastAPI()
    app.mount("/ws", Router(routes=[WebSocketRoute("/{room}", RoomConsumer.as_asgi())]))
    return app


def included_router() -> Any:
    router = APIRouter()
    router.routes.append(WebSocketRoute("/{room}", RoomConsumer.as_asgi()))
    app = FastAPI()
    app.include_router(router, prefix="/ws")
    return app


def added_to_router() -> Any:
    app = FastAPI()
    app.router.add_websocket_route("/ws/{room}", RoomConsumer.as_asgi())
    return app


def added_to_application() -> Any:
    app: Any = Starlette()
    app.add_websocket_route("/ws/{room}", RoomConsumer.as_asgi())
    return app


def starlette() -> Any:
    return Starlette(routes=[Mount("/ws", routes=[WebSocketRoute("/{room}", RoomConsumer.as_asgi())])])


WAYS = [appended, mounted, mounted_router, included_router, added_to_router, starlette]
if hasattr(Starlette, "add_websocket_route"):  # until Starlette 1.0
    WAYS.append(added_to_application)


@asynccontextmanager
async def connected(app: Any, path: str) -> AsyncIterator[WebsocketCommunicator]:
    socket = WebsocketCommunicator(app, path)
    accepted, _ = await socket.connect(30)
    assert accepted
    try:
        yield socket
    finally:
        await socket.disconnect(timeout=30)


async def asked(socket: WebsocketCommunicator, **message: Any) -> Any:
    """The payload of the answer to a message."""
    await socket.send_json_to(message)
    return (await socket.receive_json_from(5))["payload"]


def serving(consumer: Any, path: str = "/ws/{room}") -> FastAPI:
    app = FastAPI()
    app.router.routes.append(WebSocketRoute(path, consumer.as_asgi()))
    return app


@pytest.mark.parametrize("application", WAYS)
async def test_it_is_served_with_its_path_parameters(application: Any) -> None:
    path = "/ws/lobby/" if application is mounted else "/ws/lobby"  # what is mounted has a path of its own
    async with connected(application(), path) as socket:
        assert await asked(socket, action="say", payload="hello") == ["hello", "lobby", None]


async def test_path_parameters_keep_their_converters_type() -> None:
    async with connected(serving(RoomConsumer, "/ws/{room:int}"), "/ws/7") as socket:
        assert await asked(socket, action="say", payload="hello") == ["hello", 7, None]


def test_the_route_knows_its_consumer() -> None:
    assert RoomConsumer.as_asgi().consumer_class is RoomConsumer


async def test_http_routes_send_events_to_its_clients(layer: InMemoryChannelLayer) -> None:
    app = serving(RoomConsumer)

    @app.get("/announce")
    async def announce() -> dict[str, bool]:
        await RoomConsumer.broadcast_event(Announced(payload="awaited"), groups=["room_lobby"])
        return {"ok": True}

    @app.get("/announce_sync")
    def announce_sync() -> dict[str, bool]:  # in a thread
        RoomConsumer.broadcast_event_sync(Announced(payload="from a thread"), groups="room_lobby")
        return {"ok": True}

    async with connected(app, "/ws/lobby") as socket:
        await asked(socket, action="say", payload="here")  # answered once the group is joined
        for path, text in (("/announce", "awaited"), ("/announce_sync", "from a thread")):
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://site") as http:
                assert (await http.get(path)).status_code == 200
            assert await socket.receive_json_from(5) == {"action": "said", "payload": text}
    assert layer.groups == layer.channels == {}


async def test_a_broadcast_reaches_the_room_and_no_other(layer: InMemoryChannelLayer) -> None:
    app = serving(RoomConsumer)
    async with connected(app, "/ws/a") as one, connected(app, "/ws/a") as two, connected(app, "/ws/b") as other:
        for socket in (one, two, other):
            await asked(socket, action="say", payload="here")
        assert await asked(one, action="announced", payload="to a") == "to a"
        assert (await two.receive_json_from(5))["payload"] == "to a"
        assert await asked(other, action="say", payload="nothing before this") == ["nothing before this", "b", None]
    assert layer.groups == layer.channels == {}


async def test_an_authenticator_lets_in_by_the_query() -> None:
    async with connected(serving(GuardedConsumer), "/ws/lobby?token=ada") as socket:
        assert await asked(socket, action="say", payload="hello") == ["hello", "lobby", "ada"]


async def test_an_authenticator_refuses() -> None:
    async with connected(serving(GuardedConsumer), "/ws/lobby") as socket:
        assert await socket.receive_output(5) == {"type": "websocket.close"}


class EveryoneIsAda:
    """A backend of Starlette's authentication."""

    async def authenticate(self, connection: HTTPConnection) -> Any:
        return [], "ada"


async def test_starlettes_own_user_is_the_consumers() -> None:
    app = Starlette(
        routes=[WebSocketRoute("/ws/{room}", RoomConsumer.as_asgi())],
        middleware=[Middleware(AuthenticationMiddleware, backend=EveryoneIsAda())],  # type: ignore[arg-type]  # duck
    )
    async with connected(app, "/ws/lobby") as socket:
        assert await asked(socket, action="say", payload="hello") == ["hello", "lobby", "ada"]


async def test_without_a_registered_layer_it_works_but_for_groups() -> None:
    class Alone(AsyncJsonWebsocketConsumer):
        channel_layer_alias = "nobody registered this"

        @ws_handler
        async def say(self, message: Say) -> Said:
            return Said(payload=self.channel_layer)

    async with connected(serving(Alone, "/ws"), "/ws") as socket:
        assert await asked(socket, action="say", payload="hello") is None
    with pytest.raises(ConfigurationError, match="register_channel_layer"):
        await Alone.broadcast_event(Announced(payload=""), "everybody")


def test_options_outside_django_have_their_defaults_and_class_attributes_go_before_them() -> None:
    class Own(RoomConsumer):
        send_completion = True

    assert RoomConsumer().should_send_completion is False
    assert Own().should_send_completion is True
    config = RoomConsumer.config
    assert (config.send_message_immediately, config.log_websocket_message) == (True, False)
    assert config.log_ignored_actions == {}
