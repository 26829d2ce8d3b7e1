"""What the core layer's publisher leaves in Redis is what the installed channels_redis would have left there."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from channels_redis.core import RedisChannelLayer
from fast_channels.layers.redis import RedisChannelLayer as FastRedisLayer
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chanx.errors import PublisherError
from chanx.layers import LayerSpec, PublishFailure, RedisCorePublisher, publisher_for
from chanx.testing.redis_server import RedisServer
from tests.tcp_proxy import tcp_proxy

NOTE = {"type": "note", "n": 1}
BOTH = pytest.mark.parametrize("core", [RedisChannelLayer, FastRedisLayer], ids=["channels", "fast-channels"])

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
messages = st.dictionaries(st.text().filter(lambda key: key != "__asgi_channel__"), json_values, max_size=20).map(
    lambda rest: {**rest, "type": "note"}
)
names = st.lists(
    st.from_regex(r"specific\.[0-9a-f]{1,8}![A-Za-z0-9]{1,40}|[a-z]{1,40}", fullmatch=True),
    min_size=1,
    max_size=20,
    unique=True,
)


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(redis_url)
    yield client
    client.close()


@BOTH
@pytest.mark.parametrize("serializer", ["msgpack", "json"])
@given(message=messages, members=names)
@example(message={"type": "note", **{str(n): n for n in range(70_000)}}, members=["specific.a!1"])
@example(message=NOTE, members=[f"specific.a!{n}" for n in range(70)])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_group_message_is_that_of_the_layer_byte_for_byte(
    core: Any,
    serializer: str,
    message: dict[str, Any],
    members: list[str],
    client: redis.Redis,
    redis_url: str,
    key_prefix: str,
) -> None:
    # Given a group with members in several processes, and some without
    layer = core(hosts=[redis_url], prefix=key_prefix, serializer_format=serializer)
    publisher = publisher_for(layer)
    publisher.max_event_bytes = 4 * 1024 * 1024
    for member in members:
        await layer.group_add("room", member)

    # When the layer and the publisher send the same message
    await layer.group_send("room", message)
    by_layer = taken(client, key_prefix)
    await asyncio.to_thread(publisher.group_send, "room", message)
    by_publisher = taken(client, key_prefix)
    client.delete(f"{key_prefix}:group:room")
    await layer.close_pools()
    publisher.close()

    # Then the same queues hold the same bytes (in JSON, but for blanks in the list of members)
    as_read = json.loads if serializer == "json" else bytes
    assert {k: as_read(v) for k, v in by_publisher.items()} == {k: as_read(v) for k, v in by_layer.items()}
    assert publisher.failures == 0


def taken(client: redis.Redis, prefix: str) -> dict[bytes, bytes]:
    """The one message of each queue, without its random beginning; they are removed."""
    found: dict[bytes, bytes] = {}
    for key in client.scan_iter(f"{prefix}*"):
        if b":group:" not in key:
            [(message, score)] = client.zrange(key, 0, -1, withscores=True)
            assert abs(score - time.time()) < 60
            assert 0 < client.ttl(key) <= 60
            found[key] = message[12:]
            client.delete(key)
    return found


@BOTH
async def test_members_in_several_processes_receive_it_once_each(core: Any, redis_url: str, key_prefix: str) -> None:
    # Given two processes (to the layer, a process is an object) with two members each, and a member of another group
    layers = [core(hosts=[{"address": redis_url, "socket_timeout": None}], prefix=key_prefix) for _ in range(2)]
    members = [(layer, await layer.new_channel()) for layer in layers for _ in range(2)]
    for layer, channel in members:
        await layer.group_add("room", channel)
    stranger = await layers[0].new_channel()
    await layers[0].group_add("other", stranger)

    # When two messages are published, the second to the other group
    publisher = publisher_for(layers[0])
    await asyncio.to_thread(publisher.group_send, "room", NOTE)
    await asyncio.to_thread(publisher.group_send, "other", {"type": "note", "n": 2})

    # Then each receives its own
    for layer, channel in members:
        assert await asyncio.wait_for(layer.receive(channel), 30) == NOTE
    assert await asyncio.wait_for(layers[0].receive(stranger), 30) == {"type": "note", "n": 2}
    publisher.close()
    for layer in layers:
        await layer.flush()


def test_a_channel_without_a_process_is_a_queue_of_its_own(
    client: redis.Redis, redis_url: str, key_prefix: str
) -> None:
    # Given the channel of a Channels worker, which any of its processes may read
    layer = RedisChannelLayer(hosts=[{"address": redis_url, "socket_timeout": None}], prefix=key_prefix)
    publisher = publisher_for(layer)
    publisher.send("thumbnails", NOTE)
    publisher.close()

    # When one receives, Then it has the message
    assert asyncio.run(layer.receive("thumbnails")) == NOTE


def test_what_does_not_fit_is_counted_reported_and_logged_once(
    client: redis.Redis, redis_url: str, key_prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    # Given a group with members in three processes, one of which reads nothing and has a full queue
    publisher = RedisCorePublisher(LayerSpec.redis_core(redis_url, prefix=key_prefix, capacity=5))
    reports: list[PublishFailure] = []
    publisher.on_failure(reports.append)
    now = time.time()
    client.zadd(f"{key_prefix}:group:room", {f"specific.{process}!x": now for process in "abc"})
    client.zadd(f"{key_prefix}specific.a!", {f"waiting {n}": now for n in range(5)})

    # When two messages are published
    with caplog.at_level(logging.WARNING, logger="chanx"):
        publisher.group_send("room", NOTE)
        publisher.group_send("room", NOTE)

    # Then the others have them, and the loss is known
    assert [client.zcard(f"{key_prefix}specific.{process}!") for process in "abc"] == [5, 2, 2]
    assert (publisher.over_capacity, publisher.failures) == (2, 0)
    assert [(report.name, report.over_capacity) for report in reports] == [("room", 1), ("room", 1)]
    assert "1 of 3 server processes" in reports[0].reason
    assert [r.event for r in caplog.records if r.name == "chanx"] == ["channel_layer_over_capacity"]
    publisher.close()


def test_a_full_channel_is_a_failure_that_harms_no_other(client: redis.Redis, redis_url: str, key_prefix: str) -> None:
    publisher = RedisCorePublisher(LayerSpec.redis_core(redis_url, prefix=key_prefix, capacity=2))
    for _ in range(3):
        publisher.send("specific.a!x", NOTE)
    publisher.send("specific.b!x", NOTE)
    assert client.zcard(f"{key_prefix}specific.a!") == 2
    assert client.zcard(f"{key_prefix}specific.b!") == 1
    assert (publisher.failures, publisher.over_capacity) == (1, 0)
    publisher.close()


def test_what_has_expired_makes_room(client: redis.Redis, redis_url: str, key_prefix: str) -> None:
    # Given a member that joined too long ago, and one whose queue is full of messages that are too old
    publisher = RedisCorePublisher(
        LayerSpec.redis_core(redis_url, prefix=key_prefix, capacity=2, expiry=60, group_expiry=600)
    )
    now = time.time()
    group = f"{key_prefix}:group:room"
    client.zadd(group, {"specific.gone!x": now - 700, "specific.here!x": now - 500})
    client.zadd(f"{key_prefix}specific.here!", {"a": now - 70, "b": now - 70})

    # When a message is published, Then the old member is no longer one, and the message has a place
    publisher.group_send("room", NOTE)
    assert client.zrange(group, 0, -1) == [b"specific.here!x"]
    assert client.exists(f"{key_prefix}specific.gone!") == 0
    assert client.zcard(f"{key_prefix}specific.here!") == 1
    assert (publisher.over_capacity, publisher.failures) == (0, 0)
    publisher.close()


@pytest.mark.parametrize("kind", ["group", "channel"])
def test_the_layers_own_key_is_refused(kind: str, redis_url: str) -> None:
    publisher = RedisCorePublisher(LayerSpec.redis_core(redis_url))
    send = publisher.group_send if kind == "group" else publisher.send
    with pytest.raises(PublisherError, match="__asgi_channel__"):
        send("room", {"type": "note", "__asgi_channel__": "x"})


def test_an_event_is_one_command_and_a_batch_one_round_trip(own_redis: RedisServer) -> None:
    # Given a network on which an answer takes a tenth of a second, and two groups with members in two processes
    with redis.Redis.from_url(own_redis.url) as client, tcp_proxy(own_redis.port) as proxy:
        publisher = RedisCorePublisher(LayerSpec.redis_core(f"redis://127.0.0.1:{proxy.port}/0"))
        for group in ("room.1", "room.2"):
            client.zadd(f"asgi:group:{group}", {"specific.a!x": time.time(), "specific.b!x": time.time()})
        publisher.group_send("room.1", NOTE)
        client.config_resetstat()
        proxy.delay = 0.1

        # When one event is published, and a batch to both groups and to one channel
        before = proxy.round_trips
        publisher.group_send("room.1", NOTE)
        with publisher.batch():
            for _ in range(10):
                publisher.group_send("room.1", NOTE)
                publisher.group_send("room.2", NOTE)
                publisher.send("specific.a!x", NOTE)

        # Then each took one round trip, and a script's text went out once in each
        stats = client.info("commandstats")
        assert proxy.round_trips - before == 2
        assert stats["cmdstat_eval"]["calls"] + stats["cmdstat_evalsha"]["calls"] == 31
        assert stats["cmdstat_eval"]["calls"] == 3
        assert publisher.failures == 0
        assert client.zcard("asgispecific.a!") == 32
        publisher.close()


def test_two_equal_messages_are_two(client: redis.Redis, redis_url: str, key_prefix: str) -> None:
    publisher = RedisCorePublisher(LayerSpec.redis_core(redis_url, prefix=key_prefix))
    with publisher.batch():
        for _ in range(50):
            publisher.send("specific.a!x", NOTE)
    scores = [score for _, score in client.zrange(f"{key_prefix}specific.a!", 0, -1, withscores=True)]
    assert len(scores) == len(set(scores)) == 50
    publisher.close()
