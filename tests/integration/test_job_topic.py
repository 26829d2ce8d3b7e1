"""The job topic over a real channel layer and a real log: complete from any position, for its owner only."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from channels_redis.pubsub import RedisPubSubChannelLayer

from chanx.bridge import Bridge, JobTopic, install
from chanx.bridge.entry import Appended, NewEntry
from chanx.bridge.events import (
    JobEvent,
    JobLogLine,
    JobProgress,
    JobStarted,
    JobSucceeded,
    LogPayload,
    ProgressPayload,
    SucceededPayload,
)
from chanx.bridge.names import new_job_id
from chanx.bridge.reporter import JobReporter
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.store.base import Retention
from chanx.bridge.store.redis import RedisJobStore
from chanx.bridge.transports.nowhere import NowhereTransport
from chanx.bridge.web.merge import HOLD
from chanx.channels.testing import WebsocketCommunicator
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.testing.redis_server import RedisServer

pytestmark = pytest.mark.usefixtures("asyncapi_contract")  # every frame is one that the AsyncAPI document has

ADA, GRACE = SimpleNamespace(pk=1), SimpleNamespace(pk=2)


def installed(url: str, prefix: str) -> Iterator[Bridge]:
    app = Celery(prefix, broker=url, backend=url, set_as_current=False)
    store = RedisJobStore(url, prefix=prefix, retention=Retention(max_entries=2000))
    yield install(app, store=store, layer=RedisPubSubChannelLayer(hosts=[url], prefix=prefix))
    store.close()
    app.close()


def consumer_on(bridge: Bridge, url: str, prefix: str) -> type[AsyncJsonWebsocketConsumer]:
    layer = RedisPubSubChannelLayer(hosts=[url], prefix=prefix)

    class Jobs(JobTopic):
        pass

    Jobs.bridge = bridge

    class JobsConsumer(AsyncJsonWebsocketConsumer):
        topics = [Jobs]
        get_channel_layer = staticmethod(lambda alias: layer)

    return JobsConsumer


@pytest.fixture
def bridge(redis_url: str, key_prefix: str) -> Iterator[Bridge]:
    yield from installed(redis_url, key_prefix)


@pytest.fixture
def consumer(bridge: Bridge, redis_url: str, key_prefix: str) -> type[AsyncJsonWebsocketConsumer]:
    return consumer_on(bridge, redis_url, key_prefix)


class Client:
    """What a browser does: subscribe from its position, apply frames in order, acknowledge."""

    def __init__(self, socket: WebsocketCommunicator, topic: str) -> None:
        self.socket, self.topic = socket, topic
        self.seqs: list[int] = []
        self.frames: list[dict[str, Any]] = []

    async def say(self, action: str, payload: Any = None, ref: str | None = None) -> None:
        await self.socket.send_json_to({"topic": self.topic, "action": action, "payload": payload, "ref": ref})

    async def hear(self, timeout: float = 30) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(await self.socket.receive_from(timeout))
        assert (frame["version"], frame["topic"]) == (1, self.topic)
        self.frames.append(frame)
        if "seq" in frame:
            self.seqs.append(frame["seq"])
            if frame["seq"] % 100 == 0:
                await self.say("ack", {"seq": frame["seq"]})
        return frame

    async def hear_until(self, action: str) -> dict[str, Any]:
        while (frame := await self.hear())["action"] != action:
            pass
        return frame

    async def subscribe(self, **position: Any) -> dict[str, Any]:
        await self.say("subscribe", position or None, ref="1")
        frame = await self.hear()
        assert frame["ref"] == "1"
        return frame


class Writer:
    """A worker's side of one job."""

    def __init__(self, bridge: Bridge, owner: str = "user:1") -> None:
        self.bridge, self.job_id = bridge, new_job_id()
        bridge.store.create(
            JobRecord(job_id=self.job_id, owner=owner, name="t", task_id="t1", created_at=datetime.now(UTC))
        )
        self.reporter = JobReporter(bridge.transport, job_id=self.job_id, task_id="t1", attempt=1)
        self.reporter.send(JobStarted())

    @property
    def topic(self) -> str:
        return f"job:{self.job_id}"

    def log(self, *numbers: int) -> None:
        for number in numbers:
            self.reporter.send(JobLogLine(payload=LogPayload(message=str(number))))

    def end(self) -> None:
        self.reporter.send(JobSucceeded(payload=SucceededPayload(result={"ok": True})))

    def append_silently(self, event: JobEvent) -> None:
        """Appends, but the layer loses the live event."""
        JobReporter(_Silent(self.bridge), job_id=self.job_id, task_id="t1", attempt=1).send(event)


