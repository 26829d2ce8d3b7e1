"""Sign-in, jobs and sign-out on a real Django site of two processes: real sockets, sessions and requests."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from socket import create_connection
from typing import Any

import httpx
import pytest
from celery import Celery
from channels_redis.pubsub import RedisPubSubChannelLayer
from websockets.asyncio.client import ClientConnection, connect

from chanx.bridge import Bridge, install
from chanx.bridge.events import JobEvent, JobProgress, JobStarted, JobSucceeded, ProgressPayload, SucceededPayload
from chanx.bridge.names import new_job_id
from chanx.bridge.reporter import JobReporter
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.store.redis import RedisJobStore
from chanx.testing.tied_process import tied
from tests.ports import free_port
from tests.waiting import wait_until

SITE = "tests.integration.access_site"
MIGRATE = f"""
import {SITE}
from django.contrib.auth.models import User
from django.core.management import call_command
call_command("migrate", verbosity=0)
User.objects.create_user("ada", password="correct horse")
"""


class Server:
    """A Daphne process of the site."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(self.port), f"{SITE}:application"]
        with log.open("w") as output:
            self.process = subprocess.Popen(tied(command), env=environment, stdout=output, stderr=subprocess.STDOUT)
        self._log = log

    def wait(self) -> None:
        """Until it answers."""
        wait_until(self._answers, what=self._log.read_text)

    def _answers(self) -> bool:
        try:
            create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


@pytest.fixture
def environment(redis_url: str, key_prefix: str, tmp_path: Path) -> dict[str, str]:
    own = {"CHANX_REDIS_URL": redis_url, "CHANX_PREFIX": key_prefix, "CHANX_DATABASE": str(tmp_path / "site.sqlite3")}
    inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return {**inherited, **own}


@pytest.fixture
def servers(environment: dict[str, str], tmp_path: Path) -> Iterator[list[Server]]:
    subprocess.run([sys.executable, "-c", MIGRATE], env=environment, check=True, timeout=60)
    servers = [Server(environment, tmp_path / f"{name}.log") for name in ("one", "two")]
    for server in servers:
        server.wait()
    yield servers
    for server in servers:
        server.process.kill()
        server.process.wait(30)


@pytest.fixture
def bridge(redis_url: str, key_prefix: str) -> Iterator[Bridge]:
    app = Celery(key_prefix, broker=redis_url, backend=redis_url, set_as_current=False)
    store = RedisJobStore(redis_url, prefix=key_prefix)
    yield install(app, store=store, layer=RedisPubSubChannelLayer(hosts=[redis_url], prefix=key_prefix))
    store.close()
    app.close()


class Job:
    """A job of a user, and the worker's side of it."""

    def __init__(self, bridge: Bridge, owner: str) -> None:
        self.bridge, self.job_id = bridge, new_job_id()
        created_at = datetime.now(UTC)
        bridge.store.create(JobRecord(job_id=self.job_id, owner=owner, name="n", task_id="t", created_at=created_at))
        self._reporter = JobReporter(bridge.transport, job_id=self.job_id, task_id="t", attempt=1)

    def report(self, event: JobEvent) -> None:
        self._reporter.send(event)


async def hear(socket: ClientConnection, action: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            frame: dict[str, Any] = json.loads(await socket.recv())
            if frame["action"] == action:
                return frame


async def test_from_sign_in_to_sign_out(servers: list[Server], bridge: Bridge) -> None:
    one, two = (f"http://127.0.0.1:{server.port}" for server in servers)
    async with httpx.AsyncClient(base_url=one) as browser:
        # Given somebody who has signed in on one process of the site, and watches a job on the other
        owner = f"user:{(await browser.post('/in/')).text}"
        job = await asyncio.to_thread(Job, bridge, owner)
        headers = {"Cookie": f"sessionid={browser.cookies['sessionid']}"}
        async with connect(f"{two.replace('http', 'ws')}/ws/", additional_headers=headers) as socket:
            for topic in ("jobs:me", f"job:{job.job_id}"):
                await socket.send(json.dumps({"topic": topic, "action": "subscribe"}))
            listed = await hear(socket, "subscribed")
            assert [each["job_id"] for each in listed["payload"]["jobs"]] == [job.job_id]
            assert (await hear(socket, "subscribed"))["topic"] == f"job:{job.job_id}"

            # When the job goes on, the list tells its state and its progress
            await asyncio.to_thread(job.report, JobStarted())
            assert (await hear(socket, "job_changed"))["payload"]["job"]["state"] == "started"
            await asyncio.to_thread(job.report, JobProgress(payload=ProgressPayload(current=3)))
            changed = await hear(socket, "job_changed")
            assert changed["payload"]["job"]["fields"]["job_progress"]["current"] == 3

            # And so do the endpoints, for the same browser only
            answer = await browser.get(f"/jobs/{job.job_id}/")
            assert (answer.status_code, answer.json()["state"]) == (200, "started")
            assert (await browser.get("/jobs/")).json()["jobs"][0]["job_id"] == job.job_id
            assert (await browser.get(f"/jobs/{job.job_id}/events/")).json()["events"][0]["action"] == "job_started"
            assert (await browser.post(f"/jobs/{job.job_id}/cancel/")).status_code == 403  # no CSRF token

            # When the user signs out
            await browser.post("/out/")

            # Then both subscriptions end, and say no more of the job than of one that never was
            ended = [await hear(socket, "error") for _ in range(2)]
            assert {frame["topic"] for frame in ended} == {"jobs:me", f"job:{job.job_id}"}
            assert {frame["payload"]["reason"] for frame in ended} == {"unauthorized"}
            await asyncio.to_thread(job.report, JobSucceeded(payload=SucceededPayload(result=1)))
            await socket.send(json.dumps({"topic": f"job:{job.job_id}", "action": "subscribe", "ref": 1}))
            frame = json.loads(await socket.recv())
            assert (frame["ref"], frame["payload"]["reason"]) == (1, "unauthorized")
        assert (await browser.get(f"/jobs/{job.job_id}/")).status_code == 404
        assert (await browser.get("/jobs/")).status_code == 403
