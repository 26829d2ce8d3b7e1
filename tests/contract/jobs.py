"""Jobs to test a store with, and runs that append to them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from chanx.bridge.entry import Appended, AppendStatus, Ending, Execution, JobOutcome, LogPage, NewEntry, Outcome
from chanx.bridge.names import new_job_id
from chanx.bridge.snapshot import JobRecord, JobSnapshot
from chanx.bridge.states import JobState
from chanx.bridge.store.base import JobStore, Retention

RETENTION = Retention(max_entries=50)


def record(
    owner: str = "user:1", age: timedelta = timedelta(0), key: str | None = None, watchers: tuple[str, ...] = ()
) -> JobRecord:
    return JobRecord(
        job_id=new_job_id(),
        owner=owner,
        name="tasks.t",
        task_id="t1",
        created_at=datetime.now(UTC) - age,
        meta={"title": "é"},
        idempotency_key=key,
        watchers=watchers,
    )


def execution(publish_id: str, **values: Any) -> Execution:
    """One of any job; ``values`` are its further ones."""
    return replace(Execution("job-1", publish_id, "t1", "tasks.é", 1), **values)


def create(
    store: JobStore,
    owner: str = "user:1",
    age: timedelta = timedelta(0),
    *,
    pending: Mapping[str, str] | None = None,
    tasks: Mapping[str, bool] | None = None,
) -> str:
    return store.create(record(owner, age), pending=pending, tasks=tasks)


class Run:
    """Appends as one run of a task would, numbering its events."""

    def __init__(self, store: JobStore, job_id: str, attempt: int = 1, *, task_id: str = "") -> None:
        self.store, self.job_id, self.attempt, self.task_id = store, job_id, attempt, task_id
        self.run_id = uuid4().hex[:12]
        self.n = 0

    def entry(self, event: str = '{"a":1}', **values: Any) -> NewEntry:
        """The next event; ``values`` are further ones of the entry."""
        self.n += 1
        values = {"attempt": self.attempt, "task_id": self.task_id, **values}
        return NewEntry(self.job_id, "x", event, self.run_id, self.n, **values)

    def send(self, event: str = '{"a":1}', **values: Any) -> Appended:
        return self.store.append(self.entry(event, **values))

    def append(self, event: str = '{"a":1}', **values: Any) -> AppendStatus:
        return self.send(event, **values).status

    def end(self, publish_id: str, outcome: Outcome, value: str = "null", *, state: JobState | None = None) -> Appended:
        return self.send(ending=Ending(publish_id, outcome, value), state=state)


def snapshot_of(store: JobStore, job_id: str) -> JobSnapshot:
    snapshot = store.snapshot(job_id)
    assert snapshot is not None
    return snapshot


def outcome_of(store: JobStore, job_id: str) -> JobOutcome:
    outcome = store.outcome(job_id)
    assert outcome is not None
    return outcome


def page_of(store: JobStore, job_id: str, after: int = 0, limit: int = 1000) -> LogPage:
    page = store.read(job_id, after=after, limit=limit)
    assert page is not None
    return page


def texts(store: JobStore, job_id: str, after: int = 0, limit: int = 1000) -> list[tuple[int, str]]:
    return [(entry.seq, entry.event) for entry in page_of(store, job_id, after, limit).entries]
