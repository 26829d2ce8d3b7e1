"""Both flavours on a real Redis layer: jobs, in process and behind a real server, and what a connection leaves."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fast_channels.layers import unregister_channel_layer
from fast_channels.testing import WebsocketCommunicator
from websockets import ConnectionClosed
from websockets.asyncio.client import ClientConnection, connect

from chanx.bridge import Bridge
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer as FastConsumer
from chanx.layers import RedisPubSubPublisher, publisher_for
from chanx.testing.tied_process import tied
from tests.integration.asgi_apps import APPLICATIONS, bridge_on
from tests.integration.test_job_topic import Client, Writer
from tests.ports import free_port

SECONDS = 90


@pytest.fixture(params=APPLICATIONS)
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def layer(flavour: str, redis_url: str, key_prefix: str) -> Any:
    return APPLICATIONS[flavour][0](hosts=[redis_url], prefix=key_prefix)


@pytest.fixture
def bridge(layer: Any, redis_url: str, key_prefix: str) -> Iterator[Bridge]:
    bridge = bridge_on(redis_url, key_prefix, layer)
    yield bridge
    bridge.store.close()
    bridge.app.close()


@pytest.fixture
def application(flavour: str, bridge: Bridge, layer: Any) -> Iterator[Any]:
    yield APPLICATIONS[flavour][1](bridge, layer)
    unregister_channel_layer("default")


@asynccontextmanager
async def connected(application: Any, topic: str) -> AsyncIterator[Client]:
    socket = WebsocketCommunicator(application, "/ws/jobs")
    accepted, _ = await socket.connect(30)
    assert accepted
    try:
        yield Client(socket, topic)  # type: ignore[arg-type]  # the same methods
    finally:
        await socket.disconnect(timeout=30)


async def test_a_job_is_shown_whole_and_live(application: Any, bridge: Bridge) -> None:
    # Given a job with a past
    writer = Writer(bridge)
    writer.log(*range(200))

    async with connected(application, writer.topic) as client:
        # When somebody subscribes, and the job goes on
        subscribed = await client.subscribe()
        await asyncio.to_thread(writer.log, *range(300))
        await asyncio.to_thread(writer.end)
        await client.hear_until("job_succeeded")

    # Then every event was there once, in order
    assert subscribed["payload"]["recovered"]
    assert client.seqs == list(range(1, 503))


async def test_a_job_resumes_where_its_client_was(application: Any, bridge: Bridge) -> None:
    writer = Writer(bridge)
    writer.log(1, 2, 3)
    async with connected(application, writer.topic) as client:
        epoch = (await client.subscribe())["payload"]["epoch"]
    writer.end()
    async with connected(application, writer.topic) as client:
        await client.subscribe(epoch=epoch, after=3)
        await client.hear_until("job_succeeded")
    assert client.seqs == [4, 5]


async def test_another_s_job_is_refused_and_ones_own_is_cancelled(application: Any, bridge: Bridge) -> None:
    own, other = Writer(bridge), Writer(bridge, owner="user:2")
    async with connected(application, own.topic) as client:
        await client.subscribe()
        await client.say("cancel", {"reason": "enough"}, ref="2")
        await client.hear_until("job_cancel_accepted")
    async with connected(application, other.topic) as client:
        await client.say("subscribe", None, ref="1")
        assert (await client.hear())["payload"]["reason"] == "unauthorized"
    assert bridge.store.is_cancelled(own.job_id)


def test_synchronous_code_publishes_to_its_layer_directly(layer: Any) -> None:
    assert isinstance(publisher_for(layer), RedisPubSubPublisher)


@pytest.mark.parametrize("ending", ["disconnect", "cancel", "at once"])
async def test_nothing_is_left_in_the_layer(application: Any, bridge: Bridge, layer: Any, ending: str) -> None:
    writer = Writer(bridge)
    socket = WebsocketCommunicator(application, "/ws/jobs")
    if ending == "at once":
        await socket.send_input({"type": "websocket.disconnect", "code": 1006})
        await socket.wait(30)
    else:
        await socket.connect(30)
        await Client(socket, writer.topic).subscribe()  # type: ignore[arg-type]  # the same methods
        inside = layer._get_layer()
        assert len(inside.groups) == 2
        assert len(inside.channels) == 3  # its own, and one of the hub's for each group
        if ending == "disconnect":
            await socket.disconnect(timeout=30)
        else:
            future: Any = socket.future
            future.cancel()
            await asyncio.gather(future, return_exceptions=True)

    inside = layer._get_layer()
    assert (inside.channels, inside.groups) == ({}, {})
    assert [shard._subscribed_to for shard in inside._shards] == [set()]


class TestBehindDaphne:
    """A real server process."""

    @pytest.fixture
    def server(self, flavour: str, redis_url: str, key_prefix: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
        port = free_port()
        command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port)]
        environment = {**os.environ, "CHANX_REDIS_URL": redis_url, "CHANX_PREFIX": key_prefix}
        process = subprocess.Popen(
            tied([*command, f"tests.integration.asgi_apps:{flavour}"]),
            env={**environment, "DJANGO_SETTINGS_MODULE": "tests.settings"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        yield f"ws://127.0.0.1:{port}/ws/jobs", process
        process.kill()
        process.wait(SECONDS)

    async def test_a_job_is_shown_live(self, server: tuple[str, Any], bridge: Bridge) -> None:
        writer = Writer(bridge)
        socket = await opened(server[0])
        await socket.send(json.dumps({"topic": writer.topic, "ref": "1", "action": "subscribe"}))
        frames = [await heard(socket)]
        await asyncio.to_thread(writer.log, 1, 2, 3)
        await asyncio.to_thread(writer.end)
        while frames[-1]["action"] != "job_succeeded":
            frames.append(await heard(socket))
        await socket.close()
        assert [frame["seq"] for frame in frames[1:]] == [1, 2, 3, 4, 5]

    async def test_a_shutdown_closes_every_connection_with_1012(self, server: tuple[str, Any]) -> None:
        sockets = [await opened(server[0]) for _ in range(5)]
        for socket in sockets:
            await socket.send('{"action":"ping"}')
            assert (await heard(socket))["action"] == "pong"
        # Daphne (4.2) stumbles over connections of the last second when it shuts down, and then cancels none.
        await asyncio.sleep(2.5)

        server[1].send_signal(signal.SIGTERM)

        for socket in sockets:
            with pytest.raises(ConnectionClosed) as closed:
                await heard(socket)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4012  # which is 1012 on Daphne
        assert await asyncio.to_thread(server[1].wait, SECONDS) == 0


async def opened(url: str) -> ClientConnection:
    """A connection, as soon as the server takes one."""
    async with asyncio.timeout(SECONDS):
        while True:
            try:
                return await connect(url)
            except OSError:
                await asyncio.sleep(0.05)


async def heard(socket: ClientConnection) -> Any:
    async with asyncio.timeout(SECONDS):
        return json.loads(await socket.recv())


def test_both_flavours_have_one_engine() -> None:
    """Nothing of a connection's life is defined twice."""
    own = {name for flavour in (AsyncJsonWebsocketConsumer, FastConsumer) for name in vars(flavour)}
    assert not own & {
        "__call__",
        "dispatch",
        "connect",
        "websocket_connect",
        "websocket_receive",
        "websocket_disconnect",
    }
