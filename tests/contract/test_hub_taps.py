"""What stands for the queues of a channel layer takes what comes, as the queues of every installed layer would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any
from unittest.mock import Mock

import pytest
import redis

from chanx.core.hub import Mailbox, SharedMessage, hub_of, reader
from chanx.core.hub.taps import tapped_channels
from chanx.layers import Publisher, attach_loop, publisher_for
from chanx.testing.redis_server import RedisServer
from tests.contract.test_publisher_contract import layer_of
from tests.waiting import wait_until

SECONDS = 20
MEMORY = ["in-memory", "fast-channels in-memory"]
PUBSUB = [
    "redis pub/sub",
    "encrypted redis pub/sub",
    "fast-channels redis pub/sub",
    "fast-channels encrypted redis pub/sub",
]
CORE = ["redis core", "encrypted redis core", "fast-channels redis core"]
KINDS = [*MEMORY, *PUBSUB, *CORE]


class Noting:
    """Takes messages as a consumer does, and notes their numbers."""

    def __init__(self) -> None:
        self.is_closed = False
        self.got: list[int] = []
        self.changed = asyncio.Event()

    def send_direct(self, message: SharedMessage) -> Coroutine[Any, Any, None] | None:
        return None

    async def finish_send(self, sending: Coroutine[Any, Any, None], awaited: Any) -> None:
        raise AssertionError("nothing is sent directly")

    async def dispatch(self, message: dict[str, Any]) -> None:
        self.got.append(message["n"])
        self.changed.set()

    def refuse_message(self, message: SharedMessage) -> None:
        raise AssertionError("there is room")

    def end_with(self, error: BaseException) -> None:
        raise error


class Member:
    """A connection on the hub of a layer."""

    def __init__(self, layer: Any) -> None:
        self.noting = Noting()
        self.mailbox = Mailbox(self.noting)
        self.hub: Any = hub_of(layer)
        self.groups: list[str] = []
        self.name = ""

    async def open(self, *groups: str) -> Member:
        self.name = await self.hub.open(self.mailbox)
        for group in groups:
            await self.join(group)
        self.hub.release(self.mailbox)
        return self

    async def join(self, group: str) -> None:
        self.groups.append(group)
        await self.hub.group_add(group, self.mailbox)

    async def close(self) -> None:
        self.noting.is_closed = True
        for group in self.groups:
            await self.hub.leave(group, self.mailbox)
        await self.hub.close(self.name)

    async def numbers(self, count: int) -> list[int]:
        """The numbers of the first so many messages, which are forgotten."""
        async with asyncio.timeout(SECONDS):
            while len(self.noting.got) < count:
                self.noting.changed.clear()
                await self.noting.changed.wait()
        numbers, self.noting.got = self.noting.got[:count], self.noting.got[count:]
        return numbers


class World:
    """A layer with connections on its hub, and senders elsewhere."""

    def __init__(self, kind: str, url: str, prefix: str) -> None:
        self.kind, self.url, self.prefix = kind, url, prefix
        self.layer = self.new_layer()
        self.sender = self.layer if kind in MEMORY else self.new_layer()
        self.publisher: Publisher = publisher_for(self.sender)
        if kind in MEMORY:
            attach_loop(self.layer)
        self.client: Any = redis.Redis.from_url(url)  # pyright: ignore[reportUnknownMemberType] -- redis-py's types

    def new_layer(self) -> Any:
        return layer_of(self.kind, self.url, "", self.prefix)

    async def subscribed(self, *names: str) -> None:
        """Wait until Redis has everybody's subscription, for channels and groups; other layers need not."""
        if self.kind in PUBSUB:
            places = [name if name.startswith(self.prefix) else f"{self.prefix}__group__{name}" for name in names]
            await self.until(lambda: all(count for _, count in self.client.pubsub_numsub(*places)))

    async def until(self, condition: Callable[[], bool]) -> None:
        await asyncio.to_thread(wait_until, condition)

    async def assert_nothing_is_left(self) -> None:
        if self.kind in CORE:
            await self.layer.wait_received()
            if is_known(self.layer):  # else there is an empty one of who was asking Redis
                assert dict(self.layer.receive_buffer) == {}
            assert self.layer.receive_count == 0
            assert self.client.keys(f"{self.prefix}*") == []
            return
        assert self.layer.channels == self.layer.groups == {}
        if self.kind in PUBSUB:
            await self.until(lambda: self.client.pubsub_channels(f"{self.prefix}*") == [])

    async def close(self) -> None:
        await asyncio.to_thread(self.publisher.close)
        for layer in {id(layer): layer for layer in (self.layer, self.sender)}.values():
            await (layer.close_pools() if self.kind in CORE else layer.flush())
        self.client.close()


@pytest.fixture(params=KINDS)
async def world(request: pytest.FixtureRequest, redis_url: str, key_prefix: str) -> AsyncIterator[World]:
    world = World(request.param, redis_url, key_prefix)
    yield world
    await world.close()


