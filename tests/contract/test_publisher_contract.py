"""One suite over every publisher: what is sent arrives, as the installed channel layers receive it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from channels.layers import InMemoryChannelLayer
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from fast_channels.layers.in_memory import InMemoryChannelLayer as FastInMemoryLayer
from fast_channels.layers.redis import RedisChannelLayer as FastRedisLayer
from fast_channels.layers.redis import RedisPubSubChannelLayer as FastPubSubLayer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chanx.errors import EventTooLargeError, InvalidNameError, PublisherError
from chanx.layers import (
    LayerSpec,
    LoopPublisher,
    MemoryPublisher,
    Publisher,
    RedisCorePublisher,
    RedisPubSubPublisher,
    attach_loop,
    publisher_for,
)
from chanx.testing.redis_server import redis_server

EVENT = {
    "type": "handle_channel_event",
    "event_data": {
        "action": "job_progress",
        "payload": {"current": 10, "fraction": 0.5, "message": "Zeile \u00e4\u2713"},
    },
}

Receive = Callable[[], Awaitable[dict[str, Any]]]


@dataclass
class World:
    """A publisher and a way to listen where it publishes."""

    publisher: Publisher
    open: Callable[[], Awaitable[tuple[str, Receive]]]
    """Open a connection's own channel: its name, and how to receive from it."""
    join: Callable[[str, str], Awaitable[None]]
    """Add a channel to a group."""


@pytest.fixture(scope="module")
def second_url() -> Iterator[str]:
    with redis_server(private=True) as server:
        yield server.url


def layer_world(publisher: Publisher, layer: Any) -> World:
    async def open_channel() -> tuple[str, Receive]:
        name = await layer.new_channel()
        return name, lambda: asyncio.wait_for(layer.receive(name), 30)

    async def join(group: str, channel: str) -> None:
        await layer.group_add(group, channel)

    return World(publisher, open_channel, join)


def memory_world() -> World:
    publisher = MemoryPublisher()
    members: dict[str, set[str]] = {}
    taken: dict[str, int] = {}

    async def open_channel() -> tuple[str, Receive]:
        channel = f"specific..inmemory!{len(taken)}"
        taken[channel] = 0

        async def receive() -> dict[str, Any]:
            mine = [m for _, name, m in publisher.sent if name == channel or channel in members.get(name, ())]
            taken[channel] += 1
            return mine[taken[channel] - 1]

        return channel, receive

    async def join(group: str, channel: str) -> None:
        members.setdefault(group, set()).add(channel)

    return World(publisher, open_channel, join)


def layer_of(kind: str, url: str, second_url: str, prefix: str) -> Any:
    """The channel layer of a kind."""
    is_fast = "fast-channels" in kind
    pubsub = FastPubSubLayer if is_fast else RedisPubSubChannelLayer
    core = FastRedisLayer if is_fast else RedisChannelLayer
    # redis-py 8's default socket_timeout equals the five seconds that the core layers' receive() blocks.
    patient = {"socket_timeout": None}
    match kind.removeprefix("loop over ").removeprefix("fast-channels "):
        case "in-memory":
            return FastInMemoryLayer() if is_fast else InMemoryChannelLayer()
        case "redis core":
            return core(hosts=[{"address": url, **patient}], prefix=prefix)
        case "redis core, json, other prefix":
            return core(
                hosts=[{"address": url, **patient}],
                prefix=f"{prefix}:\u00fc ",
                serializer_format="json",
                random_prefix_length=3,
            )
        case "encrypted redis core":
            return core(hosts=[{"address": url, **patient}], prefix=prefix, symmetric_encryption_keys=["secret"])
        case "encrypted redis pub/sub":
            return pubsub(hosts=[url], prefix=prefix, symmetric_encryption_keys=["secret", b"old"])
        case "encrypted redis pub/sub, json":
            return pubsub([url], prefix, symmetric_encryption_keys=["s\u00e9cret"], serializer_format="json")
        case "redis pub/sub, other prefix":
            return pubsub(hosts=[url], prefix=f"{prefix}:\u00fc ")
        case "redis pub/sub, json, two hosts":
            hosts = [url, {"address": second_url, **patient}]
            return pubsub(hosts=hosts, prefix=prefix, serializer_format="json")
        case "redis pub/sub":
            return pubsub([url], prefix)
        case _:
            raise AssertionError(kind)


PUBSUB = [
    "redis pub/sub",
    "redis pub/sub, json, two hosts",
    "redis pub/sub, other prefix",
    "encrypted redis pub/sub",
    "encrypted redis pub/sub, json",
    "fast-channels redis pub/sub",
    "fast-channels redis pub/sub, json, two hosts",
    "fast-channels encrypted redis pub/sub",
]
CORE = [
    "redis core",
    "redis core, json, other prefix",
    "fast-channels redis core",
    "fast-channels redis core, json, other prefix",
]
LOOP = [
    "loop over in-memory",
    "loop over redis pub/sub",
    "loop over encrypted redis core",
    "loop over fast-channels in-memory",
    "loop over fast-channels encrypted redis core",
]
PUBLISHERS: dict[str, type[Publisher]] = {
    **dict.fromkeys(PUBSUB, RedisPubSubPublisher),
    **dict.fromkeys(CORE, RedisCorePublisher),
    **dict.fromkeys(LOOP, LoopPublisher),
}


