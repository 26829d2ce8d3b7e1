"""Five thousand events of one job, as fast as a real task can emit them, to all who watch it on a real server."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection

from chanx.bridge import install, start_job_sync
from chanx.testing.redis_server import redis_server
from chanx.testing.tied_process import tied
from tests.integration.many_events_app import app, emit_many
from tests.integration.test_events_at_full_speed import opened
from tests.integration.worker_process import worker
from tests.ports import free_port

EVENTS = 5000
SECONDS = 240


@pytest.fixture(scope="module")
def redis_with_app() -> Iterator[str]:
    """A server, and the app of this test process pointed at it; workers get it from their environment."""
    with redis_server(private=True) as server:
        app.conf.update(broker_url=server.url, result_backend=server.url)
        bridge = install(app, store=server.url)
        yield server.url
        bridge.store.close()
        app.pool.force_close_all()
        app.close()


@pytest.fixture(scope="module")
def site(redis_with_app: str) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port)]
    environment = {**os.environ, "CHANX_REDIS_URL": redis_with_app, "CHANX_PREFIX": "asgi"}
    process = subprocess.Popen(
        tied([*command, "tests.integration.asgi_apps:channels"]),
        env={**environment, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield f"ws://127.0.0.1:{port}/ws/jobs"
    process.kill()
    process.wait(30)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("watchers", [1, 20])
async def test_every_watcher_has_the_whole_job_in_order(
    watchers: int, site: str, redis_with_app: str, tmp_path: Path
) -> None:
    # Given a job that waits for a worker, and is watched
    job = await asyncio.to_thread(start_job_sync, emit_many, EVENTS, owner="user:1")
    sockets = [await opened(site) for _ in range(watchers)]
    for socket in sockets:
        await socket.send(json.dumps({"topic": job.ref.topic, "ref": "1", "action": "subscribe"}))
        assert json.loads(await socket.recv())["action"] == "subscribed"
    seen = [asyncio.create_task(watched(socket, job.ref.topic)) for socket in sockets]

    # When the worker runs it
    with worker("tests.integration.many_events_app", app, redis_with_app, log=tmp_path / "worker.log"):
        async with asyncio.timeout(SECONDS):
            frames = await asyncio.gather(*seen)

    # Then each watcher has the whole log once, in its order
    expected = ["job_queued", "job_started", *range(EVENTS), "job_succeeded"]
    for told in frames:
        assert told == list(enumerate(expected, 1))
    for socket in sockets:
        await socket.close()


async def watched(socket: ClientConnection, topic: str) -> list[tuple[int, object]]:
    """The number of each frame, and what it says, up to the end of the job."""
    told: list[tuple[int, object]] = []
    while not told or told[-1][1] != "job_succeeded":
        frame = json.loads(await socket.recv())
        told.append((frame["seq"], frame["payload"] if frame["action"] == "counted" else frame["action"]))
        if frame["seq"] % 100 == 0:
            await socket.send(json.dumps({"topic": topic, "action": "ack", "payload": {"seq": frame["seq"]}}))
    return told
