"""A client of a job's stream on a consumer of either framework."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from operator import itemgetter
from types import SimpleNamespace
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer, channel_layers
from fast_channels.layers import InMemoryChannelLayer as FastLayer
from fast_channels.layers import register_channel_layer, unregister_channel_layer

from chanx.bridge import JobListTopic, JobTopic, start_job
from chanx.bridge.events import (
    JobCancelledEvent,
    JobEvent,
    JobLogLine,
    JobProgress,
    JobQueued,
    JobStarted,
    JobSucceeded,
    LogPayload,
)
from chanx.bridge.reporter import JobReporter
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.states import JobState
from chanx.bridge.store.heads import HeadPoller
from chanx.channels import testing as channels_testing
from chanx.channels.websocket import AsyncJsonWebsocketConsumer as DjangoConsumer
from chanx.core.decorators import ws_handler
from chanx.core.testing import WebsocketCommunicatorMixin
from chanx.fast_channels import testing as fast_testing
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer as FastConsumer
from chanx.testing.jobs import JobWatcher, MemoryBridge, like, watch_job
from tests.unit.testing.jobs.shop import Plain, RowPayload, RowRejected, Shop

Consumer = Any


@pytest.fixture(params=["channels", "fast_channels"])
def flavour(request: pytest.FixtureRequest) -> Iterator[str]:
    """The framework; its default channel layer is one in memory."""
    if request.param == "channels":
        layers: dict[str, Any] = channel_layers.backends
        layers["default"] = InMemoryChannelLayer()
        yield request.param
        del layers["default"]
    else:
        register_channel_layer("default", FastLayer())
        yield request.param
        unregister_channel_layer("default")


@pytest.fixture
def consumer(flavour: str, shop: Shop) -> Consumer:
    class Jobs(JobTopic):
        bridge = shop.bridge

    base: Any = DjangoConsumer if flavour == "channels" else FastConsumer
    return type("Consumer", (base,), {"topics": [Jobs], "groups": ["staff"], "passthrough_events": [Plain]})


@asynccontextmanager
async def connected(consumer: Consumer, user: int = 1) -> AsyncGenerator[WebsocketCommunicatorMixin]:
    module: Any = channels_testing if issubclass(consumer, DjangoConsumer) else fast_testing
    client = module.WebsocketCommunicator(consumer.as_asgi(), "/ws/", consumer=consumer)
    client.scope["user"] = SimpleNamespace(pk=user, is_authenticated=True)
    async with client:
        yield client


def noted_start(memory: MemoryBridge) -> asyncio.Event:
    """Set when a job begins, in whatever thread."""
    started, loop = asyncio.Event(), asyncio.get_running_loop()
    memory.store.watchers.append(
        lambda event: loop.call_soon_threadsafe(started.set) if event.action == "job_started" else None
    )
    return started


async def test_a_job_that_has_ended(shop: Shop, memory: MemoryBridge, consumer: Consumer) -> None:
    job = await start_job(shop.import_rows, 250, owner="user:1")

    async with connected(consumer) as client:
        watcher = await watch_job(client, job)
        events = await watcher.until_end()

    assert watcher.snapshot is not None
    assert (watcher.snapshot.state, watcher.position) == (JobState.SUCCEEDED, 128)
    # What a client that comes late gets is the log: of progress that is the snapshot's
    events.assert_sequence([JobQueued, JobStarted, *[RowRejected] * 125, like(JobSucceeded, result={"rows": 250})])


async def test_a_job_that_goes_on_meanwhile(
    shop: Shop, memory: MemoryBridge, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a job that is watched, when it goes on, then its events come by the layer, and other frames stay."""

    async def poll(self: HeadPoller) -> None:
        pass

    monkeypatch.setattr(HeadPoller, "poll", poll)
    started, go_on, loop = noted_start(memory), asyncio.Event(), asyncio.get_running_loop()

    def wait(self: Any) -> None:
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(10)
        self.job.notify(Plain(payload={"n": 1}), groups=["staff"])
        self.job.progress(1, 2)
        self.job.emit(RowRejected(payload=RowPayload(line=1)))

    task = shop.task(wait)
    async with connected(consumer) as client:
        running = asyncio.create_task(start_job(task, owner="user:1"))
        await started.wait()
        watcher = await watch_job(client, memory.store.recorded[0].job_id)
        (await watcher.until(JobStarted)).assert_sequence([JobQueued, JobStarted])

        go_on.set()
        events = await watcher.until_end()
        await running

        events.assert_sequence([JobQueued, JobStarted, like(JobProgress, fraction=0.5), RowRejected, JobSucceeded])
        assert await client.receive_all_messages(timeout=0.05) == [Plain(payload={"n": 1})]


