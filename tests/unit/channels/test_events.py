"""Broadcasts and events: who gets what, and the four ways to send an event."""

import asyncio
from typing import Any, Literal

import pytest
from asgiref.sync import sync_to_async

from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import event_handler, ws_handler
from chanx.errors import ConfigurationError, InvalidNameError
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.unit.conftest import Connect


class Say(BaseMessage):
    action: Literal["say"] = "say"
    payload: str


class Said(BaseMessage):
    action: Literal["said"] = "said"
    payload: str


class OtherSaid(BaseMessage):
    action: Literal["said"] = "said"
    payload: int


class Tick(BaseMessage):
    action: Literal["tick"] = "tick"
    payload: int


class Room(AsyncJsonWebsocketConsumer[Said | Tick]):
    groups = ["hall"]
    passthrough_events = [Tick]

    @ws_handler
    async def ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()

    @ws_handler(output_type=Said)
    async def say(self, message: Say) -> None:
        text = message.payload
        groups = text.split(",") if "," in text else None
        await self.broadcast_message(Said(payload=text), groups, exclude_current=text.startswith("!"))

    @event_handler
    async def said(self, event: Said) -> Said | None:
        if event.payload == "fail":
            raise ValueError("the secret text")
        return None if event.payload == "nothing" else event


class Completing(Room):
    send_completion = True


def said(text: str) -> dict[str, Any]:
    return {"action": "said", "payload": text}


async def test_a_broadcast_reaches_every_member_then_group_complete(connect: Connect) -> None:
    one, two = await connect(Completing), await connect(Completing)
    await one.send({"action": "say", "payload": "hi"})
    assert sorted(await one.actions(3)) == ["complete", "group_complete", "said"]
    assert await two.frames(2) == [said("hi"), {"action": "group_complete", "payload": None}]


async def test_the_sender_can_be_excluded(connect: Connect) -> None:
    one, two = await connect(Completing), await connect(Completing)
    await one.send({"action": "say", "payload": "!hi"})
    assert await one.actions(1) == ["complete"]
    assert await two.actions(2) == ["said", "group_complete"]
    await one.send({"action": "ping"})
    assert await one.actions(2) == ["pong", "complete"]


async def test_a_client_in_two_of_the_groups_gets_two_copies(connect: Connect) -> None:
    class Both(Room):
        groups = ["a", "b"]

    one, other = await connect(Both), await connect(Room)
    await one.send({"action": "say", "payload": "a,b,a"})
    assert await one.frames(2) == [said("a,b,a")] * 2
    await one.quiet()
    await other.quiet()


async def test_a_plain_dict_can_be_broadcast(connect: Connect) -> None:
    one = await connect(Room)
    await one.consumer.broadcast_message({"action": "odd", "payload": [1, float("nan")]}, "hall")
    assert await one.frame() == {"action": "odd", "payload": [1, None]}


async def test_groups_of_a_connection_are_its_own_and_extra_groups_are_merged(connect: Connect) -> None:
    class Extra(Room):
        extra_groups = ["extra", "hall"]

    class More(Extra):
        extra_groups = ["more"]

        async def post_authentication(self) -> None:
            layer: Any = self.channel_layer
            await layer.group_add("mine", self.channel_name)
            self.groups.append("mine")

    client = await connect(More)
    assert client.consumer.groups == ["hall", "more", "extra", "mine"]
    assert Room.groups == ["hall"]
    for group in client.consumer.groups:
        await More.broadcast_event(Said(payload=group), group)
        assert await client.frame() == said(group)


async def test_an_event_to_one_connection_and_to_the_group_of_a_name(connect: Connect, layer: Any) -> None:
    one, two = await connect(Completing), await connect(Completing)
    await Room.send_event(Said(payload="one"), one.consumer.channel_name)
    assert await one.actions(2) == ["said", "event_complete"]
    await Room.send_event(Said(payload="hall"), "hall")
    assert await one.actions(2) == await two.actions(2) == ["said", "event_complete"]


