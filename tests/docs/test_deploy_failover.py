"""HAProxy with the configuration of docs/deploy, in front of a primary that dies."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from channels_redis.pubsub import RedisPubSubChannelLayer

from chanx.bridge import Bridge, install
from chanx.bridge.events import JobEvent, JobLogLine, JobStarted, JobSucceeded, LogPayload, SucceededPayload
from chanx.bridge.reporter import JobReporter
from chanx.bridge.store.base import StoreUnavailableError
from chanx.testing.redis_server import RedisServer, redis_server
from chanx.testing.tied_process import tied
from tests.benchmarks.job_sites import Site
from tests.contract.jobs import create
from tests.docs.deploy_programs import DEPLOY, program, run
from tests.docs.protocol_clients import client
from tests.ports import free_port
from tests.waiting import wait_until


class Haproxy:
    """HAProxy with the configuration of the page, in front of these servers."""

    def __init__(self, directory: Path, ports: list[int]) -> None:
        self.port = free_port()
        text = (DEPLOY / "haproxy.cfg").read_text().replace("127.0.0.1:6379", f"127.0.0.1:{self.port}")
        for number, port in enumerate(ports, 11):
            text = text.replace(f"10.0.0.{number}:6379", f"127.0.0.1:{port}")
        self._file = directory / "haproxy.cfg"
        self._file.write_text(re.sub(r"^.*10\.0\.0\..*\n", "", text, flags=re.MULTILINE))
        self._program = program("haproxy", "haproxy")

    def check(self) -> None:
        assert "Warning" not in run(self._program, "-c", "-f", self._file)

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(tied([self._program, "-f", str(self._file)]), stdout=subprocess.DEVNULL)


@pytest.fixture
def replicated() -> Iterator[tuple[RedisServer, RedisServer]]:
    """A primary and its replica."""
    with redis_server(private=True) as primary, redis_server(private=True) as replica:
        _ask(replica, "REPLICAOF", "127.0.0.1", primary.port)
        wait_until(lambda: b"master_link_status:up" in _ask(replica, "INFO", "replication"), what="replication")
        yield primary, replica


def _ask(server: RedisServer, *command: object) -> Any:
    with closing(redis.Redis(port=server.port)) as connection:
        connection.response_callbacks.clear()
        untyped: Any = connection
        return untyped.execute_command(*command)


async def test_a_job_goes_on_after_a_failover(tmp_path: Path, replicated: tuple[RedisServer, RedisServer]) -> None:
    # Given a job whose log is behind HAProxy, and a client that follows it
    primary, replica = replicated
    proxy = Haproxy(tmp_path, [primary.port, replica.port])
    proxy.check()
    process = proxy.start()
    url = f"redis://127.0.0.1:{proxy.port}/0"
    wait_until(lambda: _answers(url), what="HAProxy")
    app = Celery("failover", broker=url, backend=url, set_as_current=False)
    bridge = install(app, store=url, layer=RedisPubSubChannelLayer(hosts=[url], prefix="chanx"))
    site = Site("uvicorn", "tests.integration.asgi_apps:fast_channels", url)
    site.start()
    try:
        job_id = await asyncio.to_thread(create, bridge.store)
        reporter = JobReporter(bridge.transport, job_id=job_id, task_id="t", attempt=1)
        view = client.JobView(job_id)
        following = asyncio.create_task(client.follow(f"ws://127.0.0.1:{site.port}/ws/one", view, longest_wait=0.2))
        begins: list[JobEvent] = [JobStarted(), JobLogLine(payload=LogPayload(message="before"))]
        for event in begins:
            await asyncio.to_thread(reporter.send, event)
        await asyncio.to_thread(wait_until, lambda: view.seq == 2, what="the events of before")
        epoch = view.epoch

        # When the primary dies, and Sentinel makes the replica the primary
        primary.kill()
        _ask(replica, "REPLICAOF", "NO", "ONE")
        ends: list[JobEvent] = [
            JobLogLine(payload=LogPayload(message="after")),
            JobSucceeded(payload=SucceededPayload(result=None)),
        ]
        for event in ends:
            await asyncio.to_thread(reporter.send, event)
        await asyncio.to_thread(wait_until, lambda: _has_ended(bridge, job_id), what="the end in the new primary's log")

        # Then the client starts over from what the new primary has, which is all of it here, and misses nothing
        await asyncio.wait_for(following, 30)
        assert [event["action"] for event in view.events] == ["job_started", "job_log", "job_log", "job_succeeded"]
        assert view.epoch != epoch
    finally:
        site.kill()
        process.terminate()
        process.wait(30)
        bridge.store.close()
        app.close()


def _answers(url: str) -> bool:
    try:
        with closing(redis.Redis.from_url(url)) as connection:  # pyright: ignore[reportUnknownMemberType]
            return bool(connection.ping())  # pyright: ignore[reportUnknownMemberType]
    except redis.RedisError:
        return False


def _has_ended(bridge: Bridge, job_id: str) -> bool:
    try:
        job = bridge.store.snapshot(job_id)
    except StoreUnavailableError:
        return False
    return job is not None and job.state.is_terminal
