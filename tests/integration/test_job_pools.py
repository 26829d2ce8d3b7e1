"""Jobs on every pool of Celery: the same events, and one end, where one process does what several do in prefork."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from celery import chain, chord, group

from chanx.bridge import Bridge, StartedJob, start_job_sync
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.states import JobState
from chanx.testing.redis_server import RedisServer, redis_server
from tests.integration import jobs_app
from tests.integration.worker_process import connected, forget_backend, worker
from tests.waiting import wait_until

APP = "tests.integration.jobs_app"
POOLS = {"prefork": 2, "threads": 4, "solo": 1, "gevent": 20, "eventlet": 20}


@dataclass
class Worker:
    bridge: Bridge
    log: Path

    def run(self, task: Any, *args: Any, **options: Any) -> JobSnapshot:
        return self.ended(start_job_sync(task, *args, owner="user:1", task_options=options))

    def ended(self, job: StartedJob) -> JobSnapshot:
        wait_until(
            lambda: self.snapshot(job).state.is_terminal,
            what=lambda: f"the end of the job\n{self.log.read_text()[-3000:]}",
        )
        return self.snapshot(job)

    def snapshot(self, job: StartedJob) -> JobSnapshot:
        """As the store has it: a job is there before anything of it is published."""
        snapshot = self.bridge.store.snapshot(job.job_id)
        assert snapshot is not None
        return snapshot


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server(private=True) as running:
        yield running


@pytest.fixture(scope="module")
def bridge(server: RedisServer) -> Iterator[Bridge]:
    with connected(jobs_app.app, server, owner="user:9") as bridge:
        yield bridge


@pytest.fixture(scope="module", params=POOLS)
def running(
    request: pytest.FixtureRequest, server: RedisServer, bridge: Bridge, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Worker]:
    log = tmp_path_factory.mktemp("worker") / f"{request.param}.log"
    with worker(APP, bridge.app, server.url, "-P", request.param, log=log, concurrency=POOLS[request.param]):
        yield Worker(bridge, log)


def test_a_task_and_its_progress(running: Worker) -> None:
    snapshot = running.run(jobs_app.count, 500)

    assert snapshot.state is JobState.SUCCEEDED
    assert snapshot.fields["job_progress"]["current"] == 500


def test_a_failure(running: Worker) -> None:
    assert running.run(jobs_app.crash).fields["error"]["code"] == "error"


def test_a_retry(running: Worker) -> None:
    snapshot = running.run(jobs_app.retry_once)

    assert (snapshot.state, snapshot.attempt) == (JobState.SUCCEEDED, 2)


def test_many_jobs_at_once_are_kept_apart(running: Worker) -> None:
    jobs = [start_job_sync(jobs_app.plain, n, owner="user:1") for n in range(30)]

    assert [running.ended(job).fields["result"] for job in jobs] == list(range(1, 31))


def test_a_nested_task(running: Worker) -> None:
    assert running.run(jobs_app.outer).fields["result"] == "outer"


def test_a_canvas(running: Worker) -> None:
    header = group(chain(jobs_app.plain.s(n), jobs_app.plain.s()) for n in range(3))

    assert running.run(chord(header, jobs_app.total.s())).fields["result"] == 9


def test_a_failed_canvas(running: Worker) -> None:
    header = [jobs_app.plain.s(1), jobs_app.refuse.s()]

    assert running.run(chord(header, jobs_app.total.s())).fields["error"]["code"] == "empty_file"


def test_a_canvas_that_is_cancelled(running: Worker, tmp_path: Path) -> None:
    started = tmp_path / "started"
    canvas = chain(jobs_app.run_until_cancelled.si(str(started)), jobs_app.plain.si(1))
    job = start_job_sync(canvas, owner="user:1")
    wait_until(started.exists, what="the start of the first task")

    running.bridge.cancel(job.job_id, reason="enough")

    assert running.ended(job).state is JobState.CANCELLED


def test_a_plain_task_that_is_cancelled(running: Worker, tmp_path: Path) -> None:
    started = tmp_path / "started"
    job = start_job_sync(jobs_app.run_plainly_until_cancelled, str(started), owner="user:1")
    wait_until(started.exists, what="the start of the task")

    running.bridge.cancel(job.job_id)

    assert running.ended(job).state is JobState.CANCELLED
    # And the pool goes on
    assert running.run(jobs_app.plain, 1).fields["result"] == 2


def test_a_task_that_is_watched(running: Worker) -> None:
    result = jobs_app.watched.delay(41)

    snapshot = running.ended(StartedJob(result.id, result.id))

    assert (snapshot.state, snapshot.owner, snapshot.fields["result"]) == (JobState.SUCCEEDED, "user:9", 42)


def test_a_chord_that_celery_polls_for(
    server: RedisServer, bridge: Bridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a result backend without counters the body is published by a task of Celery's own."""
    results = f"file://{tmp_path}"
    monkeypatch.setenv("CHANX_RESULT_URL", results)
    monkeypatch.setitem(bridge.app.conf, "result_backend", results)
    forget_backend(bridge.app)
    log = tmp_path / "worker.log"
    with worker(APP, bridge.app, server.url, log=log):
        on_files = Worker(bridge, log)
        canvas = chord([jobs_app.plain.s(1), jobs_app.plain.s(2)], jobs_app.total.s())

        job = start_job_sync(canvas, owner="user:1")

        assert on_files.ended(job).fields["result"] == 5
        page = bridge.store.read(job.job_id, after=0, limit=100)
        assert page
        assert not any("chord_unlock" in entry.event for entry in page.entries)
    forget_backend(bridge.app)
