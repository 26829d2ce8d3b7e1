"""Whatever a client sends: an error frame or a close with the right code, and no other connection's trouble."""

import asyncio
import json
from typing import Any, Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chanx.core.decorators import ws_handler
from chanx.core.topic import Topic
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.unit.channels.client import Client
from tests.unit.conftest import Connect
from tests.unit.flavours.conftest import FLAVOURS

MEBIBYTE = 1024 * 1024


class Echo(BaseMessage):
    action: Literal["echo"] = "echo"
    payload: Any


class Hold(BaseMessage):
    action: Literal["hold"] = "hold"
    payload: None = None


class Room(Topic):
    pattern = "room:{id}"

    @ws_handler
    async def echo(self, message: Echo) -> Echo:
        return message


def consumer_on(base: Any, layer: Any) -> Any:
    """A consumer with topics, that answers pings and holds on to some frames."""

    class Consumer(base):  # type: ignore[misc]  # made for each flavour
        topics = [Room]
        get_channel_layer = staticmethod(lambda alias: layer)

        @ws_handler
        async def ping(self, message: PingMessage) -> PongMessage:
            return PongMessage()

        @ws_handler
        async def echo(self, message: Echo) -> Echo:
            return message

        @ws_handler
        async def hold(self, message: Hold) -> None:
            await asyncio.Event().wait()

    return Consumer


@pytest.fixture
def consumer(base: Any, layer: Any) -> Any:
    return consumer_on(base, layer)


class InOrder:
    """One consumer for all examples of a flavour, whose frames are handled one after the other."""

    def __init__(self) -> None:
        self._consumers: dict[str, Any] = {}

    def __call__(self, name: str) -> Any:
        if name not in self._consumers:
            flavour = FLAVOURS[name]
            options = {"message_concurrency": 1}
            self._consumers[name] = type("InOrder", (consumer_on(flavour.base, flavour.new_layer()),), options)
        return self._consumers[name]


in_order = InOrder()

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
NAMES = st.sampled_from(["action", "payload", "topic", "ref", "seq", "version"])
LIKELY = st.sampled_from(["echo", "subscribe", "unsubscribe", "room:1", "room:", "nowhere", 1, 0, -1, None])
MESSAGES = st.dictionaries(NAMES, LIKELY | VALUES, max_size=6)
FRAMES = st.text() | st.one_of(VALUES, MESSAGES).map(json.dumps) | st.binary(max_size=40)


@pytest.mark.parametrize("name", FLAVOURS)
@settings(deadline=None, max_examples=120)
@given(frames=st.lists(FRAMES, max_size=12))
@example(frames=['{"action":"echo","payload":' + "[" * 3000 + "]" * 3000 + "}"])
@example(
    frames=['{"action":"echo","payload":1e400}', '{"action":"echo","payload":NaN}', '{"topic":"room:1","ref":NaN}']
)
@example(
    frames=['{"action":"echo","payload":"\\ud800"}', '{"topic":"\\ud800","action":"subscribe"}', "\x00", "\ufeff{}"]
)
@example(frames=['{"action":"echo","payload":' + "9" * 5000 + "}"])
async def test_no_frame_ends_the_connection(name: str, frames: list[str | bytes]) -> None:
    client = Client(in_order(name))
    await client.connect()
    for frame in frames:
        await (client.send(text=frame) if isinstance(frame, str) else client.send(data=frame))
    await client.send({"action": "ping", "payload": None})
    await client.send({"topic": "nowhere", "ref": "last", "action": "subscribe"})
    pong = last = False
    while not (pong and last):
        answer = await client.frame()
        pong = pong or answer == {"action": "pong", "payload": None}
        last = last or (answer["action"] == "error" and answer.get("ref") == "last")
    await client.disconnect()


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "not JSON",
        "[]",
        "null",
        "7",
        '"text"',
        "{}",
        '{"action":"unknown"}',
        '{"action":["echo"]}',
        '{"action":"ping","payload":7}',
        "[" * 500_000,
        '{"a":' * 100_000,
        '{"action":"echo","payload":' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "}",
        '{"topic":' + "[" * 300_000,
        '{"topic":{"a":1},"action":"subscribe"}',
        '{"action":"ping","payload":null',
    ],
    ids=lambda text: text[:30] or "empty",
)
async def test_what_is_no_message_is_answered_with_an_error(consumer: Any, connect: Connect, text: str) -> None:
    client = await connect(consumer)
    await client.send(text=text)
    assert await client.actions(1) == ["error"]
    await client.quiet()


async def test_a_binary_frame_is_answered_with_an_error(consumer: Any, connect: Connect) -> None:
    client = await connect(consumer)
    await client.send(data=b'{"action":"ping"}')
    assert await client.actions(1) == ["error"]
    await client.quiet()


@pytest.mark.parametrize("frame", [b"\x00" * (MEBIBYTE + 1), " " * (MEBIBYTE + 1)], ids=["binary", "text"])
async def test_a_huge_frame_closes_with_1009_and_no_other_connection(
    consumer: Any, connect: Connect, frame: str | bytes
) -> None:
    client, other = await connect(consumer), await connect(consumer)
    await (client.send(text=frame) if isinstance(frame, str) else client.send(data=frame))
    assert await client.closed() == 1009
    await other.quiet()


async def test_a_burst_of_10000_quick_frames_is_answered_whole(consumer: Any, connect: Connect) -> None:
    client, other = await connect(consumer), await connect(consumer)
    for _ in range(10_000):
        await client.send({"action": "ping"})
    await other.quiet()
    assert set(await client.actions(10_000)) == {"pong"}


@pytest.mark.parametrize(
    "frame",
    [{"action": "hold"}, {"topic": "room:1", "action": "subscribe"}],
    ids=["messages", "topic frames"],
)
async def test_a_burst_of_10000_slow_frames_closes_with_1013_and_no_other_connection(
    consumer: Any, connect: Connect, frame: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = asyncio.all_tasks()
    client, other = await connect(consumer), await connect(consumer)

    async def hold(self: Topic, **params: str) -> bool:
        await asyncio.Event().wait()
        return True

    monkeypatch.setattr(Room, "authorize", hold)
    for _ in range(10_000):
        await client.send(frame)
    await other.quiet()
    assert await client.closed() == 1013

    # And nothing of it is left
    await client.disconnect()
    await other.disconnect()
    assert asyncio.all_tasks() == before


async def test_a_burst_of_10000_wrong_frames_never_ends_the_consumer(consumer: Any, connect: Connect) -> None:
    client = await connect(consumer)
    for number in range(10_000):
        await (client.send(text="{" * (number % 7)) if number % 2 else client.send(data=b"x"))
    assert set(await client.actions(10_000)) == {"error"}
    await client.quiet()
