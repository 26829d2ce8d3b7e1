"""The job store in this process's memory: for tests, and the readable double of the Redis scripts."""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from chanx.bridge.entry import Appended, AppendStatus, Head, LogEntry, LogPage, NewEntry
from chanx.bridge.snapshot import JobRecord, JobSnapshot, decoded_fields
from chanx.bridge.states import JobState, is_newer
from chanx.bridge.store.base import JobStore, Retention
from chanx.errors import ConfigurationError


@dataclass(slots=True)
class _Job:
    record: JobRecord
    log: deque[LogEntry]
    state: JobState = JobState.QUEUED
    attempt: int = 0
    cancelled: bool = False
    seq: int = 0
    rev: int = 0
    fields: dict[str, str] = field(default_factory=dict[str, str])
    runs: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def oldest(self) -> int:
        return self.log[0].seq if self.log else self.seq + 1


class MemoryJobStore(JobStore):
    """A store for one process. It forgets nothing by time, only by length."""

    def __init__(self, retention: Retention | None = None) -> None:
        self.retention = retention or Retention()
        self.epoch = secrets.token_hex(4)
        self._jobs: dict[str, _Job] = {}
        self._lock = threading.Lock()

    def create(self, record: JobRecord) -> None:
        with self._lock:
            if record.job_id in self._jobs:
                raise ConfigurationError(f"The job id {record.job_id} is taken. Let start_job mint the id.")
            self._jobs[record.job_id] = _Job(record, deque(maxlen=self.retention.max_entries))

    def append(self, entry: NewEntry) -> Appended:
        with self._lock:
            job = self._jobs.get(entry.job_id)
            if job is None:
                return Appended(AppendStatus.UNKNOWN)
            status = self._status(job, entry)
            if status is AppendStatus.APPENDED:
                self._apply(job, entry)
            return Appended(status, job.seq, job.rev, self.epoch, job.cancelled)

    def read(self, job_id: str, *, after: int, limit: int) -> LogPage | None:
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None:
                return None
            entries = tuple(entry for entry in job.log if entry.seq > after)[:limit]
            return LogPage(entries, job.oldest, job.seq, self.epoch)

    def snapshot(self, job_id: str) -> JobSnapshot | None:
        with self._lock:
            job = self._jobs.get(job_id)
            return None if job is None else self._snapshot(job)

    def heads(self, job_ids: Sequence[str]) -> list[Head | None]:
        with self._lock:
            jobs = [self._jobs.get(job_id) for job_id in job_ids]
            return [None if job is None else Head(self.epoch, job.seq, job.rev) for job in jobs]

    def jobs_of(self, owner: str, *, limit: int = 50) -> list[JobSnapshot]:
        with self._lock:
            jobs = [job for job in self._jobs.values() if job.record.owner == owner]
            jobs.sort(key=lambda job: job.record.created_at, reverse=True)
            return [self._snapshot(job) for job in jobs[:limit]]

    def request_cancel(self, job_id: str) -> JobState | None:
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None:
                return None
            if not job.state.is_terminal:
                job.cancelled = True
            return job.state

    def is_cancelled(self, job_id: str) -> bool:
        with self._lock:
            job = self._jobs.get(job_id)
            return job is not None and job.cancelled

    def rewind(self, job_id: str, *, to_seq: int) -> None:
        """Loses the newest entries, as a server does that comes back with an older copy: the epoch changes."""
        with self._lock:
            job = self._jobs[job_id]
            while job.log and job.log[-1].seq > to_seq:
                job.log.pop()
            job.seq = min(job.seq, to_seq)
            self.epoch = secrets.token_hex(4)

    def close(self) -> None:
        """Nothing to let go of: the jobs live as long as the object."""

    @staticmethod
    def _status(job: _Job, entry: NewEntry) -> AppendStatus:
        if entry.n <= job.runs.get(entry.run_id, 0):
            return AppendStatus.DUPLICATE
        if job.state.is_terminal:
            return AppendStatus.ENDED
        if entry.only_if_queued and job.state is not JobState.QUEUED:
            return AppendStatus.REFUSED
        return AppendStatus.APPENDED

    @staticmethod
    def _apply(job: _Job, entry: NewEntry) -> None:
        job.runs[entry.run_id] = entry.n
        if entry.delivery == "log":
            job.seq += 1
            job.log.append(LogEntry(job.seq, entry.event))
        else:
            job.rev += 1
        job.fields.update(entry.patch)
        if entry.state and is_newer(entry.state, entry.attempt, than=job.state, than_attempt=job.attempt):
            job.state, job.attempt = entry.state, entry.attempt

    def _snapshot(self, job: _Job) -> JobSnapshot:
        return JobSnapshot(
            **job.record.model_dump(),
            state=job.state,
            attempt=job.attempt,
            cancel_requested=job.cancelled,
            epoch=self.epoch,
            seq=job.seq,
            oldest=job.oldest,
            rev=job.rev,
            fields=decoded_fields(job.fields),
        )