def is_known(layer: Any) -> bool:
    return tapped_channels(layer, Mock()) is not None


def note(number: int) -> dict[str, Any]:
    return {"type": "note", "n": number}


def only(kinds: list[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("world", kinds, indirect=True)


def test_every_installed_layer_is_known(redis_url: str, key_prefix: str) -> None:
    async def known(kind: str) -> bool:
        return is_known(layer_of(kind, redis_url, "", key_prefix))

    assert [asyncio.run(known(kind)) for kind in KINDS] == [True] * len(KINDS)


@pytest.mark.parametrize("by", ["layer", "publisher"])
async def test_what_one_sender_sends_arrives_in_its_order_over_channels_and_groups(world: World, by: str) -> None:
    """Given connections in two groups and in one, When all is sent to in turn, Then each has its own, in order."""
    first, second = await Member(world.layer).open("room", "hall"), await Member(world.layer).open("hall")
    await world.subscribed(first.name, second.name, "room", "hall")
    places = ["room", first.name, "hall", "hall", second.name, "room"]

    async def send_all() -> None:
        for number in range(60):
            place = places[number % 6]
            method = world.sender.group_send if place in ("room", "hall") else world.sender.send
            await method(place, note(number))

    def publish_all() -> None:
        for number in range(60):
            place = places[number % 6]
            method = world.publisher.group_send if place in ("room", "hall") else world.publisher.send
            method(place, note(number))

    await (send_all() if by == "layer" else asyncio.to_thread(publish_all))

    assert await first.numbers(50) == [number for number in range(60) if number % 6 != 4]
    assert await second.numbers(30) == [number for number in range(60) if number % 6 in (2, 3, 4)]
    await first.close()
    await second.close()
    await world.assert_nothing_is_left()


async def test_a_group_that_was_left_and_a_channel_that_was_closed_leave_nothing(world: World) -> None:
    """Given one connection that stays, Then only what is its own is left, and it gets its messages."""
    stays = await Member(world.layer).open("room")
    for _ in range(3):
        goes = await Member(world.layer).open("room", "hall")
        await goes.close()
    await world.subscribed(stays.name, "room")
    await world.sender.group_send("hall", note(1))
    await world.sender.group_send("room", note(2))
    assert await stays.numbers(1) == [2]
    await stays.close()
    await world.assert_nothing_is_left()
    again = await Member(world.layer).open("hall")
    await world.subscribed(again.name, "hall")
    await world.sender.group_send("hall", note(3))
    assert await again.numbers(1) == [3]
    await again.close()
    await world.assert_nothing_is_left()


async def test_others_who_use_the_layer_get_their_messages(world: World) -> None:
    """Given a plain consumer in the same process and group, Then both get all, and it ends as ever."""
    got: list[int] = []
    name = await world.layer.new_channel()
    await world.layer.group_add("room", name)

    async def receive_all() -> None:
        while True:
            got.append((await world.layer.receive(name))["n"])

    receiving = asyncio.create_task(receive_all())
    member = await Member(world.layer).open("room")
    await world.subscribed(member.name, name, "room")
    for number in range(0, 30, 3):
        await world.sender.group_send("room", note(number))
        await world.sender.send(name, note(number + 1))
        await world.sender.send(member.name, note(number + 2))

    assert await member.numbers(20) == [number for number in range(30) if number % 3 != 1]
    await world.until(lambda: len(got) == 20)
    assert got == [number for number in range(30) if number % 3 != 2]
    await world.layer.group_discard("room", name)
    receiving.cancel()
    await asyncio.gather(receiving, return_exceptions=True)
    await world.sender.group_send("room", note(100))
    assert await member.numbers(1) == [100]
    if world.kind in CORE:
        world.layer.receive_buffer.pop(name, None)  # which a `receive` leaves that is cancelled while it asks Redis
    await member.close()
    await world.assert_nothing_is_left()


async def test_a_layer_that_is_not_known(world: World) -> None:
    """Given a subclass, which may receive in another way, Then its messages arrive too, in order on each channel."""
    known: type[Any] = world.layer.__class__
    world.layer.__class__ = type("Own", (known,), {})
    assert not is_known(world.layer)
    first, second = await Member(world.layer).open("room"), await Member(world.layer).open("room")
    await world.subscribed(first.name, second.name, "room")
    for number in range(0, 40, 2):
        await world.sender.group_send("room", note(number))
        await world.sender.send(first.name, note(number + 1))
    got = await first.numbers(40)
    assert [number for number in got if number % 2 == 0] == list(range(0, 40, 2))
    assert [number for number in got if number % 2 == 1] == list(range(1, 40, 2))
    assert await second.numbers(20) == list(range(0, 40, 2))
    await first.close()
    await second.close()
    await world.assert_nothing_is_left()


@pytest.mark.parametrize("kind", MEMORY)
def test_what_a_loop_leaves_that_is_closed_with_its_connections_open_is_dropped(kind: str) -> None:
    # Given a layer, and a loop that was closed with a connection open on it
    layer: Any = layer_of(kind, "", "", "")

    async def connect() -> str:
        return (await Member(layer).open("room", "lobby")).name

    abandoned = asyncio.new_event_loop()
    first = abandoned.run_until_complete(connect())
    abandoned.close()
    assert first in layer.channels

    async def work() -> None:
        # When a connection is opened on another loop
        second = await Member(layer).open("room")

        # Then the layer has nothing but that, also after a message for all
        assert first not in layer.channels
        assert {group: len(members) for group, members in layer.groups.items()} == {"room": 1}
        await layer.group_send("room", note(1))
        assert await second.numbers(1) == [1]
        assert len(layer.channels) == 2
        await second.close()
        assert layer.channels == layer.groups == {}

    asyncio.run(work())


@only([*PUBSUB, *CORE])
async def test_a_message_that_cannot_be_decoded_harms_nobody(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "RETRY_SECONDS", 0.01)
    member = await Member(world.layer).open("room")
    await world.subscribed(member.name, "room")
    if world.kind in CORE:
        world.client.zadd(f"{world.prefix}{world.layer.non_local_name(member.name)}", {b"\xc1 of no serializer": 1})
    else:
        world.client.publish(member.name, b"\xc1 of no serializer")
        world.client.publish(f"{world.prefix}__group__room", b"\x05")
    await world.sender.group_send("room", note(1))
    await world.sender.send(member.name, note(2))
    assert await member.numbers(2) == [1, 2]
    logged = [getattr(record, "event", "") for record in caplog.records]
    assert logged == ["channel_layer_not_read"] if world.kind in CORE else ["channel_message_not_decoded"] * 2
    await member.close()
    await world.assert_nothing_is_left()


@only(CORE)
async def test_a_receive_that_raises_ends_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "RETRY_SECONDS", 0.01)
    receive_single, failures = world.layer.receive_single, iter([ConnectionError("away"), ValueError("odd")])

    async def failing(channel: str) -> Any:
        for failure in failures:
            raise failure
        return await receive_single(channel)

    world.layer.receive_single = failing
    member = await Member(world.layer).open("room")
    await world.sender.group_send("room", note(1))
    await world.sender.send(member.name, note(2))
    assert await member.numbers(2) == [1, 2]
    await member.close()
    await world.assert_nothing_is_left()


@only(CORE)
async def test_connections_that_come_and_go_leave_the_layer_readable(world: World) -> None:
    """Given a plain consumer that receives all the time, When connections overlap in every way, Then all is had."""
    name = await world.layer.new_channel()
    got: list[int] = []

    async def receive_all() -> None:
        while True:
            got.append((await world.layer.receive(name))["n"])

    async def come_and_go(turns: int) -> None:
        member = await Member(world.layer).open("room")
        for _ in range(turns):
            await asyncio.sleep(0)
        await member.close()

    receiving = asyncio.create_task(receive_all())
    for turns in range(24):
        await asyncio.gather(*(come_and_go(turns % 4 * number) for number in range(4)))
        going = asyncio.create_task(come_and_go(0))
        for _ in range(turns):
            await asyncio.sleep(0)
        await come_and_go(turns % 3)
        await going
    member = await Member(world.layer).open("room")
    await world.sender.group_send("room", note(1))
    await world.sender.send(name, note(2))
    assert await member.numbers(1) == [1]
    await world.until(lambda: got == [2])
    receiving.cancel()
    await asyncio.gather(receiving, return_exceptions=True)
    await world.sender.group_send("room", note(3))
    assert await member.numbers(1) == [3]
    await member.close()
    await world.assert_nothing_is_left()


@pytest.mark.parametrize(
    "kind", ["redis pub/sub", "fast-channels redis pub/sub", "redis core", "fast-channels redis core"]
)
async def test_messages_come_again_after_redis_was_restarted(
    kind: str, own_redis: RedisServer, key_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a hub that joins its groups again now and then, Then it does so in a Redis that knows of none."""
    monkeypatch.setattr(reader, "RETRY_SECONDS", 0.01)
    world = World(kind, own_redis.url, key_prefix)
    if kind in CORE:
        world.layer.group_expiry = 2  # half of it is the interval
    member = await Member(world.layer).open("room")
    await world.subscribed(member.name, "room")
    await world.sender.group_send("room", note(1))
    assert await member.numbers(1) == [1]

    own_redis.kill()
    own_redis.start()
    if kind in CORE:
        await world.until(lambda: world.client.exists(f"{key_prefix}:group:room") == 1)
    await world.subscribed(member.name, "room")

    sender = world.new_layer()  # the first message of a layer that has lost its connections is lost
    await sender.group_send("room", note(2))
    await sender.send(member.name, note(3))
    assert await member.numbers(2) == [2, 3]
    await (sender.close_pools() if kind in CORE else sender.flush())
    await member.close()
    await world.assert_nothing_is_left()
    await world.close()
