"""A channel layer in memory, and connecting clients to consumers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from channels.layers import get_channel_layer

from tests.unit.channels.client import Client

Connect = Callable[..., Awaitable[Client]]


@pytest.fixture(autouse=True)
def channel_layers(settings: Any) -> None:
    """A fresh channel layer for each test."""
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


@pytest.fixture
def layer(channel_layers: None) -> Any:
    """The default channel layer."""
    return get_channel_layer()


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
