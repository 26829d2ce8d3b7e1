"""An append that tells the watchers in the same step: what the installed pub/sub layers receive of it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
import redis
from channels_redis.pubsub import RedisPubSubChannelLayer
from fast_channels.layers.redis import RedisPubSubChannelLayer as FastPubSubLayer

from chanx.bridge.encoding import MAX_EVENT_BYTES
from chanx.bridge.entry import Appended, AppendStatus, Ending, NewEntry
from chanx.bridge.names import job_group, list_group, list_message
from chanx.bridge.states import JobState
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.store.redis import RedisJobStore
from chanx.bridge.transports.direct import DirectTransport, live_message
from chanx.layers import LayerSpec, LoopPublisher, MemoryPublisher, Publisher, RedisPubSubPublisher, publisher_for
from chanx.testing.redis_server import RedisServer
from tests.contract.jobs import RETENTION, Run, create, record

EVENT = '{"action":"x","text":"Zeile ä✓ \\"quoted\\" / \\u0000","big":12345678901234567890,"f":"@fraction@"}'

HELLO = {"type": "hello"}


@pytest.fixture
def store(redis_url: str) -> Iterator[RedisJobStore]:
    made = RedisJobStore(redis_url, prefix=f"test-{uuid4().hex}", retention=RETENTION)
    yield made
    made.close()


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as connected:
        yield connected


def announcing(store: RedisJobStore, publisher: Publisher) -> Callable[[NewEntry], Appended]:
    append = store.announcing_append(publisher)
    assert append is not None
    return append


async def listen(layer: Any, group: str) -> Callable[[], Awaitable[dict[str, Any]]]:
    """How to receive what is sent to the group from now on."""
    channel = await layer.new_channel()
    await layer.group_add(group, channel)

    async def receive() -> dict[str, Any]:
        message: dict[str, Any] = HELLO
        while message == HELLO:
            message = await asyncio.wait_for(layer.receive(channel), 30)
        return message

    # Joining returns before the server has subscribed.
    while True:
        await layer.group_send(group, HELLO)
        try:
            await asyncio.wait_for(layer.receive(channel), 0.5)
        except TimeoutError:
            continue
        return receive


@pytest.mark.parametrize("layer_class", [RedisPubSubChannelLayer, FastPubSubLayer])
@pytest.mark.parametrize("serializer", ["msgpack", "json"])
async def test_the_layer_receives_what_the_transport_would_send(
    layer_class: Any, serializer: str, store: RedisJobStore, redis_url: str, key_prefix: str
) -> None:
    # Given
    layer = layer_class(hosts=[redis_url], prefix=f"{key_prefix}:ü ", serializer_format=serializer)
    append = announcing(store, publisher_for(layer))
    job_id = create(store, tasks={"a": True, "b": True})
    receive = await listen(layer, job_group(job_id))
    run = Run(store, job_id, task_id="a")

    # When
    entries = [
        run.entry(EVENT),
        run.entry(EVENT, delivery="latest", fraction=0.5),
        run.entry("x" * 100_000),
        run.entry(EVENT, state=JobState.SUCCEEDED),
    ]
    for entry in entries:
        appended = append(entry)

        # Then
        assert appended.status is AppendStatus.APPENDED
        assert appended.announced
        assert await receive() == live_message(entry, appended)
    await layer.flush()


@pytest.mark.parametrize("serializer", ["msgpack", "json"])
async def test_lists_are_told_of_a_change_of_the_state(
    serializer: str, store: RedisJobStore, redis_url: str, key_prefix: str
) -> None:
    # Given
    layer = RedisPubSubChannelLayer(hosts=[redis_url], prefix=key_prefix, serializer_format=serializer)
    append = announcing(store, publisher_for(layer))
    started = record().model_copy(update={"watchers": ("project:ü",)})
    job_id = store.create(started)
    groups = [list_group(owner) for owner in ("user:1", "project:ü")]
    receives = [await listen(layer, group) for group in groups]
    run = Run(store, job_id)

    # When
    answers = [append(run.entry(state=state)) for state in (JobState.STARTED, JobState.STARTED, JobState.SUCCEEDED)]

    # Then
    assert [(answer.announced, answer.list_groups) for answer in answers] == [(True, ())] * 3
    for group, receive in zip(groups, receives, strict=True):
        heard = [await receive() for _ in range(2)]
        assert heard == [list_message(group, job_id, state) for state in ("started", "succeeded")]
    await layer.flush()


def test_what_is_not_appended_is_announced_to_nobody(store: RedisJobStore, redis_url: str, client: redis.Redis) -> None:
    append = announcing(store, publisher_for(LayerSpec.redis_pubsub(redis_url)))
    job_id = create(store, pending={"p1": "t1", "p2": "t1"})
    run = Run(store, job_id)
    first = run.entry()
    held = run.entry(state=JobState.FAILED, ending=Ending("p1", "failed"))

    with client.pubsub() as listener:
        listener.psubscribe(f"*{job_id}*")
        answers = [append(entry) for entry in (first, first, held, run.entry(only_if_complete=True))]
        answers.append(append(Run(store, "unknown").entry()))

        # Then
        expected = ["appended", "duplicate", "held", "refused", "unknown"]
        assert [(answer.status.value, answer.announced) for answer in answers] == [
            (s, s == "appended") for s in expected
        ]
        heard = [listener.get_message(timeout=1) for _ in range(2)]
        assert [message and message["type"] for message in heard] == ["psubscribe", "pmessage"]
        assert listener.get_message() is None


def test_one_command_carries_an_event_to_its_watchers(own_redis: RedisServer) -> None:
    # Given
    store = RedisJobStore(own_redis.url)
    publisher = publisher_for(LayerSpec.redis_pubsub(own_redis.url))
    transport = DirectTransport(store, publisher)
    run = Run(store, create(store))
    transport.send(run.entry())  # connects, and loads the script

    with redis.Redis.from_url(own_redis.url) as client:
        client.config_resetstat()

        # When
        for _ in range(100):
            transport.send(run.entry())

        # Then
        calls = {name: seen["calls"] for name, seen in client.info("commandstats").items()}
    assert (calls["cmdstat_evalsha"], calls["cmdstat_publish"]) == (100, 100)
    store.close()


def test_a_server_that_forbids_to_publish_keeps_the_log(own_redis: RedisServer) -> None:
    """The publisher then tries, and reports it as any failure of its."""
    # Given
    with redis.Redis.from_url(own_redis.url) as client:
        client.acl_setuser("quiet", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-publish"])
    url = own_redis.url.replace("redis://", "redis://quiet:x@")
    store, publisher = RedisJobStore(url), RedisPubSubPublisher(LayerSpec.redis_pubsub(url))
    run = Run(store, create(store))

    # When
    appended = DirectTransport(store, publisher).send(run.entry())

    # Then
    assert appended is not None
    assert (appended.status, appended.announced, publisher.failures) == (AppendStatus.APPENDED, False, 1)
    publisher.close()
    store.close()


def test_a_server_that_has_forgotten_the_script_is_told_it_again(store: RedisJobStore, client: redis.Redis) -> None:
    run = Run(store, create(store))
    run.append()

    client.script_flush()

    assert (run.append(), run.append()) == (AppendStatus.APPENDED, AppendStatus.APPENDED)


@pytest.mark.parametrize(
    "publisher",
    [
        MemoryPublisher(),
        LoopPublisher(RedisPubSubChannelLayer(hosts=["redis://one"])),
        publisher_for(LayerSpec.redis_core("redis://one")),
        publisher_for(LayerSpec.redis_pubsub("redis://other")),
        publisher_for(LayerSpec.redis_pubsub("redis://one:6380")),
        publisher_for(LayerSpec.redis_pubsub("redis://user:secret@one")),
        publisher_for(LayerSpec.redis_pubsub("rediss://one")),
        publisher_for(LayerSpec.redis_pubsub("unix:///one")),
        publisher_for(LayerSpec.redis_pubsub("redis://one", "redis://one")),
        publisher_for(LayerSpec.redis_pubsub("redis://one", symmetric_encryption_keys=["secret"])),
        publisher_for(LayerSpec.redis_pubsub("redis://one", max_event_bytes=MAX_EVENT_BYTES)),
    ],
    ids=lambda publisher: repr(getattr(publisher, "spec", type(publisher).__name__))[:100],
)
def test_any_other_layer_is_left_to_its_publisher(publisher: Publisher) -> None:
    assert RedisJobStore("redis://one").announcing_append(publisher) is None


@pytest.mark.parametrize(
    "host",
    [
        "redis://one",
        "redis://one:6379/3",
        ("one", 6379),
        {"address": "redis://one", "socket_timeout": None},
        {"host": "one", "db": 5},
    ],
)
def test_the_database_and_the_form_of_the_host_do_not_matter(host: Any) -> None:
    assert RedisJobStore("redis://one/1").announcing_append(publisher_for(LayerSpec.redis_pubsub(host)))


def test_a_store_that_appends_in_a_way_of_its_own_is_not_passed_by() -> None:
    class Audited(RedisJobStore):
        def append(self, entry: NewEntry) -> Appended:
            return super().append(entry)

    assert Audited("redis://one").announcing_append(publisher_for(LayerSpec.redis_pubsub("redis://one"))) is None


def test_a_store_in_memory_leaves_it_to_the_publisher() -> None:
    assert MemoryJobStore().announcing_append(publisher_for(LayerSpec.redis_pubsub())) is None
