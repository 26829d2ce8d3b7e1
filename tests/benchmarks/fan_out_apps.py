"""Six ways for one event to reach every client, each an ASGI application for a real server (``fan_out_apps:plain``).

The layer is on ``CHANX_REDIS_URL``; ``CHANX_BENCH_LAYER`` says which of ``LAYERS`` it is; with ``CHANX_BENCH_QUIET``
chanx's consumers make no log entry for a frame. Clients of all ways read the same text, those of the topic inside of
its envelope. Each way has the group of its name.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from channels.generic.websocket import AsyncJsonWebsocketConsumer as ChannelsConsumer
from channels.layers import channel_layers, get_channel_layer
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from pydantic import BaseModel

from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import event_handler, ws_handler
from chanx.core.topic import Topic
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage

TOPIC = "match:7"
PING = '{"action":"ping"}'
SUBSCRIBE = f'{{"topic":"{TOPIC}","action":"subscribe"}}'
LAYER_VARIABLE = "CHANX_BENCH_LAYER"
QUIET_VARIABLE = "CHANX_BENCH_QUIET"
LOGS = False if os.environ.get(QUIET_VARIABLE) else None  # None: as the project has it, and its default is on
LAYERS: dict[str, Callable[..., Any]] = {"pubsub": RedisPubSubChannelLayer, "core": RedisChannelLayer}


class ScorePayload(BaseModel):
    """Of a small event's size."""

    minute: int
    home: str = "Red Stars"
    away: str = "Blue Moons"
    score: tuple[int, int] = (2, 1)
    final: bool = False


class Score(BaseMessage):
    """What every client reads."""

    action: Literal["score"] = "score"
    payload: ScorePayload


class ScoreChanged(BaseMessage):
    """What the server's side says, and a handler makes a ``Score`` of."""

    action: Literal["score_changed"] = "score_changed"
    payload: ScorePayload


class Plain(ChannelsConsumer):  # type: ignore[misc]  # channels has no types
    """Channels alone: the sender has encoded the event."""

    async def connect(self) -> None:
        await self.channel_layer.group_add("plain", self.channel_name)
        await self.accept()

    async def encoded_event(self, message: dict[str, Any]) -> None:
        await self.send(text_data=message["text"])


class Bare:
    """No framework: one task of the process reads the group, and writes to one socket after the other."""

    def __init__(self) -> None:
        self._open: dict[Callable[[Any], Awaitable[None]], None] = {}
        self._joining: asyncio.Task[str] | None = None
        self._reading: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._joining is None:
            self._joining = asyncio.create_task(self._join())
            self._reading = asyncio.create_task(self._read(await self._joining))
        await self._joining
        await receive()
        self._open[send] = None
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        del self._open[send]

    async def _join(self) -> str:
        layer: Any = get_channel_layer()
        channel: str = await layer.new_channel()
        await layer.group_add("bare", channel)
        return channel

    async def _read(self, channel: str) -> None:
        layer: Any = get_channel_layer()
        while True:
            message = {"type": "websocket.send", "text": (await layer.receive(channel))["text"]}
            for send in list(self._open):
                await send(message)


class Member(AsyncJsonWebsocketConsumer):
    """Answers a ping, which says that it is in its groups."""

    log_websocket_message = LOGS

    @ws_handler
    async def ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()


class PassesOn(Member):
    """The event itself is what the client gets."""

    groups = ["passthrough"]
    passthrough_events = [Score]


class Answers(Member):
    """A handler makes each client's message of the event."""

    groups = ["handler"]

    @event_handler
    async def score_changed(self, event: ScoreChanged) -> Score:
        return Score(payload=event.payload)


class Hears(Member):
    """It handles no events, and gets what others broadcast."""

    groups = ["broadcast"]


class Match(Topic):
    """The same as ``PassesOn``, as one topic of a connection."""

    pattern = "match:{id}"
    passthrough_events = [Score]


class Topics(AsyncJsonWebsocketConsumer):
    log_websocket_message = LOGS
    topics = [Match]


APPLICATIONS: dict[str, Callable[[], Any]] = {
    "plain": Plain.as_asgi,
    "bare": Bare,
    "passthrough": PassesOn.as_asgi,
    "handler": Answers.as_asgi,
    "topic": Topics.as_asgi,
    "broadcast": Hears.as_asgi,
}


def use_layer(url: str, kind: str) -> Any:
    """Make a layer of that kind this process's own; returns it."""
    # Without redis-py 8's own timeout, which ends Channels' consumers on the core layer where nothing comes for 5 s.
    layer = LAYERS[kind](hosts=[{"address": url, "socket_timeout": None}])
    channel_layers.set("default", layer)
    return layer


def __getattr__(name: str) -> Any:
    if name not in APPLICATIONS:
        raise AttributeError(name)
    use_layer(os.environ["CHANX_REDIS_URL"], os.environ[LAYER_VARIABLE])
    return APPLICATIONS[name]()
