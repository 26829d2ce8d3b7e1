"""What a worker's parent process learns of tasks that cannot tell it themselves: revoked, killed, timed out, unknown.

Nothing here stalls the parent, whose every task would wait: a store that is away is asked once a second.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from chanx.bridge import outcome
from chanx.bridge.context import JobContext
from chanx.bridge.events import JobEvent
from chanx.bridge.installed import bridge_or_none
from chanx.bridge.reporter import JobReporter
from chanx.bridge.scope import PublishScope
from chanx.bridge.worker.received import RECEIVED, ReceivedTask, received_with
from chanx.bridge.worker_id import WORKER
from chanx.layers.breaker import CircuitBreaker
from chanx.log import log_throttled
from chanx.utils.process import PerProcess

MAX_WAITING = 1000
"""Reports that wait for the store; of more, the oldest are lost."""


class ParentReports:
    """Sends reports, at once where the store answers, else from :meth:`retry`; they are idempotent."""

    def __init__(self) -> None:
        self._breaker = CircuitBreaker()
        self._waiting: deque[Callable[[], bool]] = deque(maxlen=MAX_WAITING)

    def send(self, report: Callable[[], bool]) -> None:
        """``report`` returns whether it got through."""
        if self._breaker.allows() and self._try(report):
            return
        if len(self._waiting) == MAX_WAITING:
            log_throttled("parent_report_lost", key=id(self), waiting=MAX_WAITING)
        self._waiting.append(report)

    def retry(self) -> None:
        """Sends what could not be sent; called by the janitor now and then."""
        while self._waiting and self._try(self._waiting[0]):
            self._waiting.popleft()

    def _try(self, report: Callable[[], bool]) -> bool:
        if report():
            self._breaker.succeeded()
            return True
        self._breaker.failed()
        return False


REPORTS = PerProcess(ParentReports)


def on_received(sender: Any = None, request: Any = None, **_: Any) -> None:
    """task_received: a consumer got a message, which nobody has looked at yet."""
    context = JobContext.from_headers(request.request_dict)
    bridge = bridge_or_none(request.app) if context else None
    if context is not None and bridge is not None:
        retries = request.request_dict.get("retries") or 0
        RECEIVED.get().add(
            ReceivedTask(bridge, context, request.id, request.name, retries + 1, acks_late=request.task.acks_late)
        )


def on_failure_in_parent(task: Any, task_id: str, exception: BaseException | None) -> None:
    """A child was lost, or ran out of time. Celery tells some of it twice, and the second time without a request."""
    # What was received last may be the next attempt already, so the request counts first, where there is one. If nobody
    # can tell which attempt it was, the janitor finds the execution whose process is dead.
    own = received_with(task, task.request) if task.request.id == task_id else None
    received = own or RECEIVED.get().only(task_id)
    if received:
        end(received, outcome.failed(exception or RuntimeError(), task_id=task_id))


def on_retry_in_parent(task: Any, request: Any, reason: Any) -> None:
    """A retry after a lost child; without a ``reason`` a worker that stops while the task runs."""
    received = received_with(task, request)
    if received is None:
        return
    if reason is not None:
        end(received, outcome.retrying(reason))
    elif not received.acks_late:
        end(received, outcome.stopped("worker_shutdown", task_id=received.task_id))


def on_revoked(sender: Any = None, request: Any = None, expired: bool = False, **_: Any) -> None:
    """task_revoked: revoked before it ran, expired, or terminated."""
    received = received_with(sender, request)
    if received:
        stopped = outcome.stopped("expired", task_id=received.task_id) if expired else outcome.cancelled()
        end(received, stopped)


def on_unknown(sender: Any = None, message: Any = None, name: str = "", id: str = "", **_: Any) -> None:
    """task_unknown: no task of that name is registered in this worker; the message is thrown away."""
    _end_unread(sender, message, str(name), "unknown_task")


def on_rejected(sender: Any = None, message: Any = None, exc: Any = None, **_: Any) -> None:
    """task_rejected: a message that is no task, or has a content type that the worker does not accept."""
    on_unreadable(sender, message)


def on_unreadable(consumer: Any, message: Any) -> None:
    """A message that cannot be read as a task; it is thrown away."""
    headers: Any = getattr(message, "headers", None) or {}
    _end_unread(consumer, message, str(headers.get("task")), "invalid_task")


def end(received: ReceivedTask, event: JobEvent) -> None:
    """Tells how an execution ended; ``event`` as if its task were the whole job."""
    REPORTS.get().send(lambda: end_now(received, event))


def end_now(received: ReceivedTask, event: JobEvent) -> bool:
    """As :func:`end`, whatever the store is like; whether it got through."""
    context, transport = received.context, received.bridge.transport
    place = f"{context.publish_id or received.task_id}:{event.action}"
    reporter = JobReporter(
        transport, job_id=context.job_id, task_id=received.task_id, attempt=received.attempt, run_id=place
    )
    if received.task_name in outcome.HELPERS:
        PublishScope(transport, context).close(context.publish_id, noticed_by=reporter.origin)
        return True
    told = outcome.as_told(event, context, task_id=received.task_id, task_name=received.task_name)
    if reporter.send(told, ending=outcome.ending_of(event, context.publish_id)) is None:
        return False
    if WORKER.current and context.publish_id:
        transport.release(WORKER.current, [context.publish_id])
    return True


def _end_unread(consumer: Any, message: Any, name: str, code: str) -> None:
    headers: Any = getattr(message, "headers", None) or {}
    context, bridge = JobContext.from_headers(headers), bridge_or_none(consumer.app)
    task_id = headers.get("id")
    if context is not None and bridge is not None and isinstance(task_id, str):
        attempt = (headers.get("retries") or 0) + 1
        end(ReceivedTask(bridge, context, task_id, name, attempt), outcome.stopped(code, task_id=task_id))
