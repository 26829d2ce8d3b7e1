"""Workers that die as a whole, or seem to: nobody in them tells anything, and every job ends all the same, once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery, chord

from chanx.bridge.lease_watch import TTL
from tests.celery_nodes.containers import WorkerNode
from tests.celery_nodes.versions import NEWEST
from tests.integration.signals import app
from tests.integration.signals.conftest import APP
from tests.integration.signals.jobs import Jobs
from tests.integration.signals.stacks import Stack, on_both_brokers, on_newest, on_pools_of_one_process, on_redis
from tests.integration.signals.test_stopped_tasks import let_visibility_timeout_pass
from tests.integration.signals.watchers import web_processes
from tests.integration.signals.workflow import Workflow

SECONDS = 10.0
"""Until a job has failed whose worker died, at most."""


@pytest.fixture
def started(tmp_path: Path) -> Path:
    return tmp_path / "started"


@pytest.fixture
def go(tmp_path: Path) -> Path:
    return tmp_path / "go"


@on_both_brokers
def test_a_worker_that_is_killed_with_all_it_had(
    jobs: Jobs, stack: Stack, flow: Workflow, tmp_path: Path, started: Path, go: Path
) -> None:
    # Given one task of each kind that runs, while others wait in the worker and in the broker
    early = jobs.start(app.wait_nesting.s(str(started), str(go), key=flow.key))
    late = jobs.start(app.wait_late, str(started), str(go))
    member = app.wait.si(str(tmp_path / "member"), str(go))
    canvas = jobs.start(chord([member, flow.step("header")], flow.step("body")))
    for running in (started, Path(f"{started}1"), tmp_path / "member"):
        jobs.wait_until(running.exists, f"{running.name}")
    waiting = jobs.start(app.add, 2, 3)

    # When all of the worker dies, and only web processes are there
    with web_processes(jobs.bridge, 2):
        jobs.worker.kill()
        died_at = time.monotonic()

        # Then what was acknowledged has failed, in time
        jobs.wait_until(lambda: jobs.actions(late)[-1] == "job_interrupted", "the interruption")
        jobs.wait_until(lambda: jobs.has_failed(early) and jobs.has_failed(canvas), "the failures")
        assert time.monotonic() - died_at < SECONDS
        assert jobs.actions(waiting) == ["job_queued"]

        # When there is a worker again, and the broker delivers what was not acknowledged
        go.touch()
        jobs.worker.restart()
        if stack.broker == "redis":
            let_visibility_timeout_pass(jobs)
        ended = {job: jobs.ended(job) for job in (early, late, canvas, waiting)}

    # Then
    assert ended[early].error_code == "worker_lost"
    assert ended[late].actions == ["job_queued", "job_started", "job_interrupted", "job_started", "job_succeeded"]
    assert ended[canvas].error_code == "worker_lost"
    assert ended[waiting].result == 5
    assert jobs.bridge.store.held("") == []
    assert all(jobs.events(job.job_id) == log.events for job, log in ended.items())


@pytest.fixture
def other_worker(
    app_on_broker: Celery, worker_environment: dict[str, str], tmp_path: Path, key_prefix: str
) -> Iterator[WorkerNode]:
    """A worker of another queue."""
    node = WorkerNode(
        app_on_broker,
        APP,
        "--concurrency=1",
        "--without-mingle",
        "--without-gossip",
        f"--queues={key_prefix}",
        celery_version=NEWEST,
        environment=worker_environment,
        directory=tmp_path,
    )
    try:
        node.ready()
        yield node
    finally:
        node.kill()


@on_newest
def test_the_tasks_of_a_dead_worker_are_ended_by_another(
    jobs: Jobs, other_worker: WorkerNode, key_prefix: str, started: Path, go: Path
) -> None:
    # Given
    job = jobs.start(app.wait, str(started), str(go), queue=key_prefix)
    jobs.wait_until(started.exists, "the task's start")

    # When
    other_worker.kill()
    died_at = time.monotonic()

    # Then
    assert jobs.ended(job).error_code == "worker_lost"
    assert time.monotonic() - died_at < SECONDS


@on_newest
def test_a_worker_that_stops_leaves_nothing_to_do(jobs: Jobs, other_worker: WorkerNode, key_prefix: str) -> None:
    leases = jobs.bridge.store.leases().keys()
    jobs.run(app.add, 2, 3, queue=key_prefix)

    other_worker.kill(signal.SIGTERM)
    other_worker.wait()

    assert len(leases - jobs.bridge.store.leases().keys()) == 1


@on_newest
def test_a_worker_that_was_suspended_and_goes_on(
    jobs: Jobs, other_worker: WorkerNode, key_prefix: str, started: Path, tmp_path: Path
) -> None:
    # Given
    stopped = tmp_path / "stopped"
    job = jobs.start(app.report_on_and_on, str(started), str(stopped), queue=key_prefix)
    jobs.wait_until(started.exists, "the task's start")

    # When nothing of it runs for longer than its lease
    os.killpg(other_worker.pid, signal.SIGSTOP)
    log = jobs.ended(job)
    os.killpg(other_worker.pid, signal.SIGCONT)

    # Then the task learns that its job has ended, and what it says is not heard
    jobs.wait_until(stopped.exists, "the task's end")
    assert log.error_code == "worker_lost"
    assert jobs.events(job.job_id) == log.events


@on_redis
def test_an_attempt_that_is_killed_after_the_next_one_has_succeeded(jobs: Jobs, tmp_path: Path) -> None:
    # Given
    pid, again = tmp_path / "pid", tmp_path / "again"
    job = jobs.start(app.retry_and_go_on, str(pid), str(again))
    jobs.wait_until(lambda: again.exists() and pid.exists() and pid.read_text(), "both attempts")
    jobs.wait_until(lambda: f"{job.task_id}] succeeded" in jobs.worker.logs(), "the end of the second one")

    # When
    os.kill(int(pid.read_text()), signal.SIGKILL)

    # Then
    assert jobs.ended(job).result == "the second attempt"


@on_pools_of_one_process
def test_a_worker_of_one_process(jobs: Jobs, started: Path, go: Path) -> None:
    # Given a task that takes longer than a lease
    job = jobs.start(app.wait, str(started), str(go))
    jobs.wait_until(started.exists, "the task's start")
    with web_processes(jobs.bridge):
        store, renewals = jobs.bridge.store, set[int]()
        (worker,) = [one for one in store.leases() if job.job_id in [held.job_id for held in store.held(one)]]

        def has_renewed_often() -> bool:
            renewals.add(store.leases()[worker])
            return len(renewals) > TTL + 2

        jobs.wait_until(has_renewed_often, "renewals")
        assert jobs.actions(job) == ["job_queued", "job_started"]

        # When
        jobs.worker.kill()

        # Then
        assert jobs.ended(job).error_code == "worker_lost"
    jobs.worker.restart()
