"""The job store in a Django project's database: PostgreSQL, or SQLite in a file of its own.

    Job, Event, Patch, …    the tables, see :mod:`chanx.bridge.contrib.models`
    append ─> lock the job's row, read its standing ─> Append decides ─> its statements and the commit

Two round trips an append on PostgreSQL.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from chanx.bridge.contrib import reading
from chanx.bridge.contrib.append import Append
from chanx.bridge.contrib.caring import DatabaseLeases, care_after, care_before
from chanx.bridge.contrib.creation import existing, new_job
from chanx.bridge.contrib.database import Database, Transaction
from chanx.bridge.contrib.epoch import new_epoch
from chanx.bridge.contrib.forgetting import forget, forget_expired
from chanx.bridge.contrib.standing import questions, standing_of
from chanx.bridge.entry import Appended, AppendStatus, Head, JobOutcome, LogPage, NewEntry
from chanx.bridge.names import validated_job_id
from chanx.bridge.snapshot import JobRecord, JobSnapshot
from chanx.bridge.states import JobState
from chanx.bridge.store.base import JobStore, Retention, StoreUnavailableError, id_taken, too_many_jobs

_LOCK_ACTIVE: Final = (
    "SELECT state FROM chanx_jobs_job WHERE job_id = %s AND is_active AND expires_at > NOW() FOR UPDATE"
)
_STATE: Final = "SELECT state FROM chanx_jobs_job WHERE job_id = %s AND expires_at > NOW()"
_IS_WAITING: Final = "SELECT 1 FROM chanx_jobs_execution WHERE job_id = %s LIMIT 1"
_PENDING: Final = (
    "SELECT e.publish_id, e.task_id FROM chanx_jobs_execution e JOIN chanx_jobs_job j ON j.job_id = e.job_id"
    " WHERE e.job_id = %s AND j.is_active AND j.expires_at > NOW()"
)
_ADD_PENDING: Final = (
    "INSERT INTO chanx_jobs_execution (job_id, publish_id, task_id, worker, is_claimed) VALUES (%s, %s, %s, %s, false)"
    " ON CONFLICT (job_id, publish_id) DO UPDATE SET task_id = excluded.task_id, worker = excluded.worker"
)
_CANCEL: Final = (
    "UPDATE chanx_jobs_job SET is_cancelled = true, cancel_reason = %s"
    " WHERE job_id = %s AND is_active AND NOT is_cancelled AND expires_at > NOW()"
)
_IS_CANCELLED: Final = "SELECT 1 FROM chanx_jobs_job WHERE job_id = %s AND is_cancelled AND expires_at > NOW()"
_DELETE: Final = "UPDATE chanx_jobs_job SET expires_at = 0 WHERE job_id = %s AND NOT is_active AND expires_at > NOW()"

_SWEPT: Final = 2
"""Jobs that each new one takes away, of those whose time is over: more than one, so that they become fewer."""


class DjangoJobStore(DatabaseLeases, JobStore):
    """Needs ``"chanx.bridge.contrib"`` in ``INSTALLED_APPS``, in the web processes and in the workers alike.

    ``using`` is an alias of ``DATABASES``; by default the routers of the project decide. The store opens connections
    of its own, so an event is there at once and stays, whatever becomes of the transaction of the request or task that
    it is about; in SQLite, where one transaction writes at a time, that takes a file of its own. ``timeout`` (seconds)
    bounds each answer, the wait for a lock included. Safe across forks and threads, and inside a running event loop.
    """

    def __init__(self, using: str | None = None, *, retention: Retention | None = None, timeout: float = 1.0) -> None:
        self.retention = retention or Retention()
        self._database = Database(using, timeout=timeout)

    @property
    def alias(self) -> str:
        """The alias of the database that the jobs are in."""
        return self._database.alias

    @property
    def place(self) -> str:
        return self._database.place

    def check_settings(self) -> None:
        """Raises ``ConfigurationError`` unless the settings lead to a database that the store can use."""
        self._database.check_settings()

    def create(
        self,
        record: JobRecord,
        *,
        pending: Mapping[str, str] | None = None,
        tasks: Mapping[str, bool] | None = None,
        first: NewEntry | None = None,
        max_active: int | None = None,
    ) -> str:
        job_id = validated_job_id(record.job_id)
        with self._database.transaction() as transaction:
            transaction.lock(f"chanx job {job_id}")
            if record.idempotency_key is not None or max_active is not None:
                transaction.lock(f"chanx owner {record.owner}")
            taken, earlier, active = transaction.ask(*existing(record))
            if (True,) in taken:
                raise id_taken(job_id)
            if record.idempotency_key is not None and earlier:
                return str(earlier[0][0])
            if max_active is not None and active[0][0] >= max_active:
                raise too_many_jobs(max_active)
            if not taken:
                transaction.later(*new_job(record, pending or {}, tasks or {record.task_id: True}, self.retention))
                if first is not None:
                    self._append(transaction, first)
        if taken:  # by a job whose time is over
            forget(self._database, job_id)
            return self.create(record, pending=pending, tasks=tasks, first=first, max_active=max_active)
        with suppress(StoreUnavailableError):  # the job is stored; the next one sweeps
            forget_expired(self._database, limit=_SWEPT)
        return job_id

    def append(self, entry: NewEntry) -> Appended:
        validated_job_id(entry.job_id)
        with self._database.transaction() as transaction:
            return self._append(transaction, entry)

    def read(self, job_id: str, *, after: int, limit: int) -> LogPage | None:
        (rows,) = self._database.ask(reading.page(job_id, after=after, limit=limit))
        return reading.page_of(rows)

    def snapshot(self, job_id: str) -> JobSnapshot | None:
        (rows,) = self._database.ask(reading.one_job(job_id))
        return next(iter(reading.snapshots_of(rows)), None)

    def heads(self, job_ids: Sequence[str]) -> list[Head | None]:
        if not job_ids:
            return []
        (rows,) = self._database.ask(reading.heads(job_ids))
        found = reading.heads_of(rows)
        return [found.get(job_id) for job_id in job_ids]

    def delete(self, job_id: str) -> bool:
        with self._database.transaction() as transaction:
            (ended, _) = transaction.ask(
                (
                    "SELECT 1 FROM chanx_jobs_job"
                    " WHERE job_id = %s AND NOT is_active AND expires_at > NOW() FOR UPDATE",
                    (job_id,),
                ),
                (_DELETE, (job_id,)),
            )
        if ended:
            forget(self._database, job_id)
        return bool(ended)

    def add_pending(self, job_id: str, publish_id: str, task_id: str, *, worker: str = "") -> bool:
        with self._database.transaction() as transaction:
            (active,) = transaction.ask((_LOCK_ACTIVE, (job_id,)))
            if active:
                transaction.later((_ADD_PENDING, (job_id, publish_id, task_id, worker)))
            return bool(active)

    def drop_pending(self, job_id: str, publish_ids: Collection[str]) -> bool:
        with self._database.transaction() as transaction:
            (active,) = transaction.ask((_LOCK_ACTIVE, (job_id,)))
            if not active:
                return False
            if publish_ids:
                wanted = ", ".join(["%s"] * len(publish_ids))
                sql = f"DELETE FROM chanx_jobs_execution WHERE job_id = %s AND publish_id IN ({wanted})"
                transaction.later((sql, (job_id, *publish_ids)))
            (waiting,) = transaction.ask((_IS_WAITING, (job_id,)))
            return not waiting

    def pending(self, job_id: str) -> dict[str, str]:
        (rows,) = self._database.ask((f"{_PENDING} ORDER BY e.id", (job_id,)))
        return dict(rows)

    def unclaimed(self, job_id: str, *, worker: str | None = None) -> dict[str, str]:
        sql, parameters = f"{_PENDING} AND NOT e.is_claimed", [job_id]
        if worker is not None:
            sql, parameters = f"{sql} AND e.worker = %s", [job_id, worker]
        (rows,) = self._database.ask((f"{sql} ORDER BY e.id", parameters))
        return dict(rows)

    def outcome(self, job_id: str) -> JobOutcome | None:
        (rows,) = self._database.ask(reading.outcome(job_id))
        return reading.outcome_of(rows)

    def jobs_of(
        self, owner: str, *, limit: int = 50, before: datetime | None = None, before_id: str = ""
    ) -> list[JobSnapshot]:
        (rows,) = self._database.ask(reading.jobs_listed(owner, limit=limit, before=before, before_id=before_id))
        return reading.snapshots_of(rows)

    def all_jobs(self, *, limit: int = 50, before: datetime | None = None, before_id: str = "") -> list[JobSnapshot]:
        (rows,) = self._database.ask(reading.newest_jobs(limit=limit, before=before, before_id=before_id))
        return reading.snapshots_of(rows)

    def request_cancel(self, job_id: str, *, reason: str | None = None) -> JobState | None:
        # As JSON, which has no characters that a database refuses.
        text = None if reason is None else json.dumps(reason)
        _, rows = self._database.ask((_CANCEL, (text, job_id)), (_STATE, (job_id,)))
        return JobState(rows[0][0]) if rows else None

    def is_cancelled(self, job_id: str) -> bool:
        (rows,) = self._database.ask((_IS_CANCELLED, (job_id,)))
        return bool(rows)

    def purge(self, *, limit: int = 1000) -> int:
        """Deletes that many jobs at most whose retention is over; how many it were.

        Every new job takes away two of them as well: this is for a project that starts fewer than it has to forget, or
        wants the space now. ``manage.py chanx_purge_jobs`` calls it.
        """
        return forget_expired(self._database, limit=limit)

    def new_epoch(self) -> None:
        """Has every client start over: for after a backup was put back in a way that the store cannot see.

        ``manage.py chanx_new_epoch`` calls it.
        """
        self._database.ask(new_epoch())

    def close(self) -> None:
        self._database.close()

    def _append(self, transaction: Transaction, entry: NewEntry) -> Appended:
        lock, read = questions(entry)
        _, *_, rows = transaction.ask(lock, *care_before(entry), read)
        if not rows:
            transaction.later(*care_after(entry))
            return Appended(AppendStatus.UNKNOWN)
        append = Append(entry, standing_of(rows[0]), self.retention)
        transaction.later(*append.statements, *care_after(entry))
        return append.answer()
