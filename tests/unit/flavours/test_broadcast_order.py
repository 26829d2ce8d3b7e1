"""A broadcast and the completions around it: what its sender gets, and what the others get, in which order."""

import asyncio
from typing import Any, Literal

import pytest

from chanx.core import broadcasting
from chanx.core.decorators import ws_handler
from chanx.messages.base import BaseMessage
from tests.unit.conftest import Connect


class Say(BaseMessage):
    action: Literal["say"] = "say"
    payload: str


class Said(BaseMessage):
    action: Literal["said"] = "said"
    payload: str


class Whisper(BaseMessage):
    action: Literal["whisper"] = "whisper"
    payload: str


@pytest.fixture
def consumer(base: Any) -> Any:
    class Speaker(base):  # type: ignore[misc]  # made for each flavour
        groups = ["room", "hall"]
        send_completion = True

        @ws_handler
        async def say(self, message: Say) -> Say:
            await self.broadcast_message(Said(payload=message.payload))
            return message

        @ws_handler
        async def whisper(self, message: Whisper) -> None:
            await self.broadcast_message(Said(payload=message.payload), exclude_current=True)

    return Speaker


async def test_the_sender_has_its_answer_and_its_completion_first(connect: Connect, consumer: Any) -> None:
    sender, member = await connect(consumer), await connect(consumer)
    for _ in range(20):
        await sender.send({"action": "say", "payload": "hello"})
        assert await sender.actions(6) == ["say", "complete", *["said", "group_complete"] * 2]
        assert await member.actions(4) == ["said", "group_complete"] * 2


async def test_an_excluded_sender_gets_its_completion_only(connect: Connect, consumer: Any) -> None:
    sender, member = await connect(consumer), await connect(consumer)
    await sender.send({"action": "whisper", "payload": "hello"})
    assert await member.actions(4) == ["said", "group_complete"] * 2
    await sender.send({"action": "say", "payload": "hello"})
    assert await sender.actions(3) == ["complete", "say", "complete"]


async def test_the_order_holds_for_a_layer_that_delivers_before_it_returns(
    connect: Connect, consumer: Any, layer: Any
) -> None:
    group_send = layer.group_send

    async def slowly(*arguments: Any) -> None:
        await group_send(*arguments)
        for _ in range(50):
            await asyncio.sleep(0)

    layer.group_send = slowly
    sender = await connect(consumer)
    await sender.send({"action": "say", "payload": "hello"})
    assert await sender.actions(6) == ["say", "complete", *["said", "group_complete"] * 2]


async def test_a_layer_that_does_not_return_holds_up_no_message_for_long(
    connect: Connect, consumer: Any, layer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcasting, "OWN_BROADCAST_SECONDS", 0.01)
    group_send = layer.group_send

    async def never(*arguments: Any) -> None:
        await group_send(*arguments)
        await asyncio.Event().wait()

    layer.group_send = never
    sender = await connect(consumer)
    await sender.send({"action": "say", "payload": "hello"})
    assert await sender.actions(2) == ["said", "group_complete"]