@pytest.fixture(params=["memory", *PUBLISHERS])
async def world(
    request: pytest.FixtureRequest, redis_url: str, second_url: str, key_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    monkeypatch.setattr("chanx.layers.loop_publisher.TIMEOUT", 20.0)  # a busy machine's pause loses a message
    kind = request.param
    if kind == "memory":
        yield memory_world()
        return
    layer = layer_of(kind, redis_url, second_url, key_prefix)
    publisher = LoopPublisher(layer) if kind == "loop over redis pub/sub" else publisher_for(layer)
    if "in-memory" in kind:
        attach_loop(layer)
    assert type(publisher) is PUBLISHERS[kind]
    yield layer_world(publisher, layer)
    await asyncio.to_thread(publisher.close)
    await layer.flush()


async def test_a_group_message_reaches_every_member_from_another_thread(world: World) -> None:
    # Given two members of a group, who already wait, and a connection outside it
    first, receive_first = await world.open()
    second, receive_second = await world.open()
    await world.open()
    await world.join("room.1", first)
    await world.join("room.1", second)

    # When another thread publishes
    await asyncio.to_thread(world.publisher.group_send, "room.1", EVENT)

    # Then both receive the very message
    assert await receive_first() == EVENT
    assert await receive_second() == EVENT
    assert world.publisher.failures == 0


async def test_a_direct_message_reaches_its_channel_alone(world: World) -> None:
    # Given two connections
    first, receive_first = await world.open()
    second, receive_second = await world.open()

    # When each gets a message of its own
    await asyncio.to_thread(world.publisher.send, second, {"type": "note", "n": 2})
    await asyncio.to_thread(world.publisher.send, first, {"type": "note", "n": 1})

    # Then each receives its own
    assert await receive_first() == {"type": "note", "n": 1}
    assert await receive_second() == {"type": "note", "n": 2}
    assert world.publisher.failures == 0


async def test_it_may_be_called_on_a_running_loop(world: World) -> None:
    # Given a member of a group on this loop
    channel, receive = await world.open()
    await world.join("room.1", channel)

    # When this loop's own thread publishes
    world.publisher.group_send("room.1", EVENT)

    # Then it does not block for ever, and the message arrives
    assert await receive() == EVENT
    assert world.publisher.failures == 0


async def test_messages_of_one_sender_arrive_in_their_order(world: World) -> None:
    # Given members of many groups, which on two hosts live on both
    receivers: dict[str, Receive] = {}
    for number in range(12):
        channel, receivers[f"room.{number}"] = await world.open()
        await world.join(f"room.{number}", channel)

    # When one thread publishes three messages to each
    def publish() -> None:
        for n in range(3):
            for group in receivers:
                world.publisher.group_send(group, {"type": "note", "n": n})

    await asyncio.to_thread(publish)

    # Then every group has its three, in their order
    for receive in receivers.values():
        assert [(await receive())["n"] for _ in range(3)] == [0, 1, 2]


async def test_a_batch_arrives_in_order_at_its_end(world: World) -> None:
    # Given two groups, and a connection with messages of its own
    channel, receive = await world.open()
    await world.join("room.1", channel)
    await world.join("room.2", channel)

    # When a thread publishes several messages to them in a batch
    def publish() -> None:
        with world.publisher.batch():
            for n in range(0, 30, 3):
                message = {"type": "note", "n": n}
                world.publisher.group_send("room.1", message)
                message["n"] += 1
                world.publisher.group_send("room.1", message)
                world.publisher.send(channel, {"type": "note", "n": n + 2})

    await asyncio.to_thread(publish)

    # Then all arrive, each as it was when it was sent, in their order as far as one server carries them
    got = [(await receive())["n"] for _ in range(30)]
    assert sorted(got) == list(range(30))
    assert [n for n in got if n % 3 < 2] == [n for n in range(30) if n % 3 < 2]
    assert [n for n in got if n % 3 == 2] == list(range(2, 30, 3))
    assert world.publisher.failures == 0


async def test_a_message_that_is_too_large_raises_and_reaches_nobody(world: World) -> None:
    # Given a member of a group
    channel, receive = await world.open()
    await world.join("room.1", channel)

    # When a message over the limit is published, Then the error names the event, its size and the limit
    too_large = {"type": "handle_channel_event", "event_data": {"action": "report", "payload": "\u00e4" * 2000}}
    world.publisher.max_event_bytes = 3000
    with pytest.raises(EventTooLargeError, match=r"'report' is \d{4,5} bytes, over the 3000 of max_event_bytes"):
        world.publisher.group_send("room.1", too_large)

    # And the next one is the first that arrives
    await asyncio.to_thread(world.publisher.group_send, "room.1", EVENT)
    assert await receive() == EVENT
    assert world.publisher.failures == 0


async def test_it_can_be_used_from_several_threads_at_once(world: World) -> None:
    # Given a member of a group
    channel, receive = await world.open()
    await world.join("room.1", channel)

    # When four threads publish at the same time
    def publish(thread: int) -> None:
        for n in range(10):
            world.publisher.group_send("room.1", {"type": "note", "thread": thread, "n": n})

    await asyncio.gather(*(asyncio.to_thread(publish, thread) for thread in range(4)))

    # Then all messages arrive
    got = [await receive() for _ in range(40)]
    assert sorted((m["thread"], m["n"]) for m in got) == [(t, n) for t in range(4) for n in range(10)]


@pytest.mark.parametrize("name", ["", "a b", "room:1", "r\u00e4ume", "x" * 100, "ends\n", None, 7])
async def test_an_invalid_group_name_raises(world: World, name: Any) -> None:
    with pytest.raises(InvalidNameError, match="safe_group_name"):
        world.publisher.group_send(name, EVENT)


async def test_an_invalid_channel_name_raises(world: World) -> None:
    with pytest.raises(InvalidNameError, match="channel_name"):
        world.publisher.send("two!bangs!", EVENT)


@pytest.mark.parametrize(
    "value", [UUID(int=1), {1, 2}, object(), {"deep": [{"id": UUID(int=1)}]}], ids=["uuid", "set", "object", "deep"]
)
async def test_what_no_layer_can_carry_raises_and_names_the_fix(world: World, value: Any) -> None:
    with pytest.raises(PublisherError, match="model_dump"):
        world.publisher.group_send("room.1", {"type": "note", "value": value})
    assert world.publisher.failures == 0


@pytest.mark.parametrize("message", [{}, {"type": None}, {"event_data": {}}, "text", None])
async def test_a_message_without_a_type_raises(world: World, message: Any) -> None:
    # A consumer that received it would end with an error.
    with pytest.raises(PublisherError, match=r"'type'|is a dict"):
        world.publisher.group_send("room.1", message)


async def test_a_publisher_that_was_closed_opens_again(world: World) -> None:
    # Given a publisher that has published and was closed
    channel, receive = await world.open()
    await world.join("room.1", channel)
    await asyncio.to_thread(world.publisher.group_send, "room.1", {"type": "note", "n": 1})
    await asyncio.to_thread(world.publisher.close)

    # When it publishes again
    await asyncio.to_thread(world.publisher.group_send, "room.1", {"type": "note", "n": 2})

    # Then both have arrived
    assert [(await receive())["n"] for _ in range(2)] == [1, 2]


async def test_keys_that_are_no_strings_never_reach_a_msgpack_receiver(redis_url: str) -> None:
    # Given a publisher with msgpack, whose receivers fail on such keys when they unpack
    publisher = RedisPubSubPublisher(LayerSpec.redis_pubsub(redis_url))

    # When one sends a dict with integer keys, Then it is told so
    with pytest.raises(PublisherError, match="the key 1"):
        publisher.group_send("room.1", {"type": "note", "rows": {1: "a"}})


texts = st.text(st.characters(exclude_categories=()))  # lone surrogates too
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("pubsub", [RedisPubSubChannelLayer, FastPubSubLayer])
@pytest.mark.parametrize("serializer", ["msgpack", "json"])
@given(value=json_values)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_bytes_are_those_of_the_installed_layer(pubsub: Any, serializer: Any, value: Any) -> None:
    # Given the same message for the layer and for the publisher
    layer = pubsub(hosts=["redis://localhost"], serializer_format=serializer)
    publisher = publisher_for(layer)
    assert isinstance(publisher, RedisPubSubPublisher)
    message = {"type": "note", "value": value}

    # When both serialize it, Then the bytes are the same
    try:
        expected = layer.serialize(message)
    except ValueError:  # lone surrogates under msgpack
        with pytest.raises(PublisherError):
            publisher._encode_body(message)
    else:
        assert publisher._encode_body(message) == expected


async def test_receivers_on_another_threads_loop_are_woken() -> None:
    # Given an in-memory layer whose receiver waits on a loop in another thread, where nothing else would wake it
    layer = InMemoryChannelLayer()
    waiting = threading.Event()
    got: list[dict[str, Any]] = []

    async def consumer() -> None:
        attach_loop(layer)
        channel = await layer.new_channel()
        await layer.group_add("room.1", channel)
        waiting.set()
        got.append(await layer.receive(channel))

    thread = threading.Thread(target=lambda: asyncio.run(consumer()), daemon=True)
    thread.start()
    await asyncio.to_thread(waiting.wait, 10)

    # When this thread publishes
    publisher_for(layer).group_send("room.1", EVENT)

    # Then the receiver has it
    await asyncio.to_thread(thread.join, 10)
    assert got == [EVENT]
