"""Starting a job: mint its id, store it, queue its tasks, and hand back what a page needs to watch it.

start_job ─> JobStore.create ─> job_queued ─> apply_async, now or on commit ─> before_task_publish gives the context
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from celery import Task
from celery.canvas import Signature
from pydantic import BaseModel, ConfigDict

from chanx.bridge.canvas import Canvas, canvas_of
from chanx.bridge.committed import after_commit
from chanx.bridge.context import JobContext
from chanx.bridge.encoding import Origin
from chanx.bridge.entry import AppendStatus
from chanx.bridge.events import ErrorPayload, FailedPayload, JobFailed, JobQueued
from chanx.bridge.installed import Bridge, bridge_of
from chanx.bridge.names import job_topic, new_job_id
from chanx.bridge.owner import owner_of
from chanx.bridge.reporter import JobReporter, drop_pending
from chanx.bridge.scope import PublishScope, current_scope, entered
from chanx.bridge.snapshot import JobRecord, JobSnapshot
from chanx.bridge.unread_results import let_go
from chanx.core.failures import log_failure
from chanx.errors import ConfigurationError
from chanx.layers import valid_group_name

_STARTING = "start"
"""What a canvas waits for while its first tasks are published."""
_NOT_ENQUEUED = "not_enqueued"
_NOT_COMMITTED = "not_committed"


class JobRef(BaseModel):
    """What a client needs to watch a job: send it in a message's payload, or put it into a page."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    topic: str


@dataclass(frozen=True, slots=True)
class StartedJob:
    """A job that is on its way. ``task_id`` is Celery's id of its task, or of its canvas's result."""

    job_id: str
    task_id: str

    @property
    def ref(self) -> JobRef:
        return JobRef(job_id=self.job_id, topic=job_topic(self.job_id))


