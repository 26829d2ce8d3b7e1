"""A process that is killed in the middle of ``start_job`` leaves no job open."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from chanx.bridge import install
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.states import JobState
from chanx.bridge.store.redis import RedisJobStore
from chanx.layers import LayerSpec

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("point", "kind"),
    [
        ("set_deadline", "task"),
        ("create", "task"),
        ("before_publish", "task"),
        ("add_pending", "canvas"),
        ("after_publish", "canvas"),
    ],
)
def test_whoever_looks_ends_what_was_being_started(redis_url: str, key_prefix: str, point: str, kind: str) -> None:
    # Given
    command = [sys.executable, "-m", "tests.integration.killed_starter", redis_url, key_prefix, point, kind]
    killed = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=60)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    app = Celery("alive", broker="memory://", set_as_current=False)
    bridge = install(app, store=RedisJobStore(redis_url, prefix=key_prefix), layer=LayerSpec.redis_pubsub(redis_url))

    # When
    bridge.observer.look()

    # Then
    jobs: list[JobSnapshot] = bridge.jobs_of("user:1")
    if point == "set_deadline":
        assert jobs == []
    else:
        (job,) = jobs
        error: dict[str, Any] = job.fields["error"]
        assert (job.state, error["code"]) == (JobState.FAILED, "not_enqueued")
    assert bridge.store.due_deadlines() == []
    app.close()
