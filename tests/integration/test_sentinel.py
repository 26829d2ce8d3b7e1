"""Jobs and groups behind Sentinel: a real primary with its replica, and failovers in the middle of what goes on."""

import asyncio
import gc
import json
import warnings
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from celery import Celery
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer

from chanx.bridge import Bridge, install, start_job_sync
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.store.redis import RedisJobStore
from chanx.doctor.store import store_findings
from chanx.layers import Publisher, RedisCorePublisher, RedisPubSubPublisher, publisher_for
from chanx.testing.redis_server import RedisServer, redis_server
from tests.benchmarks.job_sites import Site
from tests.faults.fault_run import whole_log
from tests.faults.watching_client import WatchingClient, identity
from tests.integration.sentinel_app import app, emit_until
from tests.integration.worker_process import disconnect, forget_backend, worker
from tests.ports import free_port
from tests.sentinels import MASTER, Sentinels, sentinels
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(120)

PER_SECOND = 200.0

Failover = Callable[[Sentinels], None]


@pytest.fixture(scope="module")
def all_sentinels(tmp_path_factory: pytest.TempPathFactory) -> Generator[Sentinels]:
    with sentinels(tmp_path_factory.mktemp("sentinels")) as running:
        yield running


@pytest.fixture
def deployment(all_sentinels: Sentinels) -> Sentinels:
    """There is a primary and its replica."""
    all_sentinels.heal()
    return all_sentinels


def by_command(deployment: Sentinels) -> None:
    """SENTINEL FAILOVER."""
    deployment.fail_over()


def by_death(deployment: Sentinels) -> None:
    """SIGKILL of the primary."""
    before = deployment.primary()
    (server,) = [each for each in deployment.servers if each.port == before]
    server.kill()
    deployment.wait_for_primary_other_than(before)


BOTH_WAYS = pytest.mark.parametrize("failover", [by_command, by_death])


@dataclass(frozen=True, slots=True)
class Stack:
    bridge: Bridge
    site: Site
    notes: Path

    def acknowledged(self) -> set[int]:
        """The numbers of the events that the log has acknowledged to the worker so far."""
        return {int(line) for line in self.notes.read_text().split()} if self.notes.exists() else set()


@pytest.fixture(scope="module")
def broker() -> Generator[RedisServer]:
    with redis_server(private=True) as server:
        yield server


