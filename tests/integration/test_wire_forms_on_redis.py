"""Broadcasts between consumers of different wire forms, over the layers and serializers a project may have."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from fast_channels.layers.redis import RedisPubSubChannelLayer as FastPubSubLayer

from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer as FastConsumer
from tests.unit.channels.client import Client
from tests.unit.flavours.wire_forms import FORMS, check_broadcasts, receiver
from tests.waiting import wait_until

LAYERS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "pub/sub, msgpack": (AsyncJsonWebsocketConsumer, RedisPubSubChannelLayer, {"serializer_format": "msgpack"}),
    "pub/sub, json": (AsyncJsonWebsocketConsumer, RedisPubSubChannelLayer, {"serializer_format": "json"}),
    "core": (AsyncJsonWebsocketConsumer, RedisChannelLayer, {}),
    "fast-channels pub/sub": (FastConsumer, FastPubSubLayer, {}),
}


@pytest.fixture(params=LAYERS)
async def base(request: pytest.FixtureRequest, redis_url: str, key_prefix: str) -> AsyncIterator[Any]:
    consumer, layer_type, options = LAYERS[request.param]
    # redis-py 8's default socket_timeout equals the five seconds that the core layer's receive() blocks.
    layer = layer_type(hosts=[{"address": redis_url, "socket_timeout": None}], prefix=key_prefix, **options)
    yield type("Base", (consumer,), {"get_channel_layer": staticmethod(lambda alias: layer)})
    await layer.flush()


@pytest.fixture
async def clients(base: Any, redis_url: str, key_prefix: str) -> AsyncIterator[dict[tuple[str, bool], Client]]:
    clients = {form: Client(receiver(base, form)) for form in FORMS}
    for (key, _), client in clients.items():
        await client.connect()
        await client.send({key: "ping"})
        assert (await client.frame())[key] == "pong"  # so it is in its group
    await asyncio.to_thread(wait_until, lambda: has_joined(redis_url, key_prefix), what="the group to be joined")
    yield clients
    for client in clients.values():
        await client.disconnect()


def has_joined(url: str, prefix: str) -> bool:
    """Whether Redis knows that this process is in the group: by a subscription, or as one member of a sorted set."""
    with redis.Redis.from_url(url) as connection:
        subscribed: Any = connection.pubsub_channels(f"{prefix}*group*all")
        joined: Any = [connection.zcard(key) for key in connection.scan_iter(f"{prefix}:group:all")]
    return bool(subscribed) or joined == [1]


@pytest.mark.parametrize("form", [("action", False), ("type", True)], ids=str)
async def test_a_broadcast_is_what_each_member_would_send_itself(
    base: Any, clients: dict[tuple[str, bool], Client], form: tuple[str, bool]
) -> None:
    await check_broadcasts(base, form, clients)
