"""Celery's signals become a job's lifecycle events: how each run begins and ends, in the process that runs it.

Receivers look their bridge up through the task's app, so several apps in one process stay apart. A receiver never
raises into Celery: what it calls reports without raising, and Celery logs the rest.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import Any

from celery import signals, states

from chanx.bridge import outcome
from chanx.bridge.context import HEADER
from chanx.bridge.installed import bridge_or_none
from chanx.bridge.scope import PublishScope, current_scope, enter, leave
from chanx.bridge.worker import parent, watching
from chanx.bridge.worker.published import confirm, hand_on_context
from chanx.bridge.worker.run import Run, context_of, run_of
from chanx.errors import JobCancelled
from chanx.utils import log_context

_TOKEN = "chanx_token"
_LOG_TOKEN = "chanx_log_token"
_REPLACED = "Replaced by new task"  # what Celery's Task.on_replace says when it raises Ignore

_last_run: ContextVar[Run | None] = ContextVar("chanx_last_run", default=None)


def connect() -> None:
    """Connects the receivers once in this process, however often it is called."""
    for signal, receiver in (
        (signals.before_task_publish, hand_on_context),
        (signals.after_task_publish, confirm),
        (signals.task_prerun, on_prerun),
        (signals.task_retry, on_retry),
        (signals.task_success, on_success),
        (signals.task_failure, on_failure),
        (signals.task_internal_error, on_internal_error),
        (signals.task_postrun, on_postrun),
        (signals.task_received, parent.on_received),
        (signals.task_revoked, parent.on_revoked),
        (signals.task_unknown, parent.on_unknown),
        (signals.task_rejected, parent.on_rejected),
    ):
        signal.connect(receiver, weak=False, dispatch_uid=f"chanx.bridge.{receiver.__name__}")


def on_prerun(task: Any = None, **_: Any) -> None:
    request = task.request
    bridge = bridge_or_none(task.app)
    if request.is_eager:
        _hand_on_in_memory(request)
        if bridge and current_scope() is None and not context_of(request):
            request.headers = watching.watched_headers(bridge, task.name, request)
    context = context_of(request)
    run = Run(bridge, context, task) if context and bridge else None
    setattr(request, _TOKEN, enter(run))
    if run:
        setattr(request, _LOG_TOKEN, log_context.bind(job_id=run.context.job_id, task_id=run.task_id))
        run.start()


def on_success(sender: Any = None, result: Any = None, **_: Any) -> None:
    run = run_of(sender.request)
    if run:
        run.end(outcome.succeeded(result))


def on_retry(sender: Any = None, request: Any = None, reason: Any = None, **_: Any) -> None:
    run = run_of(request)
    if run:
        run.end(outcome.retrying(reason))
    else:
        parent.on_retry_in_parent(sender, request, reason)


def on_failure(sender: Any = None, task_id: str = "", exception: BaseException | None = None, **_: Any) -> None:
    """In the process that ran the task; in the worker's parent where that process died or ran out of time."""
    # A result backend that is away fails the task after its postrun, when the request is gone.
    run = run_of(sender.request) or _unended_last_run()
    if run and run.task_id == task_id:
        run.end(outcome.failed(exception or RuntimeError(), task_id=task_id))
    else:
        parent.on_failure_in_parent(sender, task_id, exception)


def on_internal_error(sender: Any = None, task_id: str = "", exception: BaseException | None = None, **_: Any) -> None:
    """Something around the task failed: the result backend that is away, which cannot be told of a failure either."""
    run = run_of(sender.request) or _unended_last_run()
    if run and run.task_id == task_id:
        run.end(outcome.failed(exception or RuntimeError(), task_id=task_id))


def _unended_last_run() -> Run | None:
    run = _last_run.get()
    return None if run is None or run.is_ended else run


def on_postrun(task: Any = None, retval: Any = None, state: str | None = None, **_: Any) -> None:
    request = task.request
    token = getattr(request, _TOKEN, None)
    if token is not None:
        leave(token)
    run = run_of(request)
    if run is None:
        return
    _last_run.set(run)
    try:
        if not run.is_ended:
            _end_silent_run(run, task, retval, state)
        run.close(noticed_by=run.reporter.origin)
    finally:  # a time limit may strike here, too
        log_context.unbind(getattr(request, _LOG_TOKEN))


def _end_silent_run(run: Run, task: Any, retval: Any, state: str | None) -> None:
    """For the outcomes that have no signal of their own."""
    if state == states.IGNORED:
        if isinstance(retval, JobCancelled):
            run.end(outcome.cancelled())
        elif str(retval) == _REPLACED:
            run.give_up()
        else:
            # It may have said of itself in the result backend what it came to.
            run.end(outcome.stored(task.app, run.task_id) or outcome.cancelled("ignored"))
    elif state == states.REJECTED:
        if getattr(retval, "requeue", False):
            # The same message comes again, and with it the same execution.
            run.release()
        else:
            run.end(outcome.stopped("rejected", task_id=run.task_id))
    elif run.is_eager and state is None:
        run.end(outcome.failed(sys.exc_info()[1] or RuntimeError(), task_id=run.task_id))
    elif not task.acks_late:
        # The message of a task that acknowledges late comes again, unless the parent tells of its end.
        run.expect_word()


def _hand_on_in_memory(request: Any) -> None:
    """An eager task is not published: the context comes from the code that calls it."""
    scope: PublishScope | None = current_scope()
    if scope is None or context_of(request):
        return
    publish_id = scope.take_first(request.id) or ""
    request.headers = {**(request.headers or {}), HEADER: scope.context.published_as(publish_id).to_header()}
