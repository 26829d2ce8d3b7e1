"""The client that docs/protocol has, on real servers whose connections are cut and which are killed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator

import pytest
from celery import Celery
from channels_redis.pubsub import RedisPubSubChannelLayer

from chanx.bridge import Bridge, install
from chanx.bridge.events import (
    JobLogLine,
    JobProgress,
    JobStarted,
    JobSucceeded,
    LogPayload,
    ProgressPayload,
    SucceededPayload,
)
from chanx.bridge.reporter import JobReporter
from tests.benchmarks.job_sites import Site, running
from tests.contract.jobs import create
from tests.docs.protocol_clients import client
from tests.tcp_proxy import TcpProxy, tcp_proxy
from tests.waiting import wait_until

EVENTS = 1500
CUTS = 5
KILLS = 1
SECONDS = 90


@pytest.fixture
def bridge(redis_url: str, key_prefix: str) -> Iterator[Bridge]:
    app = Celery(key_prefix, broker=redis_url, backend=redis_url, set_as_current=False)
    bridge = install(app, store=redis_url, layer=RedisPubSubChannelLayer(hosts=[redis_url], prefix=key_prefix))
    yield bridge
    bridge.store.close()
    app.close()


class Life:
    """A job and its troubles: each comes when all clients have half of what there is, in the middle of their work."""

    def __init__(self, bridge: Bridge, job_id: str, site: Site, proxy: TcpProxy) -> None:
        self._reporter = JobReporter(bridge.transport, job_id=job_id, task_id="t", attempt=1)
        self._site, self._proxy = site, proxy
        self.views = [client.JobView(job_id) for _ in range(3)]

    def live(self, chance: random.Random) -> None:
        kinds = [self._proxy.cut] * CUTS + [self._restart] * KILLS
        chance.shuffle(kinds)
        troubles = dict(zip(chance.sample(range(100, EVENTS - 100), len(kinds)), kinds, strict=True))
        self._reporter.send(JobStarted())
        for number in range(EVENTS):
            self._reporter.send(JobLogLine(payload=LogPayload(message=str(number))))
            if number % 50 == 0:
                self._reporter.send(JobProgress(payload=ProgressPayload(current=number, total=EVENTS)))
            if number in troubles:
                self._wait_for(number // 2)
                troubles[number]()
        self._reporter.send(JobSucceeded(payload=SucceededPayload(result=EVENTS)))

    def _wait_for(self, seq: int) -> None:
        wait_until(lambda: min(view.seq for view in self.views) >= seq, seconds=SECONDS, what=f"event {seq}")

    def _restart(self) -> None:
        self._site.kill()
        self._site.start()


@pytest.mark.timeout(SECONDS + 30)
@pytest.mark.parametrize("application", ["channels", "fast_channels"])
async def test_the_client_of_the_page_has_the_log(
    bridge: Bridge, redis_url: str, key_prefix: str, application: str
) -> None:
    # Given a job, and clients behind a proxy
    job_id = await asyncio.to_thread(create, bridge.store)
    environment = {"CHANX_PREFIX": key_prefix}
    with (
        running("uvicorn", f"tests.integration.asgi_apps:{application}", redis_url, environment=environment) as site,
        tcp_proxy(site.port) as proxy,
    ):
        life = Life(bridge, job_id, site, proxy)

        # When connections are cut, and the server is killed, at random places
        url = f"ws://127.0.0.1:{proxy.port}/ws/one"
        async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as tasks:
            for view in life.views:
                tasks.create_task(client.follow(url, view, longest_wait=0.1))
            tasks.create_task(asyncio.to_thread(life.live, random.Random(key_prefix)))
        connections = proxy.accepted

    # Then each of them has the log
    page = bridge.store.read(job_id, after=0, limit=2 * EVENTS)
    assert page is not None
    for view in life.views:
        assert [event["seq"] for event in view.events] == list(range(1, page.head + 1))
        texts = [event["payload"]["message"] for event in view.events if event["action"] == "job_log"]
        assert texts == [str(number) for number in range(EVENTS)]
    assert connections > len(life.views), "nothing was cut"
