"""The reader of job lists that docs/protocol has: through random histories it ends with the store's list."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from channels_redis.pubsub import RedisPubSubChannelLayer

from chanx.bridge import Bridge, JobListTopic, install
from chanx.bridge.events import JobProgress, JobStarted, JobSucceeded, ProgressPayload, SucceededPayload
from chanx.bridge.names import new_job_id
from chanx.bridge.reporter import JobReporter
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.store.redis import RedisJobStore
from chanx.channels.testing import WebsocketCommunicator
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from tests.docs.protocol_clients import lists

STEPS = 120
PAGE = 5
SECONDS = 90


class Jobs:
    """The jobs of a user, as its workers and its site change them; created one second after the other."""

    def __init__(self, bridge: Bridge, chance: random.Random) -> None:
        self._bridge, self._chance = bridge, chance
        self._active: dict[str, JobReporter] = {}
        self._ended: list[str] = []
        self._created_at = datetime.now(UTC)

    def change(self) -> None:
        changes: list[Callable[[], None]] = [
            self._start,
            self._start,
            self._go_on,
            self._go_on,
            self._end,
            self._delete,
        ]
        self._chance.choice(changes)()

    def _start(self) -> None:
        self._created_at += timedelta(seconds=1)
        record = JobRecord(job_id=new_job_id(), owner="user:1", name="n", task_id="t", created_at=self._created_at)
        self._bridge.store.create(record)
        self._active[record.job_id] = JobReporter(self._bridge.transport, job_id=record.job_id, task_id="t", attempt=1)

    def _go_on(self) -> None:
        if self._active:
            reporter = self._chance.choice(list(self._active.values()))
            reporter.send(self._chance.choice([JobStarted(), JobProgress(payload=ProgressPayload(current=1))]))

    def _end(self) -> None:
        if self._active:
            job_id = self._chance.choice(list(self._active))
            self._active.pop(job_id).send(JobSucceeded(payload=SucceededPayload(result=1)))
            self._ended.append(job_id)

    def _delete(self) -> None:
        if self._ended:
            self._bridge.delete(self._ended.pop(self._chance.randrange(len(self._ended))))


class Client:
    """A view and its connections, which come and go."""

    def __init__(self, consumer: Any) -> None:
        self.view = lists.JobListView(limit=PAGE)
        self._consumer = consumer
        self._socket: Any = None

    async def connect(self) -> None:
        """Leaves the connection that there is for a new one."""
        await self.close()
        self._socket = WebsocketCommunicator(self._consumer.as_asgi(), "/ws/", consumer=self._consumer)
        self._socket.scope["user"] = SimpleNamespace(pk=1)
        assert (await self._socket.connect(30))[0]
        await self._send(self.view.connected())

    async def ask_for_more(self) -> None:
        if self.view.has_more:
            await self._send(self.view.more())

    async def hear(self, *, seconds: float) -> None:
        """Takes what comes until nothing has come for so long."""
        while True:
            try:
                text = await self._socket.receive_from(seconds)
            except TimeoutError:
                return
            self.view.take(json.loads(text))

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.disconnect()

    async def _send(self, frame: dict[str, Any]) -> None:
        await self._socket.send_json_to(frame)


@pytest.fixture
def bridge(redis_url: str, key_prefix: str) -> Iterator[Bridge]:
    app = Celery(key_prefix, broker=redis_url, backend=redis_url, set_as_current=False)
    store = RedisJobStore(redis_url, prefix=key_prefix)
    yield install(app, store=store, layer=RedisPubSubChannelLayer(hosts=[redis_url], prefix=key_prefix))
    store.close()
    app.close()


@pytest.fixture
def consumer(bridge: Bridge, redis_url: str, key_prefix: str) -> Any:
    layer = RedisPubSubChannelLayer(hosts=[redis_url], prefix=key_prefix)

    def layer_of(alias: str) -> Any:
        return layer

    topic = type("Lists", (JobListTopic,), {"bridge": bridge, "repair_seconds": 0.3})
    own = {"topics": [topic], "get_channel_layer": staticmethod(layer_of)}
    return type("ListsConsumer", (AsyncJsonWebsocketConsumer,), own)


@pytest.mark.parametrize("seed", range(3))
async def test_the_reader_of_the_page_ends_with_the_list_of_the_store(bridge: Bridge, consumer: Any, seed: int) -> None:
    # Given jobs that come, change and go, and a client that comes, asks for more and comes again meanwhile
    chance = random.Random(seed)
    jobs, reader = Jobs(bridge, chance), Client(consumer)
    await reader.connect()
    for _ in range(STEPS):
        await asyncio.to_thread(jobs.change)
        what = chance.randrange(12)
        if what == 0:
            await reader.connect()
        elif what <= 2:
            await reader.ask_for_more()
        elif what == 3:
            await reader.hear(seconds=0.1)

    # When all is quiet, and it has asked for all pages
    wanted = [
        (job.job_id, str(job.state), job.seq, job.rev)
        for job in await asyncio.to_thread(bridge.store.jobs_of, "user:1", limit=STEPS)
    ]
    async with asyncio.timeout(SECONDS):
        while seen(reader.view) != wanted:
            await reader.ask_for_more()
            await reader.hear(seconds=0.2)
    await reader.close()

    # Then it has the store's list, and there is no more of it
    assert len(wanted) > PAGE
    assert not reader.view.has_more


def seen(view: Any) -> list[tuple[str, str, int, int]]:
    return [(job["job_id"], job["state"], job["seq"], job["rev"]) for job in view.jobs]
