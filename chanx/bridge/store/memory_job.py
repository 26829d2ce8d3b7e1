"""One job in memory: what an append does to it. The readable double of ``scripts/append.lua``."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import islice

from chanx.bridge.entry import Appended, AppendStatus, Head, JobOutcome, LogEntry, LogPage, NewEntry
from chanx.bridge.names import list_group
from chanx.bridge.snapshot import JobRecord, JobSnapshot, decoded_fields
from chanx.bridge.states import JobState, is_newer
from chanx.bridge.store.base import PAGE_BYTES, Retention
from chanx.bridge.store.executions import Executions


@dataclass(slots=True)
class MemoryJob:
    """A job's log, snapshot, and executions; ``runs`` has the newest ``n`` of each run."""

    record: JobRecord
    retention: Retention
    executions: Executions
    log: deque[LogEntry] = field(default_factory=deque[LogEntry])
    log_bytes: int = 0
    state: JobState = JobState.QUEUED
    attempt: int = 0
    cancelled: bool = False
    cancel_reason: str | None = None
    seq: int = 0
    rev: int = 0
    fields: dict[str, str] = field(default_factory=dict[str, str])
    latest: dict[str, int] = field(default_factory=dict[str, int])
    runs: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def has_ended(self) -> bool:
        return self.state.is_terminal

    @property
    def is_complete(self) -> bool:
        return not self.has_ended and not self.executions.pending

    def append(self, entry: NewEntry, *, epoch: str) -> Appended:
        before = self.state, self.attempt
        status, event = self._refusal(entry), None
        if status is None:
            status, event = self._take(entry)
        told = self.record.listed_for if before != (self.state, self.attempt) else ()
        return Appended(
            status,
            self.seq,
            self.rev,
            epoch,
            self.cancelled,
            self.is_complete,
            event,
            list_groups=tuple(map(list_group, told)),
        )

    def page(self, *, after: int, limit: int, epoch: str) -> LogPage:
        entries: list[LogEntry] = []
        size = 0
        for entry in islice(self.log, max(0, after + 1 - self._oldest), None):
            if len(entries) >= limit or size >= PAGE_BYTES:
                break
            entries.append(entry)
            size += _size(entry)
        return LogPage(tuple(entries), self._oldest, self.seq, epoch)

    def head(self, *, epoch: str) -> Head:
        return Head(epoch, self.seq, self.rev, self.is_complete, self.has_ended)

    def snapshot(self, *, epoch: str) -> JobSnapshot:
        return JobSnapshot(
            **self.record.model_dump(),
            state=self.state,
            attempt=self.attempt,
            cancel_requested=self.cancelled,
            cancel_reason=self.cancel_reason,
            epoch=epoch,
            seq=self.seq,
            oldest=self._oldest,
            rev=self.rev,
            fields=decoded_fields(self.fields),
            latest=dict(self.latest),
        )

    def outcome(self) -> JobOutcome:
        return self.executions.outcome(cancelled=self.cancelled, cancel_reason=self.cancel_reason)

    def request_cancel(self, reason: str | None) -> None:
        if not self.has_ended and not self.cancelled:
            self.cancelled, self.cancel_reason = True, reason

    def rewind(self, to_seq: int) -> None:
        """Loses the entries after ``to_seq``."""
        while self.log and self.log[-1].seq > to_seq:
            self.log_bytes -= _size(self.log.pop())
        self.seq = min(self.seq, to_seq)

    @property
    def _oldest(self) -> int:
        return self.log[0].seq if self.log else self.seq + 1

    def _refusal(self, entry: NewEntry) -> AppendStatus | None:
        """Why the entry changes nothing, None where it is taken."""
        if entry.n <= self.runs.get(entry.run_id, 0):
            return AppendStatus.DUPLICATE
        if self.has_ended:
            return AppendStatus.ENDED
        if entry.only_if_queued and self.state is not JobState.QUEUED:
            return AppendStatus.REFUSED
        if entry.only_if_complete and self.executions.pending:
            return AppendStatus.REFUSED
        if self.executions.is_superseded(entry):
            return AppendStatus.SUPERSEDED
        if entry.ending and self.executions.has_ended_before(entry.ending):
            return AppendStatus.REFUSED
        return None

    def _take(self, entry: NewEntry) -> tuple[AppendStatus, str | None]:
        """Takes the entry in; returns what became of it, and its text where the job's fraction was filled in."""
        self.runs[entry.run_id] = entry.n
        executions = self.executions
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
            self._add(event or entry.event)
        else:
            self.rev += 1
            self.latest[entry.action] = self.rev
        self.fields.update(patch)
        if entry.state and is_newer(entry.state, entry.attempt, than=self.state, than_attempt=self.attempt):
            self.state, self.attempt = entry.state, entry.attempt
        if is_terminal:
            self.executions = Executions({}, {})
        return AppendStatus.APPENDED, event

    def _add(self, event: str) -> None:
        self.seq += 1
        newest = LogEntry(self.seq, event)
        self.log.append(newest)
        self.log_bytes += _size(newest)
        limits = self.retention
        while len(self.log) > limits.max_entries or (self.log_bytes > limits.max_bytes and len(self.log) > 1):
            self.log_bytes -= _size(self.log.popleft())


def _size(entry: LogEntry) -> int:
    return len(entry.event.encode())
