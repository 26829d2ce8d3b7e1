"""A project whose jobs are in memory, for tests that run ``chanx jobs`` in this process."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from celery import Celery
from click.testing import CliRunner, Result

from chanx.bridge.installed import Bridge
from chanx.bridge.reporter import JobReporter
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.cli.main import cli
from chanx.layers import MemoryPublisher
from chanx.messages.base import BaseMessage

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Project:
    """Jobs ``j1``, ``j2``, …, each a second newer than the one before."""

    def __init__(self, store: MemoryJobStore | None = None) -> None:
        self.app = Celery("by_hand", broker="memory://", set_as_current=False)
        self.store = store or MemoryJobStore()
        self.bridge = Bridge(self.app, self.store, DirectTransport(self.store, MemoryPublisher()))
        self.created = 0

    def create(self, owner: str = "user:1", **values: Any) -> str:
        self.created += 1
        record = JobRecord(
            job_id=f"j{self.created}",
            owner=owner,
            name="shop.import_csv",
            task_id=f"t{self.created}",
            created_at=NOW + timedelta(seconds=self.created),
            **values,
        )
        return self.store.create(record)

    def tell(self, job_id: str, *events: BaseMessage, task_id: str = "t1", attempt: int = 1) -> None:
        """The job's task reports these events, in a run of its own."""
        reporter = JobReporter(self.bridge.transport, job_id=job_id, task_id=task_id, attempt=attempt)
        for event in events:
            reporter.send(event)

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(cli, ["jobs", *arguments])

    def close(self) -> None:
        self.app.close()


def lines_of_json(text: str) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]
