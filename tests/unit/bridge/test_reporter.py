"""Who ends a job of which nothing is pending any more."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chanx.bridge.entry import Ending, Outcome
from chanx.bridge.events import JobEvent, JobRetrying, JobStarted, JobSucceeded, RetryPayload, SucceededPayload
from chanx.bridge.names import new_job_id
from chanx.bridge.outcome import failed
from chanx.bridge.reporter import JobReporter
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.states import JobState
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.layers import MemoryPublisher

RETRYING = JobRetrying(payload=RetryPayload(reason="busy"))
SUCCEEDED = JobSucceeded(payload=SucceededPayload(result=7))
FAILED = failed(RuntimeError(), task_id="t1")


@pytest.fixture
def store() -> MemoryJobStore:
    return MemoryJobStore()


@pytest.fixture
def job_id(store: MemoryJobStore) -> str:
    """A job of one task, whose first execution is pending."""
    record = JobRecord(job_id=new_job_id(), owner="user:1", name="t", task_id="t1", created_at=datetime.now(UTC))
    return store.create(record, pending={"p1": "t1"}, tasks={"t1": True})


def attempt_of(store: MemoryJobStore, job_id: str, attempt: int) -> JobReporter:
    transport = DirectTransport(store, MemoryPublisher())
    reporter = JobReporter(transport, job_id=job_id, task_id="t1", attempt=attempt, of_run=True)
    reporter.send(JobStarted(), claims=True)
    return reporter


@pytest.mark.parametrize(
    ("event", "outcome", "value", "state"),
    [(SUCCEEDED, "succeeded", "7", JobState.SUCCEEDED), (FAILED, "failed", '{"message":"m"}', JobState.FAILED)],
)
def test_an_attempt_that_says_late_that_it_was_repeated(
    store: MemoryJobStore, job_id: str, event: JobEvent, outcome: Outcome, value: str, state: JobState
) -> None:
    # Given a second attempt that is over before the first one has said that it is repeated
    first = attempt_of(store, job_id, 1)
    store.add_pending(job_id, "p2", "t1")
    second = attempt_of(store, job_id, 2)
    second.send(event, ending=Ending("p2", outcome, value))

    # When
    first.send(RETRYING, task_id="", ending=Ending("p1", "none"))

    # Then
    snapshot = store.snapshot(job_id)
    assert snapshot is not None
    assert snapshot.state is state


def test_an_attempt_that_the_job_could_not_be_told_to_wait_for(store: MemoryJobStore, job_id: str) -> None:
    # Given a first attempt that is repeated while the store is away
    first = attempt_of(store, job_id, 1)

    # When
    first.send(RETRYING, task_id="", ending=Ending("p1", "none"))

    # Then the job goes on
    second = attempt_of(store, job_id, 2)
    second.send(SUCCEEDED, ending=Ending("", "succeeded", "7"))
    snapshot = store.snapshot(job_id)
    assert snapshot is not None
    assert (snapshot.state, snapshot.fields["result"]) == (JobState.SUCCEEDED, 7)
