"""task_always_eager: the caller runs the tasks itself, and Celery sends no signal of what it publishes or receives."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.integration.signals.conftest import StartElsewhere
from tests.integration.signals.jobs import JobLog, Jobs
from tests.integration.signals.stacks import on_redis
from tests.integration.signals.workflow import everything

KEY = "eager"


@pytest.fixture(scope="session")
def started(start_elsewhere: StartElsewhere) -> dict[str, str]:
    """The jobs of all cases, started by one process."""
    return start_elsewhere("eager", KEY, "success", "failure", "retry", "nested", "everything")


@pytest.fixture
def log(request: pytest.FixtureRequest, jobs: Jobs, started: dict[str, str]) -> JobLog:
    """What has become of the case that the test is named after."""
    return jobs.ended(started[request.function.__name__.removeprefix("test_")])


def labels(jobs: Jobs, case: str, log: JobLog) -> Counter[str]:
    executions = jobs.executions(f"{KEY}-{case}")
    return Counter({label: times for (label, job_id), times in executions.items() if job_id == log.snapshot.job_id})


@on_redis
def test_success(log: JobLog) -> None:
    assert log.actions == ["job_queued", "job_started", "job_succeeded"]
    assert log.result == "a"


@on_redis
def test_failure(log: JobLog) -> None:
    assert log.actions == ["job_queued", "job_started", "job_failed"]
    assert log.error_code == "a"


@on_redis
def test_retry(log: JobLog) -> None:
    assert log.result == "a"
    told = Counter(log.actions)
    assert (told["job_started"], told["job_retrying"]) == (3, 2)


@on_redis
def test_nested(jobs: Jobs, log: JobLog) -> None:
    assert log.result == "a"
    assert labels(jobs, "nested", log) == Counter("abc")


@on_redis
def test_everything(jobs: Jobs, log: JobLog) -> None:
    assert log.result == "end"
    assert labels(jobs, "everything", log) == everything("")[0].labels
