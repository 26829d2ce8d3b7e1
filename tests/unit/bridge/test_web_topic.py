"""The job topic by itself: on a layer and a store in memory, with what goes wrong between them."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from celery import Celery
from channels.layers import InMemoryChannelLayer

from chanx.bridge import Bridge, JobTopic
from chanx.bridge.entry import Ending, NewEntry
from chanx.bridge.events import JobLogLine, JobProgress, LogPayload, ProgressPayload
from chanx.bridge.names import LIVE_EVENT_TYPE
from chanx.bridge.reporter import JobReporter
from chanx.bridge.snapshot import JobRecord, JobSnapshot
from chanx.bridge.states import JobState
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.direct import DirectTransport, live_message
from chanx.bridge.web.light_task import LightTask
from chanx.bridge.web.messages import JobPosition
from chanx.channels.testing import WebsocketCommunicator
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import event_handler
from chanx.core.hub.mailbox import MAX_WAITING_MESSAGES
from chanx.layers import MemoryPublisher
from chanx.messages.base import BaseMessage
from tests.unit.conftest import Connect
from tests.unit.core.hub.doubles import turns

TOPIC = "job:j"


class Notice(BaseMessage):
    action: Literal["notice"] = "notice"
    payload: str


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    app = Celery("job-topic", set_as_current=False)
    store = MemoryJobStore()
    store.create(JobRecord(job_id="j", owner="user:1", name="n", task_id="t", created_at=datetime.now(UTC)))
    yield Bridge(app, store, DirectTransport(store, MemoryPublisher()))
    app.close()


@pytest.fixture
def jobs(bridge: Bridge) -> type[JobTopic]:
    layer = InMemoryChannelLayer()

    class Jobs(JobTopic):
        get_channel_layer = staticmethod(lambda alias: layer)

        @event_handler
        async def noticed(self, event: Notice) -> Notice:
            return event

    Jobs.bridge = bridge
    return Jobs


@pytest.fixture
async def socket(jobs: type[JobTopic]) -> AsyncIterator[WebsocketCommunicator]:
    class Consumer(AsyncJsonWebsocketConsumer):
        topics = [jobs]
        get_channel_layer = jobs.get_channel_layer

    communicator = WebsocketCommunicator(Consumer.as_asgi(), "/ws/", consumer=Consumer)
    communicator.scope["user"] = SimpleNamespace(pk=1)
    assert (await communicator.connect())[0]
    yield communicator
    await communicator.disconnect()


def log(bridge: Bridge, message: str) -> None:
    reporter = JobReporter(bridge.transport, job_id="j", task_id="t", attempt=1)
    reporter.send(JobLogLine(payload=LogPayload(message=message)))


def topic_of(jobs: type[JobTopic], **attributes: Any) -> JobTopic:
    """A topic whose consumer has no connection, only these attributes of its own."""
    consumer = AsyncJsonWebsocketConsumer()
    for name, value in attributes.items():
        setattr(consumer, name, value)
    return jobs(consumer, TOPIC, {"job_id": "j"})


async def say(socket: WebsocketCommunicator, action: str, payload: Any = None) -> None:
    await socket.send_json_to({"topic": TOPIC, "action": action, "payload": payload, "ref": "1"})


async def hear(socket: WebsocketCommunicator) -> dict[str, Any]:
    frame: dict[str, Any] = json.loads(await socket.receive_from(30))
    return frame


async def subscribe(socket: WebsocketCommunicator) -> dict[str, Any]:
    await say(socket, "subscribe")
    return await hear(socket)


async def test_an_ordinary_event_for_the_topic_goes_to_its_handler(
    socket: WebsocketCommunicator, jobs: type[JobTopic]
) -> None:
    await subscribe(socket)

    await jobs.broadcast(TOPIC, Notice(payload="hello"))

    frame = await hear(socket)
    assert (frame["topic"], frame["action"], frame["payload"]) == (TOPIC, "notice", "hello")


async def test_a_stream_that_broke_says_so_and_begins_again_with_the_next_subscribe(
    socket: WebsocketCommunicator,
    bridge: Bridge,
    jobs: type[JobTopic],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Given a stream that fails in a way nobody thought of
    log(bridge, "one")
    with monkeypatch.context() as broken:

        async def fail(*_: Any) -> None:
            raise RuntimeError("nobody thought of this")

        broken.setattr(jobs, "_send_entry", fail)
        with caplog.at_level(logging.ERROR, "chanx"):
            await subscribe(socket)
            told = await hear(socket)
    assert (told["action"], told["payload"]["reason"]) == ("error", "failed")
    assert "nobody thought of this" in caplog.text
    assert "nobody thought of this" not in str(told)

    # When
    answer = await subscribe(socket)

    # Then
    assert answer["action"] == "subscribed"
    assert (await hear(socket))["payload"]["message"] == "one"


async def test_a_cancellation_that_meets_the_end_of_a_stream_is_not_swallowed(jobs: type[JobTopic]) -> None:
    # Given a topic whose stream takes its time to end
    topic = topic_of(jobs)
    is_stopping, may_end = asyncio.Event(), asyncio.Event()

    async def slow_to_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            is_stopping.set()
            await may_end.wait()

    topic._pump = LightTask(slow_to_end(), name="slow")
    await asyncio.sleep(0)

    # When whoever stops it is cancelled meanwhile
    stopping = asyncio.create_task(topic.on_unsubscribe())
    await is_stopping.wait()
    stopping.cancel()

    # Then
    with pytest.raises(asyncio.CancelledError):
        await stopping
    may_end.set()


async def test_subscribing_waits_until_the_layer_has_proved_that_it_delivers(jobs: type[JobTopic]) -> None:
    # Given
    probes: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    class Layer:
        async def group_send(self, group: str, message: dict[str, Any]) -> None:
            assert group == "chanx.job.j"
            probes.put_nowait(message)

    topic = topic_of(jobs, channel_layer=Layer())

    # When
    subscribing = asyncio.create_task(topic.subscribed_payload(None))
    probe = await asyncio.wait_for(probes.get(), 30)
    assert not subscribing.done()
    await topic.receive_event(probe)

    # Then
    assert (await asyncio.wait_for(subscribing, 30))["recovered"]


async def test_a_job_that_is_deleted_looks_as_if_it_had_never_been(
    socket: WebsocketCommunicator, bridge: Bridge, jobs: type[JobTopic]
) -> None:
    # Given a client that has not been told of the job's end
    await subscribe(socket)
    bridge.store.append(NewEntry("j", "job_failed", '{"action":"job_failed"}', "run", 1, state=JobState.FAILED))

    # When
    assert bridge.store.delete("j")
    await bridge.async_store.head_poller.poll()

    # Then it is told what anybody is told who asks for a job that there is not, and its subscription is over
    refused = await hear(socket)
    assert (refused["topic"], refused["action"], refused["payload"]["reason"]) == (TOPIC, "error", "unauthorized")
    assert (await subscribe(socket))["payload"] == refused["payload"]
    await say(socket, "ack", {"seq": 1})
    assert (await hear(socket))["payload"]["reason"] == "not_subscribed"


async def test_a_lost_latest_event_arrives_with_the_next_heads(socket: WebsocketCommunicator, bridge: Bridge) -> None:
    # Given a client, and progress that the layer lost
    await subscribe(socket)
    reporter = JobReporter(DirectTransport(bridge.store, MemoryPublisher()), job_id="j", task_id="t", attempt=1)
    reporter.send(JobProgress(payload=ProgressPayload(current=7)))

    # When
    await bridge.async_store.head_poller.poll()

    # Then
    frame = await hear(socket)
    assert (frame["version"], frame["topic"], frame["action"], frame["job_id"]) == (1, TOPIC, "job_progress", "j")
    assert (frame["head"], frame["rev"], frame["payload"]["current"]) == (0, 1, 7)
    assert "seq" not in frame


async def test_whoever_watches_a_job_that_nobody_ended_sees_its_end(
    socket: WebsocketCommunicator, bridge: Bridge
) -> None:
    # Given a job whose only task has ended, and whose worker died before it ended the job
    await subscribe(socket)
    told = Ending("p", "succeeded", "7")
    bridge.store.append(NewEntry("j", "job_log", '{"action":"job_log"}', "run", 1, task_id="t", ending=told))
    assert (await hear_polled(socket, bridge))["action"] == "job_log"

    # Then the web process ends it, which no worker has to be there for
    ended = await hear_polled(socket, bridge)
    assert (ended["action"], ended["payload"]["result"]) == ("job_succeeded", 7)


async def hear_polled(socket: WebsocketCommunicator, bridge: Bridge) -> dict[str, Any]:
    """The next frame, while heads are asked for again and again."""
    hearing = asyncio.create_task(hear(socket))
    while not hearing.done():
        await bridge.async_store.head_poller.poll()
        await asyncio.wait([hearing], timeout=0.01)
    return await hearing


async def test_what_comes_while_the_log_is_read_is_not_lost(
    jobs: type[JobTopic], bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an event that is published after the snapshot was taken, and comes before the answer does
    sent: asyncio.Queue[str] = asyncio.Queue()
    topic = topic_of(jobs, send_text=sent.put)
    loop = asyncio.get_running_loop()
    take_snapshot = bridge.store.snapshot

    def snapshot(job_id: str) -> JobSnapshot | None:
        taken = take_snapshot(job_id)
        entry = NewEntry("j", "job_progress", '{"action":"job_progress"}', "run", 1, "latest")
        message = live_message(entry, bridge.store.append(entry))
        asyncio.run_coroutine_threadsafe(topic.receive_event(dict(message)), loop).result(5)
        return taken

    monkeypatch.setattr(bridge.store, "snapshot", snapshot)

    # When
    await topic._open(JobPosition())
    await topic.on_subscribe()

    # Then
    assert json.loads(await asyncio.wait_for(sent.get(), 30))["action"] == "job_progress"
    await topic.on_unsubscribe()


async def test_the_stream_has_its_consumers_discriminator(bridge: Bridge, jobs: type[JobTopic]) -> None:
    # Given
    class Consumer(AsyncJsonWebsocketConsumer):
        topics = [jobs]
        discriminator_field = "type"
        get_channel_layer = jobs.get_channel_layer

    log(bridge, "one")
    socket = WebsocketCommunicator(Consumer.as_asgi(), "/ws/", consumer=Consumer)
    socket.scope["user"] = SimpleNamespace(pk=1)
    assert (await socket.connect())[0]

    # When
    await socket.send_json_to({"topic": TOPIC, "type": "subscribe", "ref": "1"})

    # Then
    frames = [await hear(socket), await hear(socket)]
    assert [frame["type"] for frame in frames] == ["subscribed", "job_log"]
    assert not any("action" in frame for frame in frames)
    await socket.disconnect()


@pytest.mark.parametrize("kind", ["ordinary", "live", "probe"])
async def test_only_what_the_log_has_is_dropped_for_a_client_that_does_not_read(
    jobs: type[JobTopic], connect: Connect, kind: str
) -> None:
    # Given a client that is sent an event, which it does not read
    consumer = type(
        "Consumer", (AsyncJsonWebsocketConsumer,), {"topics": [jobs], "get_channel_layer": jobs.get_channel_layer}
    )
    client = await connect(consumer, user=SimpleNamespace(pk=1))
    await client.send({"topic": TOPIC, "action": "subscribe"})
    assert (await client.frame())["action"] == "subscribed"
    reads = asyncio.Event()
    closed: list[int] = []

    async def take(message: dict[str, Any]) -> None:
        if message["type"] == "websocket.close":
            closed.append(message["code"])
        await reads.wait()

    client.consumer.base_send = take
    await jobs.broadcast(TOPIC, Notice(payload="hello"))

    # When there is no room for those that come
    messages: dict[str, dict[str, Any]] = {
        "ordinary": {"event_data": Notice(payload="hello").model_dump(mode="json")},
        "live": {"event": "{}", "seq": 1, "epoch": "e"},
        "probe": {"probe": True},
    }
    layer = jobs.get_channel_layer("default")
    for _ in range(MAX_WAITING_MESSAGES + 10):
        message = {"type": LIVE_EVENT_TYPE, "topic": TOPIC, **messages[kind]}
        await layer.group_send(jobs.group_name(TOPIC), message)
    await turns()

    # Then an event of a subclass's own closes the connection: it could not be had again
    assert closed == ([1013] if kind == "ordinary" else [])
