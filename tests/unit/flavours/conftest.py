"""The two flavours, Django Channels and fast-channels: what is tested here holds for both."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from channels.layers import InMemoryChannelLayer
from fast_channels.layers import InMemoryChannelLayer as FastInMemoryLayer

from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer as FastConsumer
from tests.unit.channels.client import Client

Connect = Callable[..., Awaitable[Client]]


@dataclass(frozen=True)
class Flavour:
    """A flavour's consumer class, and how to make a channel layer in memory."""

    base: Any
    new_layer: Callable[[], Any]


FLAVOURS = {
    "channels": Flavour(AsyncJsonWebsocketConsumer, InMemoryChannelLayer),
    "fast_channels": Flavour(FastConsumer, FastInMemoryLayer),
}


@pytest.fixture(params=FLAVOURS)
def flavour(request: pytest.FixtureRequest) -> Flavour:
    return FLAVOURS[request.param]


@pytest.fixture
def layer(flavour: Flavour) -> Any:
    return flavour.new_layer()


@pytest.fixture
def base(flavour: Flavour, layer: Any) -> Any:
    """The consumer class to derive from; its channel layer is ``layer``."""
    return type("Base", (flavour.base,), {"get_channel_layer": staticmethod(lambda alias: layer)})


@pytest_asyncio.fixture
async def connect() -> AsyncIterator[Connect]:
    """``await connect(Consumer)``: an accepted client, disconnected when the test ends."""
    clients: list[Client] = []

    async def start(consumer: Any, path: str = "/ws/", **scope: Any) -> Client:
        client = Client(consumer, path, scope)
        clients.append(client)
        await client.connect()
        return client

    yield start
    for client in clients:
        await client.disconnect()
