"""Jobs whose retention is over: they are invisible from that moment, and their rows go in portions."""

from __future__ import annotations

from typing import Final

from chanx.bridge.contrib.database import Database

_PORTION: Final = 5_000
"""Events that are deleted at once: a job can have millions, and each statement has to end in time."""

_TABLES: Final = ("event", "patch", "run", "execution", "task", "listing", "key", "job")

_CONDEMN: Final = "UPDATE chanx_jobs_job SET expires_at = 0 WHERE job_id = %s AND expires_at <= NOW()"
_CONDEMNED: Final = "SELECT oldest, seq FROM chanx_jobs_job WHERE job_id = %s AND expires_at = 0"
_EXPIRED: Final = "SELECT job_id FROM chanx_jobs_job WHERE expires_at <= NOW() ORDER BY expires_at LIMIT %s"


def forget_expired(database: Database, *, limit: int) -> int:
    """Deletes that many jobs at most, the oldest first; how many it were."""
    (rows,) = database.ask((_EXPIRED, (limit,)))
    for (job_id,) in rows:
        forget(database, job_id)
    return len(rows)


def forget(database: Database, job_id: str) -> None:
    """Deletes a job whose time is over. Who is broken off leaves the rest to the next one."""
    with database.transaction() as transaction:
        # First, so that no append takes it up again.
        _, condemned = transaction.ask((_CONDEMN, (job_id,)), (_CONDEMNED, (job_id,)))
    for oldest, head in condemned:
        for seq in range(oldest + _PORTION, head, _PORTION):
            database.ask(("DELETE FROM chanx_jobs_event WHERE job_id = %s AND seq < %s", (job_id, seq)))
        with database.transaction() as transaction:
            transaction.ask(*((f"DELETE FROM chanx_jobs_{table} WHERE job_id = %s", (job_id,)) for table in _TABLES))
