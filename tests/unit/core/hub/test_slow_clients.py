"""A client that does not read holds up nobody, and is closed before it takes all the memory."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from chanx.core import serving
from chanx.core.decorators import event_handler
from chanx.core.hub.mailbox import MAX_WAITING_MESSAGES
from chanx.core.topic import Topic
from chanx.testing.contract import ContractChecker
from tests.unit.channels.client import Client
from tests.unit.conftest import Connect
from tests.unit.core.hub.consumers import Do, Say, Told, obedient
from tests.unit.core.hub.doubles import turns

ROOM: dict[str, Any] = {"topic": "room:1"}


class Room(Topic):
    pattern = "room:{id}"

    @event_handler(input_type=Say)
    async def say(self, event: Say) -> Say:
        return event


class LoggedRoom(Room):
    pattern = "logged:{id}"

    def can_miss(self, message: Mapping[str, Any]) -> bool:
        return True


class NotReading:
    """Takes over what a client is sent: none of it is written before ``reads`` is set."""

    def __init__(self, client: Client) -> None:
        self.reads = asyncio.Event()
        self.closed: list[int] = []
        self._send = client.consumer.base_send
        client.consumer.base_send = self._take

    async def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.close":
            self.closed.append(message["code"])
        await self.reads.wait()
        await self._send(message)


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.event for record in caplog.records]  # type: ignore[attr-defined]  # extras


async def payloads(client: Client, count: int) -> list[Any]:
    return [frame["payload"] for frame in await client.frames(count)]


async def to_topic(layer: Any, topic: type[Topic], name: str, number: int) -> None:
    """As ``Topic.broadcast`` does over the layer of the settings."""
    event = Say(payload=number).model_dump(mode="json")
    await layer.group_send(topic.group_name(name), {"type": "handle_topic_event", "topic": name, "event_data": event})


@pytest.mark.parametrize("event", [Say, Do])
async def test_the_others_get_everything_at_once(base: Any, connect: Connect, event: Any) -> None:
    consumer = obedient(base)
    slow, *others = [await connect(consumer) for _ in range(4)]
    reading = NotReading(slow)
    for number in range(MAX_WAITING_MESSAGES + 1):
        await consumer.broadcast_event(event(payload=str(number)))
    expected = [str(number) for number in range(MAX_WAITING_MESSAGES + 1)]
    for other in others:
        assert await payloads(other, len(expected)) == expected
    assert not reading.closed
    reading.reads.set()
    assert await payloads(slow, len(expected)) == expected


@pytest.mark.parametrize("at_once", [False, True])
async def test_one_for_whom_too_much_waits_is_closed_once(
    base: Any, layer: Any, connect: Connect, caplog: pytest.LogCaptureFixture, at_once: bool
) -> None:
    consumer = obedient(base)
    slow, other = await connect(consumer), await connect(consumer)
    reading = NotReading(slow)
    numbers = range(MAX_WAITING_MESSAGES + 100)
    sendings = [consumer.broadcast_event(Say(payload=number)) for number in numbers]
    if at_once:
        await asyncio.gather(*sendings)
    else:
        for sending in sendings:
            await sending
    assert sorted(await payloads(other, len(numbers))) == list(numbers)
    await turns()
    assert reading.closed == [1013]
    assert slow.consumer.is_closed
    assert logged(caplog) == ["too_many_events"]

    await slow.disconnect()
    assert len(layer.groups["all"]) == 1
    await consumer.broadcast_event(Say(payload="on"))
    assert await payloads(other, 1) == ["on"]


async def test_one_whose_handler_never_ends_is_closed_too(
    base: Any, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    consumer = obedient(base)
    client = await connect(consumer)
    for _ in range(MAX_WAITING_MESSAGES + 2):
        await consumer.broadcast_event(Do(payload="wait"))
    assert await client.closed() == 1013
    assert logged(caplog) == ["too_many_events"]
    await client.disconnect()
    assert len(client.consumer.tasks) == 1


@pytest.mark.parametrize("topic", [Room, LoggedRoom])
async def test_what_a_topic_can_miss_is_dropped(
    base: Any, layer: Any, connect: Connect, caplog: pytest.LogCaptureFixture, topic: type[Room]
) -> None:
    consumer = obedient(base, topics=[topic])
    name = topic.topic_of({"id": "1"})
    slow, other = await connect(consumer), await connect(consumer)
    for client in (slow, other):
        await client.send({"topic": name, "action": "subscribe"})
        await client.frame()
    reading = NotReading(slow)
    numbers = range(MAX_WAITING_MESSAGES + 50)
    for number in numbers:
        await to_topic(layer, topic, name, number)
    assert await payloads(other, len(numbers)) == list(numbers)
    await turns()
    if topic is Room:
        assert (reading.closed, logged(caplog)) == ([1013], ["too_many_events"])
        return
    assert (reading.closed, logged(caplog)) == ([], [])
    reading.reads.set()
    assert await payloads(slow, MAX_WAITING_MESSAGES + 1) == list(numbers)[: MAX_WAITING_MESSAGES + 1]
    await slow.quiet()


async def test_a_client_that_has_gone_is_sent_nothing_more(base: Any, connect: Connect) -> None:
    """Given a server that says so by ``OSError``, at once or late, Then the others get all, and nothing is logged."""
    consumer = obedient(base)
    gone, late, other = [await connect(consumer) for _ in range(3)]
    calls: list[str] = []

    async def fail(message: Any) -> None:
        calls.append("gone")
        raise OSError

    async def fail_late(message: Any) -> None:
        calls.append("late")
        await asyncio.sleep(0)
        raise OSError

    gone.consumer.base_send, late.consumer.base_send = fail, fail_late
    for number in range(3):
        await consumer.broadcast_event(Say(payload=number))
        await turns()
    assert await payloads(other, 3) == [0, 1, 2]
    assert sorted(calls) == ["gone", "late"]


async def test_a_connection_that_ends_while_it_is_written_to(base: Any, layer: Any, connect: Connect) -> None:
    consumer = obedient(base)
    slow, other = await connect(consumer), await connect(consumer)
    NotReading(slow)
    before = asyncio.all_tasks()
    for number in range(5):
        await consumer.broadcast_event(Say(payload=number))
    assert await payloads(other, 5) == list(range(5))
    await slow.disconnect()
    await other.disconnect()
    await turns()
    assert asyncio.all_tasks() <= before
    assert layer.groups == layer.channels == {}


async def test_frames_that_the_hub_writes_are_held_to_the_contract(base: Any, layer: Any, connect: Connect) -> None:
    """Given a checker, Then it sees those of events and of broadcasts, written at once or later, on topics too."""
    consumer = obedient(base, topics=[Room], sends=[Told])
    first, second = await connect(consumer), await connect(consumer)
    for client in (first, second):
        await client.send({**ROOM, "action": "subscribe"})
        await client.frame()
    checker = ContractChecker()
    checker.start()
    try:
        await consumer.broadcast_event(Say(payload=1))
        await first.consumer.broadcast_message(Told(payload=2), ["all"])
        await to_topic(layer, Room, ROOM["topic"], 3)
        for client in (first, second):
            assert await payloads(client, 3) == [1, 2, 3]
        assert checker.violations == []

        await first.consumer.broadcast_message({"action": "undeclared", "payload": 1}, ["all"])
        for client in (first, second):
            assert await payloads(client, 1) == [1]
    finally:
        checker.stop()
    assert [violation.tag for violation in checker.violations] == ["undeclared"]


async def test_a_server_that_shuts_down_does_not_wait_for_a_client_that_does_not_read(
    base: Any, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "STEP_SECONDS", 0.05)
    client = await connect(obedient(base))
    silent = NotReading(client)
    await client.end()
    assert silent.closed == [1012]
