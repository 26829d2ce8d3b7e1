"""task_always_eager: the caller runs the tasks itself, and Celery sends no signal of what it publishes or receives."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable

import pytest

from tests.celery_nodes.process import ROOT
from tests.integration.signals.jobs import JobLog, Jobs
from tests.integration.signals.stacks import Stack, on_redis
from tests.integration.signals.workflow import everything

RunEagerly = Callable[[str], JobLog]


@pytest.fixture
def run_eagerly(jobs: Jobs, stack: Stack, key_prefix: str, worker_environment: dict[str, str]) -> RunEagerly:
    """Runs a case in a process on the stack's Celery; its executions are noted under the test's ``key_prefix``."""

    def run(case: str) -> JobLog:
        environment = {**os.environ, **worker_environment, "PYTHONPATH": os.pathsep.join(stack.celery.paths())}
        command = [sys.executable, "-m", "tests.integration.signals.eager", case, key_prefix]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return jobs.ended(done.stdout.strip())

    return run


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
