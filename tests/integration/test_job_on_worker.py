"""What a job's log says after a real worker process has run its task, in every way a task can go."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.result import AsyncResult

from chanx.bridge import Bridge, StartedJob, install, start_job, start_job_sync
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.states import JobState
from chanx.testing.redis_server import RedisServer, redis_server
from tests.integration import jobs_app
from tests.integration.worker_process import connected, worker
from tests.waiting import wait_until

APP = "tests.integration.jobs_app"


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server(private=True) as running:
        yield running


@pytest.fixture(scope="module")
def bridge(server: RedisServer) -> Iterator[Bridge]:
    with connected(jobs_app.app, server) as bridge:
        yield bridge


@pytest.fixture(scope="module")
def running_worker(bridge: Bridge, server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    with worker(APP, bridge.app, server.url, log=log) as pid:
        yield pid


def ended(bridge: Bridge, job: StartedJob, *, seconds: float = 60) -> JobSnapshot:
    def look() -> JobSnapshot | None:
        snapshot = bridge.store.snapshot(job.job_id)
        return snapshot if snapshot and snapshot.state.is_terminal else None

    return wait_until(look, seconds=seconds, what="the end of the job")


def events(bridge: Bridge, job: StartedJob) -> list[dict[str, Any]]:
    page = bridge.store.read(job.job_id, after=0, limit=10_000)
    assert page is not None
    assert [entry.seq for entry in page.entries] == list(range(1, page.head + 1))
    return [json.loads(entry.event) for entry in page.entries]


def actions(bridge: Bridge, job: StartedJob) -> list[str]:
    return [event["action"] for event in events(bridge, job)]


pytestmark = pytest.mark.usefixtures("running_worker")


def test_a_task_that_succeeds(bridge: Bridge) -> None:
    # When
    job = start_job_sync(jobs_app.count, 1000, owner="user:1", meta={"title": "Count"})
    snapshot = ended(bridge, job)

    # Then
    assert actions(bridge, job) == ["job_queued", "job_started", "job_log", *["row"] * 10, "job_succeeded"]
    assert (snapshot.state, snapshot.attempt, snapshot.meta) == (JobState.SUCCEEDED, 1, {"title": "Count"})
    assert snapshot.fields["result"] == {"rows": 1000}
    assert snapshot.fields["job_progress"] | {"rate": None} == {
        "current": 1000,
        "total": 1000,
        "fraction": 1,
        "rate": None,
        "eta": 0,
        "message": "rows",
        "unit": None,
        "step": [],
    }
    first_row = events(bridge, job)[3]
    assert first_row["payload"] == {"line": 0}
    assert (first_row["job_id"], first_row["task_id"], first_row["attempt"]) == (job.job_id, job.task_id, 1)
    assert first_row["time"].endswith("Z")


async def test_starting_from_async_code(bridge: Bridge) -> None:
    job = await start_job(jobs_app.count, n=3, owner="user:1")

    assert ended(bridge, job).fields["result"] == {"rows": 3}


def test_an_error_meant_for_the_user_is_shown(bridge: Bridge) -> None:
    job = start_job_sync(jobs_app.refuse, owner="user:1")

    snapshot = ended(bridge, job)

    assert snapshot.state is JobState.FAILED
    assert snapshot.fields["error"] == {"message": "The file is empty.", "code": "empty_file", "reference": job.task_id}
    assert actions(bridge, job)[-1] == "job_failed"


def test_any_other_error_keeps_its_text_to_itself(bridge: Bridge) -> None:
    job = start_job_sync(jobs_app.crash, owner="user:1")

    snapshot = ended(bridge, job)

    assert snapshot.state is JobState.FAILED
    assert snapshot.fields["error"]["code"] == "error"
    assert "hunter2" not in json.dumps(events(bridge, job)) + snapshot.model_dump_json()


def test_a_retry_is_visible_and_the_job_goes_on(bridge: Bridge) -> None:
    job = start_job_sync(jobs_app.retry_once, owner="user:1")

    snapshot = ended(bridge, job)

    assert (snapshot.state, snapshot.attempt) == (JobState.SUCCEEDED, 2)
    told = [(event["action"], event["attempt"]) for event in events(bridge, job)]
    assert sorted(told[1:-1]) == [("job_retrying", 1), ("job_started", 1), ("job_started", 2)]
    assert (told[0], told[-1]) == (("job_queued", 0), ("job_succeeded", 2))
    retrying = next(event for event in events(bridge, job) if event["action"] == "job_retrying")
    assert retrying["payload"] == {"reason": "The server is busy.", "countdown": 0.1}


def test_cancelling_a_running_task_stops_it_at_its_next_step(bridge: Bridge, tmp_path: Path) -> None:
    # Given
    started = tmp_path / "started"
    job = start_job_sync(jobs_app.run_until_cancelled, str(started), owner="user:1")
    wait_until(started.exists, what="the start of the task")

    # When
    state = bridge.cancel(job.job_id, reason="enough")

    # Then
    assert state is JobState.STARTED
    assert ended(bridge, job).state is JobState.CANCELLED
    assert not started.exists()  # its `finally` ran
    assert actions(bridge, job)[-2:] == ["job_cancel_requested", "job_cancelled"]
    assert [event["payload"] for event in events(bridge, job)[-2:]] == [{"reason": "enough"}] * 2
    wait_until(lambda: AsyncResult(job.task_id, app=bridge.app).state == "REVOKED", what="Celery's own state")
    # And once more changes nothing
    assert bridge.cancel(job.job_id) is JobState.CANCELLED
    assert actions(bridge, job).count("job_cancelled") == 1


def test_a_task_that_does_not_stop_by_itself_is_terminated(bridge: Bridge, tmp_path: Path) -> None:
    # Given a task that never asks
    go = tmp_path / "go"
    job = start_job_sync(jobs_app.wait_for_file, str(go), owner="user:1")
    wait_until(Path(f"{go}.ready").exists, what="the start of the task")

    # When
    assert bridge.cancel(job.job_id, reason="enough", terminate_after=0.2) is JobState.STARTED

    # Then
    assert ended(bridge, job).state is JobState.CANCELLED
    assert events(bridge, job)[-1]["payload"] == {"reason": "enough"}
    # And the worker goes on
    assert ended(bridge, start_job_sync(jobs_app.plain, 1, owner="user:1")).fields["result"] == 2


def test_a_task_revoked_before_it_ran_ends_its_job(bridge: Bridge, tmp_path: Path) -> None:
    # Given a worker that is busy, so that the second job's task waits in it
    started = tmp_path / "started"
    first = start_job_sync(jobs_app.run_until_cancelled, str(started), owner="user:1")
    wait_until(started.exists, what="the start of the first task")
    second = start_job_sync(jobs_app.count, 5, owner="user:1")

    # When somebody revokes it with Celery's own means
    bridge.app.control.revoke(second.task_id, reply=True, limit=1, timeout=10)
    bridge.cancel(first.job_id)

    # Then
    assert ended(bridge, second).state is JobState.CANCELLED
    assert actions(bridge, second) == ["job_queued", "job_cancelled"]


def test_a_nested_task_belongs_to_the_job_and_outlives_it(bridge: Bridge, tmp_path: Path) -> None:
    # Given one pool process: the inner task runs after the outer one, which is the job's end
    done = tmp_path / "done"
    job = start_job_sync(jobs_app.outer, str(done), owner="user:1")

    # Then
    assert ended(bridge, job).fields["result"] == "outer"
    wait_until(done.exists, what="the end of the inner task")
    assert actions(bridge, job)[-1] == "job_succeeded"


def test_a_result_too_large_for_an_event_is_left_out(bridge: Bridge) -> None:
    job = start_job_sync(jobs_app.huge_result, owner="user:1")

    fields = ended(bridge, job).fields

    assert (fields["result"], fields["result_omitted"]) == (None, True)


def test_a_plain_task_can_be_a_job(bridge: Bridge) -> None:
    job = start_job_sync(jobs_app.plain, 41, owner="user:1")

    assert ended(bridge, job).fields["result"] == 42
    assert actions(bridge, job) == ["job_queued", "job_started", "job_succeeded"]


def test_a_job_task_runs_without_a_job(bridge: Bridge) -> None:
    assert jobs_app.count.delay(5).get(timeout=60) == {"rows": 5}
    assert jobs_app.count(5) == {"rows": 5}


def test_eager_tasks_report_the_same_events(bridge: Bridge) -> None:
    bridge.app.conf.task_always_eager = True
    try:
        job = start_job_sync(jobs_app.outer, owner="user:1")
    finally:
        bridge.app.conf.task_always_eager = False

    assert actions(bridge, job)[:2] == ["job_queued", "job_started"]
    assert actions(bridge, job)[-1] == "job_succeeded"


def test_a_store_that_is_away_does_not_harm_the_task(
    own_redis: RedisServer, server: RedisServer, tmp_path: Path
) -> None:
    """The broker is another server here, so that only the job's events have nowhere to go."""
    log = tmp_path / "worker.log"
    go = tmp_path / "go"
    app: Celery = jobs_app.app
    os.environ["CHANX_STORE_URL"] = own_redis.url
    try:
        with worker(APP, app, server.url, "-Q", "fragile", "-n", "fragile@%h", log=log):
            fragile = install(app, store=own_redis.url)
            job = start_job_sync(jobs_app.wait_for_file, str(go), owner="user:1", task_options={"queue": "fragile"})
            wait_until(Path(f"{go}.ready").exists, what="the task's first event")
            own_redis.kill()
            go.touch()
            assert AsyncResult(job.task_id, app=app).get(timeout=20) == "done"
            fragile.store.close()
    finally:
        del os.environ["CHANX_STORE_URL"]
        install(app, store=server.url)
