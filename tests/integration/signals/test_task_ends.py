"""Tasks that come to an end by themselves."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.integration.signals import app
from tests.integration.signals.jobs import Jobs
from tests.integration.signals.stacks import Stack, on_both_brokers, on_redis


@app.app.task
def known_to_the_starter_only() -> None:
    """Workers do not import this module."""


@on_both_brokers
@pytest.mark.parametrize("task", [app.add, app.plain_add])
def test_success(jobs: Jobs, task: Any) -> None:
    log = jobs.run(task, 2, 3)

    assert log.actions == ["job_queued", "job_started", "job_succeeded"]
    assert log.result == 5


@on_redis
def test_failure(jobs: Jobs) -> None:
    log = jobs.run(app.fail)

    assert log.actions == ["job_queued", "job_started", "job_failed"]
    assert log.error_code == "empty_file"


@on_both_brokers
def test_retry(jobs: Jobs) -> None:
    log = jobs.run(app.fail_twice)

    # An attempt may start before the one before it has said that it will be repeated.
    told = Counter((event["action"], event["attempt"]) for event in log.events)
    assert told == {
        ("job_queued", 0): 1,
        ("job_started", 1): 1,
        ("job_retrying", 1): 1,
        ("job_started", 2): 1,
        ("job_retrying", 2): 1,
        ("job_started", 3): 1,
        ("job_succeeded", 3): 1,
    }
    assert log.result == "done"
    assert log.snapshot.attempt == 3


@on_redis
def test_a_retry_is_no_detached_work(jobs: Jobs) -> None:
    log = jobs.run(app.retry_detached)

    # The second attempt may begin before the first one has said that it follows
    assert Counter(log.actions) == {"job_queued": 1, "job_started": 2, "job_retrying": 1, "job_succeeded": 1}


@on_redis
def test_a_process_that_a_task_forks(jobs: Jobs) -> None:
    log = jobs.run(app.fork)

    lines = [event["payload"]["message"] for event in log.events if event["action"] == "job_log"]
    assert lines == ["before", "child 1", "child 2", "child 3", "after"]
    assert log.result == "done"


@on_redis
def test_a_task_that_is_out_of_retries(jobs: Jobs) -> None:
    log = jobs.run(app.always_retry)

    assert Counter(log.actions) == {"job_queued": 1, "job_started": 2, "job_retrying": 1, "job_failed": 1}
    assert log.error_code == "busy"


@on_redis
def test_a_result_that_cannot_be_serialised(jobs: Jobs) -> None:
    log = jobs.run(app.unserialisable)

    assert log.actions == ["job_queued", "job_started", "job_failed"]
    assert log.error_code == "error"


@on_both_brokers
def test_a_message_that_is_rejected(jobs: Jobs) -> None:
    log = jobs.run(app.reject)

    assert log.actions == ["job_queued", "job_started", "job_failed"]
    assert log.error_code == "rejected"


@on_both_brokers
def test_a_message_that_is_rejected_to_be_queued_again(jobs: Jobs) -> None:
    log = jobs.run(app.reject_once)

    assert log.actions == ["job_queued", "job_started", "job_started", "job_succeeded"]
    assert log.result == "done"


@on_redis
def test_a_task_that_is_ignored(jobs: Jobs) -> None:
    log = jobs.run(app.ignore)

    assert log.actions == ["job_queued", "job_started", "job_cancelled"]
    assert log.reason == "ignored"


@on_redis
@pytest.mark.parametrize(("state", "terminal"), [("SUCCESS", "job_succeeded"), ("FAILURE", "job_failed")])
def test_a_task_that_is_ignored_after_it_stored_its_own_state(jobs: Jobs, state: str, terminal: str) -> None:
    log = jobs.run(app.ignore, state)

    assert log.actions == ["job_queued", "job_started", terminal]


@on_redis
def test_a_task_that_replaces_itself(jobs: Jobs) -> None:
    log = jobs.run(app.replace, 2, 3)

    assert log.actions == ["job_queued", "job_started", "job_started", "job_succeeded"]
    assert log.result == 5


@on_both_brokers
def test_a_task_that_the_worker_does_not_know(jobs: Jobs) -> None:
    log = jobs.run(known_to_the_starter_only)

    assert log.actions == ["job_queued", "job_failed"]
    assert log.error_code == "unknown_task"


@on_redis
def test_a_task_that_exits_the_process(jobs: Jobs, stack: Stack) -> None:
    log = jobs.run(app.leave)

    assert log.actions == ["job_queued", "job_started", "job_failed"]
    # The oldest Celery says nothing, so it is found out later.
    assert log.error_code == ("worker_exited" if stack.celery.name == "oldest" else "worker_lost")
