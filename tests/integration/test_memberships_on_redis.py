"""What a connection has joined is left in a real Redis, on both layers of channels-redis, however it ends."""

import asyncio
from typing import Any, Literal

import pytest
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from redis import Redis

from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import ws_handler
from chanx.core.topic import Topic
from chanx.messages.base import BaseMessage
from tests.unit.channels.client import Client

CONNECTIONS = 20


class Join(BaseMessage):
    action: Literal["join"] = "join"
    payload: int


class Room(Topic):
    pattern = "room:{id}"


@pytest.fixture(params=[RedisChannelLayer, RedisPubSubChannelLayer], ids=["core", "pubsub"])
def layer(request: pytest.FixtureRequest, redis_url: str, key_prefix: str) -> Any:
    return request.param(hosts=[redis_url], prefix=key_prefix)


@pytest.fixture
def consumer(layer: Any) -> Any:
    class Member(AsyncJsonWebsocketConsumer):
        groups = ["declared"]
        topics = [Room]
        get_channel_layer = staticmethod(lambda alias: layer)

        async def post_authentication(self) -> None:
            await self.channel_layer.group_add("opened", self.channel_name)

        @ws_handler
        async def join(self, message: Join) -> None:
            for number in range(message.payload):
                await self.channel_layer.group_add(f"joined_{number}", self.channel_name)

    return Member


def members(redis_url: str, key_prefix: str) -> dict[str, int]:
    """Every group of the prefix with the number of its members, or of its subscriptions."""
    with Redis.from_url(redis_url, decode_responses=True) as redis:
        sets = {key: redis.zcard(key) for key in redis.scan_iter(f"{key_prefix}:group:*")}
        subscribed = redis.pubsub_numsub(*redis.pubsub_channels(f"{key_prefix}*"))
        return {str(key): int(count) for key, count in [*sets.items(), *subscribed] if count}


@pytest.mark.parametrize("way", ["disconnect", "end"])
@pytest.mark.parametrize("is_joining", [False, True], ids=["quiet", "in the middle of joining"])
async def test_groups_and_channels_are_left(
    consumer: Any, redis_url: str, key_prefix: str, way: str, is_joining: bool
) -> None:
    clients = [Client(consumer) for _ in range(CONNECTIONS)]
    for client in clients:
        await client.connect()
        await client.send({"topic": "room:1", "action": "subscribe"})
        assert (await client.frame())["action"] == "subscribed"
    assert len(await asyncio.to_thread(members, redis_url, key_prefix)) >= 3

    for turns, client in enumerate(clients):
        if is_joining:
            await client.send({"action": "join", "payload": 1000})
            for _ in range(5 * turns):
                await asyncio.sleep(0)
    await asyncio.gather(*(getattr(client, way)() for client in clients))

    assert await asyncio.to_thread(members, redis_url, key_prefix) == {}