def start_job_sync(
    task: Task[Any, Any] | Signature[Any],
    /,
    *args: Any,
    owner: object,
    meta: Mapping[str, Any] | None = None,
    groups: Sequence[str] | str = (),
    reply_to: object = None,
    idempotency_key: str | None = None,
    on_commit: bool = False,
    task_options: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> StartedJob:
    """Starts ``task(*args, **kwargs)`` as a job of ``owner`` (a user object, or an owner string).

    ``task`` may also be a signature, chain, group or chord: then the job ends with the last of its tasks, and its
    result is that of the final task, or a list of theirs. The job is stored before anything is published, so a page
    can subscribe at once.

    ``meta`` is yours (a title, say) and comes back in the job's snapshot; ``task_options`` go to ``apply_async``
    (``queue``, ``countdown``, …). ``groups`` are channel-layer groups that ``job.notify(event)`` reaches, ``reply_to``
    is the consumer (or its ``channel_name``) that ``job.reply(event)`` reaches. With an ``idempotency_key`` that the
    owner has used within the store's retention, nothing is started and the earlier job is returned, unless that one
    could not be started. With ``on_commit``
    the task is published once Django's current transaction is committed; a rollback ends the job as failed.

    Raises ``StoreUnavailableError`` if the job cannot be stored: then nothing was started. Raises what Celery raises if
    the task cannot be published: then the job has ended as failed. ``on_commit`` does not raise that any more.
    """
    if task_options and "task_id" in task_options:
        raise ConfigurationError('task_options={"task_id": ...}: leave it out, or set it on a signature of the task')
    if idempotency_key is not None and not _is_key(idempotency_key):
        raise ConfigurationError(f"idempotency_key={idempotency_key!r}: pass a text that is not empty, or None")
    start = _Start(
        bridge_of(task.app),
        canvas_of(task.s() if isinstance(task, Task) else task),
        partial(_apply, args, kwargs, dict(task_options or {})),
        owner=owner_of(owner),
        groups=tuple(map(valid_group_name, [groups] if isinstance(groups, str) else groups)),
        reply_channel=_channel_of(reply_to),
    )
    earlier = start.store(meta=dict(meta or {}), idempotency_key=idempotency_key)
    if earlier is not None:
        return earlier
    if on_commit:
        start.enqueue_on_commit()
    else:
        start.enqueue()
    return start.job


async def start_job(
    task: Task[Any, Any] | Signature[Any],
    /,
    *args: Any,
    owner: object,
    meta: Mapping[str, Any] | None = None,
    groups: Sequence[str] | str = (),
    reply_to: object = None,
    idempotency_key: str | None = None,
    on_commit: bool = False,
    task_options: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> StartedJob:
    """As :func:`start_job_sync`, from async code; the broker and the store are talked to in a thread.

    With ``on_commit`` that is the thread of Django's database connections.
    """
    start = partial(
        start_job_sync,
        task,
        *args,
        owner=owner,
        meta=meta,
        groups=groups,
        reply_to=reply_to,
        idempotency_key=idempotency_key,
        on_commit=on_commit,
        task_options=task_options,
        **kwargs,
    )
    return await (_in_database_thread(start) if on_commit else asyncio.to_thread(start))


class _Start:
    """One job on its way from the call to the broker."""

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
        )
        self.job = StartedJob(self._context.job_id, canvas.result_id)
        self._first = None if self._context.canvas else secrets.token_hex(8)
        self._reporter = JobReporter(bridge.transport, job_id=self.job.job_id, task_id=canvas.result_id, attempt=0)

    def store(self, *, meta: dict[str, Any], idempotency_key: str | None) -> StartedJob | None:
        """Stores the job as queued; the job that has the key already, where there is one."""
        record = JobRecord(
            job_id=self.job.job_id,
            owner=self._context.owner,
            name=self._canvas.name,
            task_id=self._canvas.result_id,
            created_at=datetime.now(UTC),
            meta=meta,
            idempotency_key=idempotency_key,
        )
        pending = {self._first or _STARTING: self._canvas.result_id}
        while (job_id := self._bridge.store.create(record, pending=pending, tasks=self._canvas.tasks)) != record.job_id:
            earlier = self._bridge.store.snapshot(job_id)
            if earlier is None or not _was_never_enqueued(earlier):
                return StartedJob(job_id, earlier.task_id if earlier else "")
            # That one did nothing: this is the next attempt, and two of these are one as well.
            record = record.model_copy(update={"idempotency_key": f"{record.idempotency_key}:{job_id}"})
        self._reporter.send(JobQueued())
        return None

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
            self._fail(_NOT_ENQUEUED, failure)
            raise
        scope.close(*() if self._first else (_STARTING,), noticed_by=self._origin)

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

    @property
    def _origin(self) -> Origin:
        return self._reporter.origin

    def _fail(self, code: str, failure: BaseException | None) -> None:
        error = ErrorPayload(message="The job could not be started.", code=code, reference=self.job.job_id)
        ended = self._reporter.send(JobFailed(payload=FailedPayload(error=error)))
        # An eager task's own error has ended the job before.
        if failure is not None and not (ended and ended.status is AppendStatus.ENDED):
            log_failure("job_not_enqueued", failure, job_id=self.job.job_id, task=self._canvas.name)


def _apply(args: tuple[Any, ...], kwargs: dict[str, Any], options: dict[str, Any], signature: Any, **more: Any) -> None:
    signature.apply_async(args, kwargs, **more, **options)


def _was_never_enqueued(job: JobSnapshot) -> bool:
    error: dict[str, Any] = job.fields.get("error") or {}
    return error.get("code") in {_NOT_ENQUEUED, _NOT_COMMITTED}


def _is_key(key: object) -> bool:
    return isinstance(key, str) and bool(key.strip())


def _channel_of(reply_to: object) -> str | None:
    channel = getattr(reply_to, "channel_name", reply_to)
    if channel is None or isinstance(channel, str):
        return channel
    raise ConfigurationError(f"reply_to={reply_to!r}: pass a consumer, or its channel_name")


async def _in_database_thread(start: Callable[[], StartedJob]) -> StartedJob:
    try:
        from asgiref.sync import sync_to_async
    except ImportError as error:
        raise ConfigurationError("on_commit=True needs Django, whose transaction it waits for") from error
    return await sync_to_async(start, thread_sensitive=True)()