@pytest.fixture(scope="module")
def stack(all_sentinels: Sentinels, broker: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Generator[Stack]:
    """A worker and a site whose jobs, and whose layer, are behind Sentinel."""
    directory = tmp_path_factory.mktemp("stack")
    app.conf.update(broker_url=broker.url, result_backend=broker.url)
    forget_backend(app)
    bridge = install(app, store=all_sentinels.url)
    notes = directory / "acknowledged"
    environment = {
        "CHANX_STORE_URL": all_sentinels.url,
        "CHANX_LAYER_HOST": json.dumps(all_sentinels.host),
        "CHANX_NOTES": str(notes),
    }
    site = Site("uvicorn", "tests.integration.asgi_apps:channels", broker.url, environment=environment)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        site.start()
        try:
            with worker("tests.integration.sentinel_app", app, broker.url, log=directory / "worker.log"):
                yield Stack(bridge, site, notes)
        finally:
            site.kill()
            bridge.store.close()
            disconnect(app)


@BOTH_WAYS
async def test_a_job_goes_on_through_a_failover(
    failover: Failover, deployment: Sentinels, stack: Stack, tmp_path: Path
) -> None:
    # Given a job that runs, clients that follow it, and one of them that comes back again and again
    stack.notes.write_text("")  # in place: the worker has it open
    enough = tmp_path / "enough"
    job = await asyncio.to_thread(start_job_sync, emit_until, str(enough), PER_SECOND, owner="user:1")
    urls = [f"ws://127.0.0.1:{stack.site.port}/ws/jobs"]
    clients = [WatchingClient(urls, job.ref.topic), WatchingClient(urls, job.ref.topic, reconnect_every=1.0)]
    watching = [asyncio.create_task(client.watch()) for client in clients]

    await asyncio.to_thread(wait_until, lambda: len(clients[0].view) > 100, what="what the clients see")
    before = clients[0].epoch

    # When another server becomes the primary, and the job goes on for a while
    await asyncio.to_thread(failover, deployment)
    await asyncio.to_thread(wait_until, lambda: clients[0].epoch != before, what="the new primary's epoch")
    await asyncio.to_thread(enough.touch)
    async with asyncio.timeout(60):
        await asyncio.gather(*watching)

    # Then each client has what the new primary has, in its order, after it was told that it starts over
    log = await asyncio.to_thread(whole_log, stack.bridge.store, job.job_id)
    events = [json.loads(entry.event) for entry in log]
    for client in clients:
        assert client.view == [(entry.seq, identity(event)) for entry, event in zip(log, events, strict=True)]
        assert (client.duplicates, client.gaps, client.terminal) == (0, 0, "job_succeeded")
        assert client.epoch != before
        assert client.resets > 0

    # And there nothing is twice, and nothing lacks but what the old primary had acknowledged and not passed on
    told = [event["payload"] for event in events if event["action"] == "counted"]
    assert told == sorted(set(told))
    (result,) = [event["payload"]["result"] for event in events if event["action"] == "job_succeeded"]
    assert set(range(result)) - set(told) <= stack.acknowledged()
    assert [event["action"] for event in events if event["action"] != "counted"] == [
        "job_queued",
        "job_started",
        "job_succeeded",
    ]


LAYERS = pytest.mark.parametrize(
    ("layer_class", "publisher_class"),
    [(RedisPubSubChannelLayer, RedisPubSubPublisher), (RedisChannelLayer, RedisCorePublisher)],
)


@pytest.fixture
def unclosed() -> Generator[None]:
    """channels_redis leaves connections to Sentinels, and redis-py such to a primary of before, to the collector."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@LAYERS
@pytest.mark.usefixtures("unclosed")
async def test_groups_are_published_to_directly(
    deployment: Sentinels, layer_class: Any, publisher_class: type[Publisher]
) -> None:
    # Given a layer behind Sentinel, and somebody in a group of it
    layer = layer_class(hosts=[deployment.host], prefix=uuid4().hex)
    publisher = publisher_for(layer)
    assert type(publisher) is publisher_class
    channel = await layer.new_channel()
    await layer.group_add("room", channel)
    publisher.group_send("room", {"type": "said", "n": 1})
    assert await asyncio.wait_for(layer.receive(channel), 10) == {"type": "said", "n": 1}

    # When the primary dies
    await asyncio.to_thread(by_death, deployment)

    # Then what is published to the next one arrives
    async def publish() -> None:
        while True:
            with suppress(redis.RedisError):
                await layer.group_add("room", channel)
            await asyncio.to_thread(publisher.group_send, "room", {"type": "said", "n": 2})
            await asyncio.sleep(0.1)

    publishing = asyncio.create_task(publish())
    async with asyncio.timeout(60):
        # The core layer may have the first one twice: that it was taken had not reached the replica.
        while await received(layer, channel) != {"type": "said", "n": 2}:
            pass
    publishing.cancel()
    await asyncio.gather(publishing, return_exceptions=True)
    publisher.close()
    await (layer.close_pools() if isinstance(layer, RedisChannelLayer) else layer.flush())


async def received(layer: Any, channel: str) -> Any:
    """As a consumer does it: a layer that fails is asked again."""
    while True:
        with suppress(redis.RedisError):
            return await layer.receive(channel)
        await asyncio.sleep(0.1)


def test_the_doctor_looks_at_the_primary(deployment: Sentinels) -> None:
    with Celery("examined", broker="memory://", set_as_current=False) as examined:
        bridge = install(examined, store=deployment.url)
        findings = list(store_findings(bridge, seconds=10))
        bridge.store.close()

    # Of what the tests' servers have, only that
    assert [finding.id for finding in findings if finding.id != "chanx.W206"] == ["chanx.I207"]
    assert f"The job store's server {MASTER} by Sentinel 127.0.0.1:" in findings[-1].text


def test_no_password_is_in_what_a_store_says_that_nobody_answers() -> None:
    port = free_port()
    url = f"redis+sentinel://user:hunter2@127.0.0.1:{port}/shop/0?sentinel_password=hunter2"
    with closing(RedisJobStore(url)) as store, pytest.raises(StoreUnavailableError) as caught:
        store.leases()

    assert f"the Sentinel 127.0.0.1:{port}: ConnectionError" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_store_says_what_sentinels_say(deployment: Sentinels) -> None:
    others = deployment.url.replace("/shop/", "/other/")
    with (
        closing(RedisJobStore(others)) as store,
        pytest.raises(StoreUnavailableError, match=r"no primary of the name 'other'.*knows none: correct the name"),
    ):
        store.leases()
