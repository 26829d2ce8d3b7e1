"""Cancelling a job, whatever it is doing: not begun, running, between two attempts, or over.

flag in the store (rules) ─> job_cancel_requested ─> not begun: ends here ─> nobody waits for what no worker has begun
                                                  └─> running: stops at its next step, or is terminated at a deadline
Celery's revoke only accelerates.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Final

from celery import Celery

from chanx.bridge.encoding import Origin, without_surrogates
from chanx.bridge.entry import AppendStatus, Deadline, Execution
from chanx.bridge.events import JobCancelledEvent, JobCancelRequested, ReasonPayload
from chanx.bridge.names import is_job_id
from chanx.bridge.reporter import JobReporter, drop_unclaimed
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.states import JobState
from chanx.bridge.store.base import JobStore
from chanx.bridge.transports.base import JobTransport
from chanx.errors import ConfigurationError, JobNotFoundError
from chanx.log import log_throttled

MAX_REASON: Final = 500
"""Characters of a reason that are kept."""

MAX_REVOKED: Final = 1000
"""Tasks of one job that Celery is asked to revoke, at most: the list goes to every worker."""

REVOKE_SECONDS: Final = 0.25
"""How long a cancellation waits for the broker."""

_MAX_WAITING = 8
"""Cancellations whose broker does not answer, at most; the next ones do without it."""

_brokers = threading.BoundedSemaphore(_MAX_WAITING)


class Cancelling:
    """What :meth:`Bridge.cancel` does with one job."""

    def __init__(self, app: Celery, store: JobStore, transport: JobTransport) -> None:
        self._app = app
        self._store = store
        self._transport = transport

    def cancel(self, job_id: str, *, reason: str | None, terminate_after: float | None) -> JobState:
        """The job's state afterwards; see :meth:`Bridge.cancel`."""
        if terminate_after is not None and not (math.isfinite(terminate_after) and terminate_after >= 0):
            raise ConfigurationError(f"cancel(terminate_after={terminate_after!r}): use seconds, 0 or more")
        state = self._store.request_cancel(job_id, reason=_clipped(reason)) if is_job_id(job_id) else None
        job = None if state is None else self._store.snapshot(job_id)
        if state is None or job is None:
            raise job_not_found(job_id)
        if job.state.is_terminal:
            return job.state
        task_ids = list(dict.fromkeys([job.task_id, *self._store.pending(job_id).values()]))[:MAX_REVOKED]
        if terminate_after is not None:
            # Each grace has a deadline of its own: whoever loses patience later need not wait for the first one.
            execution = Execution(job_id, f"{terminate_after:g}", job.task_id, job.name, 0)
            self._transport.set_deadline(Deadline("terminate", execution), seconds=terminate_after)
        if self._tell(job):
            self._revoke(task_ids)
        after = self._store.snapshot(job_id)
        return after.state if after else state

    def _tell(self, job: JobSnapshot) -> bool:
        """Tells of the cancellation, and ends the job if nothing of it runs. Whether nobody had told before.

        What was told is not told again; but whoever asked to cancel before may have been cut short anywhere here.
        """
        payload = ReasonPayload(reason=job.cancel_reason)
        run_id = f"{job.job_id}:cancel"
        reporter = JobReporter(
            self._transport, job_id=job.job_id, task_id=job.task_id, attempt=job.attempt, run_id=run_id
        )
        told = reporter.send(JobCancelRequested(payload=payload))
        reporter.send(JobCancelledEvent(payload=payload), only_if_queued=True)
        drop_unclaimed(self._transport, Origin(job.job_id, job.task_id, job.attempt, run_id))
        return told is None or told.status is not AppendStatus.DUPLICATE

    def _revoke(self, task_ids: list[str]) -> None:
        """For a worker that has a task in its prefetch. A broker that does not answer is left to a thread."""

        def revoke() -> None:
            try:
                self._app.control.revoke(task_ids)
            except Exception as error:  # whatever the broker's library raises when it is away
                log_throttled("revoke_failed", key=id(self._app), task_ids=task_ids[:10], error=str(error))

        if not _in_thread(revoke):
            log_throttled(
                "revoke_failed", key=id(self._app), task_ids=task_ids[:10], error="the broker does not answer"
            )


def job_not_found(job_id: str) -> JobNotFoundError:
    return JobNotFoundError(f"There is no job {job_id[:80]}: it never was, or its retention is over.")


def _in_thread(action: Callable[[], None]) -> bool:
    """Runs the action in a thread of its own, and waits for it a moment; False where too many are under way."""
    if not _brokers.acquire(blocking=False):
        return False

    def run() -> None:
        try:
            action()
        finally:
            _brokers.release()

    thread = threading.Thread(target=run, name="chanx-revoke", daemon=True)
    thread.start()
    thread.join(REVOKE_SECONDS)
    return True


def _clipped(reason: str | None) -> str | None:
    return None if reason is None else without_surrogates(reason)[:MAX_REASON]
