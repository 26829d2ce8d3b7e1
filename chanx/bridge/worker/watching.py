"""Ordinary tasks that become jobs by being published outside of any: stored just before they go out."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import partial, wraps
from typing import Any, Final, ParamSpec, TypeVar

from celery import Celery, signals

from chanx.bridge.context import HEADER, JobContext
from chanx.bridge.entry import Deadline, Execution
from chanx.bridge.events import ErrorPayload, FailedPayload, JobFailed, JobQueued
from chanx.bridge.installed import Bridge, bridge_or_none
from chanx.bridge.names import is_job_id, list_group, new_job_id
from chanx.bridge.observer import ENQUEUE_SECONDS
from chanx.bridge.reporter import JobReporter
from chanx.bridge.scope import current_scope
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.states import JobState
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.watch import Watch
from chanx.bridge.worker.published import keep_until_taken
from chanx.bridge.worker.unconfirmed import UNCONFIRMED
from chanx.core.failures import log_failure
from chanx.errors import ConfigurationError
from chanx.layers.breaker import CircuitBreaker
from chanx.log import log_throttled
from chanx.metrics import JOB_EVENTS_PUBLISHED
from chanx.telemetry import measure
from chanx.utils.process import PerProcess

P = ParamSpec("P")
R = TypeVar("R")

BREAKER: Final = PerProcess(CircuitBreaker)

_WRAPPED = "chanx_watches"

# The signal tells the task's name only, and apps may share names.
_publishing: ContextVar[Celery | None] = ContextVar("chanx_publishing", default=None)


def connect(app: Celery) -> None:
    """Watches what the app publishes."""
    if not hasattr(app, _WRAPPED):
        setattr(app, _WRAPPED, True)
        setattr(app, "send_task", _naming_the_app(app, app.send_task))  # noqa: B010  # the type forbids it
    signals.before_task_publish.connect(_on_publish, weak=False, dispatch_uid="chanx.bridge.watch.publish")


def _naming_the_app(app: Celery, send_task: Callable[P, R]) -> Callable[P, R]:
    """``send_task``, through which all publishing goes, made to tell the signal's receivers whose it is."""

    @wraps(send_task)
    def send(*args: P.args, **kwargs: P.kwargs) -> R:
        token = _publishing.set(app)
        try:
            return send_task(*args, **kwargs)
        finally:
            _publishing.reset(token)

    return send


def watched_headers(bridge: Bridge, name: str, request: Any) -> dict[str, Any] | None:
    """The headers of an eager request; with the context of a job if the task is a watched one."""
    context = _job_for(bridge, name, request.id, request.args or (), request.kwargs or {}, seconds=None)
    return {**(request.headers or {}), HEADER: context.to_header()} if context else request.headers


def _on_publish(
    sender: str = "", headers: Any = None, body: Any = None, properties: dict[str, Any] | None = None, **_: Any
) -> None:
    bridge = bridge_or_none(_publishing.get())
    if bridge is None or headers is None or HEADER in headers or current_scope() is not None:
        return
    args, kwargs, _embed = body
    context = _job_for(bridge, sender, str(headers["id"]), args, kwargs, seconds=ENQUEUE_SECONDS)
    if context is not None:
        headers[HEADER] = context.to_header()
        keep_until_taken(properties)
        unconfirmed = UNCONFIRMED.get()
        unconfirmed.give_up_old()
        unconfirmed.add(
            context.publish_id,
            partial(_end_unpublished, bridge, context),
            confirmed=partial(bridge.transport.clear_deadline, _deadline(context, sender)),
        )


def _end_unpublished(bridge: Bridge, context: JobContext) -> None:
    error = ErrorPayload(message="The job could not be started.", code="not_enqueued", reference=context.job_id)
    _reporter(bridge, context).send(JobFailed(payload=FailedPayload(error=error)))


def _job_for(
    bridge: Bridge, name: str, task_id: str, args: Sequence[Any], kwargs: Mapping[str, Any], *, seconds: float | None
) -> JobContext | None:
    """A new job for a task, stored as queued; None where it is not watched, or cannot be.

    Others fail it unless its message has gone out in so many ``seconds``; None for a task that is no message.
    """
    watch, rests = bridge.watch, BREAKER.get()
    if watch is None or not watch.wants(name, bridge.app.tasks.get(name)) or not rests.allows():
        return None
    owner = _owner(watch, name, args, kwargs)
    if owner is None:
        return None
    job_id = task_id if is_job_id(task_id) else new_job_id()
    context = JobContext(job_id, owner, root_task_id=task_id).published_as(secrets.token_hex(8))
    record = JobRecord(job_id=job_id, owner=owner, name=name, task_id=task_id, created_at=datetime.now(UTC))
    queued = _reporter(bridge, context).entry(JobQueued())
    try:
        if seconds is not None:
            bridge.store.set_deadline(_deadline(context, name), seconds=seconds)
        bridge.store.create(record, pending={context.publish_id: task_id}, tasks={task_id: True}, first=queued)
    except StoreUnavailableError as error:
        rests.failed()
        log_throttled("task_not_watched", key=id(bridge), name=name, error=str(error))
        return None
    except ConfigurationError as error:  # somebody publishes the same task id twice
        log_throttled("task_not_watched", key=id(bridge), name=name, error=str(error))
        return None
    rests.succeeded()
    measure(JOB_EVENTS_PUBLISHED, 1, {"chanx.action": queued.action})
    bridge.transport.tell_lists([list_group(owner)], job_id, JobState.QUEUED)
    return context


def _deadline(context: JobContext, name: str) -> Deadline:
    task_id = context.root_task_id
    return Deadline("enqueue", Execution(context.job_id, context.publish_id, task_id, name, 0, is_root=True))


def _owner(watch: Watch, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
    try:
        return watch.owner_for(name, args, kwargs)
    except Exception as error:  # the user's function; the task goes out all the same
        log_failure("watch_owner_failed", error, name=name)
        return None


def _reporter(bridge: Bridge, context: JobContext) -> JobReporter:
    return JobReporter(bridge.transport, job_id=context.job_id, task_id=context.root_task_id, attempt=0)
