"""Jobs, logs and outcomes as they are read: the statements, and what their rows mean."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from chanx.bridge.contrib.connections import Rows, Statement, digest_of
from chanx.bridge.contrib.epoch import EPOCH
from chanx.bridge.entry import Head, JobOutcome, LogEntry, LogPage
from chanx.bridge.snapshot import JobSnapshot, decoded_fields
from chanx.bridge.states import JobState
from chanx.bridge.store.base import PAGE_BYTES

# One statement each, so that what is read fits together. A page ends before the first event that begins PAGE_BYTES or
# more after the page's own begin.
_PAGE: Final = f"""
SELECT {EPOCH}, j.oldest, j.seq, e.seq, e.text
FROM chanx_jobs_job j
LEFT JOIN chanx_jobs_event e ON e.job_id = j.job_id AND e.seq > %s AND e.start <
  {PAGE_BYTES} + (SELECT f.start FROM chanx_jobs_event f WHERE f.job_id = %s AND f.seq > %s ORDER BY f.seq LIMIT 1)
WHERE j.job_id = %s AND j.expires_at > NOW()
ORDER BY e.seq LIMIT %s"""
_JOBS: Final = f"""
SELECT j.job_id, {EPOCH}, j.record, j.state, j.attempt, j.is_cancelled, j.cancel_reason, j.seq, j.oldest, j.rev,
  p.kind, p.name, p.value
FROM chanx_jobs_job j LEFT JOIN chanx_jobs_patch p ON p.job_id = j.job_id
WHERE j.expires_at > NOW() AND """
_LISTED: Final = """
j.job_id IN (
  SELECT l.job_id FROM chanx_jobs_listing l JOIN chanx_jobs_job k ON k.job_id = l.job_id AND k.expires_at > NOW()
  WHERE l.listed_for = %s AND l.created_at <= %s AND (l.created_at < %s OR l.job_id COLLATE "C" < %s)
  ORDER BY l.created_at DESC, l.job_id COLLATE "C" DESC LIMIT %s
) ORDER BY j.created_at DESC, j.job_id COLLATE "C" DESC"""
_NEWEST: Final = """
j.job_id IN (
  SELECT k.job_id FROM chanx_jobs_job k
  WHERE k.expires_at > NOW() AND k.created_at <= %s AND (k.created_at < %s OR k.job_id COLLATE "C" < %s)
  ORDER BY k.created_at DESC, k.job_id COLLATE "C" DESC LIMIT %s
) ORDER BY j.created_at DESC, j.job_id COLLATE "C" DESC"""
_HEADS: Final = f"""
SELECT j.job_id, {EPOCH}, j.seq, j.rev, j.is_active,
  EXISTS (SELECT 1 FROM chanx_jobs_execution e WHERE e.job_id = j.job_id)
FROM chanx_jobs_job j WHERE j.expires_at > NOW() AND j.job_id IN """
_OUTCOME: Final = """
SELECT j.unfinished, j.failure, j.cancellation, j.is_cancelled, j.cancel_reason, t.task_id, t.result
FROM chanx_jobs_job j LEFT JOIN chanx_jobs_task t ON t.job_id = j.job_id AND t.place > 0 AND t.result IS NOT NULL
WHERE j.job_id = %s AND j.is_active AND j.expires_at > NOW() ORDER BY t.place"""


def page(job_id: str, *, after: int, limit: int) -> Statement:
    # One more would be no harm where there is none: a job without events has a row, too.
    return _PAGE, (after, job_id, after, job_id, max(1, limit))


def page_of(rows: Rows) -> LogPage | None:
    if not rows:
        return None
    epoch, oldest, head, *_ = rows[0]
    entries = tuple(LogEntry(seq, text) for *_, seq, text in rows if seq is not None)
    return LogPage(entries, oldest, head, epoch)


def one_job(job_id: str) -> Statement:
    return f"{_JOBS} j.job_id = %s", (job_id,)


def jobs_listed(owner: str, *, limit: int, before: datetime | None, before_id: str) -> Statement:
    return _JOBS + _LISTED, (digest_of(owner), *_after(before, before_id), limit)


def newest_jobs(*, limit: int, before: datetime | None, before_id: str) -> Statement:
    return _JOBS + _NEWEST, (*_after(before, before_id), limit)


def snapshots_of(rows: Rows) -> list[JobSnapshot]:
    """The rows of a job follow each other."""
    return [_snapshot(list(job)) for _, job in groupby(rows, key=lambda row: row[0])]


def heads(job_ids: Sequence[str]) -> Statement:
    return f"{_HEADS} ({', '.join(['%s'] * len(job_ids))})", job_ids


def heads_of(rows: Rows) -> dict[str, Head]:
    return {
        job_id: Head(epoch, seq, rev, complete=bool(active and not waiting), ended=not active)
        for job_id, epoch, seq, rev, active, waiting in rows
    }


def outcome(job_id: str) -> Statement:
    return _OUTCOME, (job_id,)


def outcome_of(rows: Rows) -> JobOutcome | None:
    if not rows:
        return None
    unfinished, failure, cancellation, cancelled, reason, *_ = rows[0]
    results = {task_id: result or None for *_, task_id, result in rows if task_id is not None}
    return JobOutcome(results, unfinished, failure, cancellation, bool(cancelled), _decoded(reason))


def _snapshot(rows: Sequence[tuple[Any, ...]]) -> JobSnapshot:
    _, epoch, record, state, attempt, cancelled, reason, seq, oldest, rev, *_ = rows[0]
    return JobSnapshot(
        **json.loads(record),
        state=JobState(state),
        attempt=attempt,
        cancel_requested=bool(cancelled),
        cancel_reason=_decoded(reason),
        epoch=epoch,
        seq=seq,
        oldest=oldest,
        rev=rev,
        fields=decoded_fields(_patches(rows, "field")),
        latest={action: int(rev) for action, rev in _patches(rows, "latest").items()},
    )


def _after(before: datetime | None, before_id: str) -> tuple[float, float, str]:
    at = before.timestamp() if before else 1e18
    return at, at, before_id


def _patches(rows: Iterable[tuple[Any, ...]], wanted: str) -> dict[str, str]:
    return {name: value for *_, kind, name, value in rows if kind == wanted}


def _decoded(reason: str | None) -> str | None:
    """The reason is kept as JSON, as it may have characters that a database refuses."""
    decoded: str | None = None if reason is None else json.loads(reason)
    return decoded
