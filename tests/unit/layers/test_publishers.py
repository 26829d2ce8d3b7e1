"""What needs no server: choosing a publisher, the memory double, in-memory delivery, and the base's promises."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from channels.exceptions import ChannelFull
from channels.layers import InMemoryChannelLayer
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer

from chanx.errors import MissingExtraError, PublisherError
from chanx.layers import (
    LayerSpec,
    LoopPublisher,
    MemoryPublisher,
    RedisCorePublisher,
    RedisPubSubPublisher,
    attach_loop,
    publisher_for,
)

URL = "redis://:secret@localhost:1"
MESSAGE = {"type": "note", "n": 1}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (LayerSpec.redis_pubsub(URL), RedisPubSubPublisher),
        (RedisPubSubChannelLayer(hosts=[URL]), RedisPubSubPublisher),
        (RedisPubSubChannelLayer(hosts=[URL], symmetric_encryption_keys=["key"]), RedisPubSubPublisher),
        (LayerSpec.redis_core(URL), RedisCorePublisher),
        (RedisChannelLayer(hosts=[URL]), RedisCorePublisher),
        (RedisChannelLayer(hosts=[URL, URL]), LoopPublisher),
        (RedisChannelLayer(hosts=[URL], symmetric_encryption_keys=["key"]), LoopPublisher),
        (InMemoryChannelLayer(), LoopPublisher),
    ],
    ids=["spec", "pub/sub", "encrypted", "core spec", "core", "sharded core", "encrypted core", "memory"],
)
def test_each_layer_gets_the_fastest_publisher_that_knows_it(target: object, expected: type) -> None:
    assert type(publisher_for(target)) is expected


def test_a_layer_has_one_publisher_for_its_life() -> None:
    first, second = RedisPubSubChannelLayer(hosts=[URL]), RedisPubSubChannelLayer(hosts=[URL])
    assert publisher_for(first) is publisher_for(first)
    assert publisher_for(first) is not publisher_for(second)


@pytest.mark.parametrize("target", [None, "redis://localhost", object()])
def test_what_is_no_layer_is_refused(target: object) -> None:
    with pytest.raises(PublisherError, match=r"LayerSpec\.redis_pubsub"):
        publisher_for(target)


def test_the_memory_double_keeps_copies_in_order() -> None:
    # Given a message that its sender changes later
    publisher = MemoryPublisher()
    message: dict[str, Any] = {"type": "note", "rows": [1]}
    publisher.group_send("room", message)
    message["rows"].append(2)

    # When it sends again, Then each stands as it was sent
    publisher.send("specific.x!y", message)
    assert publisher.sent == [
        ("group", "room", {"type": "note", "rows": [1]}),
        ("channel", "specific.x!y", {"type": "note", "rows": [1, 2]}),
    ]


def test_the_memory_double_can_play_an_outage(caplog: pytest.LogCaptureFixture) -> None:
    # Given a publisher whose layer is down
    publisher = MemoryPublisher()
    publisher.down = True

    # When it publishes, Then nothing is raised, everything is counted, one line is logged
    with caplog.at_level(logging.WARNING, logger="chanx"):
        for _ in range(5):
            publisher.group_send("room", MESSAGE)
    assert publisher.failures == 5
    assert [record.getMessage().split()[0] for record in caplog.records] == ["publish_failed"]
    assert publisher.sent == []

    # But a mistake is one in an outage too
    with pytest.raises(PublisherError):
        publisher.group_send("room", {"type": "note", "value": object()})


def test_a_publisher_cannot_be_pickled_and_says_what_can() -> None:
    with pytest.raises(TypeError, match="LayerSpec"):
        pickle.dumps(publisher_for(LayerSpec.redis_pubsub(URL)))


def test_a_nested_value_is_named_by_its_path() -> None:
    with pytest.raises(PublisherError, match=r"message\['event_data'\]\['rows'\]\[1\] is of type set"):
        MemoryPublisher().group_send("room", {"type": "note", "event_data": {"rows": [1, set()]}})


def test_a_message_that_holds_itself_is_refused() -> None:
    message: dict[str, Any] = {"type": "note"}
    message["self"] = message
    for publisher in (MemoryPublisher(), publisher_for(LayerSpec.redis_pubsub(URL))):
        with pytest.raises(PublisherError, match="holds itself"):
            publisher.group_send("room", message)


def test_no_server_at_all_is_quick_and_raises_nothing() -> None:
    # Given a port where nobody listens
    publisher = publisher_for(LayerSpec.redis_pubsub(URL))

    # When messages are published, Then it takes no time and all are counted
    start = time.perf_counter()
    for _ in range(1000):
        publisher.group_send("room", MESSAGE)
    assert time.perf_counter() - start < 5
    assert publisher.failures == 1000


def test_without_receivers_in_this_process_an_in_memory_layer_warns(caplog: pytest.LogCaptureFixture) -> None:
    # Given an in-memory layer that no consumer was opened on
    publisher = publisher_for(InMemoryChannelLayer())

    # When a task publishes, Then the log says why nobody will see it
    with caplog.at_level(logging.WARNING, logger="chanx"):
        publisher.group_send("room", MESSAGE)
    publisher.close()
    assert "in_memory_layer_without_receivers" in caplog.text
    assert "Redis layer" in caplog.text


async def test_a_loop_that_has_ended_is_not_delivered_to() -> None:
    # Given a layer whose receivers' loop is gone, and a message for a channel that somebody reads later
    layer = InMemoryChannelLayer()

    async def attach() -> None:
        attach_loop(layer)

    thread = threading.Thread(target=lambda: asyncio.run(attach()))
    thread.start()
    thread.join()

    # When somebody publishes, Then it goes through the background loop
    publisher = publisher_for(layer)
    await asyncio.to_thread(publisher.send, "thumbnails", MESSAGE)
    assert await asyncio.wait_for(layer.receive("thumbnails"), 30) == MESSAGE
    assert publisher.failures == 0
    await asyncio.to_thread(publisher.close)


class BrokenLayer:
    """A layer that fails in the way it is told to."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls = 0

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        self.calls += 1
        raise self.error

    send = group_send


