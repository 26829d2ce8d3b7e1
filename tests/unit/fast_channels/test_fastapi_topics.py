"""Topics on FastAPI: the same class on a route of its own and beside others, on a registered layer."""

import asyncio
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from fast_channels.layers import InMemoryChannelLayer, register_channel_layer, unregister_channel_layer
from fastapi import FastAPI
from starlette.routing import WebSocketRoute

from chanx.core.topic import Topic
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.messages.base import BaseMessage
from tests.unit.channels.client import Client


class News(BaseMessage):
    action: Literal["news"] = "news"
    payload: str


class Room(Topic):
    pattern = "room:{pk}"
    passthrough_events = [News]


class Host(AsyncJsonWebsocketConsumer):
    topics = [Room]


@pytest.fixture
def layer() -> Iterator[Any]:
    layer = InMemoryChannelLayer()
    register_channel_layer("default", layer)
    yield layer
    unregister_channel_layer("default")


@pytest.fixture
def app() -> FastAPI:
    dedicated = Room.as_consumer(AsyncJsonWebsocketConsumer)
    return FastAPI(
        routes=[WebSocketRoute("/ws", Host.as_asgi()), WebSocketRoute("/room/{pk:int}", dedicated.as_asgi())]
    )


async def test_an_event_reaches_both_kinds_of_subscribers(app: FastAPI, layer: Any) -> None:
    # Given one client on the route of a room, and one that subscribed to it
    dedicated, beside = Client(lambda: app, "/room/5"), Client(lambda: app, "/ws")
    await dedicated.connect()
    await beside.connect()
    await beside.send({"topic": "room:5", "action": "subscribe", "ref": 1})
    opened = {"version": 1, "topic": "room:5", "action": "subscribed", "payload": None}
    assert await dedicated.frame() == opened
    assert await beside.frame() == {**opened, "ref": 1}

    # When events are sent from asynchronous and from synchronous code
    await Room.broadcast("room:5", News(payload="one"), seq=1)
    await Room.broadcast("room:6", News(payload="elsewhere"))
    await asyncio.to_thread(Room.broadcast_sync, "room:5", News(payload="two"))

    # Then both clients have those of their room
    for client in (dedicated, beside):
        frames = await client.frames(2)
        assert [(frame["payload"], frame.get("seq")) for frame in frames] == [("one", 1), ("two", None)]
        await client.disconnect()
    assert layer.groups == {}
