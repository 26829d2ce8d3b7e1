"""A job store in memory that keeps every event, progress included, and can be waited on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from chanx.bridge.entry import Appended, AppendStatus, NewEntry
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.store.memory import MemoryJobStore
from chanx.testing.jobs.recorded import Recorded

Watcher: TypeAlias = Callable[[Recorded], object]


class RecordingStore(MemoryJobStore):
    """``recorded`` has the events of all jobs in their order; a real log keeps of progress only the newest.

    ``failures`` has what the tasks of a job have raised in this process. Each of ``watchers`` is called with every
    event, in the thread of who sent it and before the next one of that run.
    """

    def __init__(self) -> None:
        super().__init__()
        self.recorded: list[Recorded] = []
        self.failures: dict[str, list[BaseException]] = {}
        self.watchers: list[Watcher] = []
        self._news = threading.Condition(threading.RLock())

    def create(
        self,
        record: JobRecord,
        *,
        pending: Mapping[str, str] | None = None,
        tasks: Mapping[str, bool] | None = None,
        first: NewEntry | None = None,
        max_active: int | None = None,
    ) -> str:
        with self._news:
            job_id = super().create(record, pending=pending, tasks=tasks, first=first, max_active=max_active)
            if first is None or job_id != record.job_id:
                return job_id
            event = self._record(first, first.event)
        self._tell(event)
        return job_id

    def append(self, entry: NewEntry) -> Appended:
        with self._news:
            appended = super().append(entry)
            if appended.status is not AppendStatus.APPENDED:
                return appended
            event = self._record(entry, appended.event or entry.event)
        self._tell(event)
        # A watcher may have cancelled the job: the answer says so, as it would a moment later.
        return replace(appended, cancelled=self.is_cancelled(entry.job_id))

    def wait_for_end(self, job_id: str, *, timeout: float) -> None:
        """Returns when the job has ended, or after so many seconds."""
        with self._news:
            self._news.wait_for(lambda: self._has_ended(job_id), timeout)

    def _has_ended(self, job_id: str) -> bool:
        job = self.snapshot(job_id)
        return job is not None and job.state.is_terminal

    def _record(self, entry: NewEntry, text: str) -> Recorded:
        event = Recorded(entry.job_id, entry.action, text)
        self.recorded.append(event)
        self._news.notify_all()
        return event

    def _tell(self, event: Recorded) -> None:
        for watcher in list(self.watchers):
            watcher(event)