async def test_cancelling(shop: Shop, memory: MemoryBridge, consumer: Consumer) -> None:
    started = noted_start(memory)

    def run(self: Any) -> None:
        while True:
            self.job.progress(0)

    memory.progress_interval = 0.05
    task = shop.task(run)
    async with connected(consumer) as client:
        running = asyncio.create_task(start_job(task, owner="user:1"))
        await started.wait()
        watcher = await watch_job(client, memory.store.recorded[0].job_id)

        # The task may have heard of it before the answer was written
        assert await watcher.cancel("too slow") in {JobState.STARTED, JobState.CANCELLED}

        events = await watcher.until_end()
        await running
    assert events.of_type(JobCancelledEvent)[0].payload.reason == "too slow"


async def test_going_on_where_another_ended(shop: Shop, memory: MemoryBridge, consumer: Consumer) -> None:
    job = await start_job(shop.import_rows, 4, owner="user:1")
    async with connected(consumer) as client:
        first = await watch_job(client, job)
        assert isinstance(await first.next(), JobQueued)
        await first.until(RowRejected)

    async with connected(consumer) as client:
        second = await watch_job(client, job, epoch=first.epoch, after=first.position)
        events = await second.until_end()

    assert second.recovered
    events.assert_sequence([like(RowRejected, line=4), JobSucceeded])


async def test_a_slow_client_acknowledges_by_itself(shop: Shop, memory: MemoryBridge, consumer: Consumer) -> None:
    """Given more events than may be sent without an acknowledgement, then they come all the same."""
    job = await start_job(shop.import_rows, 1500, owner="user:1")

    async with connected(consumer) as client:
        watcher = await watch_job(client, job)
        assert len(await watcher.until_end()) == 753
        await watcher.ack()


async def test_lists_of_jobs_and_answers_to_one_client(shop: Shop, memory: MemoryBridge, consumer: Consumer) -> None:
    """Given a client with a list of its jobs, when it starts one, then the list is told, and the client itself."""

    class Lists(JobListTopic):
        bridge = shop.bridge

    def answer(self: Any) -> None:
        self.job.reply(Plain(payload={"n": 1}))

    task = shop.task(answer)

    async def start(self: Any, message: Plain) -> None:
        await start_job(task, owner="user:1", reply_to=self)

    starting = type("Starting", (consumer,), {"topics": [Lists], "start": ws_handler(start)})
    async with connected(starting) as client:
        assert (await client.subscribe("jobs:me"))["action"] == "subscribed"
        await client.send_message(Plain(payload={}))

        changed = await client.receive_topic_frame("jobs:me", 10)
        assert await client.receive_all_messages(stop_action="plain", timeout=10) == [Plain(payload={"n": 1})]

    assert changed["payload"]["job"]["job_id"] == memory.store.recorded[0].job_id


async def test_what_is_refused(shop: Shop, memory: MemoryBridge, consumer: Consumer) -> None:
    job = await start_job(shop.double, 1, owner="user:2")

    async with connected(consumer) as client:
        with pytest.raises(AssertionError, match=r"refused.*There is no such job"):
            await watch_job(client, job)


