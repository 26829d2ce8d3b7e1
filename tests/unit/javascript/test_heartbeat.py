"""What chanx.js asks a silent connection is answered by every consumer that takes messages, and without a trace."""

import json
import logging
import re
from pathlib import Path
from typing import Any, Literal, cast

import pytest

from chanx.core.decorators import ws_handler
from chanx.core.topic import Topic
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.unit.conftest import Connect

PING = {"topic": "", "ref": "7", "action": "ping"}
SOCKET = Path(__file__).parents[3] / "chanx" / "channels" / "static" / "chanx" / "socket.js"


class Do(BaseMessage):
    action: Literal["do"] = "do"
    payload: None = None


class Undo(BaseMessage):
    action: Literal["undo"] = "undo"
    payload: None = None


class OwnPing(BaseMessage):
    action: Literal["ping"] = "ping"
    payload: str


class Room(Topic):
    pattern = "room:{id}"


class One(AsyncJsonWebsocketConsumer):
    @ws_handler
    async def do(self, message: Do) -> None: ...


class Two(One):
    camelize = True

    @ws_handler
    async def undo(self, message: Undo) -> None: ...


class Pinged(Two):
    @ws_handler
    async def ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()


class PingedOtherwise(Two):
    @ws_handler
    async def ping(self, message: OwnPing) -> None: ...


class WithTopics(One):
    topics = [Room]


def answers_ping(frame: dict[str, Any]) -> bool:
    """As socket.js has it; the test below sees to it that it does."""
    action: str = frame["action"]
    problems: Any = frame.get("payload")
    if action != "error" or not isinstance(problems, list):
        return action == "pong"
    found = cast("list[dict[str, Any]]", problems)
    return any(problem["loc"][:1] == ["ping"] or "'ping'" in problem["msg"] for problem in found)


@pytest.mark.parametrize("consumer", [One, Two, Pinged, PingedOtherwise])
async def test_a_consumer_answers_a_ping(consumer: Any, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """Given a consumer without topics, whatever it takes, when the client pings, then one frame comes by which the
    client knows that it is the answer, and the server has nothing to complain of."""
    caplog.set_level(logging.WARNING)
    client = await connect(consumer)

    await client.send(PING)
    (frame,) = await client.frames(1)

    assert answers_ping(frame)
    assert not caplog.records


async def test_a_consumer_with_topics_answers_by_the_ref(connect: Connect) -> None:
    """Given a consumer with topics, when the client pings, then the answer has the topic's name and the ref."""
    client = await connect(WithTopics)

    await client.send(PING)
    (frame,) = await client.frames(1)

    assert (frame["version"], frame["topic"], frame["ref"]) == (1, "", "7")


def test_the_script_knows_an_answer_by_the_same() -> None:
    """Given the script, when its test of an answer is read, then it is the one above."""
    found = re.search(r"function answersPing\(.*?\n\}", SOCKET.read_text(), re.DOTALL)

    assert found
    assert 'problem?.loc?.[0] === "ping" || String(problem?.msg).includes("\'ping\'")' in found[0]
    assert json.dumps("pong") in found[0]
