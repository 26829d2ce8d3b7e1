"""task_always_eager: the caller runs the tasks itself, and Celery sends no signal of what it publishes or receives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.integration.signals.conftest import StartElsewhere
from tests.integration.signals.jobs import JobLog, Jobs
from tests.integration.signals.stacks import on_redis
from tests.integration.signals.workflow import everything

RunEagerly = Callable[[str], JobLog]


@pytest.fixture
def run_eagerly(jobs: Jobs, start_elsewhere: StartElsewhere) -> RunEagerly:
    return lambda case: jobs.ended(start_elsewhere("eager", case))


def labels(jobs: Jobs, key: str, log: JobLog) -> Counter[str]:
    executions = jobs.executions(key)
    assert {job_id for _, job_id in executions} == {log.snapshot.job_id}
    return Counter({label: times for (label, _), times in executions.items()})


@on_redis
def test_success(run_eagerly: RunEagerly) -> None:
    log = run_eagerly("success")

    assert log.actions == ["job_queued", "job_started", "job_succeeded"]
    assert log.result == "a"


@on_redis
def test_failure(run_eagerly: RunEagerly) -> None:
    log = run_eagerly("failure")

    assert log.actions == ["job_queued", "job_started", "job_failed"]
    assert log.error_code == "a"


@on_redis
def test_retry(run_eagerly: RunEagerly) -> None:
    log = run_eagerly("retry")

    assert log.result == "a"
    told = Counter(log.actions)
    assert (told["job_started"], told["job_retrying"]) == (3, 2)


@on_redis
def test_nested_tasks(jobs: Jobs, run_eagerly: RunEagerly, key_prefix: str) -> None:
    log = run_eagerly("nested")

    assert log.result == "a"
    assert labels(jobs, key_prefix, log) == Counter("abc")


@on_redis
def test_everything_at_once(jobs: Jobs, run_eagerly: RunEagerly, key_prefix: str) -> None:
    log = run_eagerly("everything")

    assert log.result == "end"
    assert labels(jobs, key_prefix, log) == everything(key_prefix)[0].labels
