"""What an append has to know of its job: one row, read while the job is locked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from chanx.bridge.contrib.connections import Statement
from chanx.bridge.contrib.epoch import EPOCH
from chanx.bridge.entry import NewEntry
from chanx.bridge.names import list_group
from chanx.bridge.states import JobState

# Not in one statement: one that has waited for the lock sees the other tables as they were before.
_LOCK: Final = "SELECT 1 FROM chanx_jobs_job WHERE job_id = %s FOR UPDATE"
_READ: Final = f"""
SELECT {EPOCH}, j.listed_for, j.state, j.attempt, j.is_cancelled, j.expires_at - NOW(),
  j.seq, j.rev, j.oldest, j.log_bytes, j.trimmed_bytes, j.tasks, j.parts, j.unfinished, j.result_bytes,
  coalesce(r.n, 0), coalesce(e.task_id, ''), e.publish_id IS NOT NULL,
  EXISTS (SELECT 1 FROM chanx_jobs_execution o WHERE o.job_id = j.job_id AND o.publish_id <> %s),
  t.place, coalesce(t.attempt, -1), coalesce(t.run_id, ''),
  coalesce(t.progress_attempt, 0), coalesce(t.progress_parts, 0), t.result IS NOT NULL
FROM chanx_jobs_job j
LEFT JOIN chanx_jobs_run r ON r.job_id = j.job_id AND r.run_id = %s
LEFT JOIN chanx_jobs_execution e ON e.job_id = j.job_id AND e.publish_id = %s
LEFT JOIN chanx_jobs_task t ON t.job_id = j.job_id AND t.task_id = coalesce(%s, e.task_id)
WHERE j.job_id = %s AND j.expires_at > NOW()"""


@dataclass(frozen=True, slots=True)
class Standing:
    """The job, the entry's run (``run_n``), the execution that the entry ends, and its task.

    ``is_pending``: that execution is among those that the job waits for; ``others_pending``: there are others.
    ``task_*`` are the newest attempt and its run; ``place`` is None for a task that is not one of the job's.
    ``seconds_left`` is the job's retention as it is now.
    """

    epoch: str
    listed_for: str
    state: JobState
    attempt: int
    cancelled: bool
    seconds_left: float
    seq: int
    rev: int
    oldest: int
    log_bytes: int
    trimmed_bytes: int
    tasks: int
    parts: int
    unfinished: int
    result_bytes: int
    run_n: int
    ending_task_id: str
    is_pending: bool
    others_pending: bool
    place: int | None
    task_attempt: int
    task_run_id: str
    progress_attempt: int
    progress_parts: int
    has_result: bool

    @property
    def has_ended(self) -> bool:
        return self.state.is_terminal

    @property
    def list_groups(self) -> tuple[str, ...]:
        """The groups of those that the job is listed for."""
        return tuple(map(list_group, json.loads(self.listed_for)))


def questions(entry: NewEntry) -> tuple[Statement, Statement]:
    """Lock the job and read its standing: the rows of the second one are for :func:`standing_of`."""
    publish_id = entry.ending.publish_id if entry.ending else ""
    parameters = (publish_id, entry.run_id, publish_id, entry.task_id or None, entry.job_id)
    return (_LOCK, (entry.job_id,)), (_READ, parameters)


def standing_of(row: tuple[Any, ...]) -> Standing:
    epoch, listed_for, state, attempt, cancelled, *rest = row
    return Standing(epoch, listed_for, JobState(state), attempt, bool(cancelled), *rest)
