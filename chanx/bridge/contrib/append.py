"""What an append does to a job, as statements. The readable double is :mod:`chanx.bridge.store.memory_job`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chanx.bridge.contrib.connections import Statement
from chanx.bridge.contrib.standing import Standing
from chanx.bridge.entry import Appended, AppendStatus, Ending, NewEntry
from chanx.bridge.states import is_newer
from chanx.bridge.store.base import MAX_RESULT_BYTES, Retention
from chanx.bridge.store.fractions import WHOLE, Fractions, parts_of

_ENDED: Final = 2**31
"""The attempt of a task's progress once it has ended: later than any."""

_PUT_RUN: Final = (
    "INSERT INTO chanx_jobs_run (job_id, run_id, n) VALUES (%s, %s, %s)"
    " ON CONFLICT (job_id, run_id) DO UPDATE SET n = excluded.n"
)
_CLAIM_EXECUTION: Final = (
    "UPDATE chanx_jobs_execution SET is_claimed = %s, worker = '' WHERE job_id = %s AND publish_id = %s"
)
_CLAIM_TASK: Final = (
    "INSERT INTO chanx_jobs_task (job_id, task_id, attempt, run_id, progress_attempt, progress_parts)"
    " VALUES (%s, %s, %s, %s, 0, 0)"
    " ON CONFLICT (job_id, task_id) DO UPDATE SET attempt = excluded.attempt, run_id = excluded.run_id"
)
_END_EXECUTION: Final = "DELETE FROM chanx_jobs_execution WHERE job_id = %s AND publish_id = %s"
_KEEP_RESULT: Final = "UPDATE chanx_jobs_task SET result = %s WHERE job_id = %s AND task_id = %s"
_ADVANCE: Final = (
    "UPDATE chanx_jobs_task SET progress_attempt = %s, progress_parts = %s WHERE job_id = %s AND task_id = %s"
)
_PUT_EVENT: Final = "INSERT INTO chanx_jobs_event (job_id, seq, start, text) VALUES (%s, %s, %s, %s)"
_PUT_PATCH: Final = (
    "INSERT INTO chanx_jobs_patch (job_id, kind, name, value) VALUES (%s, %s, %s, %s)"
    " ON CONFLICT (job_id, kind, name) DO UPDATE SET value = excluded.value"
)
_TRIM: Final = "DELETE FROM chanx_jobs_event WHERE job_id = %s AND seq < %s AND (seq <= %s OR start < %s)"
_SET_OLDEST: Final = (
    "UPDATE chanx_jobs_job SET (oldest, trimmed_bytes) ="
    " (SELECT seq, start FROM chanx_jobs_event WHERE job_id = %s ORDER BY seq LIMIT 1) WHERE job_id = %s"
)
_FORGET_EXECUTIONS: Final = "DELETE FROM chanx_jobs_execution WHERE job_id = %s"
_FORGET_TASKS: Final = "DELETE FROM chanx_jobs_task WHERE job_id = %s"