async def test_what_does_not_come(shop: Shop, memory: MemoryBridge, consumer: Consumer) -> None:
    job = await start_job(shop.double, 1, owner="user:1")

    async with connected(consumer) as client:
        watcher = await watch_job(client, job)
        with pytest.raises(AssertionError, match=r"The job ended without RowRejected\.\nJobEvents:\n  JobQueued"):
            await watcher.until(RowRejected)
        # Then nothing is waited for that cannot come
        with pytest.raises(AssertionError, match=r"The job has ended: there is no further JobSucceeded\.\nJobEvents:"):
            await watcher.until(JobSucceeded, timeout=1e9)
        await watcher.until_end()
        with pytest.raises(
            TimeoutError, match=r"There was not another event within 0\.05 s[\s\S]*JobSucceeded"
        ) as late:
            await watcher.next(timeout=0.05)
        assert late.value.__suppress_context__


async def test_what_has_not_come_yet(shop: Shop, memory: MemoryBridge, consumer: Consumer) -> None:
    record = JobRecord(job_id="j", owner="user:1", name="n", task_id="t", created_at=datetime.now(UTC))
    job = memory.store.create(record)

    async with connected(consumer) as client:
        watcher = await watch_job(client, job)
        with pytest.raises(TimeoutError, match=r"There was not RowRejected within 0\.05 s") as late:
            await watcher.until(RowRejected, timeout=0.05)
        assert (late.value.__cause__, late.value.__suppress_context__) == (None, True)


async def test_a_log_that_was_rewound(shop: Shop, memory: MemoryBridge, consumer: Consumer) -> None:
    """Given a store that lost events, when the server starts over, then so does the watcher."""
    record = JobRecord(job_id="j", owner="user:1", name="n", task_id="t", created_at=datetime.now(UTC))
    job = memory.store.create(record)
    reporter = JobReporter(shop.bridge.transport, job_id=job, task_id="t", attempt=1)

    def log(text: str) -> None:
        reporter.send(JobLogLine(payload=LogPayload(message=text)))

    for text in "abc":
        log(text)
    async with connected(consumer) as client:
        watcher = await watch_job(client, job)
        await watcher.until(like(JobLogLine, message="c"))
        memory.store.rewind(job, to_seq=1)
        await asyncio.to_thread(log, "d")
        events = await watcher.until(like(JobLogLine, message="d"))

    events.assert_sequence([like(JobLogLine, message="a"), like(JobLogLine, message="d")])


class TestOrder:
    """A server that breaks the protocol."""

    @pytest.mark.parametrize(
        ("frames", "text"),
        [
            ([{"seq": 1}, {"seq": 3}], "row_rejected has the number 3: 2 is the next one"),
            ([{"seq": 1}, {"seq": 1}], "row_rejected has the number 1: 2 is the next one"),
            ([{"head": 1, "rev": 1}], "row_rejected came before event 1: 0 was the last one"),
            ([{"head": 0, "rev": 1}, {"head": 0, "rev": 1}], "row_rejected has rev 1: 1 was there before"),
            ([{"seq": 1, "action": "job_failed"}, {"seq": 2}], "row_rejected came after the end of the job"),
            ([{"action": "error", "payload": {"reason": "failed"}}], "The stream of job:j has ended"),
        ],
    )
    async def test_it_is_found_out(self, frames: list[dict[str, Any]], text: str) -> None:
        event = RowRejected(payload=RowPayload(line=1)).model_dump(mode="json")
        waiting = [{"topic": "job:j", **event, **frame} for frame in frames]

        class Client:
            wire = SimpleNamespace(action=itemgetter("action"))

            async def receive_topic_frame(self, topic: str, timeout: float) -> dict[str, Any]:
                found: dict[str, Any] = json.loads(json.dumps(waiting.pop(0)))
                return found

        client: Any = Client()
        watcher = JobWatcher(client, "j")
        for _ in frames[1:]:
            await watcher.next()
        with pytest.raises(AssertionError, match=text):
            await watcher.next()
        assert all(isinstance(event, JobEvent) for event in watcher.events)