class _Silent(NowhereTransport):
    def __init__(self, bridge: Bridge) -> None:
        self._store = bridge.store

    def send(self, entry: NewEntry, **_: Any) -> Appended:
        return self._store.append(entry)


@asynccontextmanager
async def connected(consumer: type[AsyncJsonWebsocketConsumer], topic: str, user: Any = ADA) -> AsyncIterator[Client]:
    socket = WebsocketCommunicator(consumer.as_asgi(), "/ws/", consumer=consumer)
    socket.scope["user"] = user
    accepted, _ = await socket.connect()
    assert accepted
    try:
        yield Client(socket, topic)
    finally:
        await socket.disconnect()


async def test_a_late_subscriber_sees_the_whole_job(bridge: Bridge, consumer: Any) -> None:
    # Given a job that has ended
    writer = Writer(bridge)
    writer.log(*range(300))
    writer.reporter.send(JobProgress(payload=ProgressPayload(current=3, total=4)))
    writer.end()

    # When
    async with connected(consumer, writer.topic) as client:
        subscribed = await client.subscribe()
        last = await client.hear_until("job_succeeded")

    # Then
    payload = subscribed["payload"]
    assert (payload["seq"], payload["recovered"]) == (302, True)
    assert payload["snapshot"]["state"] == "succeeded"
    assert payload["snapshot"]["fields"]["job_progress"]["current"] == 3
    assert payload["snapshot"]["fields"]["result"] == {"ok": True}
    assert "task_id" not in payload["snapshot"]
    assert client.seqs == list(range(1, 303))
    assert last["payload"] == {"result": {"ok": True}, "result_omitted": False}


async def test_live_events_follow_what_was_missed(bridge: Bridge, consumer: Any) -> None:
    writer = Writer(bridge)
    writer.log(1, 2)

    async with connected(consumer, writer.topic) as client:
        await client.subscribe()
        await asyncio.to_thread(writer.log, *range(100))
        await asyncio.to_thread(writer.end)
        await client.hear_until("job_succeeded")

    assert client.seqs == list(range(1, 105))


async def test_progress_is_live_and_not_numbered(bridge: Bridge, consumer: Any) -> None:
    writer = Writer(bridge)

    async with connected(consumer, writer.topic) as client:
        await client.subscribe()
        await asyncio.to_thread(writer.reporter.send, JobProgress(payload=ProgressPayload(current=1)))
        frame = await client.hear_until("job_progress")

    assert "seq" not in frame
    assert (frame["head"], frame["rev"], frame["payload"]["current"]) == (1, 1, 1)


async def test_resuming_gets_exactly_what_was_missed(bridge: Bridge, consumer: Any) -> None:
    # Given a client that saw up to 3
    writer = Writer(bridge)
    writer.log(1, 2, 3, 4)
    async with connected(consumer, writer.topic) as client:
        epoch = (await client.subscribe())["payload"]["epoch"]

    # When it comes back, then again on the same connection
    writer.end()
    async with connected(consumer, writer.topic) as client:
        subscribed = await client.subscribe(epoch=epoch, after=3)
        await client.hear_until("job_succeeded")
        await client.subscribe(epoch=epoch, after=5)
        await client.hear_until("job_succeeded")

    # Then
    assert subscribed["payload"]["recovered"]
    assert client.seqs == [4, 5, 6, 6]


@pytest.mark.parametrize("position", [{"epoch": "another", "after": 3}, {"after": 3}, {"epoch": "same", "after": 99}])
async def test_a_position_in_another_log_starts_over(bridge: Bridge, consumer: Any, position: dict[str, Any]) -> None:
    writer = Writer(bridge)
    writer.log(1, 2, 3)
    snapshot = bridge.store.snapshot(writer.job_id)
    assert snapshot is not None
    if position.get("epoch") == "same":
        position = {**position, "epoch": snapshot.epoch}

    async with connected(consumer, writer.topic) as client:
        subscribed = await client.subscribe(**position)
        writer.end()
        await client.hear_until("job_succeeded")

    assert not subscribed["payload"]["recovered"]
    assert client.seqs == [1, 2, 3, 4, 5]


