"""Messages as deep as JSON may be: with camelCase names the limits are those without, and nothing is lost silently."""

import json
import logging
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from chanx.core.decorators import ws_handler
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.unit.conftest import Connect

DEEPEST_IN = 200
"""Levels of JSON that Pydantic reads."""

DEEPEST_OUT = 254
"""Levels of JSON that Pydantic writes; one more if they come from a model."""


class Link(BaseModel):
    next_link: "Link | Chain | None" = None


class Chain(BaseModel):
    all_links: list["Link | Chain"] = []


class Send(BaseMessage):
    """``payload``: the levels of the ``Links`` to send."""

    action: Literal["send"] = "send"
    payload: int


class Announce(Send):
    action: Literal["announce"] = "announce"  # type: ignore[assignment]  # another message


class Links(BaseMessage):
    action: Literal["links"] = "links"
    payload: Link | None = None


def links(levels: int) -> Links:
    """A message of so many levels of JSON."""
    link: Link | None = None
    for _ in range(levels - 1):
        link = Link.model_construct(next_link=link)
    return Links.model_construct(action="links", payload=link)


def frame(levels: int, name: str) -> str:
    inner = levels - 1
    return '{"action":"links","payload":' + f'{{"{name}":' * inner + "null" + "}" * inner + "}"


@pytest.fixture(params=[False, True], ids=["snake_case", "camelCase"])
def name(request: pytest.FixtureRequest) -> str:
    return "nextLink" if request.param else "next_link"


@pytest.fixture
def consumer(base: Any, name: str) -> Any:
    class Consumer(base):  # type: ignore[misc]  # made for each flavour
        camelize = name == "nextLink"
        groups = ["all"]

        @ws_handler
        async def ping(self, message: PingMessage) -> PongMessage:
            return PongMessage()

        @ws_handler
        async def on_links(self, message: Links) -> Links:
            return message

        @ws_handler
        async def on_send(self, message: Send) -> Links:
            return links(message.payload)

        @ws_handler
        async def announce(self, message: Announce) -> None:
            await self.broadcast_message(links(message.payload))

    return Consumer


async def test_the_deepest_frame_that_is_read(consumer: Any, connect: Connect, name: str) -> None:
    client = await connect(consumer)

    await client.send(text=frame(DEEPEST_IN, name))

    assert (await client.output())["text"] == frame(DEEPEST_IN, name)


async def test_a_deeper_one_is_answered_with_an_error_that_says_why(consumer: Any, connect: Connect, name: str) -> None:
    client = await connect(consumer)

    await client.send(text=frame(DEEPEST_IN + 1, name))

    error = await client.frame()
    assert error["action"] == "error"
    assert error["payload"][0]["type"] == "json_invalid"
    assert "recursion limit exceeded" in error["payload"][0]["msg"]
    await client.quiet()


@pytest.mark.parametrize("action", ["send", "announce"])
async def test_the_deepest_message_that_is_written(consumer: Any, connect: Connect, name: str, action: str) -> None:
    client = await connect(consumer)

    await client.send({"action": action, "payload": DEEPEST_OUT})

    assert (await client.output())["text"] == frame(DEEPEST_OUT, name)


@pytest.mark.parametrize("action", ["send", "announce"])
async def test_a_deeper_one_is_answered_with_an_error_and_logged(
    consumer: Any, connect: Connect, action: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = await connect(consumer)

    with caplog.at_level(logging.ERROR):
        await client.send({"action": action, "payload": DEEPEST_OUT + 2})
        error = await client.frame()

    assert error == {"action": "error", "payload": {"detail": f"Failed to process message for {action}"}}
    assert "message_handler_failed" in caplog.text
    await client.quiet()


async def test_one_that_only_the_layer_could_carry_is_logged(
    consumer: Any, connect: Connect, layer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = await connect(consumer)
    content: Any = None
    for _ in range(DEEPEST_OUT):
        content = {"next_link": content}

    with caplog.at_level(logging.ERROR):
        await layer.group_send("all", {"type": "handle_group_message", "message": {"action": "links", "x": content}})
        await layer.group_send("all", {"type": "handle_group_message", "message": {"action": "pong", "payload": None}})
        await client.frame()

    assert "channel_message_failed" in caplog.text


async def test_overridden_send_json_gets_the_deepest_one(consumer: Any, connect: Connect, name: str) -> None:
    class Own(consumer):  # type: ignore[misc]  # made for each flavour
        async def send_json(self, content: Any, close: bool = False) -> None:
            await super().send_json(content, close)

    client = await connect(Own)

    await client.send({"action": "send", "payload": DEEPEST_OUT})

    assert json.loads((await client.output())["text"]) == json.loads(frame(DEEPEST_OUT, name))
