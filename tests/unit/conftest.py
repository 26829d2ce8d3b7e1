"""What holds for every unit test."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from chanx.channels.database import old_connections
from tests.unit.channels.client import Client

Connect = Callable[..., Awaitable[Client]]


@pytest.fixture(autouse=True)
def no_database_upkeep(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Consumers close old database connections now and then; a test without a database has none.

    But the thread of an earlier test with one still has its connection, and pytest-django would refuse to look at it.
    """
    if request.node.get_closest_marker("django_db") is None:
        monkeypatch.setattr(old_connections, "_due", math.inf)


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
