"""Starting a job: mint its id, store it, queue its task, and hand back what a page needs to watch it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from celery import Task, current_task
from celery.utils import uuid
from pydantic import BaseModel, ConfigDict

from chanx.bridge.context import HEADER, JobContext
from chanx.bridge.events import ErrorPayload, FailedPayload, JobFailed, JobQueued
from chanx.bridge.installed import bridge_of
from chanx.bridge.names import job_topic, new_job_id
from chanx.bridge.owner import owner_of
from chanx.bridge.reporter import JobReporter
from chanx.bridge.snapshot import JobRecord
from chanx.core.failures import log_failure


class JobRef(BaseModel):
    """What a client needs to watch a job: send it in a message's payload, or put it into a page."""

    model_config = ConfigDict(frozen=True)

    job_id: str
    topic: str


@dataclass(frozen=True, slots=True)
class StartedJob:
    """A job that is on its way. ``task_id`` is Celery's id of its task, for ``AsyncResult``."""

    job_id: str
    task_id: str

    @property
    def ref(self) -> JobRef:
        return JobRef(job_id=self.job_id, topic=job_topic(self.job_id))


def start_job_sync(
    task: Task[Any, Any],
    /,
    *args: Any,
    owner: object,
    meta: Mapping[str, Any] | None = None,
    task_options: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> StartedJob:
    """Starts ``task(*args, **kwargs)`` as a job of ``owner`` (a user object, or an owner string).

    The job is stored before its task is published, so a page can subscribe at once. ``meta`` is yours (a title, say)
    and comes back in the job's snapshot; ``task_options`` go to ``apply_async`` (``queue``, ``countdown``, …).

    Raises ``StoreUnavailableError`` if the job cannot be stored: then nothing was started. Raises what Celery raises if
    the task cannot be published: then the job has ended as failed.
    """
    bridge = bridge_of(task.app)
    context = JobContext(new_job_id(), owner_of(owner), root_task_id=uuid(), parent_job=_current_job_id())
    bridge.store.create(
        JobRecord(
            job_id=context.job_id,
            owner=context.owner,
            name=task.name,
            task_id=context.root_task_id,
            created_at=datetime.now(UTC),
            meta=dict(meta or {}),
        )
    )
    reporter = JobReporter(bridge.transport, job_id=context.job_id, task_id=context.root_task_id, attempt=0)
    reporter.send(JobQueued())
    options = dict(task_options or {})
    own_headers: Mapping[str, Any] = options.pop("headers", None) or {}
    headers: Any = {**own_headers, HEADER: context.to_header()}
    try:
        task.apply_async(args, kwargs, task_id=context.root_task_id, headers=headers, **options)
    except Exception as failure:
        log_failure("job_not_enqueued", failure, job_id=context.job_id, task=task.name)
        error = ErrorPayload(message="The job could not be started.", code="not_enqueued", reference=context.job_id)
        reporter.send(JobFailed(payload=FailedPayload(error=error)))
        raise
    return StartedJob(context.job_id, context.root_task_id)


async def start_job(
    task: Task[Any, Any],
    /,
    *args: Any,
    owner: object,
    meta: Mapping[str, Any] | None = None,
    task_options: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> StartedJob:
    """As :func:`start_job_sync`, from async code; the broker and the store are talked to in a thread."""
    start = partial(start_job_sync, task, *args, owner=owner, meta=meta, task_options=task_options, **kwargs)
    return await asyncio.to_thread(start)


def _current_job_id() -> str | None:
    request = getattr(current_task, "request", None)
    context = JobContext.from_headers(request.headers) if request else None
    return context.job_id if context else None