async def test_where_the_log_no_longer_reaches_back_the_snapshot_comes_first(bridge: Bridge, consumer: Any) -> None:
    # Given a log of at most 2,000 entries that 2,502 were written to
    writer = Writer(bridge)
    await asyncio.to_thread(writer.log, *range(2500))
    writer.end()

    async with connected(consumer, writer.topic) as client:
        subscribed = await client.subscribe()
        await client.hear_until("job_succeeded")

    assert not subscribed["payload"]["recovered"]
    oldest = subscribed["payload"]["snapshot"]["oldest"]
    assert 503 <= oldest <= 703
    assert client.seqs == list(range(oldest, 2503))


async def test_a_job_that_outruns_its_client_makes_it_start_over(bridge: Bridge, consumer: Any) -> None:
    """A client without credit falls so far behind that the log has let go of what it needs."""
    writer, marker = Writer(bridge), Writer(bridge)
    async with connected(consumer, writer.topic) as client:
        await client.subscribe()
        await client.hear()
        beside = Client(client.socket, marker.topic)
        await beside.subscribe()
        await beside.hear()

        # When 3,000 events come by, of which at most 2,000 are kept, and it acknowledges none of the 500 it is sent
        await asyncio.to_thread(writer.log, *range(3000))
        marker.end()  # on the same connection, so everything before has come by when this arrives
        frames = [json.loads(await client.socket.receive_from(30)) for _ in range(500)]
        assert sorted(frame["seq"] for frame in frames) == [2, *range(2, 501)]
        await client.say("ack", {"seq": 500})

        # Then it gets what was held for it, is told to start over, and gets the whole retained log
        over = await client.hear_until("subscribed")
        while client.seqs[-1] != 3001:
            await client.hear()

    assert not over["payload"]["recovered"]
    assert "ref" not in over
    oldest = over["payload"]["snapshot"]["oldest"]
    assert oldest > 1000
    assert client.seqs == [1, *range(501, 500 + HOLD + 1), *range(oldest, 3002)]


async def test_without_acknowledgements_the_stream_waits(bridge: Bridge, consumer: Any) -> None:
    writer = Writer(bridge)
    await asyncio.to_thread(writer.log, *range(1000))

    async with connected(consumer, writer.topic) as client:
        await client.say("subscribe", None, ref="1")
        frames = [json.loads(await client.socket.receive_from(30)) for _ in range(501)]
        assert await client.socket.receive_nothing(0.2)
        await client.say("ack", {"seq": 500})
        further = json.loads(await client.socket.receive_from(30))

    assert [frame["seq"] for frame in frames[1:]] == list(range(1, 501))
    assert further["seq"] == 501


async def test_the_last_events_that_the_layer_lost_still_arrive(bridge: Bridge, consumer: Any) -> None:
    writer = Writer(bridge)

    async with connected(consumer, writer.topic) as client:
        await client.subscribe()
        await client.hear()
        await asyncio.to_thread(writer.append_silently, JobLogLine(payload=LogPayload(message="lost")))
        await asyncio.to_thread(writer.append_silently, JobProgress(payload=ProgressPayload(current=7)))
        logged = await client.hear(timeout=30)
        progress = await client.hear(timeout=30)

    assert logged["payload"]["message"] == "lost"
    assert (progress["action"], progress["head"], progress["rev"]) == ("job_progress", 2, 1)
    assert progress["payload"]["current"] == 7


@pytest.mark.parametrize("user", [GRACE, None, SimpleNamespace(is_anonymous=True, pk=None)])
async def test_another_s_job_and_an_unknown_one_look_the_same(bridge: Bridge, consumer: Any, user: Any) -> None:
    writer = Writer(bridge)
    answers = []

    for topic in (writer.topic, f"job:{new_job_id()}", "job:../../x y", "job:" + "é" * 30):
        async with connected(consumer, topic, user) as client:
            await client.say("subscribe", None, ref="1")
            frame = await client.hear()
            answers.append({**frame, "topic": None})

    assert answers == [answers[0]] * 4
    assert (answers[0]["action"], answers[0]["payload"]["reason"]) == ("error", "unauthorized")


