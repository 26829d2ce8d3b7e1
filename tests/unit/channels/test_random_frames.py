"""Whatever a client sends: every text is dealt with, the connection stays open, and the next frame is answered."""

import json
from typing import Any, Literal

from channels.layers import InMemoryChannelLayer
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import ws_handler
from chanx.core.topic import Topic
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.unit.channels.client import Client


class Echo(BaseMessage):
    action: Literal["echo"] = "echo"
    payload: Any


class Room(Topic):
    pattern = "room:{id}"

    @ws_handler
    async def echo(self, message: Echo) -> Echo:
        return message


LAYER = InMemoryChannelLayer()


class Consumer(AsyncJsonWebsocketConsumer):
    topics = [Room]
    get_channel_layer = staticmethod(lambda alias: LAYER)
    message_concurrency = 1

    @ws_handler
    async def ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()

    @ws_handler
    async def echo(self, message: Echo) -> Echo:
        return message


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
NAMES = st.sampled_from(["action", "payload", "topic", "ref", "seq", "version"])
LIKELY = st.sampled_from(["echo", "subscribe", "unsubscribe", "room:1", "room:", "nowhere", 1, 0, -1, None])
MESSAGES = st.dictionaries(NAMES, LIKELY | VALUES, max_size=6)
FRAMES = st.text() | st.one_of(VALUES, MESSAGES).map(json.dumps)


@settings(deadline=None, max_examples=150)
@given(st.lists(FRAMES, max_size=12))
@example(['{"action":"echo","payload":' + "[" * 3000 + "]" * 3000 + "}"])
@example(['{"action":"echo","payload":1e400}', '{"action":"echo","payload":NaN}', '{"topic":"room:1","ref":NaN}'])
@example(['{"action":"echo","payload":"\\ud800"}', '{"topic":"\\ud800","action":"subscribe"}', "\x00", "\ufeff{}"])
@example(['{"action":"echo","payload":' + "9" * 5000 + "}"])
async def test_no_frame_ends_the_connection(frames: list[str]) -> None:
    client = Client(Consumer)
    await client.connect()
    for text in frames:
        await client.send(text=text)
    await client.send({"action": "ping", "payload": None})
    await client.send({"topic": "nowhere", "ref": "last", "action": "subscribe"})
    pong = last = False
    while not (pong and last):
        answer = await client.frame()
        pong = pong or answer == {"action": "pong", "payload": None}
        last = last or (answer["action"] == "error" and answer.get("ref") == "last")
    await client.disconnect()
