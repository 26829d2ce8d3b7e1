"""One job on its way from the call to the broker.

deadline ─> JobStore.create, with job_queued ─> apply_async ─> before_task_publish gives the context ─> no deadline
   └─ whoever dies on the way leaves no job open: others end it
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from chanx.bridge.canvas import Canvas
from chanx.bridge.committed import after_commit
from chanx.bridge.context import JobContext
from chanx.bridge.encoding import Origin
from chanx.bridge.entry import AppendStatus, Deadline, Execution, NewEntry
from chanx.bridge.events import ErrorPayload, FailedPayload, JobFailed, JobQueued
from chanx.bridge.installed import Bridge
from chanx.bridge.names import list_group, new_job_id
from chanx.bridge.reporter import JobReporter, drop_pending
from chanx.bridge.scope import PublishScope, current_scope, entered
from chanx.bridge.snapshot import JobRecord, JobSnapshot
from chanx.bridge.started import StartedJob
from chanx.bridge.states import JobState
from chanx.bridge.unread_results import let_go
from chanx.core.failures import log_failure
from chanx.errors import TooManyJobsError
from chanx.metrics import JOB_EVENTS_PUBLISHED
from chanx.telemetry import carrier, measure

COMMIT_SECONDS: Final = 3600.0
"""How long the start of a job may take with its transaction, until whoever started it counts as dead."""

SLOW_TASKS: Final = 10_000
"""Tasks that even a slow broker takes within the time that a start may take."""

_STARTING = "start"
"""What a canvas waits for while its first tasks are published."""
_NOT_ENQUEUED = "not_enqueued"
_NOT_COMMITTED = "not_committed"


class JobStart:
    """Made by ``start_job``; ``apply`` publishes the canvas's signature."""

    def __init__(
        self,
        bridge: Bridge,
        canvas: Canvas,
        apply: Callable[..., object],
        *,
        owner: str,
        groups: tuple[str, ...],
        reply_channel: str | None,
    ) -> None:
        parent = current_scope()
        self._bridge = bridge
        self._canvas = canvas
        self._apply = apply
        self._context = JobContext(
            new_job_id(),
            owner,
            root_task_id=canvas.result_id,
            parent_job=parent.context.job_id if parent else None,
            canvas=len(canvas.tasks) > 1,
            groups=groups,
            reply_channel=reply_channel,
            trace=carrier(),
        )
        self.job = StartedJob(self._context.job_id, canvas.result_id)
        self._first = None if self._context.canvas else secrets.token_hex(8)
        self._reporter = JobReporter(bridge.transport, job_id=self.job.job_id, task_id=canvas.result_id, attempt=0)
        self._start = Execution(
            self.job.job_id,
            self._first or _STARTING,
            canvas.result_id,
            canvas.name,
            0,
            is_root=not self._context.canvas,
        )
        self._deadline = Deadline("enqueue", self._start)

    def store(
        self, *, meta: dict[str, Any], watchers: tuple[str, ...], idempotency_key: str | None, seconds: float
    ) -> StartedJob | None:
        """Stores the job as queued; the job that has the key already, where there is one.

        Others fail it unless it is on its way in so many ``seconds``, as many again for each ``SLOW_TASKS`` tasks.
        """
        record = JobRecord(
            job_id=self.job.job_id,
            owner=self._context.owner,
            name=self._canvas.name,
            task_id=self._canvas.result_id,
            created_at=datetime.now(UTC),
            meta=meta,
            idempotency_key=idempotency_key,
            watchers=watchers,
        )
        patience = seconds * (1 + len(self._canvas.tasks) // SLOW_TASKS)
        self._bridge.store.set_deadline(self._deadline, seconds=patience)
        try:
            queued = self._reporter.entry(JobQueued())
            earlier = self._create(record, queued)
        except TooManyJobsError:
            self._is_under_way()
            raise
        if earlier is not None:
            self._is_under_way()
            return earlier
        measure(JOB_EVENTS_PUBLISHED, 1, {"chanx.action": queued.action})
        groups = dict.fromkeys(map(list_group, [record.owner, *watchers]))
        self._bridge.transport.tell_lists(groups, record.job_id, JobState.QUEUED)
        return None

    def _create(self, record: JobRecord, first: NewEntry) -> StartedJob | None:
        store, limit = self._bridge.store, self._bridge.max_active_jobs
        pending = {self._start.publish_id: self._canvas.result_id}
        while True:
            job_id = store.create(record, pending=pending, tasks=self._canvas.tasks, first=first, max_active=limit)
            if job_id == record.job_id:
                return None
            earlier = store.snapshot(job_id)
            if earlier is None or not _was_never_enqueued(earlier):
                return StartedJob(job_id, earlier.task_id if earlier else "")
            # That one did nothing: this is the next attempt, and two of these are one as well.
            record = record.model_copy(update={"idempotency_key": f"{record.idempotency_key}:{job_id}"})

    def enqueue(self) -> None:
        scope = PublishScope(self._bridge.transport, self._context, first=self._first)
        try:
            with entered(scope):
                if self._context.canvas:
                    self._apply(self._canvas.signature)
                    let_go(self._bridge.app.backend, self._canvas.tasks)
                else:
                    self._apply(self._canvas.signature, task_id=self._canvas.result_id)
        except BaseException as failure:
            # In eager mode some of its tasks have run, and one of them may be what failed.
            drop_pending(scope.transport, self._origin, [_STARTING], if_decided=True)
            if not self._fail(_NOT_ENQUEUED, failure) or not self._keeps_back(failure):
                raise
            return
        scope.close(*() if self._first else (_STARTING,), noticed_by=self._origin)
        self._is_under_way()

    def enqueue_on_commit(self) -> None:
        try:
            after_commit(self.enqueue_quietly, never=self.abandon)
        except Exception as failure:
            self._fail(_NOT_ENQUEUED, failure)
            raise

    def enqueue_quietly(self) -> None:
        """As :meth:`enqueue`, for who cannot do anything about a failure: the job has ended then, and says so."""
        with suppress(Exception):  # whatever the broker's library raises; it is logged already
            self.enqueue()

    def abandon(self) -> None:
        """The transaction was rolled back."""
        self._fail(_NOT_COMMITTED, None)

    def _is_under_way(self) -> None:
        """Nobody else has to see to it: it is published, or has ended."""
        self._bridge.transport.clear_deadline(self._deadline)

    @property
    def _origin(self) -> Origin:
        return self._reporter.origin

    def _keeps_back(self, failure: BaseException) -> bool:
        """Whether what an eager task has raised is not to be raised here: a chain or chord does so without asking."""
        conf = self._bridge.app.conf
        return isinstance(failure, Exception) and conf.task_always_eager and not conf.task_eager_propagates

    def _fail(self, code: str, failure: BaseException | None) -> bool:
        """True where the job had ended before, as by an eager task's own error."""
        error = ErrorPayload(message="The job could not be started.", code=code, reference=self.job.job_id)
        ended = self._reporter.send(JobFailed(payload=FailedPayload(error=error)))
        had_ended = bool(ended and ended.status is AppendStatus.ENDED)
        if failure is not None and not had_ended:
            log_failure("job_not_enqueued", failure, job_id=self.job.job_id, task=self._canvas.name)
        self._is_under_way()
        return had_ended


def _was_never_enqueued(job: JobSnapshot) -> bool:
    error: dict[str, Any] = job.fields.get("error") or {}
    return error.get("code") in {_NOT_ENQUEUED, _NOT_COMMITTED}
