"""In eager mode a replacement runs inside of the task that it replaces, each of its tasks under that task's id."""

from collections.abc import Iterator
from typing import Any

import pytest
from celery import chain

from chanx.bridge import start_job_sync
from chanx.bridge.states import JobState
from tests.unit.bridge.apps import BridgedApp, bridged_app


@pytest.fixture
def eager() -> Iterator[BridgedApp]:
    with bridged_app(eager=True) as app:
        yield app


def add(self: Any, x: int = 0, y: int = 1) -> int:
    return x + y


def replaced_by_chain(eager: BridgedApp) -> Any:
    inner = eager.task(add)

    def outer(self: Any, *results: int) -> Any:
        return self.replace(chain(inner.si(1, 1), inner.s(3)))

    return eager.task(outer)


def test_its_result_is_that_of_the_last_task(eager: BridgedApp) -> None:
    job = start_job_sync(chain(eager.task(add).si(0, 0), replaced_by_chain(eager).si()), owner="user:1")

    assert eager.snapshot(job).fields["result"] == 5


def test_a_replacement_that_fails_ends_the_job(eager: BridgedApp) -> None:
    # Celery forbids an eager task that was sent to wait for the tasks of a chain
    job = start_job_sync(replaced_by_chain(eager), owner="user:1")

    assert eager.snapshot(job).state is JobState.FAILED
    assert eager.store.pending(job.job_id) == {}