async def test_the_owner_cancels(bridge: Bridge, consumer: Any) -> None:
    writer = Writer(bridge)

    async with connected(consumer, writer.topic) as client:
        await client.subscribe()
        await client.say("cancel", {"reason": "enough"}, ref="2")
        accepted = await client.hear_until("job_cancel_accepted")
        while client.frames[-1]["action"] != "job_cancel_requested" and len(client.seqs) < 2:
            await client.hear()

    assert (accepted["ref"], accepted["payload"]) == ("2", {"state": "started"})
    assert bridge.store.is_cancelled(writer.job_id)
    requested = next(frame for frame in client.frames if frame["action"] == "job_cancel_requested")
    assert requested["payload"] == {"reason": "enough"}


async def test_who_may_watch_may_not_always_cancel(bridge: Bridge, consumer: Any) -> None:
    class Watched(consumer.topics[0]):  # type: ignore[misc]  # made by a fixture
        async def allows(self, job: Any, action: str) -> bool:
            return action == "subscribe"

    consumer.topics = [Watched]
    writer = Writer(bridge)

    async with connected(consumer, writer.topic, GRACE) as client:
        await client.subscribe()
        await client.say("cancel", None, ref="2")
        refused = await client.hear_until("error")

    assert (refused["ref"], refused["payload"]["reason"]) == ("2", "unauthorized")
    assert not bridge.store.is_cancelled(writer.job_id)


@pytest.mark.parametrize("payload", ["x", {"after": -1}, {"after": "many"}, {"after": 1.5}, [1], {"epoch": "x" * 999}])
async def test_a_senseless_position_is_refused_and_the_socket_lives(
    bridge: Bridge, consumer: Any, payload: Any
) -> None:
    writer = Writer(bridge)

    async with connected(consumer, writer.topic) as client:
        await client.say("subscribe", payload, ref="1")
        refused = await client.hear()
        assert refused["payload"]["reason"] == "invalid_position"
        assert (await client.subscribe())["payload"]["recovered"]


async def test_many_clients_that_come_and_go_each_see_the_log(bridge: Bridge, consumer: Any) -> None:
    """A job of 1,500 events at full speed; 8 clients disconnect at random and resume."""
    writer = Writer(bridge)
    choice = random.Random(7)

    async def watch() -> list[int]:
        seen: list[int] = []
        epoch: str | None = None
        while True:
            async with connected(consumer, writer.topic) as client:
                position = {"epoch": epoch, "after": seen[-1] if seen else 0}
                epoch = (await client.subscribe(**position))["payload"]["epoch"]
                for _ in range(choice.randrange(50, 600)):
                    frame = await client.hear()
                    if frame["action"] == "job_succeeded":
                        return seen + client.seqs
                seen += client.seqs

    watchers = [asyncio.create_task(watch()) for _ in range(8)]
    await asyncio.to_thread(writer.log, *range(1500))
    await asyncio.to_thread(writer.end)

    assert await asyncio.gather(*watchers) == [list(range(1, 1503))] * 8


async def test_a_server_that_comes_back_makes_clients_start_over(own_persistent_redis: RedisServer) -> None:
    """It kept everything here, but that is not known to a client: its view becomes the log again."""
    for bridge in installed(own_persistent_redis.url, "restart"):
        writer = Writer(bridge)
        consumer = consumer_on(bridge, own_persistent_redis.url, "restart")
        async with connected(consumer, writer.topic) as client:
            first = await client.subscribe()
            await client.hear()

            # When
            await asyncio.to_thread(own_persistent_redis.kill)
            await asyncio.to_thread(own_persistent_redis.start)
            over = await client.hear(timeout=30)
            await asyncio.to_thread(writer.end)
            await client.hear_until("job_succeeded")

    # Then
    assert (over["action"], over["payload"]["recovered"]) == ("subscribed", False)
    assert over["payload"]["epoch"] != first["payload"]["epoch"]
    assert client.seqs == [1, 1, 2]


async def test_nothing_is_left_behind_by_a_connection(bridge: Bridge, consumer: Any) -> None:
    before = asyncio.all_tasks()
    writer = Writer(bridge)

    async with connected(consumer, writer.topic) as client:
        await client.subscribe()
        await client.hear()

    async with asyncio.timeout(30):
        while left := {task for task in asyncio.all_tasks() - before if "chanx" in task.get_name()}:
            await asyncio.wait(left)
