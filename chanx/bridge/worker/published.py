"""What is published while a task of a job runs belongs to that job, and the job waits for it.

before_task_publish ─> pending set, header ─> broker ─> after_task_publish: it went out
"""

from __future__ import annotations

from functools import partial
from typing import Any

from celery import current_task

from chanx.bridge.context import HEADER, JobContext
from chanx.bridge.encoding import Origin
from chanx.bridge.outgoing import OUTGOING
from chanx.bridge.scope import PublishScope, is_detached, scope_of_message
from chanx.bridge.worker.received import RECEIVED
from chanx.bridge.worker.unconfirmed import UNCONFIRMED


def hand_on_context(headers: dict[str, Any] | None = None, properties: dict[str, Any] | None = None, **_: Any) -> None:
    """before_task_publish: every message gets a publish id of its own, also where headers were copied (a retry)."""
    if headers is None:
        return
    own = scope_of_message(headers.get("id"))
    if own is None and is_detached():
        headers.pop(HEADER, None)
        return
    scope = own or _scope_in_parent(headers)
    if scope is None or _is_of_another_job(headers, scope.context):
        return
    publish_id = scope.register(str(headers.get("id")))
    headers[HEADER] = scope.context.published_as(publish_id).to_header()
    if own is None and publish_id:
        UNCONFIRMED.get().add(publish_id, partial(_give_up, scope))
    keep_until_taken(properties)


def keep_until_taken(properties: dict[str, Any] | None) -> None:
    """Leaves it to the worker to throw an expired message away: RabbitMQ does it without a word, and the job waits."""
    if properties is not None:
        properties.pop("expiration", None)


def confirm(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """after_task_publish."""
    context = JobContext.from_headers(headers)
    if context is None:
        return
    OUTGOING.withdraw(context.publish_id)
    scope = scope_of_message((headers or {}).get("id"))
    if scope is not None:
        scope.confirm(context.publish_id)
    else:
        UNCONFIRMED.get().confirm(context.publish_id)


def _give_up(scope: PublishScope) -> None:
    scope.close(noticed_by=Origin(scope.context.job_id, scope.context.root_task_id, 1, ""))


def _scope_in_parent(headers: dict[str, Any]) -> PublishScope | None:
    """In the worker's parent process: an errback or a retry of a task whose child is lost."""
    if getattr(current_task, "request", None) is not None:
        return None  # whoever publishes belongs to no job, even if what started it did (see detach)
    received = RECEIVED.get().get(headers.get("id"), headers.get("parent_id"), headers.get("root_id"))
    return PublishScope(received.bridge.transport, received.context) if received else None


def _is_of_another_job(headers: dict[str, Any], context: JobContext) -> bool:
    if HEADER not in headers:
        return False
    own = JobContext.from_headers(headers)
    return own is None or own.job_id != context.job_id
