"""Frames that go out directly are followed by their completions, as those that are dispatched are."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import pytest

from chanx.core.hub import SharedMessage
from chanx.core.topic import Topic
from chanx.messages.base import BaseMessage
from tests.unit.conftest import Connect
from tests.unit.flavours.wire_forms import FORMS, PAYLOAD, ByEach, Person, receiver

TOPIC = "room:1"


class InRoom(BaseMessage):
    action: Literal["in_room"] = "in_room"
    payload: Person = PAYLOAD


class Room(Topic):
    pattern = "room:{id}"
    passthrough_events = [InRoom]
    send_completion = True


class QuietRoom(Room):
    send_completion = False


class DispatchedRoom(Room):
    async def receive_event(self, message: dict[str, Any]) -> None:
        await super().receive_event(message)


def member(base: Any, form: tuple[str, bool], room: type[Topic] = Room, **attributes: Any) -> Any:
    own = {"passthrough_events": [ByEach], "topics": [room], "send_completion": True, **attributes}
    return receiver(base, form, **own)


def dispatched(base: Any, form: tuple[str, bool]) -> Any:
    """Overrides what messages go through, and changes nothing: so every one of them is dispatched."""

    class Dispatched(base):  # type: ignore[misc]  # made for each flavour
        async def handle_channel_event(self, message: dict[str, Any]) -> None:
            above: Any = super()
            await above.handle_channel_event(message)

        async def handle_group_message(self, message: dict[str, Any]) -> None:
            above: Any = super()
            await above.handle_group_message(message)

    return member(Dispatched, form, DispatchedRoom)


def messages_of(consumer: Any) -> dict[str, dict[str, Any]]:
    topic = {"type": "handle_topic_event", "topic": TOPIC, "seq": 3}
    return {
        "event": {"type": "handle_channel_event", "event_data": ByEach().model_dump(mode="json")},
        "broadcast": consumer()._group_message(ByEach()),
        "topic": {**topic, "event_data": InRoom().model_dump(mode="json")},
    }


@pytest.mark.parametrize("form", FORMS, ids=str)
async def test_the_frames_are_those_that_are_sent_when_dispatched(
    base: Any, layer: Any, connect: Connect, form: tuple[str, bool]
) -> None:
    # Given members of both kinds, some without completions, in the group and on a topic
    kinds = [member(base, form), dispatched(base, form), member(base, form, QuietRoom, send_completion=False)]
    key = form[0]
    clients = [await connect(kind) for kind in kinds for _ in range(3)]
    for client in clients:
        await client.send({key: "subscribe", "topic": TOPIC})
        assert (await client.frame())[key] == "subscribed"

    # When
    messages = messages_of(kinds[0])
    await layer.group_send("all", messages["event"])
    await layer.group_send("all", messages["broadcast"])
    for room in (Room, DispatchedRoom, QuietRoom):
        await layer.group_send(room.group_name(TOPIC), messages["topic"])

    # Then
    frames = [await client.frames(6 if client.consumer.should_send_completion else 3) for client in clients]
    assert frames[0] == frames[1] == frames[2] == frames[3] == frames[4] == frames[5]
    assert [frame[key] for frame in frames[0]][1::2] == ["event_complete", "group_complete", "event_complete"]
    assert [frame.get("topic") for frame in frames[0]] == [None] * 4 + [TOPIC] * 2
    assert frames[6] == frames[7] == frames[8] == frames[0][::2]


Send = Callable[[dict[str, Any]], Awaitable[None]]


def alone(consumer: Any, send: Send) -> Any:
    """A consumer that takes messages, without a server."""
    made = consumer()
    made.channel_name, made.base_send = "own", send
    return made


@pytest.mark.parametrize("kind", ["event", "broadcast"])
async def test_both_frames_go_out_directly(base: Any, kind: str) -> None:
    sent: list[Any] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(json.loads(message["text"])["action"])

    cls = member(base, ("action", False))
    sending = alone(cls, send).send_direct(SharedMessage(messages_of(cls)[kind], members=1))

    assert sending is not None
    await sending
    assert sent == ["by_each", f"{'group' if kind == 'broadcast' else kind}_complete"]


@pytest.mark.parametrize("kind", ["event", "broadcast"])
async def test_who_sends_messages_in_a_way_of_its_own_has_them_dispatched(base: Any, kind: str) -> None:
    async def send(message: dict[str, Any]) -> None:
        raise AssertionError(message)

    class Own(base):  # type: ignore[misc]  # made for each flavour
        async def send_message(self, message: BaseMessage, *, validate: bool = False) -> None:
            above: Any = super()
            await above.send_message(message, validate=validate)

    cls = member(Own, ("action", False))
    assert alone(cls, send).send_direct(SharedMessage(messages_of(cls)[kind], members=1)) is None


@pytest.mark.parametrize("kind", ["event", "broadcast"])
async def test_whether_there_are_completions_is_asked_for_each_connection(base: Any, kind: str) -> None:
    sent: list[str] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(json.loads(message["text"])["action"])

    cls = member(base, ("action", False))
    message = SharedMessage(messages_of(cls)[kind], members=3)
    counts: list[int] = []
    for completes in (True, False, True):
        consumer = alone(cls, send)
        consumer.send_completion = completes
        sending = consumer.send_direct(message)
        assert sending is not None
        await sending
        counts.append(len(sent))
    assert counts == [2, 3, 5]


async def test_nothing_is_sent_to_a_connection_that_was_closed_after_the_first_frame(base: Any) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        consumer.is_closed = True

    cls = member(base, ("action", False))
    consumer = alone(cls, send)
    await consumer.send_direct(SharedMessage(messages_of(cls)["broadcast"], members=1))
    assert len(sent) == 1


async def test_a_client_that_reads_slowly_has_every_completion_after_its_frame(
    base: Any, layer: Any, connect: Connect
) -> None:
    # Given a client whose server takes nothing for now, and one that reads
    reads, waits = asyncio.Event(), asyncio.Event()

    class Slow(member(base, ("action", False))):  # type: ignore[misc]  # made for each flavour
        async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
            async def slowly(message: dict[str, Any]) -> None:
                if "by_each" in message.get("text", ""):
                    waits.set()
                    await reads.wait()
                await send(message)

            above: Any = super()
            await above.__call__(scope, receive, slowly)

    clients = [await connect(Slow), await connect(member(base, ("action", False)))]
    for client in clients:
        await client.send({"action": "ping"})
        assert await client.actions(2) == ["pong", "complete"]

    # When
    message = messages_of(Slow)["broadcast"]
    for _ in range(3):
        await layer.group_send("all", message)
    await waits.wait()
    expected = ["by_each", "group_complete"] * 3
    assert await clients[1].actions(6) == expected
    reads.set()

    # Then
    assert await clients[0].actions(6) == expected
