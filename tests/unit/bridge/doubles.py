"""Doubles for the bridge's unit tests: a store in memory, a clock that is set by hand."""

import json
from datetime import UTC, datetime
from typing import Any

from chanx.bridge.names import job_group, new_job_id
from chanx.bridge.reporter import JobReporter
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.layers import MemoryPublisher


class Clock:
    """Time in seconds that moves only when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """One job in a memory store, with a reporter for it and what was published of it."""

    def __init__(self) -> None:
        self.store = MemoryJobStore()
        self.publisher = MemoryPublisher()
        self.transport = DirectTransport(self.store, self.publisher)
        self.job_id = new_job_id()
        self.store.create(
            JobRecord(job_id=self.job_id, owner="user:1", name="t", task_id="t1", created_at=datetime.now(UTC))
        )
        self.reporter = JobReporter(self.transport, job_id=self.job_id, task_id="t1", attempt=1)

    def events(self) -> list[dict[str, Any]]:
        texts: list[str] = []
        while page := self.store.read(self.job_id, after=len(texts), limit=10_000):
            if not page.entries:
                break
            texts += [entry.event for entry in page.entries]
        return [json.loads(text) for text in texts]

    def live(self) -> list[dict[str, Any]]:
        """What the watchers of jobs were told, in order."""
        sent = self.publisher.sent
        return [json.loads(message["event"]) for _, name, message in sent if name.startswith(job_group(""))]

    def published(self, action: str) -> list[dict[str, Any]]:
        return [event for event in self.live() if event["action"] == action]

    def fields(self) -> dict[str, Any]:
        snapshot = self.store.snapshot(self.job_id)
        assert snapshot is not None
        return snapshot.fields
