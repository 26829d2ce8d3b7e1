"""Publishing from tasks on every pool of Celery: nothing is lost, and a process has one connection."""

import time
from collections.abc import Iterator
from pathlib import Path

import celery
import pytest
import redis

from chanx.errors import PublisherError
from chanx.testing.redis_server import RedisServer
from tests.integration.publishing_app import app, publish
from tests.integration.worker_process import worker
from tests.waiting import wait_until

POOLS = {"prefork": 2, "threads": 4, "solo": 1, "gevent": 20, "eventlet": 20}
EVENTS = 10_000
TASKS = 40


@pytest.fixture
def broker(redis_url: str) -> Iterator[str]:
    app.conf.update(broker_url=redis_url, result_backend=redis_url)
    yield redis_url
    app.close()


@pytest.mark.parametrize("kind", ["pubsub", "core"])
@pytest.mark.parametrize("pool", POOLS)
def test_ten_thousand_events_over_one_connection(
    pool: str, kind: str, own_redis: RedisServer, broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a worker with this pool, whose layer is a Redis of its own, with which each process has published
    monkeypatch.setenv("CHANX_LAYER_URL", own_redis.url)
    command = {"pubsub": "publish", "core": "eval"}[kind]
    with (
        redis.Redis.from_url(own_redis.url) as server,
        worker(
            "tests.integration.publishing_app",
            app,
            broker,
            "-P",
            pool,
            log=tmp_path / "worker.log",
            concurrency=POOLS[pool],
        ),
    ):
        processes = run_tasks(kind, 10)
        clients = server.info("clients")["connected_clients"]
        server.config_resetstat()

        # When its tasks publish ten thousand events, many tasks at a time
        processes |= run_tasks(kind, EVENTS // TASKS)

        # Then all are there, and there is one connection for each process (beside this test's own), as before
        assert server.info("commandstats")[f"cmdstat_{command}"]["calls"] == EVENTS
        assert server.info("clients")["connected_clients"] == clients == len(processes) + 1
        assert server.info("stats")["total_connections_received"] == 0
    assert len(processes) == (2 if pool == "prefork" else 1)


@pytest.mark.parametrize("pool", POOLS)
def test_a_task_whose_layer_is_down_returns_what_it_returns(
    pool: str, own_redis: RedisServer, broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a worker that has published, and whose layer's Redis is killed (its broker lives)
    monkeypatch.setenv("CHANX_LAYER_URL", own_redis.url)
    options = ("-P", pool)
    log = tmp_path / "worker.log"
    with worker("tests.integration.publishing_app", app, broker, *options, log=log, concurrency=1):
        assert publish.delay("pubsub", ["room"], 1).get(timeout=30)[1] == 0
        own_redis.kill()

        # When a task publishes a thousand events, Then it takes little time and returns its result; all are counted
        started = time.monotonic()
        _, lost = publish.delay("pubsub", ["room"], 1000).get(timeout=30)
        assert lost == 1000
        assert time.monotonic() - started < 20

        # And when Redis is back, so are events, without a restart of the worker
        own_redis.start()
        wait_until(lambda: lost_with_one_more() == lost_with_one_more())
    assert log.read_text().count("publish_failed") == 1


@pytest.mark.parametrize("pool", POOLS)
def test_layers_that_need_an_event_loop(
    pool: str, own_redis: RedisServer, broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a worker, and layers that no direct publisher knows
    monkeypatch.setenv("CHANX_LAYER_URL", own_redis.url)
    log = tmp_path / "worker.log"
    with worker("tests.integration.publishing_app", app, broker, "-P", pool, log=log, concurrency=2):
        # When a task publishes to one in memory, which its worker cannot share, Then it learns what to change
        with pytest.raises(PublisherError, match="reaches consumers of its own process only"):
            publish.delay("in memory", ["room"], 1).get(timeout=30)

        # And through one on Redis it publishes, or where greenlets make that impossible, it learns what to change
        result = publish.delay("encrypted core", ["room"], 20)
        if pool in ("gevent", "eventlet"):
            with pytest.raises(PublisherError, match="--pool=prefork"):
                result.get(timeout=30)
        else:
            assert result.get(timeout=30)[1] == 0


def lost_with_one_more() -> int:
    """How many messages the worker has lost so far, after one more."""
    lost: int = publish.delay("pubsub", ["room"], 1).get(timeout=30)[1]
    return lost


def run_tasks(kind: str, events: int) -> set[int]:
    """Run the tasks at the same time; the processes that ran them."""
    tasks = celery.group(publish.s(kind, ["room"], events) for _ in range(TASKS))
    results = tasks.apply_async().get(timeout=90)
    assert [lost for _, lost in results] == [0] * TASKS
    return {process for process, _ in results}
