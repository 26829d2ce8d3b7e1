"""Celery's signals become a job's lifecycle events, and its context is handed to every task published inside it.

Receivers look their bridge up through the task's app, so several apps in one process stay apart. A receiver never
raises into Celery: what it calls reports without raising, and Celery logs the rest.
"""

from __future__ import annotations

from typing import Any

from celery import current_task, signals

from chanx.bridge.context import HEADER, JobContext
from chanx.bridge.events import JobCancelledEvent, JobEvent, JobStarted, JobTaskState, ReasonPayload, TaskPayload
from chanx.bridge.worker import outcome
from chanx.bridge.worker.job import Job
from chanx.bridge.worker.run import context_of, is_root, job_of, reporter_of


def connect() -> None:
    """Connects the receivers once in this process, however often it is called."""
    for signal, receiver in (
        (signals.before_task_publish, hand_on_context),
        (signals.task_prerun, on_prerun),
        (signals.task_retry, on_retry),
        (signals.task_success, on_success),
        (signals.task_failure, on_failure),
        (signals.task_revoked, on_revoked),
    ):
        signal.connect(receiver, weak=False, dispatch_uid=f"chanx.bridge.{receiver.__name__}")


def hand_on_context(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """before_task_publish: a task published while a task of a job runs belongs to that job too."""
    if headers is None or HEADER in headers:
        return
    request = getattr(current_task, "request", None)
    context = context_of(request)
    if context is not None:
        headers[HEADER] = context.to_header()


def on_prerun(task: Any = None, **_: Any) -> None:
    context = context_of(task.request)
    if context is not None:
        _report(task, context, JobStarted(), "started")


def on_retry(sender: Any = None, request: Any = None, reason: Any = None, **_: Any) -> None:
    context = context_of(request)
    if context is not None:
        _report(sender, context, outcome.retrying(reason), "retrying")


def on_success(sender: Any = None, result: Any = None, **_: Any) -> None:
    context = context_of(sender.request)
    if context is not None:
        _report(sender, context, outcome.succeeded(result), "succeeded")


def on_failure(sender: Any = None, task_id: str = "", exception: BaseException | None = None, **_: Any) -> None:
    """In the pool child that ran the task; in the worker's parent process where that child died or ran out of time."""
    context = context_of(sender.request)
    if context is not None and sender.request.id == task_id:
        _report(sender, context, outcome.failed(exception or RuntimeError(), task_id=task_id), "failed")


def on_revoked(sender: Any = None, request: Any = None, **_: Any) -> None:
    """In the worker's parent process: revoked before it ran, expired, or terminated."""
    context = context_of(request)
    if context is None or not is_root(context, request.id):
        return
    reporter = reporter_of(sender, request)
    if reporter is not None:
        reporter.send(JobCancelledEvent(payload=ReasonPayload()))


def _report(task: Any, context: JobContext, event: JobEvent, task_state: Any) -> None:
    """The job's own event for its root task; a ``job_task`` event for any other task of the job."""
    request = task.request
    if not is_root(context, request.id):
        event = JobTaskState(payload=TaskPayload(name=task.name, state=task_state))
    job: Job = job_of(task)
    job.finish(event)
