"""A job whose worker is on the event bus: what it tells, and what the site's log has of that."""

from datetime import UTC, datetime
from typing import Any

from chanx.bridge.entry import NewEntry
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.store.base import JobStore
from chanx.bridge.transports.event_bus.calls import partition_of, partition_queue
from chanx.bridge.transports.event_bus.store import BUS_NAME

JOB = "job-1"
QUEUE = partition_queue(BUS_NAME, partition_of(JOB))


def create(store: JobStore, pending: dict[str, str]) -> None:
    record = JobRecord(job_id=JOB, owner="user:1", name="t", task_id="t1", created_at=datetime.now(UTC))
    store.create(record, pending=pending)


def entry(n: int, run: str = "r1", **terms: Any) -> NewEntry:
    return NewEntry(JOB, "note", f'"{run}:{n}"', run, n, **terms)


def log(store: JobStore) -> list[str]:
    page = store.read(JOB, after=0, limit=1000)
    assert page is not None
    return [each.event for each in page.entries]
