"""Tasks that somebody or something stops, or starts once more."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from celery.result import AsyncResult
from kombu import Connection

from tests.integration.signals import app
from tests.integration.signals.jobs import Jobs
from tests.integration.signals.stacks import Stack, on_both_brokers, on_rabbitmq, on_redis
from tests.integration.signals.workflow import Workflow


@pytest.fixture
def started(tmp_path: Path) -> Path:
    return tmp_path / "started"


@pytest.fixture
def go(tmp_path: Path) -> Path:
    return tmp_path / "go"


def let_visibility_timeout_pass(jobs: Jobs) -> None:
    """Has the broker take the messages of all running tasks for lost, and deliver them again."""
    with Connection(jobs.app.conf.broker_url, transport_options={"visibility_timeout": 0}) as connection:
        connection.default_channel.qos.restore_visible(interval=1)


@on_both_brokers
def test_a_task_that_is_revoked_before_a_worker_takes_it(jobs: Jobs, key_prefix: str) -> None:
    # Given
    job = jobs.start(app.add, 2, 3, queue=key_prefix)

    # When
    jobs.revoke(job)
    jobs.consume(key_prefix)

    # Then
    assert jobs.ended(job).actions == ["job_queued", "job_cancelled"]


@on_redis
def test_a_task_that_is_revoked_while_a_worker_waits_for_its_time(jobs: Jobs) -> None:
    # Given
    job = jobs.start(app.add, 2, 3, countdown=1)
    jobs.wait_until(lambda: f"{job.task_id}] received" in jobs.worker.logs(), "the task in the worker")

    # When
    jobs.revoke(job)

    # Then
    assert jobs.ended(job).actions == ["job_queued", "job_cancelled"]


@on_both_brokers
def test_a_task_that_is_taken_after_it_expired(jobs: Jobs, key_prefix: str) -> None:
    # Given
    job = jobs.start(app.add, 2, 3, queue=key_prefix, expires=0.001)

    # When
    jobs.consume(key_prefix)

    # Then
    log = jobs.ended(job)
    assert log.actions == ["job_queued", "job_failed"]
    assert log.error_code == "expired"


@on_both_brokers
def test_a_running_task_that_is_revoked_without_being_terminated(jobs: Jobs, started: Path, go: Path) -> None:
    # Given
    job = jobs.start(app.wait, str(started), str(go))
    jobs.wait_until(started.exists, "the task's start")

    # When
    jobs.revoke(job)
    go.touch()

    # Then
    assert jobs.ended(job).actions == ["job_queued", "job_started", "job_succeeded"]


@on_redis
@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
def test_a_running_task_that_is_terminated(jobs: Jobs, started: Path, go: Path, how: str) -> None:
    # Given
    job = jobs.start(app.wait, str(started), str(go))
    jobs.wait_until(started.exists, "the task's start")

    # When
    jobs.revoke(job, terminate=True, signal=how)

    # Then
    assert jobs.ended(job).actions == ["job_queued", "job_started", "job_cancelled"]


@on_redis
def test_a_task_that_exceeds_its_soft_time_limit(jobs: Jobs, started: Path, go: Path) -> None:
    log = jobs.run(app.wait, str(started), str(go), soft_time_limit=0.5)

    assert log.actions == ["job_queued", "job_started", "job_failed"]
    assert log.error_code == "time_limit"


@on_redis
def test_a_task_that_handles_its_soft_time_limit(jobs: Jobs, started: Path) -> None:
    log = jobs.run(app.handle_soft_limit, str(started), soft_time_limit=0.5)

    assert log.actions == ["job_queued", "job_started", "job_succeeded"]
    assert log.result == "in time"


@on_redis
def test_a_task_that_exceeds_its_hard_time_limit(jobs: Jobs, started: Path, go: Path) -> None:
    log = jobs.run(app.wait, str(started), str(go), time_limit=0.5)

    assert log.actions == ["job_queued", "job_started", "job_failed"]
    assert log.error_code == "time_limit"


@on_redis
def test_a_pool_process_that_is_killed(jobs: Jobs) -> None:
    log = jobs.run(app.die)

    assert log.actions == ["job_queued", "job_started", "job_failed"]
    assert log.error_code == "worker_lost"


@on_redis
def test_a_pool_process_that_is_killed_while_it_publishes(jobs: Jobs, flow: Workflow) -> None:
    log = jobs.run(flow.nesting("a", "b", app.NEVER_GOES_OUT))

    assert log.error_code == "worker_lost"
    assert jobs.executions(flow.key, log.snapshot.job_id) == {"a": 1, "b": 1}


@on_both_brokers
def test_a_pool_process_that_is_killed_with_a_task_that_is_queued_again(jobs: Jobs) -> None:
    log = jobs.run(app.die_once)

    assert log.actions == ["job_queued", "job_started", "job_started", "job_succeeded"]
    assert log.result == "done"


@on_redis
def test_a_task_that_runs_twice_since_the_visibility_timeout_passed(jobs: Jobs, started: Path, go: Path) -> None:
    # Given a task that runs
    job = jobs.start(app.wait_late, str(started), str(go))
    jobs.wait_until(Path(f"{started}1").exists, "the first run")

    # When the broker takes its message for lost, as after the visibility timeout
    let_visibility_timeout_pass(jobs)
    jobs.wait_until(Path(f"{started}2").exists, "the second run")
    go.touch()

    # Then
    log = jobs.ended(job)
    assert log.actions == ["job_queued", "job_started", "job_started", "job_succeeded"]
    jobs.wait_until(lambda: jobs.worker.logs().count(f"{job.task_id}] succeeded") == 2, "the end of both runs")
    assert jobs.events(job.job_id) == log.events


@on_rabbitmq
def test_a_task_whose_worker_is_killed_and_whose_message_comes_again(jobs: Jobs, started: Path, go: Path) -> None:
    # Given
    job = jobs.start(app.wait_late, str(started), str(go))
    jobs.wait_until(Path(f"{started}1").exists, "the first run")

    # When
    jobs.worker.kill()
    jobs.worker.restart()
    go.touch()

    # Then
    assert jobs.ended(job).actions == ["job_queued", "job_started", "job_started", "job_succeeded"]


@on_redis
def test_a_first_run_that_fails_while_a_second_one_goes_on(jobs: Jobs, started: Path, go: Path) -> None:
    # Given a task that runs twice
    job = jobs.start(app.fail_late_at_first, str(started), str(go))
    jobs.wait_until(Path(f"{started}1").exists, "the first run")
    let_visibility_timeout_pass(jobs)
    jobs.wait_until(Path(f"{started}2").exists, "the second run")

    # When
    Path(f"{go}1").touch()
    jobs.wait_until(lambda: f"{job.task_id}] raised" in jobs.worker.logs(), "the first run's end")
    Path(f"{go}2").touch()

    # Then the first one has no say any more
    log = jobs.ended(job)
    assert log.actions == ["job_queued", "job_started", "job_started", "job_succeeded"]
    assert log.result == "done"


@on_both_brokers
def test_a_cold_shutdown_of_the_worker(jobs: Jobs, stack: Stack, started: Path, go: Path) -> None:
    # Given a task that is acknowledged already, and one that is so at its end
    early = jobs.start(app.wait, str(started), str(go))
    late = jobs.start(app.wait_late, str(started), str(go))
    jobs.wait_until(lambda: started.exists() and Path(f"{started}1").exists(), "the start of both")

    # When
    jobs.worker.kill(signal.SIGQUIT)
    jobs.worker.container.wait()
    jobs.worker.restart()
    jobs.wait_until(lambda: jobs.snapshot(early.job_id).state.is_terminal, "a look at what stopped silently")
    go.touch()

    # Then
    lost, repeated = jobs.ended(early), jobs.ended(late)
    old = stack.celery.name == "oldest"
    assert lost.actions == ["job_queued", "job_started", "job_failed"]
    assert lost.error_code in ({"worker_lost", "worker_exited"} if old else {"worker_shutdown"})
    if old and AsyncResult(late.task_id, app=jobs.app).state == "FAILURE":
        # It may notice the lost process before it stops: then it acknowledges the message, and nothing comes again.
        assert repeated.actions == ["job_queued", "job_started", "job_failed"]
        assert repeated.error_code == "worker_lost"
    else:
        assert repeated.actions == ["job_queued", "job_started", "job_started", "job_succeeded"]