def test_a_failing_layer_is_counted_and_left_alone_for_a_while() -> None:
    layer = BrokenLayer(ConnectionError("no route"))
    publisher = publisher_for(layer)
    for _ in range(10):
        publisher.group_send("room", MESSAGE)
    publisher.close()
    assert (layer.calls, publisher.failures) == (1, 10)


class StuckLayer:
    """A layer that never gets done."""

    def __init__(self) -> None:
        self.calls = 0
        self.cancelled = threading.Event()

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        self.calls += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()

    send = group_send


def test_a_stuck_layer_costs_half_a_second_and_is_let_go() -> None:
    # Given a layer that never answers
    layer = StuckLayer()
    publisher = publisher_for(layer)

    # When somebody publishes, Then it takes half a second, and nothing goes on in the background
    start = time.perf_counter()
    publisher.group_send("room", MESSAGE)
    assert time.perf_counter() - start < 5
    assert publisher.failures == 1
    assert layer.cancelled.wait(30)
    publisher.close()


def test_a_batch_waits_for_a_stuck_layer_once() -> None:
    layer = StuckLayer()
    publisher = publisher_for(layer)
    with publisher.batch():
        for _ in range(5):
            publisher.group_send("room", MESSAGE)
    assert (layer.calls, publisher.failures) == (1, 5)
    publisher.close()


@pytest.mark.parametrize("error", [ChannelFull("specific.a!b"), TypeError("can not serialize"), ValueError("too long")])
def test_what_is_one_messages_trouble_does_not_keep_others_from_theirs(error: Exception) -> None:
    layer = BrokenLayer(error)
    publisher = publisher_for(layer)
    for _ in range(10):
        publisher.send("specific.a!b", MESSAGE)
    publisher.close()
    assert (layer.calls, publisher.failures) == (10, 10)


async def test_a_failure_on_the_callers_own_loop_is_counted_too() -> None:
    # Given an in-memory layer whose receivers are on this loop, and a channel that is full
    layer = InMemoryChannelLayer(capacity=1)
    attach_loop(layer)
    publisher = publisher_for(layer)
    publisher.send("specific.a!b", MESSAGE)

    # When this loop's thread sends more, Then the loss is counted when the loop gets to it
    publisher.send("specific.a!b", MESSAGE)
    for _ in range(10):
        await asyncio.sleep(0)
    assert publisher.failures == 1
    publisher.close()


def test_importing_the_layers_imports_no_framework() -> None:
    # Given a fresh interpreter
    heavy = "{'django', 'channels', 'channels_redis', 'redis', 'fastapi', 'rest_framework', 'asgiref', 'celery'}"
    code = (
        "import sys; from chanx.layers import LayerSpec, publisher_for;"
        f"print(sorted({heavy} & set(sys.modules)));"
        "publisher_for(LayerSpec.redis_pubsub('redis://localhost:1')).group_send('room', {'type': 'note'});"
        f"print(sorted({heavy} & set(sys.modules)))"
    )

    # When it publishes, Then redis-py is all that was added
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["[]", "['redis']"]


def test_without_the_extra_the_error_has_the_line_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(MissingExtraError, match=r'pip install "chanx\[redis\]"'):
        publisher_for(LayerSpec.redis_pubsub(URL))


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
async def test_a_forked_child_does_not_wait_for_its_parents_receivers() -> None:
    # Given an in-memory layer with receivers on this loop, which runs
    layer = InMemoryChannelLayer()
    attach_loop(layer)
    publisher = publisher_for(layer)

    # When a forked child publishes, Then that takes no time, as nobody there can receive it
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        start = time.perf_counter()
        publisher.group_send("room", MESSAGE)
        os.write(writer, b"quick" if publisher.failures == 0 and time.perf_counter() - start < 0.4 else b"slow")
        os._exit(0)
    await asyncio.to_thread(os.waitpid, pid, 0)
    assert os.read(reader, 10) == b"quick"
    os.close(reader)
    os.close(writer)