async def test_an_event_to_nobody_in_particular_goes_to_the_class_s_groups(connect: Connect) -> None:
    one, two = await connect(Room), await connect(Room)
    await Room.send_event(Tick(payload=1))
    await sync_to_async(Room.send_event_sync)(Tick(payload=2))
    for client in (one, two):
        assert [await client.frame() for _ in range(2)] == [{"action": "tick", "payload": n} for n in (1, 2)]


@pytest.mark.parametrize("groups", [None, "hall", ["hall", "hall"]])
async def test_an_event_to_groups(connect: Connect, groups: Any) -> None:
    one, two = await connect(Room), await connect(Room)
    await Room.broadcast_event(Tick(payload=1), groups)
    for client in (one, two):
        assert await client.frame() == {"action": "tick", "payload": 1}
        await client.quiet()


async def test_the_synchronous_twins_from_a_thread_and_from_the_loop_itself(connect: Connect) -> None:
    client = await connect(Room)
    await sync_to_async(Room.broadcast_event_sync)(Said(payload="1"))
    assert await client.frame() == said("1")
    await sync_to_async(Room.send_event_sync)(Said(payload="2"), client.consumer.channel_name)
    assert await client.frame() == said("2")
    Room.send_event_sync(Said(payload="3"), "hall")
    assert await client.frame() == said("3")


@pytest.mark.parametrize(
    ("event", "frames"),
    [
        (Said(payload="x"), ["said", "event_complete"]),
        (Said(payload="nothing"), ["event_complete"]),
        (Said(payload="fail"), ["event_complete"]),
        (Tick(payload=1), ["tick", "event_complete"]),
        (Say(payload="no handler"), []),
        (OtherSaid(payload=7), []),
    ],
)
async def test_what_an_event_brings_about(connect: Connect, event: Any, frames: list[str]) -> None:
    client = await connect(Completing)
    await Completing.broadcast_event(event)
    await Completing.broadcast_event(Tick(payload=2))
    assert await client.actions(len(frames) + 1) == [*frames, "tick"]


async def test_a_failing_event_handler_and_an_unknown_event_are_logged(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    client = await connect(Room)
    for event in (Said(payload="fail"), Say(payload="x"), Tick(payload=1)):
        await Room.broadcast_event(event)  # type: ignore[arg-type] # one of them is wrong on purpose
    assert await client.actions(1) == ["tick"]
    assert [record.event for record in caplog.records] == ["event_handler_failed", "event_not_handled"]  # type: ignore[attr-defined] # extras


async def test_events_are_handled_in_order_and_a_slow_one_does_not_hold_up_frames(connect: Connect) -> None:
    gate = asyncio.Event()

    class Slow(Room):
        @event_handler
        async def said(self, event: Said) -> Said:
            if event.payload == "slow":
                await gate.wait()
            return event

    client = await connect(Slow)
    for text in ("slow", "fast"):
        await Slow.broadcast_event(Said(payload=text))
    await client.quiet()
    gate.set()
    assert await client.frames(2) == [said("slow"), said("fast")]


@pytest.mark.parametrize("message", [{"type": "no.such.method"}, {"type": "_private"}, {"x": 1}, {"type": "raw"}])
async def test_a_message_of_the_layer_that_cannot_be_handled_is_logged_only(
    connect: Connect, layer: Any, message: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    class Raw(Room):
        async def raw(self, message: dict[str, Any]) -> None:
            raise ValueError("broken")

    client = await connect(Raw)
    await layer.group_send("hall", message)
    await Raw.broadcast_event(Tick(payload=1))
    assert await client.actions(1) == ["tick"]
    assert [record.event for record in caplog.records] == ["channel_message_failed"]  # type: ignore[attr-defined] # extras


async def test_a_wrong_group_name_is_an_error_that_says_so() -> None:
    with pytest.raises(InvalidNameError):
        Room.broadcast_event_sync(Tick(payload=1), "two words")


async def test_without_a_channel_layer_an_error_names_the_setting(settings: Any, connect: Connect) -> None:
    settings.CHANNEL_LAYERS = {}
    with pytest.raises(ConfigurationError, match=r"CHANNEL_LAYERS\['default'\]"):
        await Room.broadcast_event(Tick(payload=1))

    class Alone(Room):
        groups = None

    client = await connect(Alone)
    await client.quiet()
