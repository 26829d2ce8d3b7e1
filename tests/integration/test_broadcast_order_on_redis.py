"""Fifty members of one group who all broadcast at once: what each gets, and in which order, in memory and on Redis."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Literal

import pytest
from channels.layers import InMemoryChannelLayer
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from fast_channels.layers import InMemoryChannelLayer as FastInMemoryLayer
from fast_channels.layers.redis import RedisChannelLayer as FastCoreLayer
from fast_channels.layers.redis import RedisPubSubChannelLayer as FastPubSubLayer

from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import ws_handler
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer as FastConsumer
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.unit.channels.client import Client

MEMBERS = 50
LAYERS: dict[str, tuple[Any, Any]] = {
    "in memory": (AsyncJsonWebsocketConsumer, InMemoryChannelLayer),
    "pub/sub": (AsyncJsonWebsocketConsumer, RedisPubSubChannelLayer),
    "core": (AsyncJsonWebsocketConsumer, RedisChannelLayer),
    "fast-channels, in memory": (FastConsumer, FastInMemoryLayer),
    "fast-channels, pub/sub": (FastConsumer, FastPubSubLayer),
    "fast-channels, core": (FastConsumer, FastCoreLayer),
}


class Say(BaseMessage):
    action: Literal["say"] = "say"
    payload: int


class Said(BaseMessage):
    action: Literal["said"] = "said"
    payload: int


class Whisper(BaseMessage):
    action: Literal["whisper"] = "whisper"
    payload: int


@pytest.fixture(params=LAYERS)
async def base(request: pytest.FixtureRequest, redis_url: str, key_prefix: str) -> AsyncIterator[Any]:
    consumer, layer_type = LAYERS[request.param]
    if "memory" in request.param:
        layer = layer_type(capacity=1000)
    else:
        # redis-py 8's default socket_timeout equals the five seconds that the core layer's receive() blocks.
        layer = layer_type(hosts=[{"address": redis_url, "socket_timeout": None}], prefix=key_prefix, capacity=1000)

    def get_channel_layer(alias: str) -> Any:
        return layer

    yield type("Base", (consumer,), {"get_channel_layer": staticmethod(get_channel_layer)})
    await layer.flush()


def member_on(base: Any, completes: bool) -> Any:
    class Member(base):  # type: ignore[misc]  # made for each layer
        groups = ["all"]
        send_completion = completes

        @ws_handler
        async def ping(self, message: PingMessage) -> PongMessage:
            return PongMessage()

        @ws_handler
        async def say(self, message: Say) -> Say:
            await self.broadcast_message(Said(payload=message.payload))
            return message

        @ws_handler
        async def whisper(self, message: Whisper) -> Whisper:
            await self.broadcast_message(Said(payload=message.payload), exclude_current=True)
            return message

    return Member


@pytest.fixture(params=[False, True], ids=["no completions", "completions"])
async def clients(request: pytest.FixtureRequest, base: Any) -> AsyncIterator[list[Client]]:
    consumer = member_on(base, request.param)
    clients = [Client(consumer) for _ in range(MEMBERS)]
    await asyncio.gather(*(client.connect() for client in clients))
    for client in clients:  # which is answered when the group is joined
        await client.send({"action": "ping"})
        await client.frames(2 if request.param else 1)
    yield clients
    await asyncio.gather(*(client.disconnect() for client in clients))


async def frames_of_all(clients: list[Client], action: str, heard: int) -> list[list[tuple[str, Any]]]:
    """What everybody gets when everybody sends at once, and so hears so many; completions have no payload."""
    completes = clients[0].consumer.should_send_completion
    for number, client in enumerate(clients):
        await client.send({"action": action, "payload": number})
    expected = (heard + 1) * (2 if completes else 1)
    frames = await asyncio.gather(*(client.frames(expected) for client in clients))
    return [[(frame["action"], frame["payload"]) for frame in of_one] for of_one in frames]


async def test_everybody_has_its_answer_before_its_own_copy_and_all_hear_the_same(clients: list[Client]) -> None:
    completes = clients[0].consumer.should_send_completion

    everybody = await frames_of_all(clients, "say", MEMBERS)

    said = [frame for frame in everybody[0] if frame[0] == "said"]
    assert sorted(payload for _, payload in said) == list(range(MEMBERS))
    for number, frames in enumerate(everybody):
        assert [frame for frame in frames if frame[0] == "said"] == said
        answered = frames.index(("say", number))
        if completes:
            assert frames[answered + 1] == ("complete", None)
            pairs = frames[:answered] + frames[answered + 2 :]
            assert [action for action, _ in pairs] == ["said", "group_complete"] * MEMBERS
        assert answered < frames.index(("said", number))


async def test_who_is_excluded_hears_all_the_others(clients: list[Client]) -> None:
    everybody = await frames_of_all(clients, "whisper", MEMBERS - 1)

    for number, frames in enumerate(everybody):
        heard = sorted(payload for action, payload in frames if action == "said")
        assert heard == [other for other in range(MEMBERS) if other != number]
    for client in clients:  # and no more than that
        await client.send({"action": "ping"})
        assert await client.actions(1) == ["pong"]
