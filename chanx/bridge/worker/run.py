"""Finds the job of the Celery request that is running: which job, which attempt, and this run's `Job` object."""

from __future__ import annotations

from typing import Any

from chanx.bridge.context import JobContext
from chanx.bridge.installed import bridge_or_none
from chanx.bridge.reporter import JobReporter
from chanx.bridge.transports.nowhere import NowhereTransport
from chanx.bridge.worker.job import Job

_ATTRIBUTE = "chanx_job"
_NOWHERE = NowhereTransport()


def job_of(task: Any) -> Job:
    """The job of the task's current request; one that reports to nobody if the request belongs to none."""
    request = task.request
    job = getattr(request, _ATTRIBUTE, None)
    if isinstance(job, Job):
        return job
    job = Job(reporter_of(task, request) or JobReporter(_NOWHERE, job_id="", task_id=str(request.id), attempt=1))
    setattr(request, _ATTRIBUTE, job)
    return job


def reporter_of(task: Any, request: Any) -> JobReporter | None:
    """A reporter for a request that belongs to a job, in whatever process; None for any other task."""
    context = context_of(request)
    bridge = bridge_or_none(task.app)
    if context is None or bridge is None:
        return None
    return JobReporter(
        bridge.transport,
        job_id=context.job_id,
        task_id=request.id,
        attempt=(request.retries or 0) + 1,
        is_root=is_root(context, request.id),
    )


def context_of(request: Any) -> JobContext | None:
    """The job context in the headers of a Celery request."""
    return JobContext.from_headers(getattr(request, "headers", None))


def is_root(context: JobContext, task_id: str) -> bool:
    """Whether the job ends with this task."""
    return context.root_task_id == task_id
