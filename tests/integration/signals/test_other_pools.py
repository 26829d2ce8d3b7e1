"""Pools that run everything in one process, and send every signal there."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.integration.signals import app
from tests.integration.signals.jobs import Jobs
from tests.integration.signals.stacks import Stack, on_other_pools
from tests.integration.signals.workflow import everything


@on_other_pools
def test_the_ways_of_one_task(jobs: Jobs) -> None:
    # When
    success, failure, retry = jobs.start(app.add, 2, 3), jobs.start(app.fail), jobs.start(app.fail_twice)
    ignored, rejected = jobs.start(app.ignore), jobs.start(app.reject)

    # Then
    assert jobs.ended(success).result == 5
    assert jobs.ended(failure).error_code == "empty_file"
    assert Counter(jobs.ended(retry).actions) == {
        "job_queued": 1,
        "job_started": 3,
        "job_retrying": 2,
        "job_succeeded": 1,
    }
    assert jobs.ended(ignored).reason == "ignored"
    assert jobs.ended(rejected).error_code == "rejected"


@on_other_pools
def test_a_workflow(jobs: Jobs, key_prefix: str) -> None:
    # Given
    flow, canvas = everything(key_prefix)

    # When
    log = jobs.run(canvas)

    # Then
    assert jobs.executions(key_prefix, log.snapshot.job_id) == flow.labels
    assert log.result == "end"


@on_other_pools
def test_a_running_task_that_is_terminated(jobs: Jobs, stack: Stack, tmp_path: Path) -> None:
    # Given
    started, go = tmp_path / "started", tmp_path / "go"
    job = jobs.start(app.wait, str(started), str(go))
    jobs.wait_until(started.exists, "the task's start")

    # When
    if stack.pool == "solo":  # it hears nothing while a task runs
        jobs.app.control.revoke(job.task_id, terminate=True)
    else:
        jobs.revoke(job, terminate=True)

    # Then threads run on, green ones do not
    if stack.pool in {"threads", "solo"}:
        go.touch()
        assert jobs.ended(job).actions == ["job_queued", "job_started", "job_succeeded"]
    else:
        assert jobs.ended(job).actions == ["job_queued", "job_started", "job_cancelled"]
