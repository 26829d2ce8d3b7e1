"""The job store in this process's memory: for tests, and the readable double of the others."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from chanx.bridge.entry import (
    Appended,
    AppendStatus,
    Deadline,
    Execution,
    Head,
    JobOutcome,
    LogPage,
    NewEntry,
)
from chanx.bridge.snapshot import JobRecord, JobSnapshot
from chanx.bridge.states import JobState
from chanx.bridge.store.base import JobStore, Retention, id_taken, too_many_jobs
from chanx.bridge.store.executions import Executions
from chanx.bridge.store.memory_job import MemoryJob
from chanx.bridge.store.memory_leases import MemoryDeadlines, MemoryLeases


class MemoryJobStore(JobStore):
    """A store for one process. It forgets no job by time, and the log only by its size. ``clock`` tells seconds."""

    def __init__(self, retention: Retention | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.retention = retention or Retention()
        self.epoch = secrets.token_hex(4)
        self._clock = clock
        self._jobs: dict[str, MemoryJob] = {}
        self._used_keys: dict[tuple[str, str], tuple[str, float]] = {}
        self._leases = MemoryLeases()
        self._deadlines = MemoryDeadlines()
        self._lock = threading.Lock()

    def create(
        self,
        record: JobRecord,
        *,
        pending: Mapping[str, str] | None = None,
        tasks: Mapping[str, bool] | None = None,
        first: NewEntry | None = None,
        max_active: int | None = None,
    ) -> str:
        with self._lock:
            if record.job_id in self._jobs:
                raise id_taken(record.job_id)
            earlier = self._started_before(record)
            if earlier is not None:
                return earlier
            if max_active is not None and self._active_jobs(record.owner) >= max_active:
                raise too_many_jobs(max_active)
            if record.idempotency_key is not None:
                self._used_keys[record.owner, record.idempotency_key] = (record.job_id, self._clock())
            executions = Executions(dict(tasks or {record.task_id: True}), dict(pending or {}))
            job = self._jobs[record.job_id] = MemoryJob(record, self.retention, executions)
            if first is not None:
                job.append(first, epoch=self.epoch)
            return record.job_id

    def append(self, entry: NewEntry) -> Appended:
        with self._lock:
            job = self._jobs.get(entry.job_id)
            self._leases.before(entry)
            appended = Appended(AppendStatus.UNKNOWN) if job is None else job.append(entry, epoch=self.epoch)
            self._leases.after(entry)
            return appended

    def read(self, job_id: str, *, after: int, limit: int) -> LogPage | None:
        with self._lock:
            job = self._jobs.get(job_id)
            return None if job is None else job.page(after=after, limit=limit, epoch=self.epoch)

    def snapshot(self, job_id: str) -> JobSnapshot | None:
        with self._lock:
            job = self._jobs.get(job_id)
            return None if job is None else job.snapshot(epoch=self.epoch)

    def heads(self, job_ids: Sequence[str]) -> list[Head | None]:
        with self._lock:
            jobs = [self._jobs.get(job_id) for job_id in job_ids]
            return [None if job is None else job.head(epoch=self.epoch) for job in jobs]

    def delete(self, job_id: str) -> bool:
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None or not job.has_ended:
                return False
            del self._jobs[job_id]
            self._used_keys = {place: used for place, used in self._used_keys.items() if used[0] != job_id}
            return True

    def add_pending(self, job_id: str, publish_id: str, task_id: str, *, worker: str = "") -> bool:
        with self._lock:
            job = self._active(job_id)
            if job is not None:
                job.executions.add(publish_id, task_id, worker)
            return job is not None

    def drop_pending(self, job_id: str, publish_ids: Collection[str]) -> bool:
        with self._lock:
            job = self._active(job_id)
            if job is None:
                return False
            for publish_id in publish_ids:
                job.executions.remove(publish_id)
            return job.is_complete

    def pending(self, job_id: str) -> dict[str, str]:
        with self._lock:
            job = self._active(job_id)
            return {} if job is None else dict(job.executions.pending)

    def unclaimed(self, job_id: str, *, worker: str | None = None) -> dict[str, str]:
        with self._lock:
            job = self._active(job_id)
            return {} if job is None else job.executions.unclaimed(worker)

    def outcome(self, job_id: str) -> JobOutcome | None:
        with self._lock:
            job = self._active(job_id)
            return None if job is None else job.outcome()

    def renew_lease(self, worker: str) -> None:
        with self._lock:
            self._leases.renew(worker)

    def leases(self) -> dict[str, int]:
        with self._lock:
            return dict(self._leases.renewals)

    def drop_lease(self, worker: str) -> None:
        with self._lock:
            self._leases.drop(worker)

    def hold(self, worker: str, executions: Sequence[Execution]) -> None:
        with self._lock:
            self._leases.hold(worker, executions)

    def held(self, worker: str) -> list[Execution]:
        with self._lock:
            return self._leases.held(worker)

    def release(self, worker: str, publish_ids: Collection[str], *, run_id: str | None = None) -> None:
        with self._lock:
            self._leases.release(worker, publish_ids, run_id=run_id)

    def set_deadline(self, deadline: Deadline, *, seconds: float) -> None:
        with self._lock:
            self._deadlines.set(deadline, self._clock() + seconds)

    def due_deadlines(self, *, limit: int = 100) -> list[Deadline]:
        with self._lock:
            return self._deadlines.due(self._clock(), limit=limit)

    def clear_deadline(self, deadline: Deadline) -> None:
        with self._lock:
            self._deadlines.clear(deadline)

    def jobs_of(
        self, owner: str, *, limit: int = 50, before: datetime | None = None, before_id: str = ""
    ) -> list[JobSnapshot]:
        return self._newest(lambda record: owner in record.listed_for, limit, before, before_id)

    def all_jobs(self, *, limit: int = 50, before: datetime | None = None, before_id: str = "") -> list[JobSnapshot]:
        return self._newest(lambda record: True, limit, before, before_id)

    def request_cancel(self, job_id: str, *, reason: str | None = None) -> JobState | None:
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None:
                return None
            job.request_cancel(reason)
            return job.state

    def is_cancelled(self, job_id: str) -> bool:
        with self._lock:
            job = self._jobs.get(job_id)
            return job is not None and job.cancelled

    def rewind(self, job_id: str, *, to_seq: int) -> None:
        """Loses the newest entries, as a server does that comes back with an older copy: the epoch changes."""
        with self._lock:
            self._jobs[job_id].rewind(to_seq)
            self.epoch = secrets.token_hex(4)

    def close(self) -> None:
        """Nothing to let go of: the jobs live as long as the object."""

    def _newest(
        self, is_listed: Callable[[JobRecord], bool], limit: int, before: datetime | None, before_id: str
    ) -> list[JobSnapshot]:
        with self._lock:
            jobs = [job for job in self._jobs.values() if is_listed(job.record)]
            jobs.sort(key=lambda job: job.record.place, reverse=True)
            found = [job for job in jobs if before is None or job.record.place < (before, before_id)]
            return [job.snapshot(epoch=self.epoch) for job in found[:limit]]

    def _started_before(self, record: JobRecord) -> str | None:
        """The job that was started with this key before, if any."""
        if record.idempotency_key is None:
            return None
        job_id, used_at = self._used_keys.get((record.owner, record.idempotency_key), (None, 0.0))
        return job_id if self._clock() - used_at < self.retention.ended_seconds else None

    def _active_jobs(self, owner: str) -> int:
        return sum(job.record.owner == owner and not job.has_ended for job in self._jobs.values())

    def _active(self, job_id: str) -> MemoryJob | None:
        job = self._jobs.get(job_id)
        return None if job is None or job.has_ended else job
