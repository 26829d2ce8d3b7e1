"""What a new job is made of, as statements."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, count
from typing import Final

from chanx.bridge.contrib.connections import Statement, digest_of
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.store.base import Retention

_PORTION: Final = 500
"""Rows of one statement: a canvas can have many thousands of tasks."""

_PUT_JOB: Final = (
    "INSERT INTO chanx_jobs_job (job_id, owner, name, record, listed_for, created_at, expires_at, state, is_active,"
    " attempt, is_cancelled, seq, rev, oldest, log_bytes, trimmed_bytes, tasks, parts, unfinished, result_bytes)"
    " VALUES (%s, %s, %s, %s, %s, %s, NOW() + %s, 'queued', true, 0, false, 0, 0, 1, 0, 0, %s, 0, %s, 0)"
)
_PUT_LISTING: Final = "INSERT INTO chanx_jobs_listing (job_id, listed_for, created_at) VALUES (%s, %s, %s)"
# Of many rows, what is the same in all of them is said once: each value of a statement takes its time.
_PUT_EXECUTIONS: Final = (
    "INSERT INTO chanx_jobs_execution (job_id, publish_id, task_id, worker, is_claimed)"
    " SELECT %s, column1, column2, '', false FROM"
)
_PUT_TASKS: Final = (
    "INSERT INTO chanx_jobs_task (job_id, task_id, place, attempt, run_id, progress_attempt, progress_parts)"
    " SELECT %s, column1, column2, -1, '', 0, 0 FROM"
)
_PUT_KEY: Final = (
    "INSERT INTO chanx_jobs_key (digest, job_id, expires_at) VALUES (%s, %s, NOW() + %s)"
    " ON CONFLICT (digest) DO UPDATE SET job_id = excluded.job_id, expires_at = excluded.expires_at"
)


def existing(record: JobRecord) -> tuple[Statement, Statement, Statement]:
    """Asks whether the id is taken (and the job kept still), whose the key is, and how many active jobs there are."""
    return (
        ("SELECT expires_at > NOW() FROM chanx_jobs_job WHERE job_id = %s", (record.job_id,)),
        ("SELECT job_id FROM chanx_jobs_key WHERE digest = %s AND expires_at > NOW()", (key_digest(record),)),
        (
            "SELECT count(*) FROM chanx_jobs_job WHERE owner = %s AND is_active AND expires_at > NOW()",
            (_plain(record.owner),),
        ),
    )


def new_job(
    record: JobRecord, pending: Mapping[str, str], tasks: Mapping[str, bool], limits: Retention
) -> Iterator[Statement]:
    job_id, created = record.job_id, record.created_at.timestamp()
    listed_for = json.dumps(record.listed_for)
    texts = (job_id, _plain(record.owner), _plain(record.name), record.model_dump_json(), listed_for)
    yield _PUT_JOB, (*texts, created, limits.active_seconds, len(tasks), sum(tasks.values()))
    for name in record.listed_for:
        yield _PUT_LISTING, (job_id, digest_of(name), created)
    yield from _portions(_PUT_EXECUTIONS, job_id, list(pending.items()))
    places = count(1)
    parts = [(task_id, next(places) if is_final else 0) for task_id, is_final in tasks.items()]
    yield from _portions(_PUT_TASKS, job_id, parts)
    if record.idempotency_key is not None:
        yield _PUT_KEY, (key_digest(record), job_id, limits.ended_seconds)


def key_digest(record: JobRecord) -> str:
    """Of an owner's idempotency key; of no use where there is none."""
    return digest_of(f"{record.owner}\0{record.idempotency_key}")


def _plain(text: str) -> str:
    """PostgreSQL has no texts with NUL characters."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}")


def _portions(sql: str, job_id: str, pairs: Sequence[tuple[str, object]]) -> Iterator[Statement]:
    for start in range(0, len(pairs), _PORTION):
        portion = pairs[start : start + _PORTION]
        yield f"{sql} (VALUES {', '.join(['(%s, %s)'] * len(portion))}) AS pairs", [job_id, *chain(*portion)]
