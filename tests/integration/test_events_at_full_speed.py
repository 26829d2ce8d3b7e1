"""Five thousand events, as fast as a real task can publish them, to the clients of a real server."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect

from chanx.core.events import event_message
from chanx.layers import LayerSpec, Publisher, RedisPubSubPublisher
from chanx.testing.redis_server import RedisServer
from chanx.testing.tied_process import tied
from tests.integration.publishing_app import Counted, app, publish
from tests.integration.worker_process import worker
from tests.ports import free_port

EVENTS = 5000
SECONDS = 240
HELLO = -1


@pytest.fixture
def site(own_redis: RedisServer) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(
        tied([*command, "tests.integration.publishing_asgi:application"]),
        env={**os.environ, "CHANX_LAYER_URL": own_redis.url, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield f"ws://127.0.0.1:{port}/"
    process.kill()
    process.wait(30)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("clients", [1, 100])
async def test_every_client_has_every_event_in_order(
    clients: int, site: str, own_redis: RedisServer, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a worker, and clients of the site that are in the group by now
    monkeypatch.setenv("CHANX_LAYER_URL", own_redis.url)
    app.conf.update(broker_url=redis_url, result_backend=redis_url)
    with worker("tests.integration.publishing_app", app, redis_url, log=tmp_path / "worker.log"):
        sockets = [await opened(site) for _ in range(clients)]
        publisher = RedisPubSubPublisher(LayerSpec.redis_pubsub(own_redis.url))
        await asyncio.gather(*(in_the_group(socket, publisher) for socket in sockets))

        # When a task publishes at full speed
        got = [asyncio.create_task(numbers(socket)) for socket in sockets]
        result = await asyncio.to_thread(publish.delay, "pubsub", ["room"], EVENTS)

        # Then each client has all events once, in their order
        async with asyncio.timeout(SECONDS):
            for heard in await asyncio.gather(*got):
                assert heard == list(range(EVENTS))
        assert (await asyncio.to_thread(result.get, timeout=30))[1] == 0
        await asyncio.gather(*(socket.close() for socket in sockets))
        publisher.close()
    app.close()


async def in_the_group(socket: ClientConnection, publisher: Publisher) -> None:
    """Say hello until the client hears it: joining a group returns before Redis has done it."""
    while True:
        publisher.group_send("room", event_message(Counted(payload=HELLO)))
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                assert json.loads(await socket.recv())["payload"] == HELLO
                return


async def numbers(socket: ClientConnection) -> list[int]:
    """All numbers, up to the last one; without the hellos that were meant for others."""
    heard: list[int] = []
    while not heard or heard[-1] != EVENTS - 1:
        number = json.loads(await socket.recv())["payload"]
        if number != HELLO:
            heard.append(number)
    return heard


async def opened(url: str) -> ClientConnection:
    """A connection, as soon as the server takes one."""
    async with asyncio.timeout(90):
        while True:
            try:
                return await connect(url, compression=None)
            except OSError:
                await asyncio.sleep(0.05)
