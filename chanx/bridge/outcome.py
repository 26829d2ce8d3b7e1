"""What a job's end looks like to the people who watch: a result as JSON, or an error that is safe to show."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from celery import Celery, states
from celery.exceptions import Reject, Retry, SoftTimeLimitExceeded, TimeLimitExceeded, WorkerLostError
from pydantic_core import to_json

from chanx.bridge.context import JobContext
from chanx.bridge.encoding import MAX_EVENT_BYTES, json_form, without_surrogates
from chanx.bridge.entry import Ending
from chanx.bridge.events import (
    ErrorPayload,
    FailedPayload,
    JobCancelledEvent,
    JobEvent,
    JobFailed,
    JobRetrying,
    JobSucceeded,
    JobTaskState,
    ReasonPayload,
    RetryPayload,
    SucceededPayload,
    TaskPayload,
    TaskState,
)
from chanx.errors import JobError

GENERAL_MESSAGE = "Something went wrong while the job was running."
TIME_LIMIT_MESSAGE = "The job took longer than it may and was stopped."
WORKER_LOST_MESSAGE = "The process that ran the job died."
RETRY_MESSAGE = "The attempt failed and will be repeated."
STOPPED_MESSAGES = {
    "worker_exited": "The process that ran the job stopped without a result.",
    "worker_shutdown": "The worker was shut down before the job had ended.",
    "unknown_task": "No worker knows how to run the job.",
    "invalid_task": "The job's task could not be read.",
    "expired": "The job was not started before it expired.",
    "rejected": "The job was rejected.",
    "not_enqueued": "The job could not be started.",
}
INTERRUPTED_MESSAGE = "The worker of the task died. The task will run again."

HELPERS: Final = frozenset({"celery.chord_unlock", "celery.backend_cleanup"})
"""Tasks of Celery's own that say nothing to whoever watches a job."""

MAX_TEXT = 4000
"""Characters of a :class:`JobError`'s text that are shown, at most."""

# Room for the other fields of the event beside the result.
_MAX_RESULT_BYTES = MAX_EVENT_BYTES - 2048


def succeeded(result: object) -> JobSucceeded:
    """The closing event of a task that returned ``result``; what has no JSON form is shown as its ``repr``."""
    value, size = json_form(result)
    if size > _MAX_RESULT_BYTES:
        return JobSucceeded(payload=SucceededPayload(result_omitted=True))
    return JobSucceeded(payload=SucceededPayload(result=value))


def stopped(code: str, *, task_id: str) -> JobFailed:
    """The closing event of a task that stopped for a reason of Celery's: a key of ``STOPPED_MESSAGES``."""
    error = ErrorPayload(message=STOPPED_MESSAGES[code], code=code, reference=task_id)
    return JobFailed(payload=FailedPayload(error=error))


def cancelled(reason: str | None = None) -> JobCancelledEvent:
    """The closing event of a task that was cancelled, revoked or ignored."""
    return JobCancelledEvent(payload=ReasonPayload(reason=reason))


def failed(error: BaseException, *, task_id: str) -> JobFailed:
    """The closing event of a task that raised. Only a :class:`JobError` says its own text: others may hold secrets."""
    if isinstance(error, JobError):
        shown = ErrorPayload(message=_shown(error.message), code=_shown(error.code), reference=task_id)
    elif isinstance(error, SoftTimeLimitExceeded | TimeLimitExceeded):
        shown = ErrorPayload(message=TIME_LIMIT_MESSAGE, code="time_limit", reference=task_id)
    elif isinstance(error, WorkerLostError):
        shown = ErrorPayload(message=WORKER_LOST_MESSAGE, code="worker_lost", reference=task_id)
    elif isinstance(error, Reject):
        return stopped("rejected", task_id=task_id)
    else:
        shown = ErrorPayload(message=GENERAL_MESSAGE, reference=task_id)
    return JobFailed(payload=FailedPayload(error=shown))


def lost(task_id: str) -> JobFailed:
    """The closing event of a task whose process died."""
    return failed(WorkerLostError(), task_id=task_id)


def stored(app: Celery, task_id: str) -> JobEvent | None:
    """The closing event that the result backend knows; None where the task has not ended, or nobody can tell."""
    try:
        result: Any = app.AsyncResult(task_id)
        state, value = result.state, result.result
    except Exception:  # no result backend, or one that is away: whatever its library raises
        return None
    match state:
        case states.SUCCESS:
            return succeeded(value)
        case states.FAILURE:
            return failed(value if isinstance(value, BaseException) else RuntimeError(), task_id=task_id)
        case states.REVOKED:
            return cancelled()
        case _:
            return None


def retrying(reason: BaseException) -> JobRetrying:
    """The event of an attempt that asked to be repeated; ``reason`` is Celery's Retry, with the cause inside."""
    cause = reason.exc if isinstance(reason, Retry) else reason
    message = _shown(cause.message) if isinstance(cause, JobError) else RETRY_MESSAGE
    when = reason.when if isinstance(reason, Retry) else None
    return JobRetrying(payload=RetryPayload(reason=message, countdown=_seconds_until(when)))


def ending_of(event: JobEvent, publish_id: str) -> Ending:
    """What a closing event of a task, or its retry, says about the execution that it ends."""
    match event:
        case JobSucceeded():
            return Ending(publish_id, "succeeded", "" if event.payload.result_omitted else _json(event.payload.result))
        case JobFailed():
            return Ending(publish_id, "failed", event.payload.error.model_dump_json())
        case JobCancelledEvent():
            return Ending(publish_id, "cancelled", _json(event.payload.reason))
        case _:
            return Ending(publish_id, "none")


def as_told(event: JobEvent, context: JobContext, *, task_id: str, task_name: str) -> JobEvent:
    """A task's event as its job tells it: the root speaks for the job, any other task for itself."""
    return event if context.is_root(task_id) else as_nested(event, task_name)


def as_nested(event: JobEvent, task_name: str) -> JobEvent:
    """A task's event as it is told of a task that does not speak for its job."""
    match event:
        case JobSucceeded():
            return task_state(task_name, "succeeded")
        case JobFailed():
            return task_state(task_name, "failed")
        case JobCancelledEvent():
            return task_state(task_name, "cancelled")
        case JobRetrying():
            return task_state(task_name, "retrying")
        case _:
            return task_state(task_name, "started")


def task_state(name: str, state: TaskState) -> JobTaskState:
    return JobTaskState(payload=TaskPayload(name=name, state=state))


def _json(value: object) -> str:
    return to_json(value, inf_nan_mode="null").decode()


def _shown(text: object) -> str:
    """A text of the user's as one that can be sent, whatever it is: an end that cannot be sent would be no end."""
    shown = without_surrogates(str(text))
    return shown if len(shown) <= MAX_TEXT else f"{shown[:MAX_TEXT]}…"


def _seconds_until(when: object) -> float | None:
    """Celery's ``when`` is a countdown in seconds or a time."""
    if isinstance(when, datetime):
        return max((when - datetime.now(UTC)).total_seconds(), 0.0) if when.tzinfo else None
    return float(when) if isinstance(when, int | float) else None
