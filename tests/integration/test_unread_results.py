"""A process that only starts canvases keeps nothing of them, neither in its memory nor in Redis."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from celery import Celery, chain, chord, group

from chanx.bridge import install, start_job_sync
from chanx.testing.redis_server import redis_server
from tests.waiting import wait_until


@pytest.fixture
def app() -> Iterator[Celery]:
    with redis_server(private=True) as server:
        app = Celery("starter", broker=server.url, backend=server.url, set_as_current=False)
        bridge = install(app, store=server.url)
        yield app
        bridge.store.close()
        app.backend.result_consumer.stop()
        app.pool.force_close_all()
        app.close()


def work(*args: Any) -> None: ...


def test_results_that_nobody_reads_are_let_go(app: Celery) -> None:
    # Given
    task: Any = app.task(work, name="work")
    client = redis.Redis.from_url(app.conf.result_backend)

    # When
    for canvas in (
        group(task.s(n) for n in range(5)),
        chord([task.s(n) for n in range(5)], task.s()),
        chain(task.s(), group(task.s() for _ in range(3)), task.s()),
        chord([chord([task.s(), task.s()], task.s()), chain(task.s(), task.s())], task.s()),
        task.s(),
    ):
        start_job_sync(canvas, owner="user:1")

    # Then
    kept = [list(mapping) for mapping in app.backend._pending_results]
    assert kept == [[], []]
    wait_until(lambda: client.pubsub_channels("celery-task-meta-*") == [], what="the end of the subscriptions")
    client.close()
