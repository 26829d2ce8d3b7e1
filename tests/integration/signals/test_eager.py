"""task_always_eager: the caller runs the tasks itself, and Celery sends no signal of what it publishes or receives."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.integration.signals.conftest import StartElsewhere
from tests.integration.signals.jobs import JobLog, Jobs
from tests.integration.signals.stacks import Stack, on_redis
from tests.integration.signals.workflow import everything


@pytest.fixture(scope="session")
def keys(stack: Stack) -> str:
    """What the keys of all cases begin with."""
    return f"eager-{stack}"


@pytest.fixture(scope="session")
def started(start_elsewhere: StartElsewhere, keys: str) -> dict[str, str]:
    """The jobs of all cases, started by one process."""
    return start_elsewhere("eager", keys, "success", "failure", "retry", "nested", "everything")


@pytest.fixture
def log(request: pytest.FixtureRequest, jobs: Jobs, started: dict[str, str]) -> JobLog:
    """What has become of the case that the test is named after."""
    return jobs.ended(started[request.function.__name__.removeprefix("test_")])


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
def test_nested(jobs: Jobs, keys: str, log: JobLog) -> None:
    assert log.result == "a"
    assert jobs.executions(f"{keys}-nested", log.snapshot.job_id) == Counter("abc")


@on_redis
def test_everything(jobs: Jobs, keys: str, log: JobLog) -> None:
    assert log.result == "end"
    assert jobs.executions(f"{keys}-everything", log.snapshot.job_id) == everything("")[0].labels
