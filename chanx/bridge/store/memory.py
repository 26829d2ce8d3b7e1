"""The job store in this process's memory: for tests, and the readable double of the Redis scripts."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from chanx.bridge.entry import Appended, AppendStatus, Head, JobOutcome, LogEntry, LogPage, NewEntry, Suspect
from chanx.bridge.snapshot import JobRecord, JobSnapshot, decoded_fields
from chanx.bridge.states import JobState, is_newer
from chanx.bridge.store.base import JobStore, Retention, id_taken
from chanx.bridge.store.executions import Executions


@dataclass(slots=True)
class _Job:
    record: JobRecord
    log: deque[LogEntry]
    executions: Executions
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

    @property
    def is_complete(self) -> bool:
        return not self.state.is_terminal and not self.executions.pending


class MemoryJobStore(JobStore):
    """A store for one process. It forgets no job by time, and the log only by length. ``clock`` tells seconds."""

    def __init__(self, retention: Retention | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.retention = retention or Retention()
        self.epoch = secrets.token_hex(4)
        self._clock = clock
        self._jobs: dict[str, _Job] = {}
        self._used_keys: dict[tuple[str, str], tuple[str, float]] = {}
        self._suspects: dict[Suspect, float] = {}
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
            if record.idempotency_key is not None:
                earlier = self._use_key(record, record.idempotency_key)
                if earlier is not None:
                    return earlier
            executions = Executions(dict(tasks or {record.task_id: True}), dict(pending or {}))
            self._jobs[record.job_id] = _Job(record, deque(maxlen=self.retention.max_entries), executions)
            return record.job_id

    def append(self, entry: NewEntry) -> Appended:
        with self._lock:
            job = self._jobs.get(entry.job_id)
            if job is None:
                return Appended(AppendStatus.UNKNOWN)
            status, event = self._refusal(job, entry), None
            if status is None:
                status, event = self._take(job, entry)
            return Appended(status, job.seq, job.rev, self.epoch, job.cancelled, job.is_complete, event)

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

    def add_pending(self, job_id: str, publish_id: str, task_id: str, *, worker: str = "") -> bool:
        with self._lock:
            job = self._active(job_id)
            if job is not None:
                job.executions.pending[publish_id] = task_id
            return job is not None

    def drop_pending(self, job_id: str, publish_ids: Collection[str]) -> bool:
        with self._lock:
            job = self._active(job_id)
            if job is None:
                return False
            for publish_id in publish_ids:
                job.executions.pending.pop(publish_id, None)
            return job.is_complete

    def pending(self, job_id: str) -> dict[str, str]:
        with self._lock:
            job = self._active(job_id)
            return {} if job is None else dict(job.executions.pending)

    def outcome(self, job_id: str) -> JobOutcome | None:
        with self._lock:
            job = self._active(job_id)
            return None if job is None else job.executions.outcome(cancelled=job.cancelled)

    def suspect(self, suspect: Suspect) -> None:
        with self._lock:
            self._suspects.setdefault(suspect, self._clock())

    def suspects(self, *, older_than: float, limit: int = 100) -> list[Suspect]:
        with self._lock:
            before = self._clock() - older_than
            return [suspect for suspect, since in self._suspects.items() if since <= before][:limit]

    def clear_suspect(self, suspect: Suspect) -> None:
        with self._lock:
            self._suspects.pop(suspect, None)

    def jobs_of(self, owner: str, *, limit: int = 50, before: datetime | None = None) -> list[JobSnapshot]:
        with self._lock:
            jobs = [job for job in self._jobs.values() if job.record.owner == owner]
            jobs.sort(key=lambda job: job.record.created_at, reverse=True)
            return [self._snapshot(job) for job in jobs[:limit]]

    def request_cancel(self, job_id: str, *, reason: str | None = None) -> JobState | None:
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

    def _use_key(self, record: JobRecord, key: str) -> str | None:
        """The job that was started with this key before, or None, and the key is this job's now."""
        place, now = (record.owner, key), self._clock()
        job_id, used_at = self._used_keys.get(place, ("", 0.0))
        if job_id and now - used_at < self.retention.ended_seconds:
            return job_id
        self._used_keys[place] = (record.job_id, now)
        return None

    def _active(self, job_id: str) -> _Job | None:
        job = self._jobs.get(job_id)
        return None if job is None or job.state.is_terminal else job

    @staticmethod
    def _refusal(job: _Job, entry: NewEntry) -> AppendStatus | None:
        """Why the entry changes nothing, None where it is taken."""
        if entry.n <= job.runs.get(entry.run_id, 0):
            return AppendStatus.DUPLICATE
        if job.state.is_terminal:
            return AppendStatus.ENDED
        if entry.only_if_queued and job.state is not JobState.QUEUED:
            return AppendStatus.REFUSED
        if entry.only_if_complete and job.executions.pending:
            return AppendStatus.REFUSED
        if job.executions.is_superseded(entry):
            return AppendStatus.SUPERSEDED
        if entry.ending and job.executions.has_ended_before(entry.ending):
            return AppendStatus.REFUSED
        return None

    @staticmethod
    def _take(job: _Job, entry: NewEntry) -> tuple[AppendStatus, str | None]:
        """Takes the entry in; returns what became of it, and its text where the job's fraction was filled in."""
        job.runs[entry.run_id] = entry.n
        executions = job.executions
        if entry.claims:
            executions.claim(entry)
        is_terminal = entry.state is not None and entry.state.is_terminal
        if entry.ending:
            executions.end(entry, entry.ending)
            if is_terminal and executions.cannot_end_job(entry.ending):
                return AppendStatus.HELD, None
        event, patch = None, entry.patch
        fractions = executions.fractions(entry)
        if fractions:
            event = fractions.filled_in(entry.event)
            patch = {name: fractions.filled_in(value) for name, value in patch.items()}
        if entry.delivery == "log":
            job.seq += 1
            job.log.append(LogEntry(job.seq, event or entry.event))
        else:
            job.rev += 1
        job.fields.update(patch)
        if entry.state and is_newer(entry.state, entry.attempt, than=job.state, than_attempt=job.attempt):
            job.state, job.attempt = entry.state, entry.attempt
        if is_terminal:
            job.executions = Executions({}, {})
        return AppendStatus.APPENDED, event

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
