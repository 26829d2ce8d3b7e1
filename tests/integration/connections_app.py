"""ASGI applications whose inside can be asked about: ``connections_app:pubsub`` and ``connections_app:core``.

A connection's path is ``/KIND/SITUATION``. The kinds: ``bare`` (an ASGI function), ``channels`` (the consumer of
Channels) and ``chanx``. The situations: in no group (``alone``), in one with everybody (``shared``), in one of its own
(``own``). Each connection gets one frame as soon as it is in its groups, and one more for every event.

Over HTTP ``/inside`` counts what the process holds, ``/memory`` and ``/census`` its memory, and ``/tell/KIND`` sends an
event to the shared group. The Redis is ``CHANX_REDIS_URL``, the prefix of all keys ``CHANX_PREFIX``.
"""

import asyncio
import gc
import json
import os
import re
from itertools import count
from pathlib import Path
from typing import Any, Literal

from channels.generic.websocket import AsyncJsonWebsocketConsumer as ChannelsConsumer
from channels.layers import channel_layers
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer

from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import event_handler
from chanx.messages.base import BaseMessage
from tests.benchmarks.census import census

SHARED = "shared"

LAYERS = {"pubsub": RedisPubSubChannelLayer, "core": RedisChannelLayer}

_numbers = count()
_served: set[int] = set()


class Ready(BaseMessage):
    action: Literal["ready"] = "ready"
    payload: None = None


class Told(BaseMessage):
    action: Literal["told"] = "told"
    payload: int


class Heard(BaseMessage):
    action: Literal["heard"] = "heard"
    payload: int


def groups_of(scope: dict[str, Any]) -> list[str]:
    """Those that a connection joins for its path."""
    situation = scope["path"].rpartition("/")[2]
    return {"alone": [], "shared": [SHARED], "own": [f"own-{next(_numbers)}"]}[situation]


# The stubs of Channels that pyright brings are stricter about messages than Channels is: hence Any.
_ChannelsConsumer: Any = ChannelsConsumer


async def bare(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": '{"action":"ready"}'})
    while (await receive())["type"] != "websocket.disconnect":
        pass


class Plain(_ChannelsConsumer):  # type: ignore[misc]  # channels has no types
    """What a project writes without chanx."""

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        self.groups = groups_of(self.scope)
        await super().websocket_connect(message)

    async def connect(self) -> None:
        await self.accept()
        await self.send_json({"action": "ready"})

    async def told(self, message: dict[str, Any]) -> None:
        await self.send_json({"action": "heard", "payload": message["payload"]})


class Typed(AsyncJsonWebsocketConsumer[Told]):
    """The same with chanx."""

    sends = [Ready]

    async def connect(self) -> None:
        self.groups.extend(groups_of(self.scope))
        await super().connect()

    async def post_authentication(self) -> None:
        await self.send_message(Ready())

    @event_handler
    async def told(self, event: Told) -> Heard:
        return Heard(payload=event.payload)


def memory() -> dict[str, int]:
    """Bytes of this process, after the garbage has been collected."""
    gc.collect()
    found = dict(re.findall(r"(\w+):\s+(\d+) kB", Path("/proc/self/smaps_rollup").read_text()))
    return {"rss": 1024 * int(found["Rss"]), "uss": 1024 * (int(found["Private_Clean"]) + int(found["Private_Dirty"]))}


def inside(layer: Any) -> dict[str, int]:
    """What this process holds for its connections."""
    found = {"serving": len(_served), "tasks": len(asyncio.all_tasks())}
    if isinstance(layer, RedisChannelLayer):
        core: Any = layer  # whose inside has no types
        # It keeps one that a `receive` was cancelled for, which harms nobody: one that is held would.
        buffers = len(core.receive_buffer)
        locks = sum(lock.locked() for lock in core.receive_clean_locks.locks.values())
        return {**found, "receiving": core.receive_count, "buffers": buffers, "locks": locks}
    in_loop = layer._get_layer()
    return {
        **found,
        "channels": len(in_loop.channels),
        "groups": len(in_loop.groups),
        "members": sum(map(len, in_loop.groups.values())),
        "subscriptions": sum(len(shard._subscribed_to) for shard in in_loop._shards),
    }


def application(layer: Any) -> Any:
    Plain.channel_layer_alias = "measured"
    channel_layers.set("measured", layer)
    Typed.get_channel_layer = staticmethod(lambda alias: layer)  # type: ignore[method-assign]
    consumers: dict[str, Any] = {"bare": bare, "channels": Plain.as_asgi(), "chanx": Typed.as_asgi()}

    async def answer(path: str) -> Any:
        match path.strip("/").split("/"):
            case ["inside"]:
                return inside(layer)
            case ["memory"]:
                return memory()
            case ["census"]:
                return census()
            case ["tell", "channels"]:
                return await layer.group_send(SHARED, {"type": "told", "payload": 1})
            case ["tell", "chanx"]:
                return await Typed.broadcast_event(Told(payload=1), SHARED)
            case _:
                raise ValueError(path)

    async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            body = json.dumps(await answer(scope["path"])).encode()
            headers = [(b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return
        number = next(_numbers)
        _served.add(number)
        try:
            await consumers[scope["path"].split("/")[1]](scope, receive, send)
        finally:
            _served.discard(number)

    return serve


def __getattr__(name: str) -> Any:
    if name not in LAYERS:
        raise AttributeError(name)
    return application(LAYERS[name](hosts=[os.environ["CHANX_REDIS_URL"]], prefix=os.environ["CHANX_PREFIX"]))