class Append:
    """Decides what becomes of one entry; then ``statements`` has what to write, and :meth:`answer` what to say."""

    def __init__(self, entry: NewEntry, standing: Standing, retention: Retention) -> None:
        self.statements: list[Statement] = []
        self._entry = entry
        self._job = standing
        self._retention = retention
        self._seq, self._rev, self._log_bytes = standing.seq, standing.rev, standing.log_bytes
        self._parts, self._unfinished, self._result_bytes = standing.parts, standing.unfinished, standing.result_bytes
        self._progress = (standing.progress_attempt, standing.progress_parts)
        self._state = (standing.state, standing.attempt)
        self._event: str | None = None
        self._first: dict[str, str] = {}  # of several failures, or cancellations, the first one is kept
        self._status = self._refusal() or self._take()

    def answer(self) -> Appended:
        job, entry = self._job, self._entry
        is_taken = self._status in (AppendStatus.APPENDED, AppendStatus.HELD)
        is_waiting = job.others_pending or (job.is_pending and not is_taken)
        has_changed = self._state != (job.state, job.attempt)
        return Appended(
            self._status,
            self._seq,
            self._rev,
            job.epoch,
            job.cancelled,
            complete=not is_waiting and not self._state[0].is_terminal,
            event=self._event,
            list_groups=job.list_groups if has_changed and entry.state else (),
        )

    def _refusal(self) -> AppendStatus | None:
        """Why the entry changes nothing, None where it is taken."""
        entry, job = self._entry, self._job
        if entry.n <= job.run_n:
            return AppendStatus.DUPLICATE
        if job.has_ended:
            return AppendStatus.ENDED
        if entry.only_if_queued and job.state.rank:
            return AppendStatus.REFUSED
        if entry.only_if_complete and (job.is_pending or job.others_pending):
            return AppendStatus.REFUSED
        if self._is_superseded():
            return AppendStatus.SUPERSEDED
        ending = entry.ending
        if ending and ending.publish_id and not job.is_pending and ending.outcome != "succeeded":
            return AppendStatus.REFUSED
        return None

    def _is_superseded(self) -> bool:
        entry, job = self._entry, self._job
        is_claim = entry.claims and not entry.in_place_of
        if not entry.task_id or is_claim or (entry.ending and entry.ending.outcome == "succeeded"):
            return False
        if entry.attempt < job.task_attempt:
            return entry.delivery == "latest"
        return entry.attempt == job.task_attempt and (entry.in_place_of or entry.run_id) != job.task_run_id

    def _take(self) -> AppendStatus:
        entry = self._entry
        self._write(_PUT_RUN, entry.job_id, entry.run_id, entry.n)
        if entry.claims:
            self._claim()
        is_terminal = entry.state is not None and entry.state.is_terminal
        if entry.ending:
            self._end_execution(entry.ending)
            if is_terminal and self._cannot_end_job(entry.ending):
                self._write_job(ended=False)
                return AppendStatus.HELD
        patch = self._fill_in_fraction()
        if entry.delivery == "log":
            self._add_event(self._event or entry.event)
        else:
            self._rev += 1
            self._write(_PUT_PATCH, entry.job_id, "latest", entry.action, str(self._rev))
        for name, value in patch.items():
            self._write(_PUT_PATCH, entry.job_id, "field", name, value)
        state, attempt = self._state
        if entry.state and is_newer(entry.state, entry.attempt, than=state, than_attempt=attempt):
            self._state = entry.state, entry.attempt
        self._write_job(ended=is_terminal)
        return AppendStatus.APPENDED

    def _claim(self) -> None:
        entry = self._entry
        if entry.execution:
            self._write(_CLAIM_EXECUTION, not entry.gives_back, entry.job_id, entry.execution.publish_id)
        if entry.attempt >= self._job.task_attempt:
            self._write(_CLAIM_TASK, entry.job_id, entry.task_id, entry.attempt, entry.run_id)

    def _end_execution(self, ending: Ending) -> None:
        """Takes the execution from the pending ones, and keeps what came of it."""
        if self._job.is_pending:
            self._write(_END_EXECUTION, self._entry.job_id, ending.publish_id)
        if ending.outcome == "none":
            return
        if ending.outcome == "succeeded":
            self._keep_result(ending.value)
        else:
            self._first["failure" if ending.outcome == "failed" else "cancellation"] = ending.value
        self._advance(_ENDED, WHOLE)

    def _keep_result(self, value: str) -> None:
        if not self._job.place or self._job.has_result:
            return
        self._unfinished -= 1
        size = len(value.encode())
        if self._result_bytes + size > MAX_RESULT_BYTES:
            value = ""
        else:
            self._result_bytes += size
        self._write(_KEEP_RESULT, value, self._entry.job_id, self._task_id)

    def _advance(self, attempt: int, parts: int) -> None:
        """How far the task is. The greater one counts: a retry may go back, an attempt by itself does not."""
        if self._job.place is None or self._job.tasks < 2 or (attempt, parts) <= self._progress:
            return
        self._parts += parts - self._progress[1]
        self._progress = (attempt, parts)
        self._write(_ADVANCE, attempt, parts, self._entry.job_id, self._task_id)

    def _cannot_end_job(self, ending: Ending) -> bool:
        """Whether an execution that ended so cannot end the job: others are to come, or it has succeeded."""
        return self._job.others_pending or (ending.outcome != "succeeded" and self._unfinished == 0)

    def _fill_in_fraction(self) -> Mapping[str, str]:
        """The entry's patch, with how far the job is; the event's text too, in a job of several tasks."""
        entry = self._entry
        if entry.fraction is None or self._job.tasks < 2:
            return entry.patch
        if entry.task_id:
            self._advance(entry.attempt, parts_of(entry.fraction))
        fractions = Fractions(self._parts, self._job.tasks)
        self._event = fractions.filled_in(entry.event)
        return {name: fractions.filled_in(value) for name, value in entry.patch.items()}

    def _add_event(self, event: str) -> None:
        entry, job, limits = self._entry, self._job, self._retention
        self._seq += 1
        self._write(_PUT_EVENT, entry.job_id, self._seq, self._log_bytes, event)
        self._log_bytes += len(event.encode())
        is_long = self._seq - job.oldest >= limits.max_entries
        is_large = self._log_bytes - job.trimmed_bytes > limits.max_bytes and job.oldest < self._seq
        if is_long or is_large:
            # A hundredth more than necessary goes, so that most appends drop nothing.
            most = limits.max_entries - (limits.max_entries // 100 if is_long else 0)
            most_bytes = limits.max_bytes - (limits.max_bytes // 100 if is_large else 0)
            self._write(_TRIM, entry.job_id, self._seq, self._seq - most, self._log_bytes - most_bytes)
            self._write(_SET_OLDEST, entry.job_id, entry.job_id)

    def _write_job(self, *, ended: bool) -> None:
        """The job's row, what has changed of it."""
        job, (state, attempt) = self._job, self._state
        changes: dict[str, object] = {}
        for name, before, after in (
            ("seq", job.seq, self._seq),
            ("rev", job.rev, self._rev),
            ("log_bytes", job.log_bytes, self._log_bytes),
            ("parts", job.parts, self._parts),
            ("unfinished", job.unfinished, self._unfinished),
            ("result_bytes", job.result_bytes, self._result_bytes),
            ("state", job.state.value, state.value),
            ("attempt", job.attempt, attempt),
            ("is_active", True, not ended),
        ):
            if after != before:
                changes[name] = after
        terms = [*(f"{name} = %s" for name in changes), *(f"{name} = coalesce({name}, %s)" for name in self._first)]
        values = [*changes.values(), *self._first.values()]
        if ended:
            for sql in (_FORGET_EXECUTIONS, _FORGET_TASKS):
                self._write(sql, self._entry.job_id)
        limits = self._retention
        keep = limits.ended_seconds if ended else limits.active_seconds
        # An index has this column: it is written where it would move by a hundredth.
        if ended or keep - job.seconds_left > keep / 100:
            terms.append("expires_at = NOW() + %s")
            values.append(keep)
        if terms:
            self._write(f"UPDATE chanx_jobs_job SET {', '.join(terms)} WHERE job_id = %s", *values, self._entry.job_id)

    @property
    def _task_id(self) -> str:
        return self._entry.task_id or self._job.ending_task_id

    def _write(self, sql: str, *parameters: object) -> None:
        self.statements.append((sql, parameters))
