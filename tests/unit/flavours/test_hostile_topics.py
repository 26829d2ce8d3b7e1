"""Hostile topic names on a connection: each is answered, none reaches another topic, the connection goes on."""

import json
from typing import Any

import pytest

from chanx.core.decorators import ws_handler
from chanx.core.topic import Topic
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.unit.conftest import Connect


class Room(Topic):
    pattern = "room:{id}"

    async def subscribed_payload(self, payload: Any) -> Any:
        return self.params


FITTING = [
    "room:\x00",
    "room:\n",
    "room:{id}",
    "room: 1 ",
    "room:é😀",
    "room:%00",
    "room:../..",
    'room:"]}',
    "room:" + "x" * 250,
]
UNFITTING = [
    "",
    ":",
    "room",
    "room:",
    "room::",
    "room:a:b",
    "ROOM:1",
    " room:1",
    "room:" + "x" * 251,
    "room:" + "x" * 99_999,
]


@pytest.fixture
def host(base: Any) -> Any:
    class Host(base):  # type: ignore[misc] # a fixture
        topics = [Room]

        @ws_handler
        async def ping(self, message: PingMessage) -> PongMessage:
            return PongMessage()

    return Host


@pytest.mark.parametrize("topic", FITTING, ids=range(len(FITTING)))
async def test_an_odd_name_is_a_topic_like_any_other(connect: Connect, host: Any, layer: Any, topic: str) -> None:
    client = await connect(host)
    await client.send({"topic": topic, "action": "subscribe", "ref": topic})
    answer = await client.frame()
    assert (answer["topic"], answer["ref"], answer["action"]) == (topic, topic, "subscribed")
    assert answer["payload"] == {"id": topic.removeprefix("room:")}
    assert len(layer.groups) == 1
    await client.disconnect()
    assert layer.groups == {}


@pytest.mark.parametrize("action", ["subscribe", "unsubscribe", "say", None])
@pytest.mark.parametrize("topic", UNFITTING, ids=range(len(UNFITTING)))
async def test_a_name_of_no_topic_is_refused(
    connect: Connect, host: Any, layer: Any, topic: str, action: str | None
) -> None:
    client = await connect(host)
    await client.send({"topic": topic, "action": action})
    answer = await client.frame()
    assert (answer["topic"], answer["payload"]["reason"]) == (topic, "unknown_topic")
    assert layer.groups == {}
    await client.quiet()


@pytest.mark.parametrize(
    "text",
    [
        '{"topic":"room:\\ud800","action":"subscribe"}',
        '{"\\u0074opic":"room:\\udc00","action":"subscribe"}',
        '{"topic":' + "[" * 500 + "]" * 500 + ',"action":"subscribe"}',
        '{"topic":{"topic":"room:1"},"action":"subscribe"}',
        '{"topic":true,"action":"subscribe"}',
        '{"topic":1e999,"action":"subscribe"}',
        '{"topic":"room:1","action":"subscribe","version":"x"}',
        '{"topic":"room:1","action":"subscribe","ref":[]}',
        '{"topic":"room:1"',
        '["topic"]',
        '"topic"',
    ],
    ids=range(11),
)
async def test_what_is_no_frame_is_answered_with_an_error(connect: Connect, host: Any, layer: Any, text: str) -> None:
    client = await connect(host)
    await client.send(text=text)
    assert (await client.frame())["action"] == "error"
    assert layer.groups == {}
    await client.quiet()


async def test_the_last_of_two_names_counts(connect: Connect, host: Any) -> None:
    client = await connect(host)
    await client.send(
        text='{"topic":"nowhere","topic":"room:1","action":"subscribe","ref":' + json.dumps("r" * 9999) + "}"
    )
    assert (await client.frame())["topic"] == "room:1"
